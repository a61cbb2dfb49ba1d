"""Leases, waits and back-offs of a few seconds, files that kill whoever looks at them, and a count of executions."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, BinaryIO

from celery.signals import task_prerun
from django.apps import AppConfig
from django.conf import settings

LEASE = timedelta(seconds=int(os.environ.get("HURRY_LEASE", "2")))
MARK = b"poison: "


class HurryConfig(AppConfig):
    name = "tests.integration.hurry"

    def ready(self) -> None:
        hurry()
        poison()
        if os.environ.get("HURRY_WITHOUT_DIGEST"):
            leave_the_digest_to_the_worker()
        task_prerun.connect(count_execution, weak=False)


def hurry() -> None:
    from django_largefiles.lifecycle import leases
    from django_largefiles.outbox import removals, signals
    from django_largefiles.pipeline import heartbeat

    leases.LEASE = LEASE
    leases.FIRST_DELAY = timedelta(seconds=1)
    heartbeat.BEAT_SECONDS = 0.5
    leases.HAND_OVER = timedelta(seconds=3)
    signals.RESEND_AFTER = timedelta(seconds=4)
    removals.GRACE = timedelta(seconds=1)


def poison() -> None:
    """What stands behind the mark, at the end of a file, happens to the worker that sniffs it."""
    from django_largefiles.pipeline import examination

    sniff_file = examination.sniff_file

    def sniff(file: BinaryIO) -> str:
        file.seek(-48, os.SEEK_END)
        name = file.read().rpartition(MARK)[2].decode(errors="replace")
        POISONS.get(name, lambda: None)()
        return sniff_file(file)

    examination.sniff_file = sniff


def leave_the_digest_to_the_worker() -> None:
    from django_largefiles.intake import writing

    writing._restored_digest = lambda upload: None


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def segfault() -> None:
    ctypes.string_at(0)


def out_of_memory() -> None:
    raise MemoryError


def too_long() -> None:
    time.sleep(3600)


def deaf() -> None:
    """Not even the soft time limit gets through."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    time.sleep(3600)


def killed_before_the_signal() -> None:
    """After the commit of the next transition."""
    from django_largefiles.outbox import signals

    signals._send = lambda *args: killed()


def killed_after_the_signal() -> None:
    """When the receivers have heard of the next transition, before anybody knows that they have."""
    from django_largefiles.models import PendingSignal

    PendingSignal.delete = lambda *args, **options: killed()


POISONS: dict[str, Callable[[], None]] = {
    poison.__name__: poison
    for poison in (
        killed,
        segfault,
        out_of_memory,
        too_long,
        deaf,
        killed_before_the_signal,
        killed_after_the_signal,
    )
}


def count_execution(sender: Any, args: Any, **_: Any) -> None:
    if sender.name == "django_largefiles.tasks.process":
        descriptor = os.open(settings.DATA_DIR / "executions.log", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        os.write(descriptor, f"{args[0]}\n".encode())
        os.close(descriptor)
