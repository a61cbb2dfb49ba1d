"""A client of the tus side of the resumable door, and bodies that end as those of real ones do."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib.util import find_spec
from io import BytesIO
from typing import Any

import pytest
from django.test import Client

from django_largefiles.access import OwnerOrStaff, User
from django_largefiles.models import FileAsset, Upload
from tests.conftest import png

COLLECTION = "/files/uploads/"
BYTES = "application/offset+octet-stream"
PICTURE = png(padding=10_000)
SIZE = len(PICTURE)
SHA256 = hashlib.sha256(PICTURE).hexdigest()


needs_framework = pytest.mark.skipif(
    find_spec("rest_framework") is None, reason="Django REST framework is not installed"
)


class Tus:
    """Sends what a client of the protocol sends; any header may be replaced, and one of ``None`` is left out.

    ``length`` is what ``Content-Length`` says. A body that is a file object has none unless it is given.
    """

    def __init__(self, client: Client) -> None:
        self.client = client

    def request(
        self, method: str, url: str, body: Any = b"", *, length: int | str | None = None, **headers: str | None
    ) -> Any:
        said = {"tus_resumable": "1.0.0", **headers}
        environ: dict[str, Any] = {_environ_name(name): value for name, value in said.items() if value is not None}
        if isinstance(body, bytes):
            length, body = len(body) if length is None else length, BytesIO(body)
        environ |= {"wsgi.input": body, "CONTENT_LENGTH": "" if length is None else str(length)}
        return self.client.generic(method, url, **environ)

    def post(self, body: Any = b"", *, url: str = COLLECTION, length: Any = None, **headers: str | None) -> Any:
        content_type = BYTES if body else None
        return self.request("POST", url, body, length=length, **{"content_type": content_type, **headers})

    def head(self, url: str, **headers: str | None) -> Any:
        return self.request("HEAD", url, **headers)

    def patch(self, url: str, offset: int | str, body: Any, *, length: Any = None, **headers: str | None) -> Any:
        defaults = {"content_type": BYTES, "upload_offset": str(offset)}
        return self.request("PATCH", url, body, length=length, **{**defaults, **headers})

    def delete(self, url: str, **headers: str | None) -> Any:
        return self.request("DELETE", url, **headers)

    def create(self, length: int | None = SIZE, **headers: str | None) -> str:
        """The URL of a new upload; its length is deferred where there is none."""
        said = {"upload_defer_length": "1"} if length is None else {"upload_length": str(length)}
        return self._location(self.post(**{**said, **headers}))

    def partial(self, content: bytes) -> str:
        """The URL of a partial upload that has all its bytes."""
        return self._location(self.post(content, upload_length=str(len(content)), upload_concat="partial"))

    def _location(self, answer: Any) -> str:
        assert answer.status_code == 201, answer.content
        return str(answer["Location"]).removeprefix("http://testserver")


def _environ_name(name: str) -> str:
    if "." in name:
        return name
    return name.upper() if name in {"content_type", "server_software", "script_name"} else f"HTTP_{name.upper()}"


def metadata(**values: str | bytes) -> str:
    pairs = {key: value.encode() if isinstance(value, str) else value for key, value in values.items()}
    return ",".join(f"{key} {base64.b64encode(value).decode()}" for key, value in pairs.items())


def checksum(content: bytes, algorithm: str = "sha1") -> str:
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, content).digest()).decode()}"


def asset_at(url: str) -> FileAsset:
    return FileAsset.objects.get(pk=url.rstrip("/").rpartition("/")[2])


def upload_at(url: str) -> Upload:
    return Upload.objects.select_related("asset").get(pk=url.rstrip("/").rpartition("/")[2])


def everything() -> Mapping[str, Any]:
    """All rows as they are, to see that nothing has changed. Who may write at the moment is no part of an upload."""
    uploads = [
        {name: bytes(value) if isinstance(value, memoryview) else value for name, value in row.items()}
        for row in Upload.objects.order_by("pk").values()
    ]
    return {
        "assets": list(FileAsset.objects.order_by("pk").values()),
        "uploads": [{name: value for name, value in row.items() if name != "lease_token"} for row in uploads],
    }


def problem(answer: Any) -> tuple[int, str]:
    """Status and code of a refusal, which is a problem detail and says which version it was made under."""
    assert answer["Content-Type"] == "application/problem+json"
    assert (answer["Tus-Resumable"], answer["Cache-Control"]) == ("1.0.0", "no-store")
    details = answer.json()
    assert details["status"] == answer.status_code
    assert set(details) == {"type", "title", "status", "detail", "code", "limit", "value", "words"}
    return answer.status_code, details["code"]


class BrokenBody(BytesIO):
    """The client goes away after ``content``: an error, and not an end of file."""

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(size)
        if not content:
            raise ConnectionResetError("reset by peer")
        return content


CHUNKED = {"transfer_encoding": "chunked", "wsgi.input_terminated": "1"}
"""Headers of a body without a length, from a server that knows where it ends."""


class Anyone(OwnerOrStaff):
    """Everybody may upload, and see everything."""

    def may_upload(self, user: User, profile: str) -> bool:
        return True

    def may_view(self, user: User, asset: FileAsset) -> bool:
        return True


class NoMoreUploads(Anyone):
    """Of a user whose permission was taken away while a file was arriving."""

    def may_upload(self, user: User, profile: str) -> bool:
        return False
