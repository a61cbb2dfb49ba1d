"""The interface of direct uploads: clients send bytes to the storage themselves, past the application."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Self

from ..exceptions import PartsMissing

NAMED_PARTS = 20
"""The most numbers of parts that an error names."""


@dataclass(frozen=True, kw_only=True)
class StoredPart:
    number: int
    size: int


@dataclass(frozen=True, kw_only=True)
class SignedPart:
    """The one request that sends a part: a ``PUT`` of ``size`` bytes to ``url``, with ``headers``."""

    number: int
    size: int
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DirectUpload:
    """An upload in parts of one size, except the last, numbered from 1. Sizes are in bytes."""

    name: str
    handle: str
    """The identifier that the storage gives it while it is unfinished."""
    length: int
    part_size: int

    @classmethod
    def read(cls, state: Mapping[str, Any]) -> Self:
        return cls(**state)

    def state(self) -> dict[str, Any]:
        """Return JSON that ``read`` takes, with the name that ``Store.abort`` needs."""
        return asdict(self)

    @property
    def part_count(self) -> int:
        """The number of parts; an empty file has one too."""
        return max(1, -(-self.length // self.part_size))

    def size_of(self, number: int) -> int:
        return min(self.part_size, self.length - (number - 1) * self.part_size)

    def check(self, parts: Iterable[StoredPart]) -> None:
        """Raise ``PartsMissing``, naming the numbers, if parts are missing or not of their size."""
        sizes = {part.number: part.size for part in parts}
        numbers = range(1, self.part_count + 1)
        wrong = [number for number in numbers if sizes.get(number) != self.size_of(number)]
        if wrong:
            named = ", ".join(map(str, wrong[:NAMED_PARTS])) + (", …" if len(wrong) > NAMED_PARTS else "")
            raise PartsMissing(
                f"{len(wrong)} of {self.part_count} parts are missing or not of their size: {named}",
                limit=self.part_count,
                value=named,
            )


class DirectUploads(ABC):
    """Uploads that clients send to the storage themselves.

    Guarantees: the caller authorises the client before it signs, keeps the ``DirectUpload``, and verifies the bytes
    before they are served.

    Requirements: a signed request sends one part of one upload with exactly its size, until ``lifetime`` is over.
    After ``finish`` no client can change the bytes. Failures are raised as ``StoreUnavailable`` or ``StoreFull``.
    ``Store.abort`` with the state of the upload removes it, finished or not.
    """

    @abstractmethod
    def begin(self, name: str, length: int) -> DirectUpload:
        """Prepare an upload that will be stored as ``name``."""

    @abstractmethod
    def sign(self, upload: DirectUpload, numbers: Iterable[int], lifetime: timedelta) -> list[SignedPart]:
        """Return the requests that send these parts. A part that is sent again replaces the earlier one."""

    @abstractmethod
    def parts(self, upload: DirectUpload) -> list[StoredPart]:
        """Return the parts that the storage has; empty if the upload is finished or gone."""

    @abstractmethod
    def finish(self, upload: DirectUpload) -> int:
        """Join the parts under the name of the upload, and return the size of the result. May be repeated.

        Raise ``PartsMissing``, as ``DirectUpload.check`` does, having changed nothing, and ``UploadGone`` if the
        storage knows neither the upload nor its result.
        """
