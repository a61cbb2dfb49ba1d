"""The numbers of rows are those of the checklist that the door is held to (tus 1.0.0)."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from django_largefiles.doors.body import FIRST_READ
from django_largefiles.doors.resumable import exchange
from django_largefiles.exceptions import StoreUnavailable
from django_largefiles.models import FileAsset, Upload
from django_largefiles.options import MIB
from django_largefiles.pipeline.processing import process
from django_largefiles.states import State
from tests.conftest import EXECUTABLE, Largefiles
from tests.doors.resumable.storages import appender_class, fill_the_disk, store_class
from tests.doors.resumable.test_broken_bodies import FaultyChunks
from tests.doors.resumable.tus_client import (
    BYTES,
    CHUNKED,
    COLLECTION,
    PICTURE,
    SHA256,
    SIZE,
    BrokenBody,
    Tus,
    asset_at,
    metadata,
    problem,
    upload_at,
)
from tests.multipart import CountingBody

pytestmark = pytest.mark.django_db(transaction=True)

Stored = Callable[[], list[str]]


@pytest.fixture
def nothing_left(stored: Stored) -> Callable[[], None]:
    def check() -> None:
        assert not FileAsset.objects.exists()
        assert not Upload.objects.exists()
        assert stored() == []

    return check


def location(answer: Any) -> str:
    return str(answer["Location"]).removeprefix("http://testserver")


def test_row_24_creation_is_announced(tus: Tus) -> None:
    assert "creation" in tus.request("OPTIONS", COLLECTION)["Tus-Extension"].split(",")


def test_row_25_a_creation_tells_the_length(tus: Tus) -> None:
    assert upload_at(tus.create(5)).length == 5


def test_row_25_a_creation_may_put_the_length_off(tus: Tus) -> None:
    assert upload_at(tus.create(None)).length is None


def test_row_26_a_creation_is_201(tus: Tus) -> None:
    answer = tus.post(upload_length=str(SIZE))
    assert (answer.status_code, answer.content) == (201, b"")


def test_row_27_the_location_names_the_asset(tus: Tus) -> None:
    answer = tus.post(upload_length=str(SIZE))
    assert answer["Location"] == f"http://testserver/files/uploads/{FileAsset.objects.get().pk}"


def test_row_27_the_location_is_where_the_bytes_go(tus: Tus) -> None:
    url = location(tus.post(upload_length=str(SIZE)))
    assert tus.patch(url, 0, PICTURE).status_code == 204


@pytest.mark.parametrize(
    "length", ["1001", str(2**63 - 1), str(2**63), "9" * 5000], ids=["by one", "largest", "2^63", "5000 digits"]
)
def test_row_28_above_the_maximum(
    length: str, tus: Tus, largefiles: Largefiles, nothing_left: Callable[[], None]
) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=1000)
    answer = tus.post(upload_length=length)
    assert problem(answer) == (413, "too_large")
    nothing_left()


def test_row_28_the_maximum_is_the_profile_s(tus: Tus, largefiles: Largefiles) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=1000, PROFILES={"icons": {"MAX_UPLOAD_SIZE": 10}})
    answer = tus.post(upload_length="11", upload_metadata=metadata(profile="icons"))
    assert (problem(answer), answer.json()["limit"], answer.json()["value"]) == ((413, "too_large"), 10, 11)


def test_row_28_the_maximum_itself_is_allowed(tus: Tus, largefiles: Largefiles) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=SIZE)
    assert tus.post(PICTURE, upload_length=str(SIZE)).status_code == 201


def test_white_space_around_a_field_is_no_part_of_it(tus: Tus) -> None:
    assert upload_at(location(tus.post(upload_length="5 "))).length == 5


@pytest.mark.each_storage
def test_row_29_an_empty_file_is_complete_at_once(tus: Tus, largefiles: Largefiles) -> None:
    largefiles.set(ALLOWED_MIME_TYPES=["*/*"])
    answer = tus.post(upload_length="0")
    assert (answer.status_code, answer["Upload-Offset"]) == (201, "0")
    assert "Upload-Expires" not in answer
    assert (asset_at(location(answer)).state, asset_at(location(answer)).size) == (State.RECEIVED, 0)


@pytest.mark.each_storage
def test_row_29_an_empty_file_is_judged(tus: Tus, nothing_left: Callable[[], None]) -> None:
    assert problem(tus.post(upload_length="0")) == (415, "type_not_allowed")
    nothing_left()


def test_row_30_metadata_describe_the_asset(tus: Tus, largefiles: Largefiles) -> None:
    largefiles.set(PROFILES={"photos": {}})
    said = metadata(filename="wörld.png", filetype="image/png", profile="photos", note=b"") + ",is_public"
    asset = asset_at(tus.create(upload_metadata=said))
    assert (asset.original_name, asset.declared_type, asset.profile) == ("wörld.png", "image/png", "photos")


@pytest.mark.parametrize("names", [("name", "type"), ("filename", "filetype")], ids=["Uppy", "tus-js-client"])
def test_row_30_name_and_type_go_by_the_names_that_clients_give_them(names: tuple[str, str], tus: Tus) -> None:
    asset = asset_at(tus.create(upload_metadata=metadata(**dict(zip(names, ("a.png", "image/png"), strict=True)))))
    assert (asset.original_name, asset.declared_type) == ("a.png", "image/png")


@pytest.mark.parametrize(
    "header",
    [
        "filename not-base64!",
        "filename YQ==,filename YQ==",
        metadata(filename=b"\xff\xfe"),
        metadata(profile=b"\xff"),
        metadata(sha256=b"\xff"),
    ],
    ids=["not base64", "key twice", "name not UTF-8", "profile not UTF-8", "digest not UTF-8"],
)
def test_row_30_malformed_metadata(header: str, tus: Tus, nothing_left: Callable[[], None]) -> None:
    assert problem(tus.post(upload_length="5", upload_metadata=header)) == (400, "malformed_header")
    nothing_left()


@pytest.mark.parametrize(
    "header",
    [metadata(filename="wörld.png", note=b"\xff\x00"), "is_public", "a YQ== , b", metadata(filename="a\r\nX: y.png")],
    ids=["bytes", "without value", "white space", "control characters inside"],
)
def test_row_31_head_gives_the_metadata_back_as_sent(header: str, tus: Tus) -> None:
    assert tus.head(tus.create(upload_metadata=header))["Upload-Metadata"] == header


def test_row_31_also_of_a_complete_upload(tus: Tus) -> None:
    url = tus.create(upload_metadata=metadata(filename="a.png"))
    tus.patch(url, 0, PICTURE)
    assert tus.head(url)["Upload-Metadata"] == metadata(filename="a.png")


def test_row_31_without_metadata_nothing_is_given_back(tus: Tus) -> None:
    assert "Upload-Metadata" not in tus.head(tus.create())


@pytest.mark.parametrize(
    "name", ["a\r\nSet-Cookie: x=y.png", "../../etc/x.png", "a\x00.png", "\u202egnp.png"], ids=ascii
)
def test_row_32_a_hostile_name_makes_no_header(name: str, tus: Tus) -> None:
    url = tus.create(upload_metadata=metadata(filename=name))
    tus.patch(url, 0, PICTURE)
    process(asset_at(url).pk)
    answer = tus.client.get(url)
    answer.close()
    assert "Set-Cookie" not in answer
    assert not set(answer["Content-Disposition"]) & set("\r\n\x00\u202e/")


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 400, "missing_header"),
        ({"upload_length": "5", "upload_defer_length": "1"}, 400, "malformed_header"),
        ({"upload_length": "-1"}, 400, "malformed_header"),
        ({"upload_length": "5", "upload_concat": "first"}, 400, "malformed_header"),
        ({"upload_length": "5", "upload_metadata": metadata(profile="unknown")}, 400, "unknown_profile"),
        ({"upload_length": "5", "upload_metadata": metadata(profile="a\x00b")}, 400, "unknown_profile"),
        ({"upload_length": "5", "upload_metadata": metadata(sha256="nonsense")}, 400, "malformed_request"),
        ({"upload_length": "5", "upload_metadata": metadata(filetype="text/html")}, 415, "type_not_allowed"),
        ({"upload_length": "5", "upload_metadata": metadata(filename="a.exe")}, 415, "type_mismatch"),
        ({"upload_length": "5", "upload_metadata": metadata(filename="a.jpg.php")}, 415, "type_mismatch"),
    ],
    ids=[
        "no length",
        "length and no length",
        "negative length",
        "concatenation of another kind",
        "unknown profile",
        "profile with NUL",
        "digest that is none",
        "declared type",
        "extension",
        "last extension",
    ],
)
def test_a_refused_creation_makes_nothing(
    headers: dict[str, str], status: int, code: str, tus: Tus, nothing_left: Callable[[], None]
) -> None:
    assert problem(tus.post(**headers)) == (status, code)
    nothing_left()


def test_row_34_creation_with_upload_is_announced(tus: Tus) -> None:
    extensions = tus.request("OPTIONS", COLLECTION)["Tus-Extension"].split(",")
    assert {"creation", "creation-with-upload"} <= set(extensions)


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (PICTURE, {"content_type": "image/png"}, 415, "unsupported_content_type"),
        (PICTURE, {"content_type": None}, 415, "unsupported_content_type"),
        (PICTURE, {"upload_length": "5"}, 413, "too_large"),
        (PICTURE, {"length": "-1"}, 400, "malformed_request"),
        (PICTURE, {"upload_checksum": "sha1 nonsense"}, 460, "checksum_mismatch"),
        (PICTURE, {"upload_checksum": "sha3 YQ=="}, 400, "unsupported_checksum"),
        (EXECUTABLE, {}, 415, "type_not_allowed"),
        (PICTURE, {"upload_metadata": metadata(filename="a.pdf")}, 415, "type_mismatch"),
        (PICTURE, {"upload_metadata": metadata(sha256="0" * 64)}, 422, "digest_mismatch"),
    ],
    ids=[
        "content type",
        "no content type",
        "too many bytes",
        "negative content length",
        "checksum that is none",
        "unsupported checksum",
        "type",
        "extension",
        "digest",
    ],
)
def test_row_35_the_rules_of_patch_apply(
    body: bytes,
    headers: dict[str, Any],
    status: int,
    code: str,
    tus: Tus,
    nothing_left: Callable[[], None],
) -> None:
    assert problem(tus.post(body, **{"upload_length": str(len(body)), **headers})) == (status, code)
    nothing_left()


@pytest.mark.parametrize("size", [1, 4000, SIZE], ids=["one byte", "some", "all"])
def test_row_36_the_offset_reached_is_told(size: int, tus: Tus) -> None:
    answer = tus.post(PICTURE[:size], upload_length=str(SIZE))
    assert (answer.status_code, answer["Upload-Offset"]) == (201, str(size))


def test_row_36_all_bytes_may_come_with_the_creation(tus: Tus) -> None:
    asset = asset_at(location(tus.post(PICTURE, upload_length=str(SIZE))))
    assert (asset.state, asset.sha256) == (State.RECEIVED, SHA256)


def test_row_36_bytes_of_an_unknown_number_may_come_with_the_creation(tus: Tus) -> None:
    url = location(tus.post(PICTURE, upload_defer_length="1"))
    assert (upload_at(url).offset, upload_at(url).length) == (SIZE, None)


@pytest.mark.each_storage
def test_row_36_what_came_of_a_broken_body_counts(tus: Tus) -> None:
    answer = tus.post(BrokenBody(PICTURE[:4000]), length=SIZE, upload_length=str(SIZE))
    assert (answer.status_code, answer["Upload-Offset"]) == (201, "4000")
    url = location(answer)
    tus.patch(url, 4000, PICTURE[4000:])
    assert asset_at(url).sha256 == SHA256


def test_row_36_a_body_of_chunks_may_come_with_the_creation(tus: Tus) -> None:
    answer = tus.post(CountingBody(PICTURE), upload_length=str(SIZE), **CHUNKED)
    assert asset_at(location(answer)).sha256 == SHA256


@pytest.mark.each_storage
def test_more_bytes_in_chunks_than_were_declared_leave_nothing(tus: Tus, nothing_left: Callable[[], None]) -> None:
    answer = tus.post(CountingBody(PICTURE), upload_length="5000", **CHUNKED)
    assert problem(answer) == (413, "too_large")
    nothing_left()


def test_more_bytes_than_the_maximum_leave_nothing(
    tus: Tus, largefiles: Largefiles, nothing_left: Callable[[], None]
) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=5000)
    assert problem(tus.post(PICTURE, upload_defer_length="1")) == (413, "too_large")
    nothing_left()


def test_row_37_nothing_of_a_body_is_read_before_the_headers_are_judged(tus: Tus) -> None:
    body = CountingBody(PICTURE)
    headers = {"upload_length": str(SIZE), "upload_metadata": metadata(filetype="text/html")}
    tus.post(body, length=SIZE, **headers)
    assert body.consumed == 0


@pytest.mark.each_storage
def test_the_wrong_type_costs_one_short_read(tus: Tus, nothing_left: Callable[[], None]) -> None:
    body = CountingBody(EXECUTABLE + bytes(8 * MIB))
    assert problem(tus.post(body, length=body.length, upload_length=str(body.length))) == (415, "type_not_allowed")
    assert body.consumed == FIRST_READ
    nothing_left()


def test_a_promised_digest_that_holds(tus: Tus) -> None:
    answer = tus.post(PICTURE, upload_length=str(SIZE), upload_metadata=metadata(sha256=SHA256.upper()))
    assert asset_at(location(answer)).expected_sha256 == SHA256


@pytest.mark.each_storage
def test_a_full_disk_leaves_nothing_of_a_creation(
    tus: Tus, nothing_left: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_the_disk(monkeypatch, at=4000)
    assert problem(tus.post(PICTURE, upload_length=str(SIZE))) == (507, "store_full")
    nothing_left()


@pytest.mark.each_storage
@pytest.mark.parametrize("duty", ["begin", "append"])
def test_a_store_that_fails_leaves_nothing_of_a_creation(
    duty: str, tus: Tus, nothing_left: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreUnavailable("down")

    monkeypatch.setattr(store_class(), duty, fail)
    assert problem(tus.post(PICTURE, upload_length=str(SIZE))) == (503, "store_unavailable")
    nothing_left()


@pytest.mark.each_storage
def test_a_creation_that_crashes_leaves_nothing(
    tus: Tus, nothing_left: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise SystemExit("the server stops its worker")

    monkeypatch.setattr(appender_class(), "write", crash)
    with pytest.raises(SystemExit):
        tus.post(PICTURE, upload_length=str(SIZE))
    nothing_left()


def test_a_host_that_is_not_allowed_makes_nothing(tus: Tus, nothing_left: Callable[[], None]) -> None:
    assert tus.post(upload_length=str(SIZE), host="evil.example").status_code == 400
    nothing_left()


@pytest.mark.parametrize("value", ["0", ""])
def test_row_39_a_length_is_put_off_by_one_alone(value: str, tus: Tus, nothing_left: Callable[[], None]) -> None:
    assert problem(tus.post(upload_defer_length=value)) == (400, "malformed_header")
    nothing_left()


def test_row_40_the_length_comes_in_a_later_patch(tus: Tus) -> None:
    url = tus.create(None)
    assert tus.patch(url, 0, PICTURE[:4000]).status_code == 204
    assert tus.patch(url, 4000, PICTURE[4000:], upload_length=str(SIZE)).status_code == 204
    assert (asset_at(url).state, asset_at(url).sha256) == (State.RECEIVED, SHA256)


def test_row_40_the_length_may_come_before_the_last_bytes(tus: Tus) -> None:
    url = tus.create(None)
    tus.patch(url, 0, PICTURE[:4000], upload_length=str(SIZE))
    assert (tus.head(url)["Upload-Length"], asset_at(url).size) == (str(SIZE), SIZE)
    tus.patch(url, 4000, PICTURE[4000:])
    assert asset_at(url).state == State.RECEIVED


@pytest.mark.each_storage
def test_row_40_the_length_may_come_after_the_last_bytes(tus: Tus) -> None:
    url = tus.create(None)
    tus.patch(url, 0, PICTURE)
    assert asset_at(url).state == State.RECEIVING
    assert tus.patch(url, SIZE, b"", upload_length=str(SIZE))["Upload-Offset"] == str(SIZE)
    assert asset_at(url).state == State.RECEIVED


def test_row_40_a_late_length_above_the_maximum_is_refused(tus: Tus, largefiles: Largefiles) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=5000)
    url = tus.create(None)
    assert problem(tus.patch(url, 0, PICTURE[:4000], upload_length="5001")) == (413, "too_large")
    assert (upload_at(url).length, upload_at(url).offset) == (None, 0)


@pytest.mark.parametrize("length", [str(SIZE - 1), str(SIZE + 1), "0"], ids=["shorter", "longer", "none"])
def test_row_41_a_length_that_is_known_does_not_change(length: str, tus: Tus) -> None:
    url = tus.create()
    assert problem(tus.patch(url, 0, PICTURE[:10], upload_length=length)) == (400, "inconsistent_length")
    assert (upload_at(url).length, upload_at(url).offset) == (SIZE, 0)


def test_row_41_a_length_that_is_known_may_be_repeated(tus: Tus) -> None:
    url = tus.create()
    assert tus.patch(url, 0, PICTURE[:10], upload_length=str(SIZE)).status_code == 204


def test_a_late_length_does_not_cut_what_is_there(tus: Tus) -> None:
    url = tus.create(None)
    tus.patch(url, 0, PICTURE[:4000])
    assert problem(tus.patch(url, 4000, b"", upload_length="3999")) == (400, "inconsistent_length")
    assert (upload_at(url).length, upload_at(url).offset) == (None, 4000)


@pytest.mark.parametrize("length", ["-1", ""])
def test_a_malformed_late_length(length: str, tus: Tus) -> None:
    url = tus.create(None)
    assert problem(tus.patch(url, 0, PICTURE[:10], upload_length=length)) == (400, "malformed_header")
    assert (upload_at(url).length, upload_at(url).offset) == (None, 0)


def test_row_42_head_says_that_the_length_is_unknown(tus: Tus) -> None:
    answer = tus.head(tus.create(None))
    assert (answer["Upload-Defer-Length"], "Upload-Length" in answer) == ("1", False)


def test_row_42_head_does_not_say_so_once_it_is_known(tus: Tus) -> None:
    url = tus.create(None)
    tus.patch(url, 0, PICTURE[:10], upload_length=str(SIZE))
    assert "Upload-Defer-Length" not in tus.head(url)


def test_a_body_that_is_empty_may_have_any_type(tus: Tus) -> None:
    answer = tus.post(upload_length="5", content_type="application/json")
    assert answer.status_code == 201


def test_the_type_of_bytes_may_have_parameters(tus: Tus) -> None:
    answer = tus.post(PICTURE, upload_length=str(SIZE), content_type=f"{BYTES}; charset=x")
    assert answer["Upload-Offset"] == str(SIZE)


class Interrupted(BytesIO):
    """A body that calls ``act`` once, before the second read."""

    def __init__(self, content: bytes, act: Callable[[], object]) -> None:
        super().__init__(content)
        self._acts = iter([lambda: None, act])

    def read(self, size: int | None = -1, /) -> bytes:
        next(self._acts, lambda: None)()
        return super().read(size)


def test_a_creation_that_was_taken_over_leaves_the_bytes_to_the_later_request(
    tus: Tus, restless: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that lost the answer finds the upload in a list of its files."""
    monkeypatch.setattr(exchange, "FIRST_READ", 4000)

    def go_on() -> None:
        url = f"{COLLECTION}{FileAsset.objects.get().pk}"
        assert tus.patch(url, 4000, PICTURE[4000:7000])["Upload-Offset"] == "7000"

    answer = tus.post(Interrupted(PICTURE, go_on), length=SIZE, upload_length=str(SIZE), content_type=BYTES)
    assert problem(answer) == (423, "taken_over")
    assert Upload.objects.get().offset == 7000


def test_a_creation_with_a_malformed_body_leaves_nothing_behind(tus: Tus, nothing_left: Callable[[], None]) -> None:
    answer = tus.post(
        FaultyChunks(PICTURE, ValueError("no size")), upload_length=str(SIZE), content_type=BYTES, **CHUNKED
    )
    assert problem(answer) == (400, "malformed_body")
    nothing_left()
