"""Disks of a few MiB, in memory, which tests can fill."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from django_largefiles.options import MIB


@contextmanager
def small_disk(size: int) -> Iterator[Path]:  # needs_mounting
    """An empty one of so many bytes, which all users may enter."""
    with tempfile.TemporaryDirectory(prefix="largefiles-disk-") as folder:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", folder], check=True, capture_output=True
        )
        try:
            yield Path(folder)
        finally:
            # Lazily, since a process that was killed may take a moment to let go.
            subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk: Path) -> Path:  # needs_mounting
    """Use up all of its room, as another program might, with the file that is returned."""
    hog = disk / "hog"
    with hog.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(MIB)):
                pass
        except OSError:
            os.fsync(file.fileno())
    return hog


def why_no_disk() -> str:  # needs_mounting
    try:
        with small_disk(MIB):
            return ""
    except (OSError, subprocess.CalledProcessError) as error:
        return f"a small disk cannot be mounted: {error}"


needs_mounting = pytest.mark.skipif(bool(why_no_disk()), reason=why_no_disk() or "it can be mounted")
