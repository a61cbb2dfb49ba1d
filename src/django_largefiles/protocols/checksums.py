"""Checksums of a request's body, by the names that tus gives the algorithms."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from ..digests import crc32
from ..exceptions import ChecksumMismatch, UnsupportedChecksum


class Hasher(Protocol):
    @property
    def digest_size(self) -> int: ...

    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class _CRC32:
    """CRC-32 with the polynomial of zlib and Ethernet; the digest has the most significant byte first."""

    digest_size = 4

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self.digest_size, "big")


_HASHERS: dict[str, Callable[[], Hasher]] = {
    "sha1": partial(hashlib.sha1, usedforsecurity=False),
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
    "md5": partial(hashlib.md5, usedforsecurity=False),
    "crc32": _CRC32,
}

CHECKSUM_ALGORITHMS = tuple(_HASHERS)


@dataclass(frozen=True, kw_only=True)
class Checksum:
    """The checksum that a client declares for the body of a request; the digest has the length of its algorithm."""

    algorithm: str
    digest: bytes


def new_hasher(algorithm: str) -> Hasher:
    """Return a hasher of one of ``CHECKSUM_ALGORITHMS``. Raise ``UnsupportedChecksum`` for another."""
    if algorithm not in _HASHERS:
        raise UnsupportedChecksum(limit=",".join(CHECKSUM_ALGORITHMS), value=algorithm)
    return _HASHERS[algorithm]()


def verify(checksum: Checksum, hasher: Hasher) -> None:
    """Compare the declared checksum with that of the bytes passed to ``hasher``. Raise ``ChecksumMismatch``."""
    digest = hasher.digest()
    if digest != checksum.digest:
        raise ChecksumMismatch(
            limit=base64.b64encode(checksum.digest).decode(), value=base64.b64encode(digest).decode()
        )
