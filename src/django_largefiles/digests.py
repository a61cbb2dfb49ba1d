"""SHA-256 that can be put aside and taken up again, where ``rehashes`` is installed."""

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

_HEADER = b"" if rehashes is None else f"rehashes {importlib.metadata.version('rehashes')}\n".encode()
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]{64}")
_BASE64_LENGTH = 44


class UnusableState(ValueError):
    """A saved state that this process cannot take up: hash the bytes again."""


class RunningSHA256:
    """The digest of the bytes seen so far."""

    def __init__(self) -> None:
        self._hash: Any = hashlib.sha256() if rehashes is None else rehashes.PySha256()

    def update(self, data: bytes) -> None:
        self._hash.update(data)

    def hexdigest(self) -> str:
        """64 lower-case hexadecimal digits; more bytes may follow."""
        digest: str = self._hash.hexdigest() if rehashes is None else self._hash.finalize()
        return digest

    def state(self) -> bytes | None:
        """What ``restore`` takes, about 120 bytes; ``None`` where the digest cannot be saved."""
        if rehashes is None:
            return None
        serialized: bytes = self._hash.serialize()
        return _HEADER + serialized

    @classmethod
    def restore(cls, state: bytes) -> RunningSHA256:
        """The digest that ``state`` was taken of.

        Raises ``UnusableState`` where ``rehashes`` is not installed, or of another version than the one that
        wrote the state (its format is private to a version), or where the state is damaged.
        """
        if rehashes is None:
            raise UnusableState("the digest was saved with rehashes, which is not installed here")
        if not state.startswith(_HEADER):
            raise UnusableState(f"the saved digest is not one of {_HEADER.decode().strip()}")
        running = cls()
        try:
            running._hash = rehashes.PySha256.deserialize(state.removeprefix(_HEADER))
        except ValueError as error:
            raise UnusableState(f"the saved digest is damaged: {error}") from error
        return running


def parse_sha256(text: str) -> str:
    """64 lower-case hexadecimal digits, from 64 of any case or 44 characters of base64 (RFC 4648, 4).

    Raises ``ValueError`` for anything else.
    """
    if _HEXADECIMAL.fullmatch(text):
        return text.lower()
    if len(text) != _BASE64_LENGTH:
        raise ValueError(f"a SHA-256 is 64 hexadecimal digits or 44 characters of base64, not {len(text)} characters")
    digest = base64.b64decode(text, validate=True)
    if len(digest) != hashlib.sha256().digest_size:
        raise ValueError(f"a SHA-256 has 32 bytes, not {len(digest)}")
    return digest.hex()
