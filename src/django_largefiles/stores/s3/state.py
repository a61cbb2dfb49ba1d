"""What the row of an upload knows of its bytes in S3."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Self

from ..base import StoreState


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The bytes that count, and whatever must be known not to mistake others for them.

    It is the only truth: parts of which it does not tell were never written, whoever has uploaded them. A number is
    used by one appender alone, and so is a tail's key: what a late request of another leaves behind replaces nothing.
    """

    name: str
    length: int | None = None
    """As it was declared."""
    upload_id: str = ""
    """The multipart upload; none is made before its first part."""
    runs: tuple[tuple[int, int], ...] = ()
    """The numbers of its parts, as the first one and the count of those in a row: few, however long the file is."""
    next_number: int = 1
    """Nobody has used it, nor any above it."""
    parted: int = 0
    """Bytes in parts."""
    tail: str = ""
    """The key of an object that holds the bytes behind the parts: too few for a part of their own."""
    size: int = 0
    """Bytes in all."""
    superseded: tuple[str, ...] = ()
    """Keys of tails that no longer count."""
    sealed: bool = False
    """Somebody may be completing the multipart upload at any time: nothing can be added to it."""

    @classmethod
    def read(cls, state: StoreState) -> Self:
        return cls(
            **{
                **state,
                "runs": tuple((first, count) for first, count in state.get("runs", ())),
                "superseded": tuple(state.get("superseded", ())),
            }
        )

    def state(self) -> StoreState:
        """JSON that ``read`` takes."""
        return {**asdict(self), "runs": [list(run) for run in self.runs], "superseded": list(self.superseded)}

    @property
    def numbers(self) -> set[int]:
        return {number for first, count in self.runs for number in range(first, first + count)}

    @property
    def tail_size(self) -> int:
        return self.size - self.parted


def with_numbers(runs: Iterable[tuple[int, int]], numbers: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """``runs`` and, above them, ``numbers`` in ascending order."""
    joined = list(runs)
    for number in numbers:
        first, count = joined[-1] if joined else (0, 0)
        if joined and first + count == number:
            joined[-1] = (first, count + 1)
        else:
            joined.append((number, 1))
    return tuple(joined)
