from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from django_largefiles.scanners import running
from django_largefiles.scanners.base import Abandoned, Engine, Sample, Scanner, ScanResult
from django_largefiles.scanners.running import AHEAD, MAX_HANGING, RunningScan, ScanReport
from django_largefiles.states import ScanVerdict
from tests.scanners import odd
from tests.scanners.odd import CLEAN

DATE = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "BEAT_SECONDS", 0.01)


@pytest.fixture
def hanging() -> Iterator[Callable[..., odd.Hanging]]:
    """Makes scanners that hang, and releases them at the end."""
    made: list[odd.Hanging] = []

    def make(**options: Any) -> odd.Hanging:
        made.append(odd.Hanging(**options))
        return made[-1]

    yield make
    for scanner in made:
        scanner.released.set()


def nothing() -> None: ...


def reported(scanner: Scanner, *chunks: bytes, size: int | None = None) -> ScanReport:
    scan = RunningScan(scanner, size=sum(map(len, chunks)) if size is None else size, descriptor=None)
    for chunk in chunks:
        scan.feed(chunk, nothing)
    report = scan.report(nothing)
    scan.abandon()
    return report


def test_the_answer_is_reported() -> None:
    infected = ScanResult(verdict=ScanVerdict.INFECTED, threat="Eicar", detail="at 7")
    engine = Engine(version="1", signatures="2", signatures_at=DATE)
    report = reported(odd.Answering(answer=infected, engine=engine), b"one", b"two")
    assert (report.scanner, report.result, report.engine) == ("Answering", infected, engine)
    assert report.at.tzinfo


@pytest.mark.parametrize(
    ("scanner", "detail"),
    [
        pytest.param(odd.Raising(), "ZeroDivisionError: out of order", id="raises"),
        pytest.param(odd.Leaving(), "SystemExit:", id="ends its thread"),
        pytest.param(odd.RaisingAtOnce(), "ZeroDivisionError: out of order", id="raises before it starts"),
        pytest.param(odd.WithoutEngine(), "ConnectionRefusedError: nobody listens", id="has no engine"),
        pytest.param(odd.Lying(), "answered clean after reading 0 of 6 bytes", id="has read nothing"),
        pytest.param(odd.Lying(looks=True), "answered clean after reading 3 of 6 bytes", id="has read a part"),
        pytest.param(odd.Answering(answer=None), "answered a NoneType without a verdict", id="answers nothing"),
        pytest.param(odd.Answering(answer="clean"), "answered a str without a verdict", id="answers a string"),
        pytest.param(
            odd.Answering(answer=ScanResult(verdict="clean")),  # type: ignore[arg-type]
            "answered a ScanResult without a verdict",
            id="answers a string in the place of the verdict",
        ),
    ],
)
def test_whatever_is_wrong_with_it_is_an_error(scanner: Scanner, detail: str) -> None:
    result = reported(scanner, b"one", b"two").result
    assert (result.verdict, result.detail) == (ScanVerdict.ERROR, detail)


def test_clean_needs_as_many_bytes_as_the_file_has() -> None:
    assert reported(odd.Answering(answer=CLEAN), b"one").result.verdict == ScanVerdict.CLEAN
    assert reported(odd.Answering(answer=CLEAN), b"one", size=4).result.verdict == ScanVerdict.ERROR


def test_texts_are_bounded_and_on_one_line() -> None:
    flood = ScanResult(verdict=ScanVerdict.INFECTED, threat="a\0b\n" * 2**20, detail="c" * 2**20)
    report = reported(odd.Answering(answer=flood, engine=Engine(version="\ud800v" * 2**20, signatures="s" * 2**20)))
    assert report.result.threat.startswith("a b a b")
    assert [
        len(text)
        for text in (report.result.threat, report.result.detail, report.engine.version, report.engine.signatures)
    ] == [255, 1000, 255, 255]


@pytest.mark.parametrize(
    "engine",
    [b"ClamAV", Engine(version=1, signatures=None, signatures_at="today")],  # type: ignore[arg-type]
    ids=["no engine", "no texts"],
)
def test_an_engine_that_is_none_is_left_out(engine: Any) -> None:
    assert reported(odd.Answering(answer=CLEAN, engine=engine)).engine == Engine()


def test_whoever_waits_may_act_meanwhile(hanging: Callable[..., odd.Hanging]) -> None:
    scanner = hanging(patience=60)
    scan = RunningScan(scanner, size=1, descriptor=None)
    scan.report(scanner.released.set)
    assert scanner.ended.is_set()


