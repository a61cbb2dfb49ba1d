"""The bytes of made assets, in their store as the intake and the worker leave them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from io import BytesIO
from pathlib import Path
from typing import IO

from ..digests import ResumableDigest
from ..options import KIB
from ..stores.base import Store, StoreState
from .arriving import ArrivingUpload

CHUNK_SIZE = 64 * KIB


def opened(content: bytes | Path) -> AbstractContextManager[IO[bytes]]:
    return BytesIO(content) if isinstance(content, bytes) else content.open("rb")


def digest_of(file: IO[bytes]) -> ResumableDigest:
    """Return the digest of the rest of ``file``."""
    digest = ResumableDigest()
    for chunk in _chunks(file):
        digest.update(chunk)
    return digest


def store_all(store: Store, name: str, file: IO[bytes]) -> str:
    """Store the rest of ``file`` as a finished upload, and return its name in the storage."""
    with closing(ArrivingUpload(store, name).append(0)) as sender:
        for chunk in _chunks(file):
            sender.write(chunk)
        sender.conclude()
        return sender.finish()


def store_some(store: Store, name: str, length: int | None, head: bytes) -> StoreState:
    """Store the first bytes of an upload, and return what the store needs to continue it."""
    upload = ArrivingUpload(store, name, length)
    upload.add(0, head)
    return upload.state


def publish(store: Store, name: str) -> str:
    """Move a finished upload to where a worker moves verified bytes, and return its name there."""
    destination = store.destination(name)
    if destination is None:
        return name
    moved = store.move(name, destination, _ignore_progress)
    store.abort({"name": name, "staged": True})
    return moved


def _ignore_progress(done: int) -> None: ...


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_SIZE):
        yield chunk
