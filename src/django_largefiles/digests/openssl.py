"""SHA-256 and SHA-512 by the OpenSSL that hashlib is linked to, with a state that can be saved, unlike hashlib's.

OpenSSL's older functions (``SHA256_Update`` and its like, https://docs.openssl.org/3.5/man3/SHA256_Init/) keep their
state in a structure of plain numbers. They are deprecated since 3.0, but every version has them. Called through
ctypes, they let other threads run while they hash, as hashlib does.
"""

from __future__ import annotations

import hashlib
import struct
from ctypes import CDLL, c_char_p, c_size_t, c_void_p, create_string_buffer
from typing import ClassVar, Self

_ROOM = 512
"""Bytes for a structure. Those that are known take less than half."""

_END = struct.Struct("=II")
"""The end of each structure: how many bytes wait until a block is full, and the length of the digest."""

_SAMPLE = bytes(range(200))


def _library() -> CDLL | None:
    """Return what has the functions; ``None`` where Python has no OpenSSL, or none that others can call."""
    try:
        import _hashlib

        library = CDLL(_hashlib.__file__)
        for function in (library.SHA256_Update, library.SHA512_Update):
            function.argtypes = (c_void_p, c_char_p, c_size_t)
    except (ImportError, AttributeError, OSError):
        return None
    return library


class _Hash:
    """Has the methods that the classes of ``rehashes`` have."""

    library: ClassVar[CDLL | None] = _library()
    name: ClassVar[str]
    block_bytes: ClassVar[int]
    digest_bytes: ClassVar[int]
    state_bytes: ClassVar[int]

    def __init__(self) -> None:
        self._structure = create_string_buffer(_ROOM)
        self._call("Init", self._structure)

    def update(self, data: bytes) -> None:
        self._call("Update", self._structure, data, len(data))

    def finalize(self) -> str:
        """Return the digest as lower-case hexadecimal; more bytes may follow."""
        digest, copy = create_string_buffer(self.digest_bytes), create_string_buffer(self._structure.raw, _ROOM)
        self._call("Final", digest, copy)
        return digest.raw.hex()

    def serialize(self) -> bytes:
        return self._structure.raw[: self.state_bytes]

    @classmethod
    def deserialize(cls, state: bytes) -> Self:
        """Raise ``ValueError`` for what ``serialize`` cannot have returned."""
        if len(state) != cls.state_bytes:
            raise ValueError(f"a state of {cls.name} has {cls.state_bytes} bytes, not {len(state)}")
        waiting, digest_bytes = _END.unpack(state[-_END.size :])
        # OpenSSL would write beyond the block.
        if waiting >= cls.block_bytes or digest_bytes != cls.digest_bytes:
            raise ValueError(f"a state of {cls.name} does not end with {waiting} and {digest_bytes}")
        restored = cls()
        restored._structure.raw = state
        return restored

    @classmethod
    def works(cls) -> bool:
        """Return whether the functions are there, and their structure is the one that this module knows."""
        if cls.library is None:
            return False
        first = cls()
        first.update(_SAMPLE)
        try:
            second = cls.deserialize(first.serialize())
        except ValueError:
            return False
        second.update(_SAMPLE)
        return second.finalize() == hashlib.new(cls.name, 2 * _SAMPLE).hexdigest()

    def _call(self, function: str, *arguments: object) -> None:
        getattr(self.library, f"{self.name}_{function}")(*arguments)


class Sha256(_Hash):
    name = "SHA256"
    block_bytes, digest_bytes, state_bytes = 64, 32, 112


class Sha512(_Hash):
    name = "SHA512"
    block_bytes, digest_bytes, state_bytes = 128, 64, 216
