from __future__ import annotations

import os
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from django_largefiles.exceptions import StoreFull
from django_largefiles.models import FileAsset
from django_largefiles.options import KIB
from django_largefiles.states import State
from django_largefiles.stores.filesystem import FileAppender
from tests.conftest import EXECUTABLE, Largefiles, png

pytestmark = pytest.mark.django_db


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    path.write_bytes(png())
    return path


def ingest(*paths: Path, stderr: StringIO | None = None, **options: str) -> str:
    """What the command prints."""
    stdout = StringIO()
    call_command("largefiles_ingest", *map(str, paths), stdout=stdout, stderr=stderr or StringIO(), **options)
    return stdout.getvalue()


def test_a_file_is_taken_in_and_its_id_printed(picture: Path, stored: Callable[[], list[str]]) -> None:
    printed = ingest(picture)
    asset = FileAsset.objects.get()
    assert printed == f"{asset.pk} {picture}\n"
    assert (asset.original_name, asset.state, asset.owner, asset.profile) == (
        "picture.png",
        State.RECEIVED,
        None,
        "default",
    )
    assert stored() == [asset.file.name]


def test_the_file_itself_stays_where_it_is(picture: Path) -> None:
    ingest(picture)
    assert picture.read_bytes() == png()


def test_several_files_are_taken_in_their_order(picture: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.png"
    other.write_bytes(png())
    lines = ingest(picture, other).splitlines()
    assert [line.partition(" ")[2] for line in lines] == [str(picture), str(other)]
    assert {line.partition(" ")[0] for line in lines} == {str(asset.pk) for asset in FileAsset.objects.all()}


def test_a_file_can_be_given_to_a_user(picture: Path, owner: User) -> None:
    ingest(picture, owner="owner")
    assert FileAsset.objects.get().owner == owner


def test_a_profile_can_be_chosen(picture: Path, largefiles: Largefiles) -> None:
    largefiles.set(ALLOWED_MIME_TYPES=[], PROFILES={"pictures": {"ALLOWED_MIME_TYPES": ["image/png"]}})
    ingest(picture, profile="pictures")
    assert FileAsset.objects.get().profile == "pictures"


def test_an_unknown_user_is_named(picture: Path) -> None:
    with pytest.raises(CommandError, match=r"^There is no user 'nobody'\.$"):
        ingest(picture, owner="nobody")


@pytest.mark.parametrize(
    ("content", "rules", "code"),
    [
        pytest.param(EXECUTABLE, {}, "type_not_allowed", id="type"),
        pytest.param(png(), {"MAX_UPLOAD_SIZE": 5}, "too_large", id="size"),
        pytest.param(b"", {}, "type_not_allowed", id="empty"),
    ],
)
def test_a_refused_file_is_told_with_the_code_and_leaves_nothing(
    picture: Path,
    largefiles: Largefiles,
    stored: Callable[[], list[str]],
    django_capture_on_commit_callbacks: Callable[..., Any],
    content: bytes,
    rules: dict[str, object],
    code: str,
) -> None:
    picture.write_bytes(content)
    largefiles.set(**rules)
    with (
        django_capture_on_commit_callbacks(execute=True),
        pytest.raises(CommandError, match=rf"^{picture}: .*\({code}\)$"),
    ):
        ingest(picture)
    assert not FileAsset.objects.exists()
    assert stored() == []


def test_an_unknown_profile_is_told(picture: Path) -> None:
    with pytest.raises(CommandError, match=r"there is no profile 'songs' \(unknown_profile\)$"):
        ingest(picture, profile="songs")


def test_a_full_storage_is_told(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(appender: FileAppender, chunk: bytes) -> None:
        raise StoreFull("the storage is full")

    monkeypatch.setattr(FileAppender, "write", refuse)
    with pytest.raises(CommandError, match=r"the storage is full \(store_full\)$"):
        ingest(picture)


@pytest.mark.parametrize("stderr", [StringIO, Terminal], ids=["no terminal", "terminal"])
@pytest.mark.parametrize(
    ("name", "why"),
    [("nothing.png", "No such file or directory"), ("", "Is a directory")],
    ids=["missing", "folder"],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, name: str, why: str, stderr: type[StringIO]) -> None:
    with pytest.raises(CommandError, match=rf"^{tmp_path / name}: {why}$"):
        ingest(tmp_path / name, stderr=stderr())


def test_those_before_a_bad_one_are_kept(picture: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError):
        ingest(picture, tmp_path / "nothing.png")
    assert FileAsset.objects.count() == 1


def test_a_terminal_sees_progress_to_its_end(tmp_path: Path, largefiles: Largefiles) -> None:
    largefiles.set(CHUNK_SIZE=64 * KIB)
    path = tmp_path / "picture.png"
    path.write_bytes(png(padding=256 * KIB - len(png())))
    terminal = Terminal()
    ingest(path, stderr=terminal)
    shown = "".join(f"\rpicture.png {percent:3} %" for percent in (25, 50, 75, 100))
    assert terminal.getvalue() == f"{shown}\n"


def test_a_percentage_is_shown_once(picture: Path, largefiles: Largefiles) -> None:
    largefiles.set(CHUNK_SIZE=1)
    picture.write_bytes(png(padding=64 * KIB + 9 - len(png())))
    terminal = Terminal()
    ingest(picture, stderr=terminal)
    assert [line.rpartition("picture.png")[2].split() for line in terminal.getvalue().split("\r")[1:]] == [
        ["99", "%"],
        ["100", "%"],
    ]


def test_progress_through_a_pipe_ends_at_once(tmp_path: Path, largefiles: Largefiles) -> None:
    largefiles.set(CHUNK_SIZE=1)
    pipe = tmp_path / "picture.png"
    os.mkfifo(pipe)
    writer = Thread(target=pipe.write_bytes, args=[png(padding=64 * KIB)])
    writer.start()
    terminal = Terminal()
    ingest(pipe, stderr=terminal)
    writer.join()
    assert terminal.getvalue() == "\rpicture.png 100 %\n"


def test_no_terminal_sees_no_progress(picture: Path) -> None:
    stderr = StringIO()
    ingest(picture, stderr=stderr)
    assert stderr.getvalue() == ""
