"""Bodies that do not come to their end: what had come of them counts."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from django_largefiles.intake.creation import Declaration, create
from django_largefiles.models import Upload
from tests.conftest import png
from tests.doors.resumable.tus_client import checksum

pytestmark = pytest.mark.django_db

PICTURE = png(padding=100_000)
TUS = {"HTTP_TUS_RESUMABLE": "1.0.0"}
DRAFT = {"HTTP_UPLOAD_COMPLETE": "?0", "CONTENT_TYPE": "application/partial-upload"}


class FaultyChunks(BytesIO):
    """As gunicorn gives them: an error in the middle of a read, and the bytes before it to those who ask again."""

    def __init__(self, content: bytes, fault: Exception) -> None:
        super().__init__(content)
        self._fault: Exception | None = fault

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() + (size or 0) > len(PICTURE) and self._fault:
            fault, self._fault = self._fault, None
            raise fault
        return super().read(size)


def patch(client: Client, upload: Upload, body: BytesIO, **headers: str) -> Any:
    environ = {
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "CONTENT_LENGTH": "",
        "CONTENT_TYPE": "application/offset+octet-stream",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "HTTP_UPLOAD_OFFSET": "0",
        **headers,
    }
    return client.generic("PATCH", f"/files/uploads/{upload.pk}/", **environ)  # type: ignore[arg-type]


@pytest.fixture
def upload(client: Client, owner: User) -> Upload:
    client.force_login(owner)
    return create(Declaration(name="picture.png", owner=owner))


@pytest.mark.each_storage
def test_what_came_of_a_chunked_body_that_breaks_off_is_kept(client: Client, upload: Upload) -> None:
    body = FaultyChunks(PICTURE, ConnectionResetError("reset by peer"))
    response = patch(client, upload, body, **TUS)
    assert (response.status_code, response["Upload-Offset"]) == (204, str(len(PICTURE)))
    assert Upload.objects.get().offset == len(PICTURE)


@pytest.mark.parametrize("headers", [TUS, DRAFT], ids=["tus", "draft"])
def test_a_malformed_chunk_is_refused_and_what_came_before_it_is_kept(
    headers: dict[str, str], client: Client, upload: Upload
) -> None:
    response = patch(client, upload, FaultyChunks(PICTURE, ValueError("no size: 'zz'")), **headers)
    assert (response.status_code, response.json()["code"]) == (400, "malformed_body")
    assert Upload.objects.get().offset == len(PICTURE)


def test_of_a_malformed_body_with_a_checksum_nothing_is_kept(client: Client, upload: Upload) -> None:
    body = FaultyChunks(PICTURE, ValueError("no size: 'zz'"))
    response = patch(client, upload, body, HTTP_UPLOAD_CHECKSUM=checksum(PICTURE), **TUS)
    assert (response.status_code, response.json()["code"]) == (400, "incomplete_body")
    assert Upload.objects.get().offset == 0
