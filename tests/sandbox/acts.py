"""What a parser that was taken over might do. Each act is run in a child, confined or not, and raises if it fails."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from django_largefiles.extractors.base import Extractor, Metadata

PR_SET_PDEATHSIG = 1
IPC_PRIVATE, IPC_RMID = 0, 0
F_SETSIG = 10
FIONBIO = 0x5421

CHANNEL = 3
"""On which the child answers."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What there is to act upon."""

    folder: str
    """With a file ``secret`` in it."""
    tcp_port: int
    udp_port: int
    unix_path: str
    abstract_name: str
    pid: int
    """Of the parent."""

    @property
    def secret(self) -> Path:
        return Path(self.folder, "secret")


class Acting(Extractor):
    """The file names the act and describes the scene."""

    def extract(self, file: BinaryIO, media_type: str) -> Metadata:
        told = json.load(file)
        ACTS[told["act"]](Scene(**told["scene"]))
        return Metadata(title="done")


def read_a_user_file(scene: Scene) -> None:
    assert scene.secret.read_bytes() == b"secret"


def read_etc_passwd(scene: Scene) -> None:
    assert Path("/etc/passwd").read_bytes()


def read_the_parent_s_environment(scene: Scene) -> None:
    Path(f"/proc/{scene.pid}/environ").read_bytes()


def list_a_folder(scene: Scene) -> None:
    assert os.listdir(scene.folder) == ["secret"]  # noqa: PTH208


def write_a_new_file(scene: Scene) -> None:
    Path(scene.folder, "new").write_bytes(b"x")


def write_into_a_file(scene: Scene) -> None:
    with scene.secret.open("r+b") as file:
        file.write(b"x")


def truncate_a_file(scene: Scene) -> None:
    os.truncate(scene.secret, 0)


def remove_a_file(scene: Scene) -> None:
    scene.secret.unlink()


def rename_a_file(scene: Scene) -> None:
    scene.secret.rename(Path(scene.folder, "renamed"))


def make_a_folder(scene: Scene) -> None:
    Path(scene.folder, "new").mkdir()


def make_a_link(scene: Scene) -> None:
    Path(scene.folder, "new").symlink_to("/")


def change_a_mode(scene: Scene) -> None:
    scene.secret.chmod(0o777)


def change_a_time(scene: Scene) -> None:
    os.utime(scene.secret, (0, 0))


def connect_by_tcp(scene: Scene) -> None:
    with socket.create_connection(("127.0.0.1", scene.tcp_port)):
        pass


def listen_by_tcp(scene: Scene) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()


def send_by_udp(scene: Scene) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sending:
        sending.sendto(b"secret", ("127.0.0.1", scene.udp_port))


def connect_to_a_unix_socket(scene: Scene) -> None:
    with socket.socket(socket.AF_UNIX) as connecting:
        connecting.connect(scene.unix_path)


def connect_to_an_abstract_socket(scene: Scene) -> None:
    with socket.socket(socket.AF_UNIX) as connecting:
        connecting.connect(f"\0{scene.abstract_name}")


def fork(scene: Scene) -> None:
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)


def start_a_thread(scene: Scene) -> None:
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()


def execute_a_program(scene: Scene) -> None:
    os.set_inheritable(CHANNEL, True)
    os.execv("/bin/sh", ["sh", "-c", f"echo executed >&{CHANNEL}"])


def spawn_a_program(scene: Scene) -> None:
    subprocess.run(["/bin/true"], check=True)


def trace(scene: Scene) -> None:
    call("ptrace", 0, 0, 0, 0)


def signal_the_parent(scene: Scene) -> None:
    os.kill(scene.pid, signal.SIGCONT)


def have_the_kernel_signal_the_parent(scene: Scene) -> None:
    reading, writing = os.pipe()
    fcntl.fcntl(reading, F_SETSIG, signal.SIGCONT)
    fcntl.fcntl(reading, fcntl.F_SETOWN, scene.pid)
    fcntl.fcntl(reading, fcntl.F_SETFL, os.O_ASYNC)
    os.write(writing, b"x")


def change_a_descriptor(scene: Scene) -> None:
    fcntl.ioctl(CHANNEL, FIONBIO, struct.pack("i", 0))


def slow_the_parent_down(scene: Scene) -> None:
    os.setpriority(os.PRIO_PROCESS, scene.pid, os.getpriority(os.PRIO_PROCESS, scene.pid))


def outlive_the_parent(scene: Scene) -> None:
    call("prctl", PR_SET_PDEATHSIG, 0, 0, 0, 0)


def change_its_limits(scene: Scene) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def keep_bytes_in_shared_memory(scene: Scene) -> None:
    segment = call("shmget", IPC_PRIVATE, ctypes.c_size_t(4096), 0o600)
    call("shmctl", segment, IPC_RMID, None)


def keep_bytes_in_a_nameless_file(scene: Scene) -> None:
    os.close(os.memfd_create("x"))


def allocate_a_gigabyte(scene: Scene) -> None:
    bytearray(1024**3)


def call(name: str, *arguments: object) -> int:
    result: int = getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return result


ACTS: dict[str, Callable[[Scene], None]] = {
    act.__name__: act
    for act in (
        read_a_user_file,
        read_etc_passwd,
        read_the_parent_s_environment,
        list_a_folder,
        write_a_new_file,
        write_into_a_file,
        truncate_a_file,
        remove_a_file,
        rename_a_file,
        make_a_folder,
        make_a_link,
        change_a_mode,
        change_a_time,
        connect_by_tcp,
        listen_by_tcp,
        send_by_udp,
        connect_to_a_unix_socket,
        connect_to_an_abstract_socket,
        fork,
        start_a_thread,
        execute_a_program,
        spawn_a_program,
        trace,
        signal_the_parent,
        have_the_kernel_signal_the_parent,
        change_a_descriptor,
        slow_the_parent_down,
        outlive_the_parent,
        change_its_limits,
        keep_bytes_in_shared_memory,
        keep_bytes_in_a_nameless_file,
        allocate_a_gigabyte,
    )
}
