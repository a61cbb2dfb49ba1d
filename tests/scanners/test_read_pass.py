from __future__ import annotations

import hashlib
import os
import threading
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from django_largefiles.exceptions import StoreUnavailable
from django_largefiles.scanners import read_pass, running
from django_largefiles.scanners.base import Abandoned, Sample, Scanner, ScanResult
from django_largefiles.scanners.read_pass import Reading, read_through
from django_largefiles.scanners.selftest import eicar
from django_largefiles.states import ScanVerdict, Stage
from django_largefiles.testing.scanners import FakeScanner
from tests.scanners import odd
from tests.scanners.odd import CLEAN

CONTENT = b"0123456789" * 10
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class CountingFile(BytesIO):
    """What was read of it."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.taken: list[int] = []

    def read(self, size: int | None = -1, /) -> bytes:
        chunk = super().read(size)
        self.taken.append(len(chunk))
        return chunk


def reading(file: Any, *scanners: Scanner, **other: Any) -> Reading:
    given = {"size": len(CONTENT), "sha256": "", "chunk_size": 10, "tell": lambda stage, done: None}
    return read_through(file, scanners=scanners, **{**given, **other})


def verdicts(result: Reading) -> list[ScanVerdict]:
    return [report.result.verdict for report in result.scans]


def test_the_digest_is_made() -> None:
    assert reading(BytesIO(CONTENT)) == Reading(sha256=SHA256, crc32=zlib.crc32(CONTENT), scans=())


def test_where_nobody_needs_the_bytes_none_is_read() -> None:
    file = CountingFile(CONTENT)
    assert reading(file, sha256="made before") == Reading(sha256="made before", crc32=None, scans=())
    assert file.taken == []


def test_sha512_is_made_if_it_is_asked_for() -> None:
    result = reading(BytesIO(CONTENT), sha256="made before", sha512=True)
    assert (result.sha256, result.sha512) == ("made before", hashlib.sha512(CONTENT).hexdigest())


def test_a_scanner_that_reads_by_itself_needs_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    with (tmp_path / "file").open("rb") as file:
        assert verdicts(reading(file, odd.Apart(), sha256="made before")) == [ScanVerdict.CLEAN]
        assert file.tell() == 0


def test_everybody_gets_each_chunk_and_the_file_is_read_once() -> None:
    got: list[list[bytes]] = []

    class Noting(Scanner):
        def scan(self, sample: Sample) -> ScanResult:
            got.append(list(sample.chunks))
            return CLEAN

    file = CountingFile(CONTENT)
    result = reading(file, Noting(), Noting(), chunk_size=32)
    assert (result.sha256, verdicts(result)) == (SHA256, [ScanVerdict.CLEAN] * 2)
    assert got == [[CONTENT[start : start + 32] for start in range(0, 100, 32)]] * 2
    assert file.taken == [32, 32, 32, 4, 0]


def test_a_scanner_that_moves_in_its_file_moves_nobody_else(tmp_path: Path) -> None:
    moved = threading.Event()

    class Moving(odd.Apart):
        def scan(self, sample: Sample) -> ScanResult:
            assert sample.descriptor is not None
            os.lseek(sample.descriptor, 7, os.SEEK_SET)
            moved.set()
            return CLEAN

    (tmp_path / "file").write_bytes(CONTENT)
    with (tmp_path / "file").open("rb", buffering=0) as file:
        result = reading(file, Moving(), tell=lambda stage, done: moved.wait(10))
    assert (result.sha256, verdicts(result)) == (SHA256, [ScanVerdict.CLEAN])


def test_it_is_read_from_its_beginning() -> None:
    file = BytesIO(CONTENT)
    file.seek(7)
    assert reading(file).sha256 == SHA256


@pytest.mark.parametrize(
    "bad",
    [
        odd.Raising(),
        odd.RaisingAtOnce(),
        odd.WithoutEngine(),
        odd.Lying(),
        odd.Answering(answer=None),
        odd.Hanging(chunks=3),
    ],
    ids=lambda scanner: type(scanner).__name__,
)
def test_one_that_fails_disturbs_nobody(bad: Scanner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "BEAT_SECONDS", 0.01)
    content = eicar() + bytes(100_000)
    result = reading(BytesIO(content), FakeScanner(), bad, FakeScanner(), size=len(content), chunk_size=1000)
    assert verdicts(result) == [ScanVerdict.INFECTED, ScanVerdict.ERROR, ScanVerdict.INFECTED]
    assert result.sha256 == hashlib.sha256(content).hexdigest()
    if isinstance(bad, odd.Hanging):
        bad.released.set()


def test_once_nobody_needs_more_no_more_is_read() -> None:
    file = CountingFile(bytes(10_000_000))
    result = reading(file, odd.Raising(), size=10_000_000, sha256="made before", chunk_size=1)
    assert verdicts(result) == [ScanVerdict.ERROR]
    assert sum(file.taken) < 10_000_000


@pytest.mark.parametrize("size", [99, 101], ids=["longer", "shorter"])
@pytest.mark.parametrize("scanners", [(), (FakeScanner(),)], ids=["digest alone", "with a scanner"])
def test_a_file_of_another_size_is_not_that_file(size: int, scanners: tuple[Scanner, ...]) -> None:
    with pytest.raises(StoreUnavailable, match=f"100 bytes of the file, not {size}"):
        reading(BytesIO(CONTENT), *scanners, size=size)


def test_progress_is_told_at_most_so_often() -> None:
    told: list[tuple[Stage, int]] = []
    reading(BytesIO(CONTENT), tell=lambda stage, done: told.append((stage, done)))
    assert told == [(Stage.READING, 10)]


def test_progress_is_told_while_an_answer_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_pass, "TELL_SECONDS", 0)
    monkeypatch.setattr(running, "BEAT_SECONDS", 0.01)
    asked = threading.Event()
    told: list[tuple[Stage, int]] = []

    class Thinking(Scanner):
        def scan(self, sample: Sample) -> ScanResult:
            for _ in sample.chunks:
                pass
            asked.wait()
            return CLEAN

    def tell(stage: Stage, done: int) -> None:
        told.append((stage, done))
        if stage == Stage.SCANNING:
            asked.set()

    assert verdicts(reading(BytesIO(CONTENT), Thinking(), tell=tell)) == [ScanVerdict.CLEAN]
    assert told[0] == (Stage.READING, 10)
    assert told[-1] == (Stage.SCANNING, 100)


def test_whoever_lost_the_file_stops_at_once_and_lets_the_scanners_go() -> None:
    let_go = threading.Event()

    class Noticing(Scanner):
        def scan(self, sample: Sample) -> ScanResult:
            with pytest.raises(Abandoned):
                list(sample.chunks)
            let_go.set()
            return CLEAN

    def lose(stage: Stage, done: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        reading(BytesIO(CONTENT), Noticing(), tell=lose)
    assert let_go.wait(10)
