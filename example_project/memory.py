"""Measure the peak memory of a process and its children."""

from __future__ import annotations

import re
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil

KIB = 1024
SAMPLE_SECONDS = 0.05


class MemoryWatch:
    """Measure from entry to exit. Figures are bytes of resident memory, including shared pages of each process.

    Linux records the peak of each process; on other systems memory is sampled. Entering resets the recorded peaks; a
    watch that is already running keeps its last sample.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._idle: dict[int, int] = {}
        self._peaks: dict[int, int] = {}
        self._stop = threading.Event()
        self._sampler = threading.Thread(target=self._sample_until_stopped, daemon=True)

    def __enter__(self) -> Self:
        for process in _family(self._pid):
            _reset_peak(process.pid)
            self._idle[process.pid] = process.memory_info().rss
        self._peaks = dict(self._idle)
        self._sampler.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self._sampler.join()
        self._sample()

    @property
    def idle(self) -> int:
        """Return the memory of all processes at entry."""
        return sum(self._idle.values())

    @property
    def rise(self) -> int:
        """Return the growth of the processes that existed at entry, each at its own peak."""
        return sum(self._peaks[pid] - idle for pid, idle in self._idle.items())

    @property
    def peak(self) -> int:
        return self.idle + self.rise

    @property
    def short_lived(self) -> int:
        """Return the largest peak of a process that was started later. Very short-lived ones may be missed."""
        return max((peak for pid, peak in self._peaks.items() if pid not in self._idle), default=0)

    def _sample_until_stopped(self) -> None:
        while not self._stop.wait(SAMPLE_SECONDS):
            self._sample()

    def _sample(self) -> None:
        for process in _family(self._pid):
            with suppress(psutil.Error, OSError):
                self._peaks[process.pid] = _peak(process, seen=self._peaks.get(process.pid, 0))


def _family(pid: int) -> list[psutil.Process]:
    with suppress(psutil.Error):
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    return []


def _reset_peak(pid: int) -> None:
    # proc_pid_clear_refs(5): 5 resets the peak to the current resident memory.
    with suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def _peak(process: psutil.Process, seen: int) -> int:
    """Return ``VmHWM`` if the kernel provides it, else the maximum of ``seen`` and the current resident memory.

    An earlier sample may include memory of the parent, which a new process shares until it runs its program.
    """
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except FileNotFoundError:
        return max(seen, process.memory_info().rss)
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    # A process that has ended has no such line.
    return int(found[1]) * KIB if found else seen
