"""What a store owes the intake and the pipeline: where arriving bytes are put, and how stored bytes are read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, BinaryIO, ClassVar, TypeAlias
from uuid import UUID

from django.core.checks import CheckMessage

from .direct import DirectUploads

StoreState: TypeAlias = Mapping[str, Any]
"""JSON of the store's own, saved with the upload: whatever another process needs to go on. Its size is bounded."""


class Appender(ABC):
    """Bytes on their way in, from one offset on.

    Where a call gives a state, that is saved in the upload's row before any further call, and only as long as no later
    appender has been opened. What must outlive this process, and what a later appender must know, is told that way.
    """

    @abstractmethod
    def write(self, chunk: bytes) -> StoreState | None:
        """Take the chunk, whole. Memory held does not grow with the number of calls.

        Raises ``TakenOver``, and writes nothing, once a later appender has been opened; a store that keeps its
        progress need not notice.
        """

    @abstractmethod
    def commit(self) -> StoreState | None:
        """All that was written survives the death of this process, or of the machine under ``fsync``.

        The state is saved in the same statement as the offset. ``None`` where it has not changed.
        """

    def conclude(self) -> StoreState | None:
        """The same, when no further byte will come: the next call is ``finish`` with the state that is then saved.

        It is saved before the offset is: until the asset is complete the row may have a state that is ahead of it.
        """
        return self.commit()

    def concatenate(self, others: Sequence[StoreState]) -> None:
        """Take the bytes of other uploads of this store, one behind the other, without passing them through here.

        Of an appender at 0 to which nothing was written; called where ``copies_from`` says so. Each of the uploads
        has all its bytes, keeps them, and may be named more than once.
        """
        raise NotImplementedError

    @abstractmethod
    def close(self) -> None:
        """Let go of what is open. Bytes that were not committed may be lost; may be called again."""


@dataclass(frozen=True, kw_only=True)
class ServedAs:
    """What is to be said of stored bytes to whoever fetches them."""

    media_type: str
    disposition: str
    """The value of ``Content-Disposition``."""
    cache_control: str


class Store(ABC):
    """Arriving bytes and stored bytes of one Django storage, with which it is made: ``MyStore(storage)``.

    Ours: ``begin`` once per upload, then any number of ``append``, each with a ``token`` of its own, ``finish`` or
    ``abort`` at the end. Calls may come from different processes and machines, and after a crash the same call may
    come again: of what was appended the bytes before the offset are then known to be there.
    Yours: from the moment that ``append`` returns nothing that an appender with another token writes counts; an
    aborted or unfinished upload is never visible under its name; ``finish``, ``abort`` and ``delete`` may be repeated;
    what may pass is tried again for a while; what goes wrong is raised as ``StoreUnavailable`` or ``StoreFull``;
    nothing grows with the size.

    There are two ways to keep that first promise. A store with a fence of its own lets an earlier appender fail. One
    that ``keeps_progress`` in the state lets it write what nobody will look at: only the state in the row says which
    bytes count, and the row takes none from whoever has lost it.
    """

    keeps_progress: ClassVar[bool] = False
    """Whether the state changes after ``begin``. It is then read again once the row is locked, before ``append``."""

    copies_from: ClassVar[int | None] = None
    """From how many bytes on ``Appender.concatenate`` is better than to read and write them; ``None``: never."""

    @abstractmethod
    def begin(self, name: str, length: int | None) -> StoreState:
        """Make room for the upload that will be stored as ``name``, of ``length`` bytes where that is known.

        The state holds that ``name``, and what else is needed; ``abort`` must do its best with the name alone, which
        is all there is after a crash in here.
        """

    @abstractmethod
    def append(self, state: StoreState, offset: int, token: UUID) -> Appender:
        """Write from ``offset`` on; whatever lies beyond it from an interrupted attempt is dropped.

        Also after a ``finish`` of which nobody knows: the process may have died at that moment. It is called while the
        upload's row is locked, so that the database and the store agree on who came last: it should not take long.
        """

    @abstractmethod
    def open_incoming(self, state: StoreState) -> BinaryIO:
        """A reader of what an unfinished upload holds: too little to be judged by, or all of its bytes.

        The caller closes it.
        """

    @abstractmethod
    def finish(self, state: StoreState, token: UUID) -> str:
        """Put the bytes in their place without copying them, and give the name in the storage.

        Raises ``TakenOver`` where a later appender has been opened.
        """

    def tidy(self, name: str) -> None:  # noqa: B027 - most stores leave nothing behind
        """The upload is complete: remove what it may have left behind beside its bytes. May be repeated."""

    @abstractmethod
    def abort(self, state: StoreState) -> None:
        """Leave nothing behind of an upload, finished or not."""

    @abstractmethod
    def delete(self, name: str) -> None:
        """Remove stored bytes; none under that name is well too."""

    @abstractmethod
    def open_ranged(self, name: str) -> BinaryIO:
        """A seekable reader that fetches only what is read. The caller closes it."""

    def destination(self, name: str) -> StoreState | None:
        """Where complete bytes are yet to go, for ``move`` and ``abort``: a place that was never given before.

        ``None`` where they stay as they are. Called by a worker, for bytes that are verified.
        """
        return None

    def move(self, name: str, destination: StoreState, progress: Callable[[int], None]) -> str:
        """Copy the bytes there, and give the name that they have from then on.

        The original stays: it is aborted once the new name is in the asset's row. ``progress`` is told how many bytes
        are done, and may raise; that comes out of here. After any failure, and after a crash, ``abort`` is called with
        the destination.
        """
        raise NotImplementedError

    @property
    def direct(self) -> DirectUploads | None:
        """Uploads that clients send to the storage themselves; ``None`` where it takes none."""
        return None

    @property
    def gives_links(self) -> bool:
        """Whether ``link`` can be called."""
        return False

    def link(self, name: str, lifetime: timedelta, served_as: ServedAs) -> str:
        """A URL at which whoever has it may fetch stored bytes for so long. It is made without the network."""
        raise NotImplementedError

    def check(self) -> Iterable[CheckMessage]:
        """For Django's system checks, without the network: what would keep this store from its work."""
        return ()

    def probe(self, origins: Sequence[str]) -> Iterable[CheckMessage]:
        """For ``check --deploy``: what the storage, asked over the network, tells of itself.

        ``origins`` are those of the pages that may upload to it. A storage that does not answer is a warning.
        """
        return ()
