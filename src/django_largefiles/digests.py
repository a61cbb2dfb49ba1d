"""The digests of a file: SHA-256, CRC-32 and, if it is asked for, SHA-512.

They are made in one pass, and are resumable where ``rehashes`` is installed.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import re
from typing import Any

try:
    import rehashes
except ImportError:
    rehashes = None

# The standard library's takes a quarter second of processor time for each GiB, a third of what SHA-256 takes.
try:
    from zlib_ng.zlib_ng import crc32 as crc32
except ImportError:
    from zlib import crc32 as crc32

_HEADER = b"" if rehashes is None else f"crc32+rehashes {importlib.metadata.version('rehashes')}\n".encode()
_CRC32_BYTES = 4
_SHA256_BYTES = 0 if rehashes is None else len(rehashes.PySha256().serialize())
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]{64}")
_BASE64_LENGTH = 44


class UnusableState(ValueError):
    """A saved state that this process cannot restore: the bytes must be hashed again."""


class RunningDigest:
    """The SHA-256 and the CRC-32 of the bytes seen so far, and their SHA-512 with ``sha512``.

    It uses hashlib, which lets other threads run while it hashes.
    """

    def __init__(self, *, sha512: bool = False) -> None:
        self.crc32 = 0
        """The checksum of ZIP archives (polynomial 0xEDB88320), as an unsigned integer."""
        self._sha256: Any = hashlib.sha256()
        self._sha512: Any = hashlib.sha512() if sha512 else None

    def update(self, data: bytes) -> None:
        self._sha256.update(data)
        if self._sha512 is not None:
            self._sha512.update(data)
        self.crc32 = crc32(data, self.crc32)

    def sha256(self) -> str:
        """Return the SHA-256 as 64 lower-case hexadecimal digits; more bytes may follow."""
        return self._hexadecimal(self._sha256)

    def sha512(self) -> str:
        """Return the SHA-512 as 128 lower-case hexadecimal digits, empty if it is not made; more bytes may follow."""
        return "" if self._sha512 is None else self._hexadecimal(self._sha512)

    def _hexadecimal(self, hasher: Any) -> str:
        digest: str = hasher.hexdigest()
        return digest


class ResumableDigest(RunningDigest):
    """A running digest that can be saved between requests and continued by another process."""

    def __init__(self, *, sha512: bool = False) -> None:
        super().__init__(sha512=sha512)
        if rehashes is not None:
            self._sha256 = rehashes.PySha256()
            self._sha512 = rehashes.PySha512() if sha512 else None

    def state(self) -> bytes | None:
        """Return the state that ``restore`` takes, at most 400 bytes; ``None`` without ``rehashes``."""
        if rehashes is None:
            return None
        sha512: bytes = b"" if self._sha512 is None else self._sha512.serialize()
        serialized: bytes = self._sha256.serialize() + sha512
        return _HEADER + self.crc32.to_bytes(_CRC32_BYTES) + serialized

    def _hexadecimal(self, hasher: Any) -> str:
        digest: str = hasher.hexdigest() if rehashes is None else hasher.finalize()
        return digest

    @classmethod
    def restore(cls, state: bytes) -> ResumableDigest:
        """Return the digest of which ``state`` was saved.

        Raise ``UnusableState`` if ``rehashes`` is not installed, if another version of it wrote the state (the format
        is private to a version), or if the state is damaged.
        """
        if rehashes is None:
            raise UnusableState("the digest was saved with rehashes, which is not installed here")
        if not state.startswith(_HEADER):
            raise UnusableState(f"the saved digest is not of the format {_HEADER.decode().strip()!r}")
        saved = state.removeprefix(_HEADER)
        running, sha512 = cls(), saved[_CRC32_BYTES + _SHA256_BYTES :]
        try:
            running._sha256 = rehashes.PySha256.deserialize(saved[_CRC32_BYTES:][:_SHA256_BYTES])
            running._sha512 = rehashes.PySha512.deserialize(sha512) if sha512 else None
        except ValueError as error:
            raise UnusableState(f"the saved digest is damaged: {error}") from error
        running.crc32 = int.from_bytes(saved[:_CRC32_BYTES])
        return running


def parse_sha256(text: str) -> str:
    """Return 64 lower-case hexadecimal digits, from 64 of any case or 44 characters of base64 (RFC 4648 section 4).

    Raise ``ValueError`` for anything else.
    """
    if _HEXADECIMAL.fullmatch(text):
        return text.lower()
    if len(text) != _BASE64_LENGTH:
        raise ValueError(f"a SHA-256 is 64 hexadecimal digits or 44 characters of base64, not {len(text)} characters")
    digest = base64.b64decode(text, validate=True)
    if len(digest) != hashlib.sha256().digest_size:
        raise ValueError(f"a SHA-256 has 32 bytes, not {len(digest)}")
    return digest.hex()
