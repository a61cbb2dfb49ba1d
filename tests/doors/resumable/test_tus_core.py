"""The numbers of rows are those of the checklist that the door is held to (tus 1.0.0)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from django_largefiles import lifecycle
from django_largefiles.models import FileAsset, Upload
from django_largefiles.pipeline.processing import process
from django_largefiles.states import Reason, State
from tests.conftest import Largefiles
from tests.doors.resumable.tus_client import (
    BYTES,
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


def expire() -> None:
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


@pytest.mark.each_storage
def test_row_1_a_file_arrives_over_several_requests(tus: Tus, owner: User, stored: Stored) -> None:
    url = tus.create(upload_metadata=metadata(filename="picture.png", filetype="image/png"))
    for start in range(0, SIZE, 4000):
        answer = tus.patch(url, start, PICTURE[start : start + 4000])
        assert (answer.status_code, answer["Upload-Offset"]) == (204, str(min(start + 4000, SIZE)))
    asset = asset_at(url)
    assert (asset.state, asset.owner, asset.size, asset.sha256) == (State.RECEIVED, owner, SIZE, SHA256)
    assert (asset.original_name, asset.declared_type, asset.media_type) == ("picture.png", "image/png", "image/png")
    assert stored() == [asset.file.name]
    assert not Upload.objects.exists()


def test_row_1_a_file_may_arrive_byte_by_byte_at_first(tus: Tus) -> None:
    url = tus.create()
    for offset in range(3):
        assert tus.patch(url, offset, PICTURE[offset : offset + 1])["Upload-Offset"] == str(offset + 1)
    tus.patch(url, 3, PICTURE[3:])
    assert (asset_at(url).sha256, asset_at(url).media_type) == (SHA256, "image/png")


@pytest.mark.parametrize(
    "offset",
    ["-1", "", "1\r\nX: y"],
    ids=["negative", "empty", "header injection"],
)
def test_row_2_an_offset_that_is_no_number_is_refused(offset: str, tus: Tus) -> None:
    url = tus.create()
    before = everything()
    assert problem(tus.patch(url, offset, PICTURE)) == (400, "malformed_header")
    assert everything() == before


def test_row_2_a_patch_without_an_offset_is_refused(tus: Tus) -> None:
    url = tus.create()
    before = everything()
    assert problem(tus.patch(url, 0, PICTURE, upload_offset=None)) == (400, "missing_header")
    assert everything() == before


@pytest.mark.parametrize(
    ("profiles", "largest"),
    [({}, "1000"), ({"videos": {"MAX_UPLOAD_SIZE": 5000}}, "5000"), ({"icons": {"MAX_UPLOAD_SIZE": 5}}, "1000")],
    ids=["one profile", "a larger one", "a smaller one"],
)
def test_row_2_the_largest_upload_of_all_profiles_is_told(
    profiles: dict[str, Any], largest: str, tus: Tus, largefiles: Largefiles
) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=1000, PROFILES=profiles)
    assert tus.request("OPTIONS", COLLECTION)["Tus-Max-Size"] == largest


def test_row_3_versions_are_told_with_the_preferred_one_first(tus: Tus) -> None:
    assert tus.request("OPTIONS", COLLECTION)["Tus-Version"] == "1.0.0"


@pytest.mark.parametrize(
    ("method", "whole", "status"),
    [
        ("OPTIONS", False, 200),
        ("POST", False, 201),
        ("HEAD", True, 200),
        ("PATCH", True, 204),
        ("DELETE", True, 204),
        ("PUT", True, 405),
    ],
)
def test_row_4_every_answer_names_its_version(method: str, whole: bool, status: int, tus: Tus) -> None:
    url = tus.create()
    headers = {"content_type": BYTES, "upload_offset": "0", "upload_length": str(SIZE)}
    answer = tus.request(method, url if whole else COLLECTION, **headers)
    assert (answer.status_code, answer["Tus-Resumable"]) == (status, "1.0.0")


@pytest.mark.parametrize(
    ("url", "method", "allowed"),
    [(COLLECTION, "PATCH", "OPTIONS, POST"), (UNKNOWN, "POST", "OPTIONS, HEAD, GET, PATCH, DELETE")],
    ids=["collection", "upload"],
)
def test_a_method_that_is_none_of_the_resource_s_is_told_which_are(
    url: str, method: str, allowed: str, tus: Tus
) -> None:
    answer = tus.request(method, url)
    assert problem(answer) == (405, "method_not_allowed")
    assert (answer["Allow"], answer.json()["limit"], answer.json()["value"]) == (allowed, allowed, method)


@pytest.mark.parametrize(
    ("method", "version"), [("POST", "0.2.2"), ("PATCH", "1.0.1"), ("DELETE", ""), ("PATCH", "1.0.0,1.0.0")]
)
def test_row_5_another_version_is_not_processed(method: str, version: str, tus: Tus) -> None:
    url = tus.create()
    before = everything()
    headers = {"tus_resumable": version, "upload_length": "5", "upload_offset": "0", "content_type": BYTES}
    answer = tus.request(method, COLLECTION if method == "POST" else url, PICTURE[:5], **headers)
    assert problem(answer) == (412, "unsupported_version")
    assert answer["Tus-Version"] == "1.0.0"
    assert everything() == before


def test_row_5_another_version_learns_nothing_of_an_upload(tus: Tus) -> None:
    answer = tus.head(tus.create(), tus_resumable="0.2.2")
    assert (answer.status_code, answer["Tus-Version"]) == (412, "1.0.0")
    assert "Upload-Offset" not in answer


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_row_5_no_version_is_another_version(method: str, tus: Tus) -> None:
    url = tus.create()
    before = everything()
    headers = {"tus_resumable": None, "upload_length": "5", "upload_offset": "0", "content_type": BYTES}
    answer = tus.request(method, COLLECTION if method == "POST" else url, PICTURE[:5], **headers)
    assert (problem(answer), answer["Tus-Version"]) == ((412, "unsupported_version"), "1.0.0")
    assert everything() == before


def test_row_6_extensions_are_told(tus: Tus) -> None:
    assert tus.request("OPTIONS", COLLECTION)["Tus-Extension"].split(",") == [
        "creation",
        "creation-with-upload",
        "creation-defer-length",
        "expiration",
        "checksum",
        "termination",
        "concatenation",
        "concatenation-unfinished",
    ]


def test_row_7_a_post_may_mean_patch(tus: Tus) -> None:
    url = tus.create()
    headers = {"x_http_method_override": "PATCH", "upload_offset": "0"}
    assert tus.post(PICTURE, url=url, **headers).status_code == 204
    assert asset_at(url).sha256 == SHA256


def test_row_7_a_post_may_mean_head(tus: Tus) -> None:
    answer = tus.post(url=tus.create(), x_http_method_override="HEAD")
    assert (answer.status_code, answer["Upload-Offset"]) == (200, "0")


def test_row_7_a_post_may_mean_delete(tus: Tus) -> None:
    assert tus.post(url=tus.create(), x_http_method_override="DELETE").status_code == 204
    assert not FileAsset.objects.exists()


def test_row_7_a_post_may_mean_options(tus: Tus) -> None:
    assert tus.post(x_http_method_override="OPTIONS")["Tus-Version"] == "1.0.0"


@pytest.mark.parametrize(
    ("method", "override"),
    [("HEAD", "DELETE"), ("GET", "DELETE"), ("PATCH", "DELETE"), ("POST", "PURGE"), ("POST", "delete")],
)
def test_row_7_other_overrides_are_refused(method: str, override: str, tus: Tus) -> None:
    url = tus.create()
    answer = tus.request(method, url, x_http_method_override=override)
    assert (answer.status_code, answer["Tus-Resumable"]) == (400, "1.0.0")
    assert upload_at(url).offset == 0


@pytest.mark.parametrize("size", [0, 1, 4000], ids=["none", "one", "some"])
def test_row_8_head_tells_how_many_bytes_are_there(size: int, tus: Tus) -> None:
    url = tus.create()
    tus.patch(url, 0, PICTURE[:size])
    assert tus.head(url)["Upload-Offset"] == str(size)


@pytest.mark.parametrize("state", sorted(set(State) - {State.RECEIVING, State.REJECTED}))
def test_row_8_head_tells_the_offset_of_a_complete_upload_too(state: State, tus: Tus) -> None:
    url = tus.create()
    tus.patch(url, 0, PICTURE)
    FileAsset.objects.update(state=state)
    answer = tus.head(url)
    assert (answer.status_code, answer["Upload-Offset"], answer["Upload-Length"]) == (200, str(SIZE), str(SIZE))
    assert "Upload-Expires" not in answer


def test_row_9_head_tells_the_length(tus: Tus) -> None:
    assert tus.head(tus.create())["Upload-Length"] == str(SIZE)


def missing(tus: Tus) -> str:
    return UNKNOWN


def expired(tus: Tus) -> str:
    url = tus.create()
    expire()
    return url


def terminated(tus: Tus) -> str:
    url = tus.create()
    tus.delete(url)
    return url


def rejected(tus: Tus) -> str:
    url = tus.create()
    tus.patch(url, 0, PICTURE)
    claim = lifecycle.claim(asset_at(url).pk)
    assert claim
    lifecycle.reject(claim, Reason.TYPE_MISMATCH, "it is something else")
    return url


@pytest.mark.parametrize(
    ("lost", "status"),
    [(missing, 404), (terminated, 404), (expired, 410), (rejected, 410)],
    ids=lambda value: str(getattr(value, "__name__", value)),
)
def test_row_10_head_of_what_is_not_there_has_no_offset(lost: Callable[[Tus], str], status: int, tus: Tus) -> None:
    answer = tus.head(lost(tus))
    assert (answer.status_code, answer["Tus-Resumable"], answer["Cache-Control"]) == (status, "1.0.0", "no-store")
    assert "Upload-Offset" not in answer


def test_row_11_head_of_an_upload_is_200_without_a_body(tus: Tus) -> None:
    answer = tus.head(tus.create())
    assert (answer.status_code, answer.content) == (200, b"")


def test_row_12_head_is_stored_by_no_cache(tus: Tus) -> None:
    assert tus.head(tus.create())["Cache-Control"] == "no-store"


@pytest.mark.parametrize("url", [COLLECTION, UNKNOWN], ids=["collection", "upload"])
def test_row_21_options_tells_everything_to_everybody(url: str, client: Client, db: None) -> None:
    answer = Tus(client).request("OPTIONS", url, tus_resumable=None)
    told = {name for name in answer.headers if name.startswith("Tus-")}
    assert answer.status_code == 200
    assert told == {"Tus-Resumable", "Tus-Version", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm"}


@pytest.mark.parametrize("version", ["0.2.2", None])
def test_row_22_options_does_not_look_at_the_version(version: str | None, tus: Tus) -> None:
    assert tus.request("OPTIONS", COLLECTION, tus_resumable=version)["Tus-Version"] == "1.0.0"


@pytest.mark.each_storage
def test_get_of_a_ready_upload_is_its_download(tus: Tus) -> None:
    url = tus.create(upload_metadata=metadata(filename="picture.png"))
    tus.patch(url, 0, PICTURE)
    process(asset_at(url).pk)
    answer = tus.client.get(url)
    assert (answer.status_code, b"".join(answer.streaming_content)) == (200, PICTURE)
    assert answer["Content-Disposition"] == 'attachment; filename="picture.png"'
    answer.close()


def test_get_of_an_unfinished_upload_gives_its_offset_and_no_byte(tus: Tus) -> None:
    url = tus.create()
    tus.patch(url, 0, PICTURE[:4000])
    answer = tus.request("GET", url)
    assert (answer.status_code, answer["Upload-Offset"], answer.content) == (200, "4000", b"")
