"""Bodies that do not come to their end: what had come of them counts."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.contrib.auth.models import User
from django.test import Client

from django_largefiles.intake.creation import Declaration, create
from django_largefiles.models import Upload
from tests.conftest import png

pytestmark = pytest.mark.django_db

PICTURE = png(padding=100_000)


class ChunksThatBreakOff(BytesIO):
    """As a server gives them: an error of its own in the place of the end."""

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        if not data:
            raise LookupError("no more chunks")
        return data


@pytest.mark.each_storage
def test_what_came_of_a_chunked_body_that_breaks_off_is_kept(client: Client, owner: User) -> None:
    upload = create(Declaration(name="picture.png", owner=owner))
    client.force_login(owner)
    environ = {
        "wsgi.input": ChunksThatBreakOff(PICTURE),
        "wsgi.input_terminated": True,
        "CONTENT_LENGTH": "",
        "CONTENT_TYPE": "application/offset+octet-stream",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "HTTP_TUS_RESUMABLE": "1.0.0",
        "HTTP_UPLOAD_OFFSET": "0",
    }
    response = client.generic("PATCH", f"/files/uploads/{upload.pk}/", **environ)  # type: ignore[arg-type]
    assert (response.status_code, response["Upload-Offset"]) == (204, str(len(PICTURE)))
    assert Upload.objects.get().offset == len(PICTURE)
