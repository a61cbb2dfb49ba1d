from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest

from django_largefiles.doors.ingest import ingest
from django_largefiles.models import FileAsset
from django_largefiles.stores.filesystem import FilesystemStore
from django_largefiles.verification import verifiable, verify
from tests.conftest import Largefiles, png

pytestmark = pytest.mark.django_db


def test_what_is_stored_as_it_came_is_well(received: FileAsset) -> None:
    assert verify(received) is None


@pytest.mark.parametrize(
    ("change", "code", "detail"),
    [
        (lambda path: path.write_bytes(png()[:-1]), "size_mismatch", f"{len(png()) - 1} bytes, not {len(png())}"),
        (lambda path: path.write_bytes(png()[:-1] + b"x"), "digest_mismatch", "the SHA-256 is "),
        (lambda path: path.unlink(), "store_unavailable", "No such file"),
    ],
    ids=["cut", "changed", "gone"],
)
def test_what_is_not_is_told(change: object, code: str, detail: str, received: FileAsset) -> None:
    change(Path(received.file.path))  # type: ignore[operator]
    fault = verify(received)
    assert fault and fault.code == code
    assert detail in fault.detail


def test_an_asset_deleted_meanwhile_is_no_fault(received: FileAsset, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = FilesystemStore.open_ranged

    def delete_and_open(self: FilesystemStore, name: str) -> object:
        FileAsset.objects.all().delete()
        self.delete(name)
        return opened(self, name)

    monkeypatch.setattr(FilesystemStore, "open_ranged", delete_and_open)
    assert verify(received) is None


def test_progress_is_told_chunk_by_chunk(received: FileAsset, largefiles: Largefiles) -> None:
    largefiles.set(CHUNK_SIZE=len(png()) // 2)
    told: list[int] = []
    verify(received, told.append)
    assert told[-1] == len(png())
    assert len(told) in {2, 3}


def test_only_what_has_bytes_and_a_digest_can_be_verified(received: FileAsset) -> None:
    for columns in ({"file": ""}, {"sha256": ""}):
        FileAsset.objects.filter(pk=ingest(BytesIO(png()), name="a.png").pk).update(**columns)
    assert list(verifiable()) == [received]
