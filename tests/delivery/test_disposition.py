from __future__ import annotations

from importlib.util import find_spec
from io import BytesIO

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.urls import reverse

from django_largefiles.delivery.disposition import Disposition, disposition_of
from django_largefiles.delivery.responses import deliver
from django_largefiles.doors.ingest import ingest
from django_largefiles.models import FileAsset
from django_largefiles.pipeline.processing import process
from tests.conftest import Largefiles

pytestmark = pytest.mark.django_db(transaction=True)

ATTACHMENT, INLINE = 'attachment; filename="picture.png"', 'inline; filename="picture.png"'


@pytest.fixture
def client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def routes(asset: FileAsset) -> list[str]:
    api = [reverse("largefiles-api:asset-download", args=[asset.pk])] if find_spec("rest_framework") else []
    return [reverse("largefiles:download", args=[asset.pk]), *api]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ATTACHMENT),
        ("?disposition=attachment", ATTACHMENT),
        ("?disposition=inline", INLINE),
        ("?disposition=Inline", ATTACHMENT),
        ("?disposition=inline%0D%0AX:1", ATTACHMENT),
        ("?disposition=inline&disposition=attachment", ATTACHMENT),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-9"}], ids=["whole", "range"])
def test_a_download_is_inline_if_its_query_asks_for_it(
    query: str, expected: str, headers: dict[str, str], client: Client, ready: FileAsset
) -> None:
    for route in routes(ready):
        answer = client.get(route + query, headers=headers)
        assert answer["Content-Disposition"] == expected
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Security-Policy"].startswith("sandbox")
        answer.close()


@pytest.mark.parametrize(
    ("asked", "media_type", "expected"),
    [
        ("attachment", "image/png", "attachment"),
        *[
            ("inline", media_type, "inline")
            for media_type in ("image/png", "image/avif", "application/pdf", "audio/mpeg", "video/mp4")
        ],
        *[
            ("inline", media_type, "attachment")
            for media_type in ("image/svg+xml", "text/html", "text/xml", "application/xhtml+xml", "text/plain", "")
        ],
    ],
)
def test_only_listed_types_are_inline(
    asked: Disposition, media_type: str, expected: Disposition, ready: FileAsset
) -> None:
    ready.media_type = media_type
    assert disposition_of(ready, asked) == expected


@pytest.mark.parametrize(
    ("asked", "media_type", "policy"),
    [
        ("inline", "video/mp4", "sandbox allow-same-origin; default-src 'none'; media-src 'self'"),
        ("inline", "audio/mpeg", "sandbox allow-same-origin; default-src 'none'; media-src 'self'"),
        ("inline", "image/png", "sandbox; default-src 'none'"),
        ("inline", "application/pdf", "sandbox; default-src 'none'"),
        ("attachment", "video/mp4", "sandbox; default-src 'none'"),
        ("inline", "video/x-unlisted", "sandbox; default-src 'none'"),
    ],
)
def test_a_film_that_is_shown_may_load_itself_and_nothing_more(
    asked: Disposition, media_type: str, policy: str, rf: RequestFactory, ready: FileAsset, largefiles: Largefiles
) -> None:
    largefiles.set(INLINE_TYPES=["image/png", "application/pdf", "audio/*", "video/mp4"])
    ready.media_type = media_type
    answer = deliver(rf.get("/"), ready, disposition=asked)
    assert answer["Content-Security-Policy"] == policy
    answer.close()


def test_the_profile_of_the_asset_decides(ready: FileAsset, largefiles: Largefiles) -> None:
    largefiles.set(PROFILES={"pages": {"INLINE_TYPES": ["text/plain"]}})
    ready.profile = "pages"
    assert disposition_of(ready, "inline") == "attachment"
    ready.media_type = "text/plain"
    assert disposition_of(ready, "inline") == "inline"


def test_a_profile_that_was_removed_shows_nothing(ready: FileAsset) -> None:
    ready.profile = "removed"
    assert disposition_of(ready, "inline") == "attachment"


def test_a_view_asks_for_it(rf: RequestFactory, ready: FileAsset) -> None:
    answer = deliver(rf.get("/?disposition=attachment"), ready, disposition="inline")
    assert answer["Content-Disposition"] == INLINE
    answer.close()


def test_a_page_is_stored_whatever_is_asked(client: Client, owner: User, largefiles: Largefiles) -> None:
    largefiles.set(ALLOWED_MIME_TYPES=["text/html"])
    page = ingest(BytesIO(b"<!doctype html><html><script>alert(1)</script></html>"), name="a.html", owner=owner)
    process(page.pk)
    answer = client.get(routes(page)[0] + "?disposition=inline")
    assert (answer["Content-Type"], answer["Content-Disposition"]) == ("text/html", 'attachment; filename="a.html"')
    answer.close()
