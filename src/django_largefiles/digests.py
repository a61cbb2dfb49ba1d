"""The digests of a file: SHA-256 and CRC-32, made in one pass, and resumable where ``rehashes`` is installed."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import re
import zlib
from typing import Any

try:
    import rehashes
except ImportError:
    rehashes = None

_HEADER = b"" if rehashes is None else f"crc32+rehashes {importlib.metadata.version('rehashes')}\n".encode()
_CRC32_BYTES = 4
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]{64}")
_BASE64_LENGTH = 44


class UnusableState(ValueError):
    """A saved state that this process cannot restore: the bytes must be hashed again."""


class RunningDigest:
    """The SHA-256 and the CRC-32 of the bytes seen so far.

    It uses hashlib, which lets other threads run while it hashes.
    """

    def __init__(self) -> None:
        self.crc32 = 0
        """The checksum of ZIP archives (polynomial 0xEDB88320), as an unsigned integer."""
        self._hash: Any = hashlib.sha256()

    def update(self, data: bytes) -> None:
        self._hash.update(data)
        self.crc32 = zlib.crc32(data, self.crc32)

    def hexdigest(self) -> str:
        """Return the SHA-256 as 64 lower-case hexadecimal digits; more bytes may follow."""
        digest: str = self._hash.hexdigest()
        return digest


class ResumableDigest(RunningDigest):
    """A running digest that can be saved between requests and continued by another process."""

    def __init__(self) -> None:
        super().__init__()
        if rehashes is not None:
            self._hash = rehashes.PySha256()

    def hexdigest(self) -> str:
        digest: str = self._hash.hexdigest() if rehashes is None else self._hash.finalize()
        return digest

    def state(self) -> bytes | None:
        """Return the state that ``restore`` takes, about 130 bytes; ``None`` without ``rehashes``."""
        if rehashes is None:
            return None
        serialized: bytes = self._hash.serialize()
        return _HEADER + self.crc32.to_bytes(_CRC32_BYTES) + serialized

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
        running = cls()
        try:
            running._hash = rehashes.PySha256.deserialize(saved[_CRC32_BYTES:])
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
