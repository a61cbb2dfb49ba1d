"""What parent and child must agree on: the order on the command line, and how the child asks for pieces of the file.

The child sends lines of JSON: the layers that hold it, any number of requests ``[offset, size]``, and its answer. To a
request the parent sends the number of bytes, big-endian, and the bytes.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What the parent wants, as it travels on the command line."""

    extractor: str
    media_type: str
    parent: int
    readable: list[str]
    """Files and folders of code that the child may still open when it has the file."""
    cpu_seconds: int
    memory_bytes: int
    read_bytes: int
    size: int | None
    """Of a file whose bytes the parent hands out on request; ``None`` of one that is the child's standard input."""

    def dumps(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, text: str) -> Spec:
        return cls(**json.loads(text))


BLOCK_SIZE = 16 * 1024
"""Of brokered reads: a request begins at a multiple of it and ends at one, or at the end of the file."""

MAX_REQUEST = 16 * BLOCK_SIZE

LENGTH_BYTES = 4
"""Of the number before the bytes."""
