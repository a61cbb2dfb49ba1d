"""Several ranges of a file in one answer: ``multipart/byteranges`` (RFC 9110 section 14.6)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence

from ..protocols.ranges import ByteRange, content_range
from .segments import Segment


def new_boundary() -> str:
    """Return a line that no content holds: it cannot be foreseen, and has 128 bits."""
    return secrets.token_hex(16)


def content_type(boundary: str) -> str:
    return f"multipart/byteranges; boundary={boundary}"


def segments(ranges: Sequence[ByteRange], size: int, media_type: str, boundary: str) -> Iterator[Segment]:
    """Yield the body: each of ``ranges`` of a file of ``size`` bytes behind its head, and the end."""
    for byte_range in ranges:
        lines = (f"--{boundary}", f"Content-Type: {media_type}", f"Content-Range: {content_range(byte_range, size)}")
        yield "".join(f"{line}\r\n" for line in (*lines, "")).encode()
        yield byte_range
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()
