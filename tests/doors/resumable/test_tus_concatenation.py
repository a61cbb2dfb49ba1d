"""The numbers of rows are those of the checklist that the door is held to (tus 1.0.0)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from django_largefiles.intake import assembly, creation, resuming
from django_largefiles.models import FileAsset, Upload
from django_largefiles.options import MIB
from django_largefiles.pipeline.processing import process
from django_largefiles.signals import asset_received
from django_largefiles.states import Reason, State
from django_largefiles.stores.base import Store, StoreState
from tests.conftest import EXECUTABLE, Largefiles
from tests.doors.resumable.storages import fill_the_disk, store_class
from tests.doors.resumable.tus_client import (
    COLLECTION,
    PICTURE,
    SHA256,
    SIZE,
    Tus,
    asset_at,
    everything,
    metadata,
    problem,
    upload_at,
)

pytestmark = pytest.mark.django_db(transaction=True)

Stored = Callable[[], list[str]]
UNKNOWN = f"{COLLECTION}00000000-0000-4000-8000-000000000000/"


@pytest.fixture
def parts(tus: Tus) -> tuple[str, str]:
    return tus.partial(PICTURE[:4000]), tus.partial(PICTURE[4000:])


def final_of(*urls: str) -> str:
    return f"final;{' '.join(urls)}"


def unfinished(tus: Tus, length: int | None) -> str:
    return tus.create(length, upload_concat="partial")


def final(tus: Tus, *urls: str, **headers: str) -> str:
    answer = tus.post(upload_concat=final_of(*urls), **headers)
    assert answer.status_code == 201
    return str(answer["Location"]).removeprefix("http://testserver")


@pytest.mark.each_storage
def test_row_61_a_final_upload_is_its_parts_one_behind_the_other(tus: Tus, parts: tuple[str, str]) -> None:
    asset = asset_at(final(tus, *parts, upload_metadata=metadata(filename="picture.png")))
    assert (asset.state, asset.original_name, asset.media_type) == (State.RECEIVED, "picture.png", "image/png")
    assert (asset.size, asset.sha256) == (SIZE, SHA256)


@pytest.mark.parametrize(
    "spelling",
    [
        lambda path: path,
        lambda path: path + "/",
        lambda path: f"http://testserver{path}",
        lambda path: f"https://TestServer{path}",
        lambda path: f"//testserver{path}",
        lambda path: path.removeprefix(COLLECTION),
        lambda path: f"./{path.removeprefix(COLLECTION)}",
        lambda path: f"../uploads/{path.removeprefix(COLLECTION)}",
        lambda path: path.replace("uploads", "%75ploads"),
        lambda path: f"{path}?a=b",
    ],
    ids=[
        "path",
        "no slash at the end",
        "absolute",
        "host in capitals",
        "without scheme",
        "relative",
        "relative with a dot",
        "relative over the parent",
        "percent-encoded",
        "query",
    ],
)
def test_row_61_urls_are_absolute_or_relative(
    spelling: Callable[[str], str], tus: Tus, parts: tuple[str, str]
) -> None:
    assert asset_at(final(tus, *map(spelling, parts))).sha256 == SHA256


@pytest.mark.each_storage
def test_row_61_a_partial_upload_takes_bytes_as_any_other(tus: Tus) -> None:
    url = unfinished(tus, 5)
    assert tus.patch(url, 0, PICTURE[:2])["Upload-Offset"] == "2"
    answer = tus.patch(url, 2, PICTURE[2:5])
    assert (answer["Upload-Offset"], "Upload-Expires" in answer) == ("5", True)


@pytest.mark.parametrize(
    "header",
    ["final", "final;", "final;/\xff"],
    ids=ascii,
)
def test_row_61_malformed_concatenations(header: str, tus: Tus) -> None:
    assert problem(tus.post(upload_concat=header)) == (400, "malformed_header")
    assert not FileAsset.objects.exists()


def test_row_61_too_many_partial_uploads(tus: Tus, parts: tuple[str, str]) -> None:
    before = everything()
    assert problem(tus.post(upload_concat=final_of(*["/a"] * 1001))) == (400, "malformed_header")
    assert everything() == before


@pytest.mark.each_storage
def test_row_62_the_order_is_that_of_the_urls(tus: Tus) -> None:
    head, middle, tail = tus.partial(PICTURE[:3000]), tus.partial(b"one"), tus.partial(b"two")
    asset = asset_at(final(tus, head, tail, middle))
    with asset.file.open() as file:
        assert file.read() == PICTURE[:3000] + b"twoone"


def test_row_63_the_length_is_the_sum(tus: Tus) -> None:
    assert upload_at(final(tus, unfinished(tus, 3), unfinished(tus, 4))).length == 7


def test_row_63_the_sum_is_held_to_the_maximum(tus: Tus, largefiles: Largefiles) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=6)
    urls = [unfinished(tus, 3), unfinished(tus, 4)]
    before = everything()
    answer = tus.post(upload_concat=final_of(*urls))
    assert (problem(answer), answer.json()["value"]) == ((413, "too_large"), 7)
    assert everything() == before


def test_row_64_a_final_upload_with_a_length(tus: Tus, parts: tuple[str, str]) -> None:
    before = everything()
    answer = tus.post(upload_concat=final_of(*parts), upload_length=str(SIZE))
    assert problem(answer) == (400, "inconsistent_length")
    assert everything() == before


def test_row_65_partial_uploads_are_not_processed(tus: Tus) -> None:
    received: list[Any] = []

    def note(asset: FileAsset, **_: Any) -> None:
        received.append(asset.pk)

    asset_received.connect(note)
    try:
        partial, whole = tus.partial(EXECUTABLE), tus.create()
        tus.patch(whole, 0, PICTURE)
    finally:
        asset_received.disconnect(note)
    assert received == [asset_at(whole).pk]
    assert asset_at(partial).state == State.RECEIVING


def test_row_66_final_uploads_before_their_parts_are_announced(tus: Tus) -> None:
    extensions = tus.request("OPTIONS", COLLECTION)["Tus-Extension"].split(",")
    assert {"concatenation", "concatenation-unfinished"} <= set(extensions)


@pytest.mark.each_storage
def test_row_66_a_final_upload_may_come_before_the_bytes_of_its_parts(tus: Tus) -> None:
    first, second = unfinished(tus, 4000), unfinished(tus, SIZE - 4000)
    url = final(tus, first, second)
    tus.patch(second, 0, PICTURE[4000:])
    assert asset_at(url).state == State.RECEIVING
    tus.patch(first, 0, PICTURE[:2000])
    assert asset_at(url).state == State.RECEIVING
    assert tus.patch(first, 2000, PICTURE[2000:4000])["Upload-Offset"] == "4000"
    assert (asset_at(url).state, asset_at(url).sha256) == (State.RECEIVED, SHA256)


def test_row_66_a_part_completes_only_those_that_it_belongs_to(tus: Tus) -> None:
    part, other = unfinished(tus, SIZE), unfinished(tus, SIZE)
    url, waiting = final(tus, part), final(tus, other)
    tus.patch(part, 0, PICTURE)
    assert (asset_at(url).state, asset_at(waiting).state) == (State.RECEIVED, State.RECEIVING)


def test_row_66_a_final_upload_whose_last_part_is_complete_just_before_it_is_made(
    tus: Tus, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = unfinished(tus, SIZE)

    def create_later(*args: Any, **options: Any) -> Upload:
        tus.patch(part, 0, PICTURE)
        return creation.create(*args, **options)

    monkeypatch.setattr("django_largefiles.doors.resumable.tus.create", create_later)
    assert asset_at(final(tus, part)).state == State.RECEIVED


@pytest.mark.each_storage
def test_row_66_a_final_upload_that_another_request_puts_together(tus: Tus, monkeypatch: pytest.MonkeyPatch) -> None:
    part = tus.partial(PICTURE)
    finish = store_class().finish

    def finish_late(self: Store, state: StoreState, token: UUID) -> str:
        resuming.take_over(Upload.objects.get(kind="final"), 0).close()
        return finish(self, state, token)

    monkeypatch.setattr(store_class(), "finish", finish_late)
    answer = tus.post(upload_concat=final_of(part))
    assert (answer.status_code, "Upload-Expires" in answer) == (201, True)
    assert Upload.objects.filter(kind="final").exists()


def test_row_67_metadata_are_the_final_upload_s_own(tus: Tus, largefiles: Largefiles) -> None:
    largefiles.set(PROFILES={"photos": {}})
    said = metadata(filename="part.png", filetype="image/png", profile="photos")
    part = tus.create(SIZE, upload_concat="partial", upload_metadata=said)
    tus.patch(part, 0, PICTURE)
    url = final(tus, part)
    assert (asset_at(url).original_name, asset_at(url).declared_type, asset_at(url).profile) == (
        "unnamed",
        "",
        "default",
    )
    assert "Upload-Metadata" not in tus.head(url)


@pytest.mark.parametrize("body", [b"", b"x"], ids=["none", "one"])
def test_row_68_a_final_upload_takes_no_bytes(body: bytes, tus: Tus) -> None:
    url = final(tus, unfinished(tus, 5))
    before = everything()
    assert problem(tus.patch(url, 0, body)) == (403, "final_upload")
    assert everything() == before


@pytest.mark.parametrize(("offset", "body"), [(0, b"x"), (SIZE, b"x"), (SIZE, b"")], ids=["start", "end", "nothing"])
def test_row_68_nor_does_one_that_is_finished(offset: int, body: bytes, tus: Tus, parts: tuple[str, str]) -> None:
    url = final(tus, *parts)
    before = everything()
    assert problem(tus.patch(url, offset, body)) == (403, "final_upload")
    assert everything() == before


def test_row_68_nor_with_its_creation(tus: Tus, parts: tuple[str, str]) -> None:
    before = everything()
    assert problem(tus.post(b"x", upload_concat=final_of(*parts))) == (403, "final_upload")
    assert everything() == before


def test_row_69_head_of_a_final_upload_that_waits_has_no_offset(tus: Tus) -> None:
    answer = tus.head(final(tus, unfinished(tus, 5)))
    assert (answer.status_code, "Upload-Offset" in answer, "Upload-Expires" in answer) == (200, False, True)


def test_row_69_head_of_a_final_upload_that_is_there_has_both(tus: Tus, parts: tuple[str, str]) -> None:
    answer = tus.head(final(tus, *parts))
    assert (answer["Upload-Offset"], answer["Upload-Length"]) == (str(SIZE), str(SIZE))


def test_row_70_head_of_a_partial_upload_has_its_offset(tus: Tus) -> None:
    url = unfinished(tus, 5)
    tus.patch(url, 0, b"123")
    answer = tus.head(url)
    assert (answer["Upload-Offset"], answer["Upload-Length"]) == ("3", "5")


def test_row_71_head_of_a_final_upload_has_its_length(tus: Tus) -> None:
    assert tus.head(final(tus, unfinished(tus, 3), unfinished(tus, 4)))["Upload-Length"] == "7"


def test_row_71_as_soon_as_it_can_be_told(tus: Tus) -> None:
    late = unfinished(tus, None)
    url = final(tus, unfinished(tus, 3), late)
    answer = tus.head(url)
    assert ("Upload-Length" in answer, "Upload-Defer-Length" in answer) == (False, False)
    tus.patch(late, 0, b"12", upload_length="4")
    assert tus.head(url)["Upload-Length"] == "7"


def test_row_71_and_not_once_a_part_is_gone(tus: Tus) -> None:
    late = unfinished(tus, None)
    url = final(tus, late)
    tus.delete(late)
    assert "Upload-Length" not in tus.head(url)


def test_row_72_head_gives_the_concatenation_back_as_sent(tus: Tus, parts: tuple[str, str]) -> None:
    said = f"final;{parts[0]}  http://testserver{parts[1]}"
    answer = tus.post(upload_concat=said)
    assert tus.head(answer["Location"])["Upload-Concat"] == said
    assert tus.head(parts[0])["Upload-Concat"] == "partial"


@pytest.mark.each_storage
def test_row_73_a_partial_upload_may_be_used_again(tus: Tus, parts: tuple[str, str]) -> None:
    first, second = final(tus, *parts), final(tus, *parts)
    assert asset_at(first).sha256 == asset_at(second).sha256 == SHA256
    assert first != second


@pytest.mark.parametrize("spelling", ["{}", "http://testserver{}"], ids=["same", "another"])
def test_row_73_a_partial_upload_is_not_repeated(spelling: str, tus: Tus, parts: tuple[str, str]) -> None:
    before = everything()
    assert problem(tus.post(upload_concat=final_of(*parts, spelling.format(parts[1])))) == (400, "malformed_header")
    assert everything() == before


LARGE = PICTURE + bytes(17 * MIB)
"""So large that a storage which can copies the parts itself."""


def large_parts(tus: Tus, content: bytes, *cuts: int) -> list[str]:
    ends = [*cuts, len(content)]
    return [tus.partial(content[start:end]) for start, end in zip([0, *cuts], ends, strict=True)]


@pytest.mark.each_storage
@pytest.mark.parametrize("cuts", [(100,), (100, 9 * MIB), (9 * MIB,)], ids=str)
def test_large_parts_are_put_together(cuts: tuple[int, ...], tus: Tus, stored: Stored) -> None:
    parts = large_parts(tus, LARGE, *cuts)
    asset = asset_at(final(tus, *parts, upload_metadata=metadata(filename="picture.png")))
    assert (asset.state, asset.size, asset.media_type) == (State.RECEIVED, len(LARGE), "image/png")
    process(asset.pk)
    asset.refresh_from_db()
    assert (asset.state, asset.sha256) == (State.READY, hashlib.sha256(LARGE).hexdigest())
    for part in parts:
        tus.delete(part)
    assert stored() == [asset.file.name]


@pytest.mark.each_storage
def test_large_parts_of_the_wrong_type_are_not_put_together(tus: Tus) -> None:
    parts = large_parts(tus, EXECUTABLE + bytes(17 * MIB), 100)
    before = everything()
    assert problem(tus.post(upload_concat=final_of(*parts))) == (415, "type_not_allowed")
    assert everything() == before


@pytest.mark.each_storage
def test_a_digest_that_large_parts_do_not_have_is_found_out_in_the_end(tus: Tus) -> None:
    answer = tus.post(upload_concat=final_of(*large_parts(tus, LARGE, 100)), upload_metadata=metadata(sha256="0" * 64))
    for asset in FileAsset.objects.filter(state=State.RECEIVED):
        process(asset.pk)
        assert FileAsset.objects.get(pk=asset.pk).reason == Reason.DIGEST_MISMATCH
    assert answer.status_code in {201, 422}
    assert not FileAsset.objects.ready().exists()


ID = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    "url",
    [
        f"http://evil.example/files/uploads/{ID}/",
        f"//evil.example/files/uploads/{ID}/",
        f"http://testserver:8080/files/uploads/{ID}/",
        f"http://testserver@evil.example/files/uploads/{ID}/",
        f"http://user@testserver/files/uploads/{ID}/",
        f"http://testserver.evil.example/files/uploads/{ID}/",
        f"/uploads/{ID}/",
        f"/files/assets/{ID}/download/",
        f"/files/uploads/../assets/{ID}/download/",
        COLLECTION,
        f"{COLLECTION}../../../../etc/passwd",
        f"{COLLECTION}%2e%2e/%2e%2e/etc/passwd",
        f"{COLLECTION}%2e%2e/uploads/{ID}/",
        f"{COLLECTION}..%2f..%2f{ID}/",
        f"{COLLECTION}{ID}%00/",
        f"{COLLECTION}{ID}/../",
        f"{COLLECTION}not-a-uuid/",
        f"{COLLECTION}{ID.replace('-', '')}/",
        f"{COLLECTION}.incoming/{ID.replace('-', '')}",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://[nonsense/",
        "http://[::1/",
        "?",
        "",
    ],
)
def test_a_final_upload_of_what_is_no_upload_of_ours(url: str, tus: Tus, parts: tuple[str, str]) -> None:
    before = everything()
    answer = tus.post(upload_concat=final_of(parts[0], url or ","))
    assert problem(answer) == (400, "malformed_header")
    assert everything() == before


@pytest.mark.urls("tests.doors.resumable.tus_urls")
def test_a_final_upload_of_another_view_s_url_with_an_id(tus: Tus, parts: tuple[str, str]) -> None:
    url = parts[0].replace("/files/", "/")
    assert problem(tus.post(upload_concat=final_of(url))) == (400, "malformed_header")


def foreign(tus: Tus, stranger: User) -> str:
    client = Client()
    client.force_login(stranger)
    return Tus(client).partial(PICTURE)


def unknown(tus: Tus, stranger: User) -> str:
    return UNKNOWN


def whole(tus: Tus, stranger: User) -> str:
    return tus.create()


def complete(tus: Tus, stranger: User) -> str:
    url = tus.create()
    tus.patch(url, 0, PICTURE)
    return url


def final_itself(tus: Tus, stranger: User) -> str:
    return final(tus, unfinished(tus, 5))


def terminated(tus: Tus, stranger: User) -> str:
    url = tus.partial(PICTURE)
    tus.delete(url)
    return url


@pytest.mark.parametrize("other", [foreign, unknown, whole, complete, final_itself, terminated])
def test_a_final_upload_of_what_is_no_partial_one(
    other: Callable[[Tus, User], str], tus: Tus, parts: tuple[str, str], stranger: User
) -> None:
    url = other(tus, stranger)
    before = everything()
    assert problem(tus.post(upload_concat=final_of(parts[0], url))) == (404, "not_found")
    assert everything() == before


def test_a_final_upload_of_an_expired_part(tus: Tus, parts: tuple[str, str]) -> None:
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    before = everything()
    assert problem(tus.post(upload_concat=final_of(*parts))) == (410, "upload_gone")
    assert everything() == before


def test_a_final_upload_of_a_part_that_may_only_be_seen(tus: Tus, staff: User, parts: tuple[str, str]) -> None:
    tus.client.force_login(staff)
    before = everything()
    assert problem(tus.post(upload_concat=final_of(*parts))) == (403, "not_permitted")
    assert everything() == before


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ({"upload_metadata": metadata(filename="a.exe")}, 415, "type_mismatch"),
        ({"upload_metadata": metadata(filename="a.pdf")}, 415, "type_mismatch"),
        ({"upload_metadata": metadata(filetype="text/html")}, 415, "type_not_allowed"),
        ({"upload_metadata": metadata(sha256="0" * 64)}, 422, "digest_mismatch"),
        ({"upload_metadata": "not base64!"}, 400, "malformed_header"),
        ({"upload_defer_length": "2"}, 400, "malformed_header"),
    ],
    ids=["declared extension", "extension", "declared type", "digest", "metadata", "deferred length"],
)
def test_a_final_upload_that_is_refused_is_gone_without_its_parts(
    said: dict[str, str], status: int, code: str, tus: Tus, parts: tuple[str, str], stored: Stored
) -> None:
    before, files = everything(), stored()
    assert problem(tus.post(upload_concat=final_of(*parts), **said)) == (status, code)
    assert everything() == before
    assert stored() == files
    assert asset_at(final(tus, *parts)).sha256 == SHA256


@pytest.mark.each_storage
def test_a_final_upload_of_the_wrong_type_is_gone_without_its_parts(tus: Tus, stored: Stored) -> None:
    part = tus.partial(EXECUTABLE)
    before, files = everything(), stored()
    assert problem(tus.post(upload_concat=final_of(part))) == (415, "type_not_allowed")
    assert (everything(), stored()) == (before, files)


@pytest.mark.each_storage
def test_a_final_upload_on_a_full_disk_is_gone_without_its_parts(
    tus: Tus, parts: tuple[str, str], stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, files = everything(), stored()
    with monkeypatch.context() as patched:
        fill_the_disk(patched, at=7000)
        assert problem(tus.post(upload_concat=final_of(*parts))) == (507, "store_full")
    assert (everything(), stored()) == (before, files)
    assert asset_at(final(tus, *parts)).sha256 == SHA256


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.endswith(".assembly")]


@pytest.mark.each_storage
def test_a_waiting_final_upload_of_the_wrong_type_is_no_fault_of_its_part(
    tus: Tus, caplog: pytest.LogCaptureFixture
) -> None:
    part = unfinished(tus, len(EXECUTABLE))
    url = final(tus, part)
    assert tus.patch(part, 0, EXECUTABLE)["Upload-Offset"] == str(len(EXECUTABLE))
    assert tus.head(url).status_code == 404
    assert ["which is not allowed" in message for message in told(caplog)] == [True]


@pytest.mark.each_storage
def test_a_waiting_final_upload_on_a_full_disk_is_no_fault_of_its_part(
    tus: Tus, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tus.partial(PICTURE[:4000]), unfinished(tus, SIZE - 4000)
    url = final(tus, first, second)
    with monkeypatch.context() as patched:
        fill_the_disk(patched, at=7000)
        assert tus.patch(second, 0, PICTURE[4000:])["Upload-Offset"] == str(SIZE - 4000)
    assert [message.endswith("the storage is full.") for message in told(caplog)] == [True]
    answer = tus.head(url)
    assert (answer["Upload-Length"], "Upload-Offset" in answer) == (str(SIZE), False)
    process(asset_at(url).pk)
    assert asset_at(url).sha256 == SHA256


def test_a_waiting_final_upload_that_was_deleted_does_not_come_back(tus: Tus) -> None:
    part = unfinished(tus, SIZE)
    url = final(tus, part)
    assert tus.delete(url).status_code == 204
    tus.patch(part, 0, PICTURE)
    assert tus.head(url).status_code == 404


def test_a_waiting_final_upload_of_which_a_part_is_gone_goes_on_waiting(tus: Tus) -> None:
    part, gone = unfinished(tus, SIZE), unfinished(tus, 5)
    url = final(tus, part, gone)
    tus.delete(gone)
    assert tus.patch(part, 0, PICTURE).status_code == 204
    assert asset_at(url).state == State.RECEIVING


@pytest.mark.each_storage
def test_a_part_that_is_deleted_afterwards_takes_nothing_from_the_final_upload(
    tus: Tus, parts: tuple[str, str], stored: Stored
) -> None:
    url = final(tus, *parts)
    for part in parts:
        tus.delete(part)
    assert stored() == [asset_at(url).file.name]


@pytest.mark.each_storage
def test_a_final_upload_that_is_too_large_for_a_request_is_made_by_a_worker(
    tus: Tus, parts: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assembly, "IN_REQUEST", SIZE - 1)
    url = final(tus, *parts)
    answer = tus.head(url)
    assert (answer.status_code, answer["Upload-Length"], "Upload-Offset" in answer) == (200, str(SIZE), False)
    process(asset_at(url).pk)
    assert tus.head(url)["Upload-Offset"] == str(SIZE)


@pytest.mark.each_storage
def test_an_empty_part_is_a_part(tus: Tus) -> None:
    assert asset_at(final(tus, unfinished(tus, 0), tus.partial(PICTURE))).sha256 == SHA256


def test_the_parts_of_an_anonymous_client(client: Client, largefiles: Largefiles, db: None) -> None:
    largefiles.set(ACCESS_POLICY="tests.doors.resumable.tus_client.Anyone")
    tus = Tus(client)
    part = unfinished(tus, SIZE)
    url = final(tus, part)
    tus.patch(part, 0, PICTURE)
    assert asset_at(url).sha256 == SHA256
