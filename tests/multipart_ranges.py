"""Answers of ``multipart/byteranges``, taken apart."""

from __future__ import annotations

import re
from email import message_from_bytes, policy


def parts(content_type: str, body: bytes) -> list[tuple[str, str, bytes]]:
    """Return ``Content-Type``, ``Content-Range`` and content of each part."""
    boundary = re.fullmatch(r"multipart/byteranges; boundary=(\S+)", content_type)
    assert boundary
    before, *split, end = body.split(f"--{boundary[1]}".encode())
    assert (before.strip(), end.strip()) == (b"", b"--")
    return [_part(each) for each in split]


def _part(each: bytes) -> tuple[str, str, bytes]:
    head, _, content = each.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    fields = message_from_bytes(head, policy=policy.HTTP)
    return fields["Content-Type"], fields["Content-Range"], content.removesuffix(b"\r\n")