def test_no_more_than_a_few_chunks_wait_for_it(hanging: Callable[..., odd.Hanging]) -> None:
    scan = RunningScan(hanging(patience=60), size=100, descriptor=None)
    for _ in range(AHEAD):
        scan.feed(b"1", pytest.fail)

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        scan.feed(b"1", stop)
    scan.abandon()


@pytest.mark.parametrize("chunks", [0, 2], ids=["before the first chunk", "after some"])
def test_one_that_hangs_is_given_up(chunks: int, hanging: Callable[..., odd.Hanging]) -> None:
    result = reported(hanging(chunks=chunks), *[b"1"] * 20).result
    assert (result.verdict, result.detail) == (ScanVerdict.ERROR, "silent for 0.1 s")


def test_one_that_hangs_after_the_last_byte_is_given_up(hanging: Callable[..., odd.Hanging]) -> None:
    assert reported(hanging(chunks=1), b"1").result.detail == "silent for 0.1 s"


def test_a_slow_one_is_not_given_up() -> None:
    class Slow(Scanner):
        patience = 0.2

        def scan(self, sample: Sample) -> ScanResult:
            for _ in sample.chunks:
                # Longer than its patience in all.
                time.sleep(0.05)
            return CLEAN

    assert reported(Slow(), *[b"1"] * 8).result.verdict == ScanVerdict.CLEAN


def test_one_that_was_kept_waiting_is_not_given_up() -> None:
    taken = threading.Event()

    class Impatient(Scanner):
        patience = 5

        def scan(self, sample: Sample) -> ScanResult:
            for _ in sample.chunks:
                taken.set()
            return CLEAN

    scan = RunningScan(Impatient(), size=2, descriptor=None)
    scan.feed(b"1", nothing)
    assert taken.wait(10)
    # As if the storage had taken its time.
    scan._last_activity -= 10
    scan.feed(b"2", nothing)
    assert scan.report(nothing).result.verdict == ScanVerdict.CLEAN


def test_one_that_waits_for_bytes_learns_that_none_will_come() -> None:
    learnt = threading.Event()

    class Waiting(Scanner):
        def scan(self, sample: Sample) -> ScanResult:
            with pytest.raises(Abandoned):
                list(sample.chunks)
            assert sample.abandoned()
            learnt.set()
            return CLEAN

    RunningScan(Waiting(), size=1, descriptor=None).abandon()
    assert learnt.wait(10)


def test_too_many_that_hang_are_not_joined_by_more(hanging: Callable[..., odd.Hanging]) -> None:
    for _ in range(MAX_HANGING):
        RunningScan(hanging(), size=1, descriptor=None).abandon()
    assert reported(hanging(), b"1").result.detail == f"{MAX_HANGING} earlier scans hang"
    assert reported(odd.Answering(answer=CLEAN), b"1").result.verdict == ScanVerdict.CLEAN


def test_a_descriptor_stays_open_for_one_that_hangs(hanging: Callable[..., odd.Hanging], tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    seen: list[int] = []

    class Looking(odd.Hanging):
        def scan(self, sample: Sample) -> ScanResult:
            assert sample.descriptor is not None
            self.released.wait()
            seen.append(os.fstat(sample.descriptor).st_size)
            return super().scan(sample)

    scanner = Looking()
    with (tmp_path / "file").open("rb") as file:
        scan = RunningScan(scanner, size=7, descriptor=file.fileno())
        assert scan.report(nothing).result.verdict == ScanVerdict.ERROR
    scanner.released.set()
    assert scanner.ended.wait(10)
    assert seen == [7]


def test_a_file_that_cannot_be_opened_anew_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: str, flags: int) -> int:
        raise FileNotFoundError(path)

    (tmp_path / "file").write_bytes(b"content")
    with (tmp_path / "file").open("rb") as file:
        monkeypatch.setattr(os, "open", fail)
        scan = RunningScan(odd.Apart(), size=7, descriptor=file.fileno())
        monkeypatch.undo()
        # It says clean, and has looked at none of the bytes that it needed then.
        assert scan.report(nothing).result.detail == "answered clean after reading 0 of 7 bytes"


def test_one_that_reads_by_itself_needs_no_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    with (tmp_path / "file").open("rb") as file:
        scan = RunningScan(odd.Apart(), size=7, descriptor=file.fileno())
        assert not scan.needs_bytes
        assert scan.report(nothing).result.verdict == ScanVerdict.CLEAN
