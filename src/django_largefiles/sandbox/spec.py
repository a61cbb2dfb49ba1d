"""What parent and child agree on: the specification on the command line, and the protocol on the pipes.

The child sends lines of JSON: the layers of confinement in force, any number of requests ``[offset, size]``, and its
answer. The parent answers a request with the number of bytes, big-endian, and the bytes.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True)
class Spec:
    """The parent's order to the child, passed on the command line."""

    extractor: str
    media_type: str
    parent: int
    readable: list[str]
    """Files and folders of code that the child may still open when it has the file."""
    cpu_seconds: int
    memory_bytes: int
    read_bytes: int
    size: int | None
    """Bytes of a file that the parent reads on request; ``None`` if the file is the child's standard input."""

    def dumps(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, text: str) -> Spec:
        return cls(**json.loads(text))


BLOCK_SIZE = 16 * 1024
"""Bytes. A request begins at a multiple of it, and ends at a multiple or at the end of the file."""

MAX_REQUEST = 16 * BLOCK_SIZE

LENGTH_BYTES = 4
"""The length of the number before the bytes."""
