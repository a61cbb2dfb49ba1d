"""The numbers of rows are those of the checklist that the door is held to (tus 1.0.0)."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest

from django_largefiles.intake import progress
from django_largefiles.models import FileAsset
from tests.conftest import EXECUTABLE, Largefiles
from tests.doors.resumable.tus_client import (
    CHUNKED,
    COLLECTION,
    PICTURE,
    SHA256,
    SIZE,
    BrokenBody,
    Tus,
    asset_at,
    checksum,
    everything,
    problem,
    upload_at,
)

pytestmark = pytest.mark.django_db(transaction=True)

Stored = Callable[[], list[str]]
REST = PICTURE[4000:]
GOOD = checksum(REST)


class TrailedBody(BytesIO):
    """A body as gunicorn gives it, with the fields that come behind it."""

    def __init__(self, content: bytes, **trailer: str) -> None:
        super().__init__(content)
        fields = [(name.upper().replace("_", "-"), value) for name, value in trailer.items()]
        self.reader = SimpleNamespace(req=SimpleNamespace(trailers=[("X-OTHER", "1"), *fields]))


TRAILED = {"trailer": "Upload-Checksum", **CHUNKED}


def crc32(content: bytes) -> str:
    return f"crc32 {base64.b64encode(zlib.crc32(content).to_bytes(4, 'big')).decode()}"


def test_row_50_the_algorithms_are_told(tus: Tus) -> None:
    told = tus.request("OPTIONS", COLLECTION)["Tus-Checksum-Algorithm"]
    assert told == "sha1,sha256,sha512,md5,crc32"


def test_row_51_sha1_is_one_of_them(tus: Tus, url: str) -> None:
    assert tus.patch(url, 4000, REST, upload_checksum=checksum(REST, "sha1")).status_code == 204
    assert asset_at(url).sha256 == SHA256


@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "md5"])
def test_row_52_a_checksum_is_an_algorithm_and_base64(algorithm: str, tus: Tus, url: str) -> None:
    assert tus.patch(url, 4000, REST, upload_checksum=checksum(REST, algorithm)).status_code == 204


def test_row_52_a_checksum_may_be_a_crc32(tus: Tus, url: str) -> None:
    assert tus.patch(url, 4000, REST, upload_checksum=crc32(REST)).status_code == 204


@pytest.mark.parametrize(
    "header",
    ["", f"{GOOD}\r\nX: y"],
    ids=["empty", "header injection"],
)
def test_row_52_malformed_checksums(header: str, tus: Tus, url: str) -> None:
    before = everything()
    assert problem(tus.patch(url, 4000, REST, upload_checksum=header)) == (400, "malformed_header")
    assert everything() == before


@pytest.mark.parametrize("digest", ["YQ==", f"AAAA{GOOD[5:]}"], ids=["too short", "too long"])
def test_a_checksum_of_the_wrong_length_matches_no_bytes(digest: str, tus: Tus, url: str) -> None:
    before = everything()
    answer = tus.patch(url, 4000, REST, upload_checksum=f"sha1 {digest}")
    assert problem(answer) == (460, "checksum_mismatch")
    assert answer.json()["limit"] == 20
    assert everything() == before


@pytest.mark.each_storage
def test_row_53_no_byte_counts_before_the_checksum_is_verified(
    tus: Tus, url: str, largefiles: Largefiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    offsets: list[int] = []

    class Watched(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            offsets.append(upload_at(url).offset)
            return super().read(size)

    monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", -1.0)
    largefiles.set(CHUNK_SIZE=2000)
    answer = tus.patch(
        url, 4000, Watched(PICTURE[4000:8000]), length=4000, upload_checksum=checksum(PICTURE[4000:8000])
    )
    assert offsets == [4000, 4000]
    assert answer["Upload-Offset"] == "8000"


def test_row_53_no_byte_of_a_creation_counts_before_its_checksum_is_verified(
    tus: Tus, largefiles: Largefiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    offsets: list[int] = []

    class Watched(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            offsets.append(upload_at(str(FileAsset.objects.get().pk)).offset)
            return super().read(size)

    monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", -1.0)
    largefiles.set(CHUNK_SIZE=2000)
    body = PICTURE * 10
    tus.post(Watched(body), length=len(body), upload_defer_length="1", upload_checksum=checksum(body))
    assert set(offsets) == {0}
    assert FileAsset.objects.get().upload.offset == len(body)


def test_row_54_an_unknown_algorithm(tus: Tus, url: str) -> None:
    before = everything()
    answer = tus.patch(url, 4000, REST, upload_checksum="sha3 YQ==")
    assert problem(answer) == (400, "unsupported_checksum")
    assert answer.json()["limit"] == "sha1,sha256,sha512,md5,crc32"
    assert everything() == before


def test_row_54_a_mismatch(tus: Tus, url: str) -> None:
    answer = tus.patch(url, 4000, REST, upload_checksum=checksum(PICTURE))
    assert problem(answer) == (460, "checksum_mismatch")
    assert (answer.reason_phrase, answer.json()["title"]) == ("Checksum Mismatch", "Checksum Mismatch")
    assert (answer.json()["limit"], answer.json()["value"]) == (checksum(PICTURE)[5:], GOOD[5:])


def test_row_54_a_match(tus: Tus, url: str) -> None:
    answer = tus.patch(url, 4000, REST[:1000], upload_checksum=checksum(REST[:1000]))
    assert (answer.status_code, answer["Upload-Offset"]) == (204, "5000")


@pytest.mark.each_storage
@pytest.mark.parametrize("piece", [REST, REST[:1000]], ids=["last", "middle"])
def test_row_55_a_chunk_that_does_not_match_is_discarded(piece: bytes, tus: Tus, url: str) -> None:
    before = everything()
    damaged = b"x" + piece[1:]
    assert tus.patch(url, 4000, damaged, upload_checksum=checksum(piece)).status_code == 460
    assert everything() == before
    assert tus.patch(url, 4000, REST, upload_checksum=GOOD).status_code == 204
    assert asset_at(url).sha256 == SHA256


@pytest.mark.each_storage
@pytest.mark.parametrize("body", [BytesIO(REST[:1000]), BrokenBody(REST[:1000])], ids=["end of file", "error"])
def test_row_55_a_chunk_that_did_not_come_whole_is_discarded(body: BytesIO, tus: Tus, url: str) -> None:
    before = everything()
    answer = tus.patch(url, 4000, body, length=len(REST), upload_checksum=GOOD)
    assert problem(answer) == (400, "incomplete_body")
    assert everything() == before


@pytest.mark.each_storage
@pytest.mark.parametrize(
    ("body", "status"),
    [(PICTURE[:-1] + b"x", 460), (BytesIO(PICTURE[:1000]), 400)],
    ids=["mismatch", "not whole"],
)
def test_row_55_a_creation_with_a_chunk_that_is_discarded_leaves_nothing(
    body: bytes | BytesIO, status: int, tus: Tus, stored: Stored
) -> None:
    headers = {"upload_length": str(SIZE), "upload_checksum": checksum(PICTURE)}
    assert problem(tus.post(body, length=SIZE, **headers))[0] == status
    assert not FileAsset.objects.exists()
    assert stored() == []


@pytest.mark.each_storage
def test_row_55_a_first_chunk_that_was_damaged_is_no_verdict_on_the_file(tus: Tus) -> None:
    url = tus.create()
    before = everything()
    damaged = EXECUTABLE[:4000] + PICTURE[4000:]
    assert problem(tus.patch(url, 0, damaged, upload_checksum=checksum(PICTURE))) == (415, "type_not_allowed")
    assert everything() == before
    assert tus.patch(url, 0, PICTURE, upload_checksum=checksum(PICTURE)).status_code == 204


def test_row_55_a_creation_with_a_chunk_that_matches(tus: Tus) -> None:
    answer = tus.post(PICTURE, upload_length=str(SIZE), upload_checksum=checksum(PICTURE))
    assert (answer.status_code, FileAsset.objects.get().sha256) == (201, SHA256)


@pytest.mark.parametrize(("server", "announced"), [("gunicorn/27.0.0", True), ("WSGIServer/0.2", False), ("", False)])
def test_row_56_trailers_are_announced_where_the_server_passes_them_on(server: str, announced: bool, tus: Tus) -> None:
    extensions = tus.request("OPTIONS", COLLECTION, server_software=server)["Tus-Extension"].split(",")
    assert "checksum" in extensions
    assert ("checksum-trailer" in extensions) is announced


@pytest.mark.parametrize("value", [checksum(REST, "sha256"), crc32(REST)], ids=["sha256", "crc32"])
def test_row_56_the_checksum_may_come_behind_the_body(value: str, tus: Tus, url: str) -> None:
    assert tus.patch(url, 4000, TrailedBody(REST, upload_checksum=value), **TRAILED).status_code == 204
    assert asset_at(url).sha256 == SHA256


@pytest.mark.parametrize(
    ("trailer", "status", "code"),
    [
        ({"upload_checksum": checksum(PICTURE)}, 460, "checksum_mismatch"),
        ({"upload_checksum": "sha3 YQ=="}, 400, "unsupported_checksum"),
        ({"upload_checksum": "nonsense"}, 400, "malformed_header"),
        ({}, 400, "missing_header"),
    ],
    ids=["mismatch", "unknown algorithm", "malformed", "missing"],
)
def test_row_56_a_trailer_that_does_not_hold_discards_the_chunk(
    trailer: dict[str, str], status: int, code: str, tus: Tus, url: str
) -> None:
    before = everything()
    assert problem(tus.patch(url, 4000, TrailedBody(REST, **trailer), **TRAILED)) == (status, code)
    assert everything() == before


def test_row_56_a_trailer_that_the_server_swallows_is_missing(tus: Tus, url: str) -> None:
    before = everything()
    assert problem(tus.patch(url, 4000, BytesIO(REST), **TRAILED)) == (400, "missing_header")
    assert everything() == before


def test_row_56_a_trailer_of_other_fields_announces_no_checksum(tus: Tus, url: str) -> None:
    headers: dict[str, Any] = {**TRAILED, "trailer": "X-Other"}
    assert tus.patch(url, 4000, TrailedBody(REST), **headers).status_code == 204
