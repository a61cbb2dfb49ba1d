from __future__ import annotations

import pytest

from django_largefiles.scanners.clamav import ClamdScanner
from django_largefiles.states import ScanVerdict
from django_largefiles.testing.scanners import FakeScanner, ScannerContract
from tests.scanners.clamd import Clamd, needs_clamd


@needs_clamd
class TestClamd(ScannerContract):  # needs_clamd
    @pytest.fixture
    def scanner(self, clamd: Clamd) -> ClamdScanner:
        return clamd.scanner()


class TestFake(ScannerContract):
    @pytest.fixture(params=[None, 1000])
    def scanner(self, request: pytest.FixtureRequest) -> FakeScanner:
        return FakeScanner(max_size=request.param)


def test_the_fake_counts() -> None:
    assert ScannerContract().verdict(FakeScanner(), b"content", size=8) == ScanVerdict.ERROR


@pytest.mark.parametrize("verdict", list(ScanVerdict))
def test_the_fake_says_what_it_is_told_to(verdict: ScanVerdict) -> None:
    assert ScannerContract().verdict(FakeScanner(verdict=verdict.value), b"content") == verdict
