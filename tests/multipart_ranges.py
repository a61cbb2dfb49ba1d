"""Answers with ranges, taken apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
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


def contents(status: int, headers: Mapping[str, str], body: bytes) -> list[tuple[str, bytes]]:
    """Return ``Content-Range`` and content of each range of a 206 with a body."""
    if status != 206 or not body:
        return []
    if headers["Content-Type"].startswith("multipart/"):
        return [(content_range, content) for _, content_range, content in parts(headers["Content-Type"], body)]
    return [(headers["Content-Range"], body)]


def expected_contents(ranges: Iterable[slice], whole: bytes) -> list[tuple[str, bytes]]:
    """Return the same for ranges of the ``whole`` file."""
    size = len(whole)
    bounds = [each.indices(size)[:2] for each in ranges]
    return [(f"bytes {start}-{stop - 1}/{size}", whole[start:stop]) for start, stop in bounds]
