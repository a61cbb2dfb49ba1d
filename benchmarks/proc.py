"""Linux's counters of a process, in bytes (proc_pid_status(5), proc_pid_io(5))."""

from __future__ import annotations

import re
from pathlib import Path

KIB = 1024


def resident(pid: int) -> int:
    return _status(pid, "VmRSS")


def peak_resident(pid: int) -> int:
    """Return the peak since the process started, or since ``reset_peak``."""
    return _status(pid, "VmHWM")


def reset_peak(pid: int) -> None:
    # proc_pid_clear_refs(5): 5 resets the peak to the current resident memory.
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def written(pid: int) -> int:
    """Return the bytes passed to ``write`` and similar calls, whether they have reached a disk or not."""
    return int(_field(Path(f"/proc/{pid}/io").read_text(), "wchar"))


def stored(pid: int) -> int:
    """Return the bytes written to disks, now or later; writes to sockets are not included."""
    return int(_field(Path(f"/proc/{pid}/io").read_text(), "write_bytes"))


def read(pid: int) -> int:
    """Return the bytes read by ``read`` and similar calls, from a disk or not; reads from sockets are not included."""
    return int(_field(Path(f"/proc/{pid}/io").read_text(), "rchar"))


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _status(pid: int, name: str) -> int:
    return int(_field(Path(f"/proc/{pid}/status").read_text(), name)) * KIB


def _field(text: str, name: str) -> str:
    found = re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)
    assert found, f"{name} is not told"
    return found[1]
