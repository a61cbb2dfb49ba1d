"""Implementations of SHA-256 and SHA-512 whose state can be saved, which that of hashlib cannot."""

from __future__ import annotations

import importlib.metadata
import sys
from dataclasses import dataclass
from typing import Any

from . import openssl

try:
    import rehashes
except ImportError:
    rehashes = None


@dataclass(frozen=True, kw_only=True)
class Implementation:
    """Two classes with ``update``, ``finalize``, ``serialize`` and ``deserialize``, and the format of their states."""

    format: str
    sha256: Any
    sha512: Any

    @property
    def header(self) -> bytes:
        """What a saved digest begins with."""
        return f"crc32+{self.format}\n".encode()


def found() -> tuple[Implementation, ...]:
    """Return those that are found here, best first: ``rehashes`` lets no other thread run while it hashes."""
    implementations = list[Implementation]()
    if openssl.Sha256.works() and openssl.Sha512.works():
        name = f"openssl {sys.byteorder}"
        implementations.append(Implementation(format=name, sha256=openssl.Sha256, sha512=openssl.Sha512))
    if rehashes is not None:
        name = f"rehashes {importlib.metadata.version('rehashes')}"
        implementations.append(Implementation(format=name, sha256=rehashes.PySha256, sha512=rehashes.PySha512))
    return tuple(implementations)


IMPLEMENTATIONS = found()
