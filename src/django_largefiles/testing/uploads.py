"""Uploads by Django's test client, as a page of the project sends them."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.test import Client

from ..models import FileAsset
from ..options import DEFAULT_PROFILE
from ..protocols import tus
from ..routes import path_to
from ..states import Attachment

CONTENT_TYPE = "application/offset+octet-stream"


@dataclass(frozen=True, kw_only=True)
class SentUpload:
    """What became of an upload."""

    response: Any
    """The last answer, as the test client returns it. The status is 201 or 204 unless the upload was refused."""
    url: str
    """The URL of the upload; empty if it was refused at once."""
    token: str
    """What a form submits for the file; empty unless it was uploaded for a form."""

    @property
    def asset(self) -> FileAsset:
        """The asset as it is now. Raise ``AssertionError`` if the upload was refused."""
        assert self.response.status_code < 400, f"the upload was refused: {self._refusal}"
        return FileAsset.objects.get(pk=self.url.rstrip("/").rpartition("/")[2])

    @property
    def _refusal(self) -> str:
        return f"{self.response.status_code} {self.response.content.decode(errors='replace')}"


def upload(
    client: Client,
    content: bytes,
    *,
    name: str = "",
    profile: str = DEFAULT_PROFILE,
    media_type: str = "",
    attachment: Attachment | str = Attachment.STANDALONE,
    url: str = "",
    chunk_size: int | None = None,
    metadata: Mapping[str, str] = MappingProxyType({}),
) -> SentUpload:
    """Upload ``content`` through the resumable door, by tus as the widget does, with the user of ``client``.

    ``name``, ``profile`` and ``media_type`` are what the client declares of the file, ``attachment="provisional"``
    that it is for a form, and ``metadata`` what else is in ``Upload-Metadata``. ``url`` is that of the collection, by
    default ``largefiles:uploads``. With ``chunk_size``, each request has that many bytes. The first refusal ends the
    upload.
    """
    declared = {"filename": name, "filetype": media_type, "profile": profile, "attachment": str(attachment)}
    headers = {"Upload-Length": str(len(content)), "Upload-Metadata": _metadata({**declared, **metadata})}
    created = _request(client, "POST", url or path_to("uploads"), headers)
    response, location = created, created.headers.get("Location", "")
    for offset, body in _chunks(content, chunk_size):
        if response.status_code >= 400:
            break
        response = _request(client, "PATCH", location, {"Upload-Offset": str(offset)}, body)
    return SentUpload(response=response, url=location, token=created.headers.get("Largefiles-Token", ""))


def _chunks(content: bytes, size: int | None) -> Iterator[tuple[int, bytes]]:
    step = size or len(content) or 1
    for offset in range(0, len(content), step):
        yield offset, content[offset : offset + step]


def _request(client: Client, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Any:
    content_type = CONTENT_TYPE if body else ""
    return client.generic(method, url, body, content_type, headers={"Tus-Resumable": tus.VERSION, **headers})


def _metadata(values: Mapping[str, str]) -> str:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in values.items() if value}
    return ",".join(f"{key} {value}" for key, value in encoded.items())
