"""The state of an upload in S3, which is saved in its row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Self

from ..base import StoreState


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The bytes that count, and what is needed to tell them from others.

    Parts that it does not list do not count, even if they were uploaded. The number of a part and the key of a tail
    are used by one appender only, so that a late request of another replaces nothing.
    """

    name: str
    length: int | None = None
    """As it was declared."""
    upload_id: str = ""
    """The id of the multipart upload; empty before its first part."""
    runs: tuple[tuple[int, int], ...] = ()
    """The numbers of its parts, as first number and count of each run: few, even for the longest file."""
    next_number: int = 1
    """Neither this number nor any above it has been used."""
    parted: int = 0
    """Bytes in parts."""
    tail: str = ""
    """The key of an object with the bytes after the parts, which are too few for a part."""
    size: int = 0
    """Bytes in all."""
    superseded: tuple[str, ...] = ()
    """Keys of tails that no longer count."""
    sealed: bool = False
    """Whether a request may be completing the multipart upload: then nothing can be added to it."""

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
        """Return JSON that ``read`` takes."""
        return {**asdict(self), "runs": [list(run) for run in self.runs], "superseded": list(self.superseded)}

    @property
    def numbers(self) -> set[int]:
        return {number for first, count in self.runs for number in range(first, first + count)}

    @property
    def tail_size(self) -> int:
        return self.size - self.parted


def with_numbers(runs: Iterable[tuple[int, int]], numbers: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Return ``runs`` extended by ``numbers``, which are above them, in ascending order."""
    joined = list(runs)
    for number in numbers:
        first, count = joined[-1] if joined else (0, 0)
        if joined and first + count == number:
            joined[-1] = (first, count + 1)
        else:
            joined.append((number, 1))
    return tuple(joined)
