"""Compare what an archive holds with what a scanner is known to read of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..containers.facts import ArchiveFacts
from ..states import ScanVerdict
from .base import ScanResult, Unpacking
from .running import ScanReport


def with_members(
    reports: Sequence[ScanReport], facts: ArchiveFacts | None, archive_size: int
) -> tuple[ScanReport, ...]:
    """Return the reports on an archive; those of scanners that cannot have read all of it are not clean any more.

    ``facts`` are ``None`` if the archive could not be read, ``archive_size`` is in bytes.
    """
    return tuple(_with_members(report, facts, archive_size) for report in reports)


def _with_members(report: ScanReport, facts: ArchiveFacts | None, archive_size: int) -> ScanReport:
    if report.unpacking is None or report.result.verdict is not ScanVerdict.CLEAN:
        return report
    detail = _unread(report.unpacking, facts, archive_size)
    return replace(report, result=ScanResult(verdict=ScanVerdict.UNSCANNABLE, detail=detail)) if detail else report


def _unread(unpacking: Unpacking, facts: ArchiveFacts | None, archive_size: int) -> str:
    """Return why not all members were read; empty if they were."""
    if facts is None or not facts.complete:
        return "the members of the archive are not known"
    others = sorted({*facts.methods} - unpacking.methods)
    if facts.encrypted:
        return f"{facts.encrypted} members are encrypted"
    if others:
        return f"members are packed by {', '.join(others)}, which the scanner is not known to unpack"
    if facts.largest > unpacking.member_size:
        return f"a member of {facts.largest} bytes is more than the {unpacking.member_size} that are scanned"
    if facts.total_size + archive_size > unpacking.total_size:
        return (
            f"{facts.total_size + archive_size} bytes in all are more than the {unpacking.total_size} that are scanned"
        )
    if facts.entries > unpacking.members:
        return f"{facts.entries} members are more than the {unpacking.members} that are scanned"
    return ""
