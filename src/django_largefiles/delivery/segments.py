"""What an answer with ranges of a file consists of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from ..protocols.ranges import ByteRange

Segment: TypeAlias = ByteRange | bytes
"""A range of a file, or bytes to send as they are."""


def length_of(segments: Sequence[Segment]) -> int:
    return sum(segment.length if isinstance(segment, ByteRange) else len(segment) for segment in segments)
