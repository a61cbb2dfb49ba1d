"""The store of Django's ``InMemoryStorage``, for tests: bytes arrive in the memory of the process too."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from io import BytesIO
from posixpath import join
from threading import RLock
from typing import TypeAlias
from uuid import UUID
from weakref import WeakKeyDictionary

from django.core.checks import CheckMessage, Warning as CheckWarning
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage

from ..exceptions import StoreUnavailable, TakenOver
from .base import Appender, Store, StoreState, check_not_lost


@dataclass(kw_only=True, eq=False)
class Incoming:
    """The bytes of an unfinished upload, and the token of the only appender that may write."""

    token: UUID | None = None
    content: bytearray = field(default_factory=bytearray)

    def check(self, token: UUID) -> None:
        if self.token != token:
            raise TakenOver("a later request has taken over the upload")


Arriving: TypeAlias = MutableMapping[str, Incoming]

_arriving: MutableMapping[InMemoryStorage, Arriving] = WeakKeyDictionary()
"""By the storage and the name, because a store is made for each use and its storage stays."""

_lock = RLock()
"""All that open a file of an ``InMemoryStorage`` share one object, and its position."""


@contextmanager
def restored(storage: InMemoryStorage) -> Iterator[None]:
    """Have the files of a storage, arriving ones too, after the block be as they were before."""
    with _lock:
        files, arriving = dict(_files(storage)), deepcopy(dict(_arriving.get(storage, {})))
    try:
        yield
    finally:
        with _lock:
            _restore(storage, files)
            _arriving[storage] = arriving


def _restore(storage: InMemoryStorage, files: dict[str, bytes]) -> None:
    present = dict(_files(storage))
    for name in present.keys() - files.keys():
        storage.delete(name)
    for name in files.keys() - present.keys():
        storage.save(name, ContentFile(files[name]))


def _files(storage: InMemoryStorage, folder: str = "") -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each file. The store never changes the content."""
    folders, names = storage.listdir(folder)
    for name in names:
        with storage.open(join(folder, name)) as file:
            yield join(folder, name), bytes(file.read())
    for name in folders:
        yield from _files(storage, join(folder, name))


class MemoryStore(Store):
    """Keeps whole files in memory, finished or not. They are lost with the process, and no other process has them."""

    def __init__(self, storage: InMemoryStorage) -> None:
        self._storage = storage
        with _lock:
            self._arriving = _arriving.setdefault(storage, {})

    def begin(self, name: str, length: int | None) -> StoreState:
        with _lock:
            self._arriving[name] = Incoming()
        return {"name": name}

    def append(self, state: StoreState, offset: int, token: UUID) -> Appender:
        name = state["name"]
        with _lock:
            if name not in self._arriving:
                self._arriving[name] = Incoming(content=bytearray(self._stored(name)))
                self._storage.delete(name)
            incoming = self._arriving[name]
            incoming.token = token
            check_not_lost(len(incoming.content), offset)
            del incoming.content[offset:]
        return MemoryAppender(incoming, token)

    def open_incoming(self, state: StoreState) -> BytesIO:
        with _lock:
            return BytesIO(self._incoming(state["name"]).content)

    def finish(self, state: StoreState, token: UUID) -> str:
        name: str = state["name"]
        with _lock:
            if name in self._arriving or not self._storage.exists(name):
                incoming = self._incoming(name)
                incoming.check(token)
                self._storage.save(name, ContentFile(bytes(incoming.content)))
                del self._arriving[name]
        return name

    def abort(self, state: StoreState) -> None:
        with _lock:
            self._arriving.pop(state["name"], None)
        self.delete(state["name"])

    def delete(self, name: str) -> None:
        with _lock:
            self._storage.delete(name)

    def open_ranged(self, name: str) -> BytesIO:
        with _lock:
            return BytesIO(self._stored(name))

    def probe(self, origins: Sequence[str]) -> Iterator[CheckMessage]:
        yield CheckWarning(
            f"LARGEFILES: files are stored in the memory of each process, by {type(self._storage).__qualname__}.",
            hint="This is for tests. Set LARGEFILES['STORAGE'] to a storage that all processes share.",
            id="django_largefiles.W032",
        )

    def _incoming(self, name: str) -> Incoming:
        with _missing_told():
            return self._arriving[name]

    def _stored(self, name: str) -> bytes:
        with _missing_told(), self._storage.open(name) as file:
            return bytes(file.read())


class MemoryAppender(Appender):
    def __init__(self, incoming: Incoming, token: UUID) -> None:
        self._incoming = incoming
        self._token = token

    def write(self, chunk: bytes) -> None:
        with _lock:
            self._incoming.check(self._token)
            self._incoming.content += chunk

    def commit(self) -> None:
        self._incoming.check(self._token)

    def roll_back(self, offset: int) -> None:
        with _lock:
            self._incoming.check(self._token)
            del self._incoming.content[offset:]

    def close(self) -> None:
        """There is nothing to release."""


@contextmanager
def _missing_told() -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, KeyError) as error:
        raise StoreUnavailable("the storage has no such file") from error
