from __future__ import annotations

from datetime import UTC, datetime

import pytest

from django_largefiles.conf import get_profile
from django_largefiles.exceptions import Infected, LargeFilesError, ScannerUnavailable, Unscannable
from django_largefiles.scanners import verdicts
from django_largefiles.scanners.base import Engine, ScanResult
from django_largefiles.scanners.running import ScanReport
from django_largefiles.states import ScanVerdict
from tests.conftest import Largefiles

CLEAN, INFECTED, UNSCANNABLE, ERROR = (
    ScanVerdict.CLEAN,
    ScanVerdict.INFECTED,
    ScanVerdict.UNSCANNABLE,
    ScanVerdict.ERROR,
)


def report(verdict: ScanVerdict) -> ScanReport:
    return ScanReport(
        scanner="clamd",
        engine=Engine(version="ClamAV 1", signatures="27815"),
        result=ScanResult(verdict=verdict, threat="Eicar", detail="why"),
        at=datetime(2026, 11, 23, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("said", "together"),
    [
        ([], ""),
        ([CLEAN], CLEAN),
        ([CLEAN, CLEAN], CLEAN),
        ([CLEAN, UNSCANNABLE], UNSCANNABLE),
        ([UNSCANNABLE, ERROR, CLEAN], ERROR),
        ([CLEAN, INFECTED, ERROR, UNSCANNABLE], INFECTED),
    ],
)
def test_the_worst_verdict_wins(said: list[ScanVerdict], together: str) -> None:
    assert verdicts.columns([report(verdict) for verdict in said])["scan_verdict"] == together


def test_each_scanner_is_recorded() -> None:
    assert verdicts.columns([report(CLEAN), report(INFECTED)])["scan_detail"] == [
        {
            "scanner": "clamd",
            "verdict": verdict,
            "threat": "Eicar",
            "detail": "why",
            "engine": "ClamAV 1",
            "signatures": "27815",
            "scanned_at": "2026-11-23T00:00:00+00:00",
        }
        for verdict in ("clean", "infected")
    ]


@pytest.mark.parametrize("said", [[], [CLEAN], [CLEAN, CLEAN]], ids=["no scanner", "one", "two"])
def test_where_all_agree_nothing_is_raised(said: list[ScanVerdict]) -> None:
    verdicts.check([report(verdict) for verdict in said], get_profile("default"))


@pytest.mark.parametrize("policy", ["quarantine", "reject", "allow"])
@pytest.mark.parametrize(
    ("said", "error", "detail"),
    [
        ([CLEAN, INFECTED], Infected, "clamd found Eicar"),
        ([UNSCANNABLE, INFECTED], Infected, "clamd found Eicar"),
        ([CLEAN, ERROR], ScannerUnavailable, "clamd gave no verdict"),
        ([UNSCANNABLE, ERROR], ScannerUnavailable, "clamd gave no verdict"),
    ],
)
def test_anything_else_stops_the_file(
    said: list[ScanVerdict], error: type[LargeFilesError], detail: str, policy: str, largefiles: Largefiles
) -> None:
    largefiles.set(ON_UNSCANNABLE=policy)
    with pytest.raises(error, match=detail):
        verdicts.check([report(verdict) for verdict in said], get_profile("default"))


@pytest.mark.parametrize("policy", ["quarantine", "reject"])
def test_what_cannot_be_scanned_is_stopped_too(policy: str, largefiles: Largefiles) -> None:
    largefiles.set(ON_UNSCANNABLE=policy)
    with pytest.raises(Unscannable, match="clamd cannot scan this file"):
        verdicts.check([report(CLEAN), report(UNSCANNABLE)], get_profile("default"))


def test_unless_the_profile_allows_it(largefiles: Largefiles) -> None:
    largefiles.set(ON_UNSCANNABLE="allow")
    verdicts.check([report(CLEAN), report(UNSCANNABLE)], get_profile("default"))
