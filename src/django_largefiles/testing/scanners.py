"""Test scanners, and test projects without a scanner.

``ScannerContract`` is the contract of scanners, as tests: subclass it in your suite and give it a scanner.
``FakeScanner`` replaces a scanner in a project's own tests, which have no engine.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..scanners.base import Sample, Scanner, ScanResult, Unpacking
from ..scanners.selftest import eicar
from ..states import ScanVerdict


class FakeScanner(Scanner):
    """Detects EICAR's test string at any position in a file. With ``verdict``, it returns that for every file.

    For ``SCANNERS`` of tests: ``{"BACKEND": "django_largefiles.testing.scanners.FakeScanner"}``.
    """

    def __init__(self, *, verdict: str = "", max_size: int | None = None, unpacking: Unpacking | None = None) -> None:
        self._verdict = ScanVerdict(verdict) if verdict else None
        self.max_size = max_size
        self.unpacking = unpacking

    def scan(self, sample: Sample) -> ScanResult:
        if self.max_size is not None and sample.size > self.max_size:
            return ScanResult(verdict=ScanVerdict.UNSCANNABLE, detail=f"more than {self.max_size} bytes")
        taken, found = _look(sample.chunks)
        if self._verdict:
            return ScanResult(verdict=self._verdict, detail="as it was told to")
        if found:
            return ScanResult(verdict=ScanVerdict.INFECTED, threat="EICAR")
        if not taken:
            return ScanResult(verdict=ScanVerdict.UNSCANNABLE, detail="nothing to look at")
        if taken != sample.size:
            return ScanResult(verdict=ScanVerdict.ERROR, detail=f"{taken} bytes came of {sample.size}")
        return ScanResult(verdict=ScanVerdict.CLEAN)


def _look(chunks: Iterable[bytes]) -> tuple[int, bool]:
    """Return the number of bytes, and whether the test string was among them."""
    taken, found, end = 0, False, b""
    for chunk in chunks:
        taken += len(chunk)
        found = found or eicar() in end + chunk
        end = (end + chunk)[-len(eicar()) :]
    return taken, found


class ScannerContract:
    """Provide a fixture ``scanner``, whose engine runs. pytest collects the tests of a subclass named ``Test…``."""

    def verdict(self, scanner: Scanner, *chunks: bytes, size: int | None = None) -> ScanVerdict:
        size = sum(map(len, chunks)) if size is None else size
        return scanner.scan(Sample(size=size, chunks=iter(chunks))).verdict

    def test_a_harmless_file_is_clean(self, scanner: Scanner) -> None:
        assert self.verdict(scanner, b"nothing ", b"to be found") == ScanVerdict.CLEAN

    def test_the_test_string_is_found(self, scanner: Scanner) -> None:
        assert self.verdict(scanner, eicar()) == ScanVerdict.INFECTED

    def test_it_is_found_in_pieces(self, scanner: Scanner) -> None:
        assert self.verdict(scanner, eicar()[:20], eicar()[20:]) == ScanVerdict.INFECTED

    def test_an_empty_file_is_not_clean(self, scanner: Scanner) -> None:
        assert self.verdict(scanner) != ScanVerdict.CLEAN

    def test_a_file_that_is_too_large_is_unscannable(self, scanner: Scanner) -> None:
        if scanner.max_size is not None:
            assert self.verdict(scanner, size=scanner.max_size + 1) == ScanVerdict.UNSCANNABLE

    def test_scans_do_not_know_of_each_other(self, scanner: Scanner) -> None:
        verdicts = [self.verdict(scanner, content) for content in (b"nothing", eicar(), b"nothing")]
        assert verdicts == [ScanVerdict.CLEAN, ScanVerdict.INFECTED, ScanVerdict.CLEAN]

    def test_the_engine_can_be_asked(self, scanner: Scanner) -> None:
        assert isinstance(scanner.engine().version, str)

    def test_it_has_a_name(self, scanner: Scanner) -> None:
        assert scanner.name
