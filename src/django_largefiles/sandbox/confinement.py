"""The layers that confine a parser that was taken over. Each is applied if the platform has it."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from . import landlock, linux, seccomp
from .spec import Spec

LAYERS = (
    "dies-with-parent",
    "rlimits",
    "no-capabilities",
    "no-new-privs",
    "not-dumpable",
    "landlock",
    "seccomp",
)
"""In the order in which they are applied. Landlock's name is followed by the version of its interface."""

MAX_OPEN_FILES = 16

_TASKS = Path("/proc/self/task")


def die_with(parent: int) -> list[str]:
    """Have the kernel kill this process when its parent ends. Return the layers in force."""
    held = _held(_ask_to_die_with_parent)
    if os.getppid() != parent:
        # The parent ended before the kernel was asked.
        raise SystemExit(1)
    return held


def confine(spec: Spec) -> list[str]:
    """Give up, irrevocably, everything that reading one file does not need. Return the layers in force.

    The parser has been imported before, and no byte of the file has been read.
    """
    return _held(
        partial(_limit_resources, spec),
        _drop_capabilities,
        _gain_no_privileges,
        _hide_from_debuggers,
        partial(_restrict_files, spec.readable),
        _filter_calls,
    )


def _held(*layers: Callable[[], str]) -> list[str]:
    held = []
    for apply in layers:
        with suppress(OSError):
            held.append(apply())
    return held


def _ask_to_die_with_parent() -> str:
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
    return "dies-with-parent"


def _limit_resources(spec: Spec) -> str:
    limits = (
        (resource.RLIMIT_AS, spec.memory_bytes, spec.memory_bytes),
        # The kernel sends SIGXCPU at the soft limit, which says why; a second later SIGKILL.
        (resource.RLIMIT_CPU, spec.cpu_seconds, spec.cpu_seconds + 1),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_NOFILE, MAX_OPEN_FILES, MAX_OPEN_FILES),
        # Threads count too. root is not limited by this.
        (resource.RLIMIT_NPROC, 0, 0),
    )
    refused = [limit for limit in limits if not _limit(*limit)]
    if refused:
        raise OSError("the platform refuses a limit")
    return "rlimits"


def _limit(kind: int, soft: int, hard: int) -> bool:
    """Lower one limit, never above the present one. Return False if the platform refuses (macOS: AS)."""
    with suppress(OSError, ValueError):
        ceiling = resource.getrlimit(kind)[1]
        if ceiling == resource.RLIM_INFINITY:
            ceiling = sys.maxsize
        resource.setrlimit(kind, (min(soft, ceiling), min(hard, ceiling)))
        return True
    return False


def _drop_capabilities() -> str:
    linux.drop_capabilities()
    return "no-capabilities"


def _gain_no_privileges() -> str:
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    return "no-new-privs"


def _hide_from_debuggers() -> str:
    linux.prctl(linux.PR_SET_DUMPABLE, 0)
    return "not-dumpable"


def _restrict_files(readable: list[str]) -> str:
    alone = _is_single_thread()
    version = landlock.restrict(readable)
    if not alone:
        # Landlock restricts the calling thread, and those that it starts afterwards.
        raise OSError("importing the extractor has started threads, which Landlock does not restrict")
    return f"landlock-{version}"


def _is_single_thread() -> bool:
    with suppress(OSError):
        return len(list(_TASKS.iterdir())) == 1
    return False


def _filter_calls() -> str:
    seccomp.install()
    return "seccomp"
