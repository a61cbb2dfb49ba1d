"""The interface of stores: where arriving bytes are put, and how stored bytes are read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, TypeAlias
from uuid import UUID

from django.core.checks import CheckMessage

from ..exceptions import UploadGone
from .direct import DirectUploads

StoreState: TypeAlias = Mapping[str, Any]
"""JSON of bounded size, saved with the upload: all that another process needs to continue it."""


class Appender(ABC):
    """Writes the bytes of one request, from an offset on.

    If a call returns a state, the caller saves it in the row of the upload before the next call, unless a later
    appender has been opened. Everything that must outlive this process, and that a later appender must know, belongs
    in the state.
    """

    @abstractmethod
    def write(self, chunk: bytes) -> StoreState | None:
        """Write the whole chunk. The memory held must not grow with the number of calls.

        Raise ``TakenOver``, and write nothing, once a later appender has been opened; a store that keeps its progress
        in the state need not notice.
        """

    @abstractmethod
    def commit(self) -> StoreState | None:
        """Make all that was written survive the death of this process, or of the machine under ``fsync``.

        Return the state, which is saved in the same statement as the offset, or ``None`` if it has not changed.
        """

    def conclude(self) -> StoreState | None:
        """Commit, knowing that no further byte will come: the next call is ``finish`` with the saved state.

        The state is saved before the offset: until the asset is complete, the state in the row may be ahead.
        """
        return self.commit()

    def concatenate(self, others: Sequence[StoreState]) -> None:
        """Append the bytes of other uploads of this store, in order, without passing them through this process.

        It is called if ``copies_from`` allows it, on an appender at offset 0 to which nothing was written. Each of the
        uploads has all its bytes, keeps them, and may occur more than once.
        """
        raise NotImplementedError

    def roll_back(self, offset: int) -> None:  # noqa: B027 - most stores keep bytes only once they are committed
        """Give up the room of bytes beyond ``offset``, which do not count since the request failed.

        Only ``close`` is called afterwards. Raise ``TakenOver`` once a later appender has been opened. It may be
        called after ``close``, and then does nothing.
        """

    @abstractmethod
    def close(self) -> None:
        """Release open resources. Bytes that were not committed may be lost. May be called again."""


@dataclass(frozen=True, kw_only=True)
class ServedAs:
    """The headers with which a storage serves stored bytes."""

    media_type: str
    disposition: str
    """The value of ``Content-Disposition``."""
    cache_control: str


def check_not_lost(size: int, offset: int) -> None:
    """Raise ``UploadGone`` if only ``size`` of the ``offset`` bytes are there that clients were told have arrived."""
    if size < offset:
        raise UploadGone(f"the storage has lost bytes: it has {size} bytes, not {offset}", limit=offset, value=size)


class Store(ABC):
    """Arriving bytes and stored bytes of one Django storage, with which it is made: ``MyStore(storage)``.

    Guarantees: ``begin`` is called once per upload, then ``append`` any number of times, each with another ``token``,
    and ``finish`` or ``abort`` at the end. Calls may come from different processes and machines. After a crash the
    same call may be repeated; the bytes before the offset have then been committed.

    Requirements: once ``append`` has returned, bytes written by appenders with other tokens no longer count. An
    aborted or unfinished upload is never visible under its name. ``finish``, ``abort`` and ``delete`` may be repeated.
    Transient failures are retried for a while; other failures are raised as ``StoreUnavailable`` or ``StoreFull``.
    Memory does not grow with the size of a file.

    The first requirement can be met in two ways. A store with a fence of its own makes an earlier appender fail. A
    store that ``keeps_progress`` in the state lets it write bytes that are never looked at: only the state in the row
    says which bytes count, and no state is saved for an appender that has been replaced.
    """

    keeps_progress: ClassVar[bool] = False
    """Whether the state changes after ``begin``. If so, it is read again before ``append``, under the row's lock."""

    copies_from: ClassVar[int | None] = None
    """The number of bytes from which ``Appender.concatenate`` is better than reading and writing; ``None``: never."""

    def check_room(self, length: int) -> None:  # noqa: B027 - most stores do not know their room
        """Raise ``StoreFull`` if ``length`` more bytes would not leave ``RESERVED_BYTES`` of the disk free.

        Be quick: it is called before an upload is created and before each request that continues one. As several may
        arrive at once, the appender checks each write too.
        """

    @abstractmethod
    def begin(self, name: str, length: int | None) -> StoreState:
        """Prepare an upload that will be stored as ``name``, of ``length`` bytes if that is known.

        Return the state, which contains ``name`` and all else that the store needs. ``abort`` must cope with the name
        alone, because a crash in this method leaves nothing else.
        """

    @abstractmethod
    def append(self, state: StoreState, offset: int, token: UUID) -> Appender:
        """Return an appender that writes from ``offset`` on; drop bytes beyond it from an interrupted attempt.

        Raise ``UploadGone`` if bytes before it have been lost, as by a power failure: the upload is then removed.
        The upload may already be finished, if the process that finished it died before the row was updated. The row of
        the upload is locked meanwhile, so that database and store agree on the order of requests: be quick.
        """

    @abstractmethod
    def open_incoming(self, state: StoreState) -> BinaryIO:
        """Return a reader of an unfinished upload, for its first bytes or for all of them. The caller closes it."""

    @abstractmethod
    def finish(self, state: StoreState, token: UUID) -> str:
        """Move the bytes to their place without copying them, and return their name in the storage.

        Raise ``TakenOver`` if a later appender has been opened.
        """

    def tidy(self, name: str) -> None:  # noqa: B027 - most stores leave nothing behind
        """Remove what a complete upload may have left behind besides its bytes. May be repeated."""

    @abstractmethod
    def abort(self, state: StoreState) -> None:
        """Remove all traces of an upload, finished or not."""

    @abstractmethod
    def delete(self, name: str) -> None:
        """Remove stored bytes. No error if there are none under that name."""

    @abstractmethod
    def open_ranged(self, name: str) -> BinaryIO:
        """Return a seekable reader that fetches only what is read. The caller closes it."""

    def destination(self, name: str) -> StoreState | None:
        """Return where verified bytes are to be moved, for ``move`` and ``abort``: a place that was never used before.

        Return ``None`` if they stay where they are. A worker calls it.
        """
        return None

    def blocked_destination(self, name: str) -> StoreState | None:
        """Return where the bytes of a blocked asset are to be moved, like ``destination``.

        Return ``None`` if no URL leads to them. A store that ``gives_links`` cannot call them back; they end when
        nothing is stored any more under the name that they were signed for.
        """
        return None

    def move(self, name: str, destination: StoreState, progress: Callable[[int], None]) -> str:
        """Copy the bytes to the destination in the same storage, and return the name that they have there.

        The original stays: it is aborted once the new name is in the row of the asset. ``progress`` is called with the
        number of bytes copied; an error that it raises must be passed on. After any failure, and after a crash,
        ``abort`` is called with the destination.
        """
        raise NotImplementedError

    @property
    def direct(self) -> DirectUploads | None:
        """Uploads that clients send to the storage themselves; ``None`` if it takes none."""
        return None

    @property
    def folder(self) -> Path | None:
        """The folder of this machine in which stored bytes are under their names, as they are to be sent.

        Web servers then send them without Django. ``None`` if they are elsewhere, or encoded.
        """
        return None

    @property
    def gives_links(self) -> bool:
        """Whether ``link`` can be called."""
        return False

    def link(self, name: str, lifetime: timedelta, served_as: ServedAs) -> str:
        """Return a URL at which anyone may fetch stored bytes for ``lifetime``, without asking the network."""
        raise NotImplementedError

    def check(self) -> Iterable[CheckMessage]:
        """Return what would keep this store from working, for Django's system checks, without the network."""
        return ()

    def probe(self, origins: Sequence[str]) -> Iterable[CheckMessage]:
        """Return what is wrong with the storage, asked over the network, for ``check --deploy``.

        ``origins`` are those of the pages that may upload to it. A storage that does not answer is a warning.
        """
        return ()
