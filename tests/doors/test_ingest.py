from __future__ import annotations

import hashlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User

from django_largefiles.doors.body import FIRST_READ
from django_largefiles.doors.ingest import ingest
from django_largefiles.exceptions import DigestMismatch, TypeNotAllowed
from django_largefiles.models import FileAsset
from django_largefiles.options import KIB, MIB
from django_largefiles.states import Attachment, State
from tests.conftest import EXECUTABLE, Largefiles, png

pytestmark = pytest.mark.django_db(transaction=True)

PICTURE = png(padding=MIB)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    path.write_bytes(PICTURE)
    return path


@pytest.mark.parametrize("as_source", [Path, str], ids=["path", "text"])
def test_a_local_file_is_copied(as_source: Callable[[Path], Path | str], picture: Path, owner: User) -> None:
    asset = FileAsset.objects.ingest(as_source(picture), owner=owner, media_type="image/png")
    assert (asset.state, asset.original_name, asset.owner) == (State.RECEIVED, "picture.png", owner)
    assert asset.sha256 == hashlib.sha256(PICTURE).hexdigest()
    assert picture.exists()


def test_an_open_file_is_read_from_where_it_stands(picture: Path) -> None:
    with picture.open("rb") as file:
        file.seek(0)
        asset = ingest(file)
        assert not file.closed
    assert asset.original_name == "picture.png"
    assert asset.size == len(PICTURE)


def test_a_name_of_the_host_s_choice_wins(picture: Path) -> None:
    assert ingest(picture, name="other.png").original_name == "other.png"


@pytest.mark.parametrize("attachment", [Attachment.STANDALONE, Attachment.PROVISIONAL])
def test_a_file_may_wait_for_a_row(attachment: Attachment, picture: Path) -> None:
    asset = FileAsset.objects.ingest(picture, attachment=attachment)
    assert (asset.attachment, asset.expires_at is not None) == (attachment, attachment == Attachment.PROVISIONAL)


def test_a_nameless_file_gets_a_name() -> None:
    assert ingest(BytesIO(PICTURE)).original_name == "unnamed"


def test_progress_is_told_chunk_by_chunk(picture: Path, largefiles: Largefiles) -> None:
    largefiles.set(CHUNK_SIZE=512 * KIB)
    told: list[int] = []
    ingest(picture, progress=told.append)
    assert told == [FIRST_READ, FIRST_READ + 512 * KIB, len(PICTURE)]


def test_a_refused_file_leaves_nothing_behind(stored: Callable[[], list[str]]) -> None:
    with pytest.raises(TypeNotAllowed):
        ingest(BytesIO(EXECUTABLE), name="picture.png")
    with pytest.raises(DigestMismatch):
        ingest(BytesIO(PICTURE), name="picture.png", sha256="0" * 64)
    assert not FileAsset.objects.exists()
    assert stored() == []


def test_an_asynchronous_view_may_ingest_too(picture: Path, owner: User) -> None:
    asset = async_to_sync(FileAsset.objects.aingest)(picture, owner=owner)
    assert (asset.owner, asset.size) == (owner, len(PICTURE))
