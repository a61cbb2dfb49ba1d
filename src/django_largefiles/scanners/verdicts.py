"""Combine the scanners' reports into one verdict on a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..conf import Profile
from ..exceptions import Infected, ScannerUnavailable, Unscannable
from ..states import ScanVerdict
from .running import ScanReport

_WORST_FIRST = (ScanVerdict.INFECTED, ScanVerdict.ERROR, ScanVerdict.UNSCANNABLE, ScanVerdict.CLEAN)
"""An error comes before *unscannable*: the next attempt may find more."""


def columns(reports: Sequence[ScanReport]) -> dict[str, Any]:
    """Return the values of the columns ``scan_verdict`` and ``scan_detail``."""
    return {
        "scan_verdict": _worst(reports).result.verdict if reports else "",
        "scan_detail": [_recorded(report) for report in reports],
    }


def check(reports: Sequence[ScanReport], profile: Profile) -> None:
    """Raise ``Infected``, ``ScannerUnavailable``, or ``Unscannable`` unless the profile allows it. All must agree."""
    if not reports:
        return
    worst = _worst(reports)
    match worst.result.verdict:
        case ScanVerdict.INFECTED:
            raise Infected(f"{worst.scanner} found {worst.result.threat}", value=worst.result.threat)
        case ScanVerdict.ERROR:
            raise ScannerUnavailable(f"{worst.scanner} gave no verdict", value=worst.scanner)
        case ScanVerdict.UNSCANNABLE if profile.on_unscannable != "allow":
            raise Unscannable(f"{worst.scanner} cannot scan this file", value=worst.scanner)


def _worst(reports: Sequence[ScanReport]) -> ScanReport:
    return min(reports, key=lambda report: _WORST_FIRST.index(report.result.verdict))


def _recorded(report: ScanReport) -> dict[str, str]:
    return {
        "scanner": report.scanner,
        "verdict": report.result.verdict.value,
        "threat": report.result.threat,
        "detail": report.result.detail,
        "engine": report.engine.version,
        "signatures": report.engine.signatures,
        "scanned_at": report.at.isoformat(),
    }
