"""System calls that a parser never needs, with their numbers, grouped by what they act on.

From ``asm/unistd_64.h`` (x86-64) and ``asm-generic/unistd.h`` (aarch64, which lacks the older ones).
"""

from __future__ import annotations

from typing import NamedTuple


class Number(NamedTuple):
    """The number of one call on each architecture."""

    x86_64: int
    aarch64: int | None


LAST_KNOWN = 450
"""``set_mempolicy_home_node``, of Linux 5.17. Later calls fail as on an older kernel, with ``ENOSYS``."""

DENIED: dict[str, dict[str, Number]] = {
    "networks and other processes' sockets": {
        "socket": Number(41, 198),
        "connect": Number(42, 203),
        "accept": Number(43, 202),
        "sendto": Number(44, 206),
        "recvfrom": Number(45, 207),
        "sendmsg": Number(46, 211),
        "recvmsg": Number(47, 212),
        "bind": Number(49, 200),
        "listen": Number(50, 201),
        "socketpair": Number(53, 199),
        "accept4": Number(288, 242),
        "recvmmsg": Number(299, 243),
        "sendmmsg": Number(307, 269),
    },
    "new processes, threads and programs": {
        "clone": Number(56, 220),
        "fork": Number(57, None),
        "vfork": Number(58, None),
        "execve": Number(59, 221),
        "execveat": Number(322, 281),
    },
    "other processes": {
        "ptrace": Number(101, 117),
        "setpgid": Number(109, 154),
        "setsid": Number(112, 157),
        "rt_sigqueueinfo": Number(129, 138),
        "setpriority": Number(141, 140),
        "sched_setparam": Number(142, 118),
        "sched_setscheduler": Number(144, 119),
        "sched_setaffinity": Number(203, 122),
        "ioprio_set": Number(251, 30),
        "migrate_pages": Number(256, 238),
        "move_pages": Number(279, 239),
        "rt_tgsigqueueinfo": Number(297, 240),
        "process_vm_readv": Number(310, 270),
        "process_vm_writev": Number(311, 271),
        "kcmp": Number(312, 272),
        "sched_setattr": Number(314, 274),
        "pidfd_send_signal": Number(424, 424),
        "pidfd_open": Number(434, 434),
        "pidfd_getfd": Number(438, 438),
        "process_madvise": Number(440, 440),
        "process_mrelease": Number(448, 448),
    },
    "its own confinement and identity": {
        "setuid": Number(105, 146),
        "setgid": Number(106, 144),
        "setreuid": Number(113, 145),
        "setregid": Number(114, 143),
        "setgroups": Number(116, 159),
        "setresuid": Number(117, 147),
        "setresgid": Number(119, 149),
        "setfsuid": Number(122, 151),
        "setfsgid": Number(123, 152),
        "capset": Number(126, 91),
        "personality": Number(135, 92),
        "prctl": Number(157, 167),
        "setrlimit": Number(160, 164),
    },
    "files, also those that it cannot open": {
        "truncate": Number(76, 45),
        "ftruncate": Number(77, 46),
        "rename": Number(82, None),
        "mkdir": Number(83, None),
        "rmdir": Number(84, None),
        "creat": Number(85, None),
        "link": Number(86, None),
        "unlink": Number(87, None),
        "symlink": Number(88, None),
        "chmod": Number(90, None),
        "fchmod": Number(91, 52),
        "chown": Number(92, None),
        "fchown": Number(93, 55),
        "lchown": Number(94, None),
        "utime": Number(132, None),
        "mknod": Number(133, None),
        "setxattr": Number(188, 5),
        "lsetxattr": Number(189, 6),
        "fsetxattr": Number(190, 7),
        "removexattr": Number(197, 14),
        "lremovexattr": Number(198, 15),
        "fremovexattr": Number(199, 16),
        "utimes": Number(235, None),
        "inotify_init": Number(253, None),
        "inotify_add_watch": Number(254, 27),
        "mkdirat": Number(258, 34),
        "mknodat": Number(259, 33),
        "fchownat": Number(260, 54),
        "futimesat": Number(261, None),
        "unlinkat": Number(263, 35),
        "renameat": Number(264, 38),
        "linkat": Number(265, 37),
        "symlinkat": Number(266, 36),
        "fchmodat": Number(268, 53),
        "utimensat": Number(280, 88),
        "fallocate": Number(285, 47),
        "inotify_init1": Number(294, 26),
        "fanotify_init": Number(300, 262),
        "fanotify_mark": Number(301, 263),
        "name_to_handle_at": Number(303, 264),
        "open_by_handle_at": Number(304, 265),
        "renameat2": Number(316, 276),
    },
    "memory that no limit counts and that outlives it": {
        "shmget": Number(29, 194),
        "shmat": Number(30, 196),
        "shmctl": Number(31, 195),
        "semget": Number(64, 190),
        "semop": Number(65, 193),
        "semctl": Number(66, 191),
        "msgget": Number(68, 186),
        "msgsnd": Number(69, 189),
        "msgrcv": Number(70, 188),
        "msgctl": Number(71, 187),
        "semtimedop": Number(220, 192),
        "mq_open": Number(240, 180),
        "mq_unlink": Number(241, 181),
        "memfd_create": Number(319, 279),
        "memfd_secret": Number(447, 447),
    },
    "parts of the kernel that have had most holes": {
        "modify_ldt": Number(154, None),
        "io_setup": Number(206, 0),
        "io_submit": Number(209, 2),
        "add_key": Number(248, 217),
        "request_key": Number(249, 218),
        "keyctl": Number(250, 219),
        "splice": Number(275, 76),
        "tee": Number(276, 77),
        "vmsplice": Number(278, 75),
        "perf_event_open": Number(298, 241),
        "bpf": Number(321, 280),
        "userfaultfd": Number(323, 282),
        "io_uring_setup": Number(425, 425),
        "io_uring_enter": Number(426, 426),
        "io_uring_register": Number(427, 427),
    },
    "the machine": {
        "syslog": Number(103, 116),
        "vhangup": Number(153, 58),
        "pivot_root": Number(155, 41),
        "adjtimex": Number(159, 171),
        "chroot": Number(161, 51),
        "acct": Number(163, 89),
        "settimeofday": Number(164, 170),
        "mount": Number(165, 40),
        "umount2": Number(166, 39),
        "swapon": Number(167, 224),
        "swapoff": Number(168, 225),
        "reboot": Number(169, 142),
        "sethostname": Number(170, 161),
        "setdomainname": Number(171, 162),
        "iopl": Number(172, None),
        "ioperm": Number(173, None),
        "init_module": Number(175, 105),
        "delete_module": Number(176, 106),
        "quotactl": Number(179, 60),
        "clock_settime": Number(227, 112),
        "kexec_load": Number(246, 104),
        "unshare": Number(272, 97),
        "clock_adjtime": Number(305, 266),
        "setns": Number(308, 268),
        "finit_module": Number(313, 273),
        "kexec_file_load": Number(320, 294),
        "open_tree": Number(428, 428),
        "move_mount": Number(429, 429),
        "fsopen": Number(430, 430),
        "fsconfig": Number(431, 431),
        "fsmount": Number(432, 432),
        "fspick": Number(433, 433),
        "mount_setattr": Number(442, 442),
        "quotactl_fd": Number(443, 443),
    },
}

MISSING = {
    "clone3": Number(435, 435),
    "openat2": Number(437, 437),
}
"""Their arguments are in memory, which a filter cannot read. If they seem to be missing, libraries use older calls."""

SIGNALLING = {
    "kill": Number(62, 129),
    "tkill": Number(200, 130),
    "tgkill": Number(234, 131),
}
"""Allowed for the process itself only, so that ``abort`` works."""

OPENING = {
    "open": (Number(2, None), 1),
    "openat": (Number(257, 56), 2),
}
"""Allowed for reading only. With the position of the flags among the arguments."""

FCNTL = Number(72, 25)
IOCTL = Number(16, 29)
PRLIMIT = Number(302, 261)
SECCOMP = Number(317, 277)
