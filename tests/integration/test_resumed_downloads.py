"""Clients that resume downloads get the right bytes, wherever they were cut off."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest

from django_largefiles.options import MIB
from tests.conftest import png
from tests.integration.conftest import Example, client_of
from tests.integration.cutting import CuttingNetwork

pytestmark = pytest.mark.integration

CUTS = 8
# Bytes that differ everywhere, so that none can stand for another.
CONTENT = png() + Random(1).randbytes(32 * MIB)
SEEDS = range(3)


@dataclass(frozen=True, kw_only=True)
class Program:
    """``command`` gets the URL and the path. It is ``repeated`` if the program does not retry by itself.

    ``at_once`` is how many connections the program has at a time.
    """

    name: str
    command: Callable[[str, Path], Sequence[str]]
    repeated: bool = False
    at_once: int = 1


def curl(url: str, path: Path) -> Sequence[str]:
    return ["curl", "--silent", "--fail", "--continue-at", "-", "--output", str(path), url]


def wget(url: str, path: Path) -> Sequence[str]:
    return ["wget", "--quiet", "--continue", "--tries=0", "--waitretry=0", "-O", str(path), url]


def aria2(url: str, path: Path) -> Sequence[str]:
    several = ("--split=8", "--max-connection-per-server=8", "--min-split-size=1M")
    patient = ("--max-tries=0", "--retry-wait=1", "--auto-file-renaming=false", "--file-allocation=none")
    return ["aria2c", "--quiet", "--no-conf", *several, *patient, f"--dir={path.parent}", f"--out={path.name}", url]


PROGRAMS = [
    Program(name="curl", command=curl, repeated=True),
    Program(name="wget", command=wget),
    Program(name="aria2c", command=aria2, at_once=8),
]


@pytest.mark.parametrize("kind", ["gunicorn", "uvicorn"])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_a_download_that_is_cut_off_is_resumed(
    program: Program, kind: str, example: Example, tmp_path: Path
) -> None:  # needs_program
    if not shutil.which(program.name):
        pytest.skip(f"{program.name} is not installed")
    env = {"DJANGO_SETTINGS_MODULE": "tests.integration.immediate_settings"}
    server = example.server(kind=kind, options=["--threads", "16"] if kind == "gunicorn" else [], env=env)
    picture = tmp_path / "large.png"
    picture.write_bytes(CONTENT)
    asset = client_of(server).upload(picture, media_type="image/png").body
    assert asset["sha256"] == sha256(CONTENT).hexdigest()
    for seed in SEEDS:
        received = tmp_path / f"received-{seed}.png"
        with CuttingNetwork(server, cuts=CUTS, seed=seed) as network:
            command = program.command(f"{network.url}/files/assets/{asset['id']}/download/", received)
            runs = CUTS + 1 if program.repeated else 1
            codes = [subprocess.run(command, check=False, timeout=120).returncode for _ in range(runs)]
            assert codes[-1] == 0
            assert CUTS <= network.done < CUTS + program.at_once
        assert sha256(received.read_bytes()).hexdigest() == asset["sha256"]
