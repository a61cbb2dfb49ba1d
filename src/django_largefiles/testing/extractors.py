"""The contract of extractors, as tests: subclass ``ExtractorContract`` in your suite, with samples."""

from __future__ import annotations

import io
import os
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias

import pytest

from ..extractors.base import Metadata
from ..options import ExtractionLimits
from ..sandbox.answer import ExtractorRaised
from ..sandbox.probe import lacking, machine
from ..sandbox.runner import Extraction, run

Run: TypeAlias = Callable[[IO[Any]], Extraction]

ZEROS_BEHIND = 3 * 1024**3

_IMPORT_WITHOUT_DJANGO = """
import importlib, sys
sys.modules["django"] = None
importlib.import_module(sys.argv[1])
"""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A small, valid file of a type that the extractor knows."""

    content: bytes
    media_type: str


class ExtractorContract:
    """Provide a fixture ``extractor``, the dotted path, and a fixture ``sample``, parametrized if there are several.

    Everything is run as in production: confined, in a child process. pytest collects the tests of a subclass named
    ``Test…``.
    """

    @pytest.fixture
    def limits(self) -> ExtractionLimits:
        """Override it if the extractor is used with other limits."""
        return ExtractionLimits()

    @pytest.fixture
    def run(self, extractor: str, sample: Sample, limits: ExtractionLimits) -> Run:
        return lambda file: run(extractor, file, sample.media_type, limits)

    def assert_survives(self, run: Run, file: IO[Any]) -> None:
        """Assert that the extractor ends by itself: it may raise any exception, also for an exhausted read budget."""
        try:
            run(file)
        except ExtractorRaised as raised:
            assert not raised.detail.startswith("MemoryError"), "it takes memory without bounds"  # noqa: PT017

    def test_a_sample_is_described(self, run: Run, sample: Sample) -> None:
        assert run(io.BytesIO(sample.content)).metadata != Metadata()

    def test_it_is_a_function_of_the_file_alone(self, run: Run, sample: Sample, tmp_path: Path) -> None:
        """The result is the same from a descriptor and from a file that is read in pieces from another machine."""
        path = tmp_path / "sample"
        path.write_bytes(sample.content)
        with path.open("rb") as file:
            assert run(file).metadata == run(io.BytesIO(sample.content)).metadata

    def test_it_is_held_by_every_layer_that_the_machine_has(self, run: Run, sample: Sample) -> None:
        """Importing the extractor must start no thread, which no layer would restrict."""
        assert lacking(run(io.BytesIO(sample.content)).confinement) == machine().lacking

    def test_it_imports_no_django(self, extractor: str) -> None:
        module = extractor.rpartition(".")[0]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", _IMPORT_WITHOUT_DJANGO, module]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
        assert done.returncode == 0, done.stderr

    @pytest.mark.parametrize("part", [0, 0.01, 0.5, 0.99], ids=["all", "nearly all", "half", "the end"])
    def test_a_file_of_which_something_is_missing_is_survived(self, run: Run, sample: Sample, part: float) -> None:
        self.assert_survives(run, io.BytesIO(sample.content[: int(part * len(sample.content))]))

    @pytest.mark.parametrize("seed", [1, 2])
    def test_a_damaged_file_is_survived(self, run: Run, sample: Sample, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311
        damaged = bytearray(sample.content)
        for _ in range(max(10, len(damaged) // 100)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        self.assert_survives(run, io.BytesIO(damaged))

    def test_a_file_of_something_else_is_survived(self, run: Run) -> None:
        self.assert_survives(run, io.BytesIO(random.Random(3).randbytes(200_000)))  # noqa: S311

    def test_gigabytes_of_zeros_behind_it_are_survived(self, run: Run, sample: Sample, tmp_path: Path) -> None:
        path = tmp_path / "sample"
        path.write_bytes(sample.content)
        os.truncate(path, len(sample.content) + ZEROS_BEHIND)
        with path.open("rb") as file:
            self.assert_survives(run, file)
