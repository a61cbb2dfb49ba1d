"""Requests of the draft's, made by hand, and what they leave behind."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any
from uuid import UUID

from django.test import Client

from django_largefiles.models import FileAsset, Upload
from django_largefiles.stores import configured_store

UPLOADS = "/files/uploads/"
PARTIAL = "application/partial-upload"
PROBLEM = "application/problem+json"
PROBLEM_TYPES = "https://iana.org/assignments/http-problem-types"


class Meanwhile(BytesIO):
    """A body during which something else happens: before its second piece is read."""

    def __init__(self, body: bytes, act: Callable[[], object]) -> None:
        super().__init__(body)
        self._act = act
        self._happened = False

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() and not self._happened:
            self._happened = True
            self._act()
        return super().read(size)


def send(client: Client, method: str, url: str, body: bytes | BytesIO = b"", **fields: object) -> Any:
    """Header fields go by their names in lower case with underscores; ``None`` leaves one out.

    A body whose ``content_length`` is ``None`` comes in chunks.
    """
    source = BytesIO(body) if isinstance(body, bytes) else body
    fields = {"content_length": len(source.getbuffer()), **fields}
    if fields["content_length"] is None:
        fields["transfer_encoding"] = "chunked"
    headers = {name.replace("_", "-"): str(value) for name, value in fields.items() if value is not None}
    environ: dict[str, Any] = {"wsgi.input": source, "wsgi.input_terminated": True}
    return client.generic(method, url, headers=headers, **environ)


def create(client: Client, body: bytes | BytesIO = b"", *, to: str = UPLOADS, **fields: object) -> Any:
    """Section "Upload Creation"."""
    return send(client, "POST", to, body, **{"upload_complete": "?1", **fields})


def begun(client: Client, body: bytes = b"", **fields: object) -> str:
    """The URL of an upload of which more is to come."""
    url: str = create(client, body, **{"upload_complete": "?0", **fields})["Location"]
    return url


def retrieve(client: Client, url: str, **fields: object) -> Any:
    """Section "Offset Retrieval"."""
    return send(client, "HEAD", url, **fields)


def append(client: Client, url: str, body: bytes | BytesIO = b"", *, at: object = 0, **fields: object) -> Any:
    """Section "Upload Append"."""
    said = {"content_type": PARTIAL, "upload_offset": at, "upload_complete": "?1", **fields}
    return send(client, "PATCH", url, body, **said)


def cancel(client: Client, url: str, **fields: object) -> Any:
    """Section "Upload Cancellation"."""
    return send(client, "DELETE", url, **fields)


def asset_at(url: str) -> FileAsset:
    return FileAsset.objects.get(pk=url.rstrip("/").rpartition("/")[2])


def upload_at(url: str) -> Upload:
    return Upload.objects.get(pk=asset_at(url).pk)


def kept(url: str) -> tuple[object, ...]:
    """What a request that is refused leaves as it was: the records of an upload, and the bytes that count."""
    upload = upload_at(url)
    with configured_store().open_incoming(upload.store_state) as file:
        content = file.read(upload.offset)
    digest = bytes(upload.digest_state or b"")
    return upload.length, upload.offset, upload.reserved, upload.media_type, digest, upload.asset.size, content


def refused(answer: Any) -> int:
    """The status of a refusal, which is a problem detail that no cache keeps and that completes nothing."""
    assert (answer["Content-Type"], answer["Cache-Control"]) == (PROBLEM, "no-store")
    assert answer["Upload-Complete"] == "?0"
    status: int = answer.status_code
    return status


def problem(answer: Any) -> tuple[int, str]:
    """Status and code of a refusal with content, which is one to any request but ``HEAD``."""
    details = answer.json()
    assert details["status"] == refused(answer)
    return details["status"], details["code"]


def unknown(url: str) -> str:
    """The URL of an upload that is not there."""
    return f"{url.rstrip('/').rpartition('/')[0]}/{UUID(int=7)}/"
