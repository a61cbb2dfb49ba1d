"""Commands of the package do what the documentation shows, and print it."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_largefiles.doors.ingest import ingest
from django_largefiles.models import FileAsset
from django_largefiles.scanners.base import Engine, Sample, Scanner, ScanResult
from django_largefiles.states import Reason, ScanVerdict, State
from tests.conftest import Largefiles, png
from tests.snippets.blocks import Block
from tests.snippets.claims import claim
from tests.snippets.commands import command_lines, split

SWEEP = claim("docs/lifecycle.rst", "$ python manage.py largefiles_sweep")
REPROCESS = claim("docs/operation.rst", "$ python manage.py largefiles_reprocess --reason store_unavailable")
VERIFY = claim("docs/operation.rst", "$ python manage.py largefiles_verify")
CHECK_SCANNERS = claim("docs/scanning.rst", "$ python manage.py largefiles_check_scanners")
INGEST = claim(
    "docs/uploads.rst", "$ python manage.py largefiles_ingest --owner ada --profile videos /srv/import/*.mp4"
)
VERDICT = re.compile(r": (clean|infected|unscannable)(?: (\S+))?$", re.MULTILINE)

pytestmark = pytest.mark.django_db(transaction=True)


def manage(command_line: str) -> str:
    """Return what a line ``python manage.py …`` prints, an error in the end included."""
    stdout = StringIO()
    for _, _, *call in split(command_line):
        try:
            call_command(*call, stdout=stdout)
        except CommandError as error:
            stdout.write(f"CommandError: {error}\n")
    return stdout.getvalue()


def output(block: Block) -> str:
    """Return what the page shows below the command, as a regular expression: ids and figures may differ."""
    shown = re.escape(block.text.partition("\n")[2])
    return re.sub(r"[0-9a-f]{4}…|\d{4,}", r"\\S+", shown)


def asset(**changes: object) -> FileAsset:
    made = ingest(BytesIO(png()), name="picture.png")
    FileAsset.objects.filter(pk=made.pk).update(**changes)
    return made


def test_the_sweeper_hands_an_asset_over() -> None:
    asset(lease_expires_at=timezone.now() - timedelta(hours=1))
    assert re.fullmatch(output(SWEEP), manage(*command_lines(SWEEP)))


def test_damage_is_found() -> None:
    Path(asset().file.path).write_bytes(bytes(len(png())))
    found = manage(*command_lines(VERIFY)).replace(" 1 of 1 ", " 1 of 10000 ")
    assert re.fullmatch(output(VERIFY), found)


def test_files_are_processed_again() -> None:
    by_id, by_reason, by_age = command_lines(REPROCESS)
    failed = {"state": State.FAILED, "reason": Reason.STORE_UNAVAILABLE}
    named = [asset(**failed), asset(**failed)]
    ids = iter(named)
    printed = manage(re.sub(r"\S+…", lambda _: str(next(ids).pk), by_id))
    assert {str(each.pk) for each in named} <= set(printed.split())
    unavailable, gave_up = asset(**failed), asset(state=State.FAILED, reason=Reason.GAVE_UP)
    assert str(unavailable.pk) in manage(by_reason)
    day_ago = timezone.now() - timedelta(days=1)
    FileAsset.objects.filter(pk=gave_up.pk).update(created_at=day_ago, updated_at=day_ago, processed_at=day_ago)
    assert str(gave_up.pk) in manage(by_age)


def test_files_are_taken_in(owner: User, largefiles: Largefiles, tmp_path: Path) -> None:
    largefiles.set(PROFILES={"videos": {"ALLOWED_MIME_TYPES": ["*/*"], "EXTENSION_MUST_MATCH": False}})
    User.objects.create_user("ada")
    films = [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    for film in films:
        film.write_bytes(png())
    (line,) = command_lines(INGEST)
    manage(line.replace("/srv/import/*.mp4", " ".join(map(str, films))))
    taken = FileAsset.objects.order_by("original_name").values_list("original_name", "owner__username", "profile")
    assert list(taken) == [("a.mp4", "ada", "videos"), ("b.mp4", "ada", "videos")]


class Shown(Scanner):
    """Answers as the page shows."""

    name = "clamd"  # type: ignore[assignment]

    def __init__(self) -> None:
        self._results = iter(VERDICT.findall(CHECK_SCANNERS.text))

    def engine(self) -> Engine:
        version, signatures = re.findall(r"(ClamAV \S+), signatures (\d+)", CHECK_SCANNERS.text)[0]
        made = timezone.now() - timedelta(days=1, hours=1)
        return Engine(version=version, signatures=signatures, signatures_at=made)

    def scan(self, sample: Sample) -> ScanResult:
        verdict, threat = next(self._results)
        assert sum(map(len, sample.chunks)) == sample.size
        return ScanResult(verdict=ScanVerdict(verdict), threat=threat)


def test_scanners_are_checked(largefiles: Largefiles) -> None:
    largefiles.set(SCANNERS=[{"BACKEND": f"{__name__}.{Shown.__name__}"}], MAX_UPLOAD_SIZE=100_000)
    assert re.fullmatch(output(CHECK_SCANNERS), manage(*command_lines(CHECK_SCANNERS)))
