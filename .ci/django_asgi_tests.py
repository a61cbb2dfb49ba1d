"""Run Django's own tests of ASGI with our handler in place of Django's, and with every body claimed.

They are in the source distribution of the Django that is installed, which pip fetches into the folder given.
"""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import tarfile
from pathlib import Path

import django
from django.core import asgi as entry
from django.core.handlers import asgi as handlers

from django_largefiles import asgi as ours


class Handler(ours.StreamingASGIHandler):
    chunk_size = handlers.ASGIHandler.chunk_size  # the tests count messages


def source(folder: Path) -> Path:
    """Return the folder of Django's sources."""
    name = f"django-{django.__version__}"
    archive = folder / f"{name}.tar.gz"
    if not archive.exists():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "django"]
        subprocess.run([*command, "--dest", str(folder), f"django=={django.__version__}"], check=True)
    with tarfile.open(archive) as sources:
        sources.extractall(folder, filter="data")
    return folder / name


def claimed(_: object) -> bool:
    return True


def main(folder: Path) -> None:
    tests = source(folder) / "tests"
    os.chdir(tests)
    sys.path.insert(0, str(tests))
    ours.is_claimed = claimed
    entry.ASGIHandler = handlers.ASGIHandler = Handler  # type: ignore[misc]
    sys.argv = ["runtests.py", "asgi", "--parallel=1"]
    runpy.run_path("runtests.py", run_name="__main__")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
