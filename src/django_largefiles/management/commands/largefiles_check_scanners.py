from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from ...conf import Profile, get_profile
from ...exceptions import UnknownProfile
from ...options import DEFAULT_PROFILE
from ...scanners import load_scanners
from ...scanners.base import Engine, Scanner
from ...scanners.running import ScanReport
from ...scanners.selftest import large_test_files, scan_test_file, small_test_files


class Command(BaseCommand):
    help = (
        "Test that the scanners of a profile detect the EICAR test string, alone and at the end of the largest file "
        "that they are configured to take, and accept a harmless file. Fails if one does not."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--profile", default=DEFAULT_PROFILE, help="the profile (default: %(default)s)")

    def handle(self, *args: Any, profile: str, **options: Any) -> None:
        chosen = _profile(profile)
        scanners = load_scanners(chosen.scanners)
        if not scanners:
            raise CommandError(f"The profile {profile!r} has no scanners. Set SCANNERS.")
        failures = [failure for scanner in scanners for failure in self._failures(scanner, chosen)]
        if failures:
            raise CommandError("\n".join(failures))

    def _failures(self, scanner: Scanner, profile: Profile) -> Iterator[str]:
        files = chain(small_test_files(), large_test_files(_largest(scanner, profile)))
        for number, file in enumerate(files):
            report = scan_test_file(scanner, file)
            if number == 0:
                self.stdout.write(f"{report.scanner}: {_described(report.engine)}")
            passed = report.result.verdict in file.expected
            self.stdout.write(f"  {'ok' if passed else 'FAILED':6}  {file.name}: {_answer(report)}")
            if not passed:
                yield f"{report.scanner}, {file.name}: {_answer(report)}. {file.otherwise}"


def _profile(name: str) -> Profile:
    try:
        return get_profile(name)
    except UnknownProfile as error:
        raise CommandError(error.detail) from error


def _largest(scanner: Scanner, profile: Profile) -> int:
    """Return the size of the largest file that may be uploaded and that the scanner should take."""
    return min(scanner.max_size or profile.max_upload_size, profile.max_upload_size)


def _described(engine: Engine) -> str:
    signatures = engine.signatures or "unknown"
    if engine.signatures_at is None:
        return f"{engine.version or 'unknown engine'}, signatures {signatures} of unknown age"
    days = (timezone.now() - engine.signatures_at).days
    return f"{engine.version}, signatures {signatures}, {max(days, 0)} days old"


def _answer(report: ScanReport) -> str:
    return " ".join(filter(None, (report.result.verdict.value, report.result.threat, report.result.detail)))
