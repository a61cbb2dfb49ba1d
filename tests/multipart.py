"""Bodies of forms, made by hand: the test client's own are well-formed."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import Any

BOUNDARY = "fence"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"
END = f"--{BOUNDARY}--\r\n".encode()


def field(name: str, value: str) -> bytes:
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def file(content: bytes, *, name: str = "file", filename: str = "picture.png", headers: Iterable[str] = ()) -> bytes:
    lines = [
        f"--{BOUNDARY}",
        f'Content-Disposition: form-data; name="{name}"; filename="{filename}"',
        "Content-Type: image/png",
        *headers,
        "\r\n",
    ]
    return "\r\n".join(lines).encode() + content + b"\r\n"


class CountingBody(BytesIO):
    """A body that knows how much of it was read."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self.length = len(body)

    @property
    def consumed(self) -> int:
        return self.tell()


def post_arguments(body: CountingBody, *, length: int | None = None) -> dict[str, Any]:
    """Of ``Client.generic`` for a POST of ``body`` with the declared ``length``."""
    return {
        "wsgi.input": body,
        "CONTENT_TYPE": CONTENT_TYPE,
        "CONTENT_LENGTH": str(body.length if length is None else length),
    }
