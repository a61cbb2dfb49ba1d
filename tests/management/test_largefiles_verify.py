from __future__ import annotations

from io import BytesIO, StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from django_largefiles.doors.ingest import ingest
from django_largefiles.management import selection
from django_largefiles.models import FileAsset
from tests.conftest import png

pytestmark = pytest.mark.django_db


def verify(*arguments: object, stderr: StringIO | None = None) -> str:
    """What the command prints."""
    stdout = StringIO()
    call_command("largefiles_verify", *map(str, arguments), stdout=stdout, stderr=stderr or StringIO())
    return stdout.getvalue()


@pytest.fixture
def assets() -> list[FileAsset]:
    for width in (1, 2, 3):
        ingest(BytesIO(png(width)), name="a.png")
    # Which is not Python's order of UUIDs in every database.
    return list(FileAsset.objects.order_by("pk"))


def damage(asset: FileAsset) -> None:
    path = Path(asset.file.path)
    path.write_bytes(bytes(path.stat().st_size))


def test_where_all_is_well_it_says_of_how_many(assets: list[FileAsset]) -> None:
    assert verify() == "3 files verified.\n"


def test_it_fails_and_names_each_that_is_not(assets: list[FileAsset], capsys: pytest.CaptureFixture[str]) -> None:
    damage(assets[0])
    damage(assets[2])
    stdout = StringIO()
    with pytest.raises(CommandError, match="2 of 3 files differ"):
        call_command("largefiles_verify", stdout=stdout)
    lines = stdout.getvalue().splitlines()
    assert [line.partition(":")[0] for line in lines] == [f"{asset.pk} digest_mismatch" for asset in assets[::2]]


def test_only_those_named_are_read(assets: list[FileAsset]) -> None:
    damage(assets[0])
    assert verify(assets[1].pk, assets[2].pk) == "2 files verified.\n"


def test_it_goes_on_where_an_earlier_run_was_stopped(assets: list[FileAsset]) -> None:
    damage(assets[0])
    assert verify("--after", assets[0].pk) == "2 files verified.\n"


def test_more_than_a_page_is_read_page_by_page(assets: list[FileAsset], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "PAGE", 2)
    assert verify() == "3 files verified.\n"


def test_an_id_without_bytes_is_an_error() -> None:
    unknown = uuid4()
    with pytest.raises(CommandError, match=str(unknown)):
        verify(unknown)


def test_progress_is_shown_on_a_terminal(received: FileAsset) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    stderr = Terminal()
    verify(stderr=stderr)
    assert stderr.getvalue().endswith(f"{received.pk} 100 %\n")
