"""The store over the ``S3Storage`` of django-storages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from io import BytesIO
from typing import BinaryIO
from uuid import UUID, uuid4

from django.core.checks import CheckMessage
from django.core.files.storage import Storage

from ...names import STORAGE_FOLDER, storage_key
from ...options import MIB
from ..base import Appender, ServedAs, Store, StoreState, check_not_lost
from .appender import S3Appender
from .bucket import bucket_of
from .checks import check_options, probe
from .copying import copy_object
from .direct import S3DirectUploads
from .inspection import Inspection
from .objects import complete, remove_unfinished, whole
from .reader import open_object
from .state import Progress


class S3Store(Store):
    """Full parts go into a multipart upload; the bytes after them are kept as an object of their own, the tail.

    The fence is the row of the upload: see ``Progress``.
    """

    keeps_progress = True
    copies_from = 16 * MIB

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._bucket = bucket_of(storage)

    def begin(self, name: str, length: int | None) -> StoreState:
        return Progress(name=name, length=length).state()

    def append(self, state: StoreState, offset: int, token: UUID) -> Appender:
        progress = Progress.read(state)
        check_not_lost(progress.size, offset)
        return S3Appender(self._bucket, progress, offset, token)

    def open_incoming(self, state: StoreState) -> BinaryIO:
        source = whole(self._bucket, Progress.read(state))
        return open_object(self._bucket, source.key, source.size) if source else BytesIO()

    def finish(self, state: StoreState, token: UUID) -> str:
        progress = Progress.read(state)
        complete(self._bucket, progress)
        return progress.name

    def tidy(self, name: str) -> None:
        remove_unfinished(self._bucket, name)

    def abort(self, state: StoreState) -> None:
        remove_unfinished(self._bucket, state["name"])
        self.delete(state["name"])

    def delete(self, name: str) -> None:
        self._bucket.delete(self._bucket.key(name))

    def open_ranged(self, name: str) -> BinaryIO:
        return open_object(self._bucket, self._bucket.key(name))

    def blocked_destination(self, name: str) -> StoreState | None:
        return {"name": storage_key(uuid4())} if self.gives_links else None

    def move(self, name: str, destination: StoreState, progress: Callable[[int], None]) -> str:
        copy_object(self._bucket, name, destination["name"], progress)
        return str(destination["name"])

    @property
    def direct(self) -> S3DirectUploads | None:
        return S3DirectUploads(self._bucket) if self._bucket.signer.can_sign else None

    @property
    def gives_links(self) -> bool:
        return self._bucket.signer.can_sign

    def link(self, name: str, lifetime: timedelta, served_as: ServedAs) -> str:
        return self._bucket.signer.download(self._bucket.key(name), lifetime, served_as)

    def check(self) -> Iterator[CheckMessage]:
        return check_options(self._storage)

    def probe(self, origins: Sequence[str]) -> Iterator[CheckMessage]:
        return probe(Inspection(self._storage), self._bucket.key(f"{STORAGE_FOLDER}/"), origins)
