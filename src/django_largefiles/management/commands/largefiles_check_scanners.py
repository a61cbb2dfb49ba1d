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
from ...scanners.selftest import large_canaries, small_canaries, try_out


class Command(BaseCommand):
    help = (
        "Show that the scanners of a profile detect the EICAR test string, alone and at the end of the largest file "
        "that they are configured to take, and let a harmless file pass. Fails where one does not."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--profile", default=DEFAULT_PROFILE, help="whose scanners (%(default)s)")

    def handle(self, *args: Any, profile: str, **options: Any) -> None:
        rules = _rules(profile)
        scanners = load_scanners(rules.scanners)
        if not scanners:
            raise CommandError(f"the profile {profile!r} has no scanners")
        failures = [failure for scanner in scanners for failure in self._failures(scanner, rules)]
        if failures:
            raise CommandError("\n".join(failures))

    def _failures(self, scanner: Scanner, rules: Profile) -> Iterator[str]:
        for number, canary in enumerate(chain(small_canaries(), large_canaries(_largest(scanner, rules)))):
            report = try_out(scanner, canary)
            if number == 0:
                self.stdout.write(f"{report.scanner}: {_described(report.engine)}")
            passed = report.result.verdict in canary.expected
            self.stdout.write(f"  {'ok' if passed else 'FAILED':6}  {canary.name}: {_said(report)}")
            if not passed:
                yield f"{report.scanner}, {canary.name}: {_said(report)}: {canary.otherwise}"


def _rules(profile: str) -> Profile:
    try:
        return get_profile(profile)
    except UnknownProfile as error:
        raise CommandError(error.detail) from error


def _largest(scanner: Scanner, rules: Profile) -> int:
    """Bytes: of the files that may come, the largest that the scanner is to take."""
    return min(scanner.max_size or rules.max_upload_size, rules.max_upload_size)


def _described(engine: Engine) -> str:
    signatures = engine.signatures or "unknown"
    if engine.signatures_at is None:
        return f"{engine.version or 'unknown engine'}, signatures {signatures}, of unknown age"
    days = (timezone.now() - engine.signatures_at).days
    return f"{engine.version}, signatures {signatures}, {max(days, 0)} days old"


def _said(report: ScanReport) -> str:
    return " ".join(filter(None, (report.result.verdict.value, report.result.threat, report.result.detail)))
