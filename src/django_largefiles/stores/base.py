"""What a store owes the intake and the pipeline: where arriving bytes are put, and how stored bytes are read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, BinaryIO, TypeAlias
from uuid import UUID

StoreState: TypeAlias = Mapping[str, Any]
"""JSON of the store's own, saved with the upload: whatever another process needs to go on."""


class Appender(ABC):
    """Bytes on their way in, from one offset on."""

    @abstractmethod
    def write(self, chunk: bytes) -> None:
        """Take the chunk, whole. Memory held does not grow with the number of calls.

        Raises ``TakenOver``, and writes nothing, once a later appender has been opened.
        """

    @abstractmethod
    def commit(self) -> None:
        """All that was written survives the death of this process, or of the machine under ``fsync``."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what is open. Bytes that were not committed may be lost; may be called again."""


class Store(ABC):
    """Arriving bytes and stored bytes of one Django storage.

    Ours: ``begin`` once per upload, then any number of ``append``, each with a ``token`` of its own, ``finish`` or
    ``abort`` at the end. Calls may come from different processes and machines, and after a crash the same call may
    come again: of what was appended the bytes before the offset are then known to be there.
    Yours: from the moment that ``append`` returns no appender with another token writes; an aborted or unfinished
    upload is never visible under its name; ``finish``, ``abort`` and ``delete`` may be repeated; what goes wrong is
    raised as ``StoreUnavailable`` or ``StoreFull``; nothing grows with the size.
    """

    @abstractmethod
    def begin(self, name: str) -> StoreState:
        """Make room for the upload that will be stored as ``name``. The state holds that ``name``, and what else is
        needed; ``abort`` must do its best with the name alone, which is all there is after a crash in here."""

    @abstractmethod
    def append(self, state: StoreState, offset: int, token: UUID) -> Appender:
        """Write from ``offset`` on; whatever lies beyond it from an interrupted attempt is dropped.

        Also after a ``finish`` of which nobody knows: the process may have died at that moment. It is called while the
        upload's row is locked, so that the database and the store agree on who came last: it should not take long.
        """

    @abstractmethod
    def open_incoming(self, state: StoreState) -> BinaryIO:
        """A reader of what an unfinished upload holds. The caller closes it."""

    @abstractmethod
    def finish(self, state: StoreState, token: UUID) -> str:
        """Put the bytes in their place without copying them, and give the name in the storage.

        Raises ``TakenOver`` where a later appender has been opened.
        """

    @abstractmethod
    def abort(self, state: StoreState) -> None:
        """Leave nothing behind of an upload, finished or not."""

    @abstractmethod
    def delete(self, name: str) -> None:
        """Remove stored bytes; none under that name is well too."""

    @abstractmethod
    def open_ranged(self, name: str) -> BinaryIO:
        """A seekable reader that fetches only what is read. The caller closes it."""
