"""What a store offers that lets clients send bytes to the storage themselves, past the application."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Self

from ..exceptions import PartsMissing

NAMED_PARTS = 20
"""How many numbers a refusal names."""


@dataclass(frozen=True, kw_only=True)
class StoredPart:
    number: int
    size: int


@dataclass(frozen=True, kw_only=True)
class SignedPart:
    """One request that sends one part, and nothing else: a ``PUT`` of ``size`` bytes to ``url``, with ``headers``."""

    number: int
    size: int
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DirectUpload:
    """An upload in parts of one size, but for the last, numbered from 1 on. Sizes are in bytes."""

    name: str
    handle: str
    """The storage's own word for it while it is unfinished."""
    length: int
    part_size: int

    @classmethod
    def read(cls, state: Mapping[str, Any]) -> Self:
        return cls(**state)

    def state(self) -> dict[str, Any]:
        """JSON that ``read`` takes; with the name in it, as ``Store.abort`` wants it."""
        return asdict(self)

    @property
    def part_count(self) -> int:
        """An empty file has one part too."""
        return max(1, -(-self.length // self.part_size))

    def size_of(self, number: int) -> int:
        return min(self.part_size, self.length - (number - 1) * self.part_size)

    def check(self, parts: Iterable[StoredPart]) -> None:
        """Raises ``PartsMissing``, which names those that are not there or not of their size."""
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
    """A store's part in uploads that clients send to its storage themselves.

    Ours: to say who may, to sign for nobody else, to keep the ``DirectUpload``, and to believe nothing of the bytes.
    Yours: what is signed allows one part of one upload with exactly its size, until ``lifetime`` is over; nothing that
    a client does later changes what is finished; what goes wrong is raised as ``StoreUnavailable`` or ``StoreFull``.
    ``Store.abort`` of the upload's state removes it, finished or not.
    """

    @abstractmethod
    def begin(self, name: str, length: int) -> DirectUpload:
        """Make room for the upload that will be stored as ``name``."""

    @abstractmethod
    def sign(self, upload: DirectUpload, numbers: Iterable[int], lifetime: timedelta) -> list[SignedPart]:
        """Let whoever is given them send these parts. A part that is sent again replaces the earlier one."""

    @abstractmethod
    def parts(self, upload: DirectUpload) -> list[StoredPart]:
        """Those that the storage has, whatever clients say; empty where the upload is finished or gone."""

    @abstractmethod
    def finish(self, upload: DirectUpload) -> int:
        """Put the parts together under the upload's name, and give the bytes of the result. May be repeated.

        Raises ``PartsMissing``, as ``DirectUpload.check`` does, and then nothing has changed; ``UploadGone`` where the
        storage knows neither the upload nor its result.
        """
