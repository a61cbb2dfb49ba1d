"""The storage that a test runs over, where it looks or reaches into one."""

from __future__ import annotations

import errno
import os
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from django_largefiles.exceptions import StoreFull
from django_largefiles.models import FileAsset
from django_largefiles.states import State
from django_largefiles.stores import configured_store
from django_largefiles.stores.base import Appender, Store
from django_largefiles.stores.filesystem import FileAppender
from django_largefiles.stores.s3.appender import S3Appender
from django_largefiles.stores.s3.bucket import Bucket
from tests.s3.servers import S3Bucket


def store_class() -> type[Store]:
    return type(configured_store())


def appender_class() -> type[Appender]:
    return S3Appender if keeps_progress() else FileAppender


def keeps_progress() -> bool:
    """Then a request reads the store's state once more, and the last one saves it once more."""
    return configured_store().keeps_progress


def left_in(bucket: S3Bucket) -> list[str]:
    """What is in a bucket, as soon as the worker has tidied up behind what is complete."""
    for name in FileAsset.objects.exclude(state=State.RECEIVING).values_list("file", flat=True):
        configured_store().tidy(name)
    return sorted([*bucket.keys(), *bucket.unfinished()])


def fill_the_disk(monkeypatch: pytest.MonkeyPatch, *, at: int) -> None:
    """Let arriving files grow to ``at`` bytes and no further."""
    if keeps_progress():
        _fill_the_bucket(monkeypatch, at)
        return

    class Limited(FileIO):
        def write(self, chunk: Any, /) -> int:
            room = at - self.tell()
            if room <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(bytes(chunk[:room]))

    original = Path.open

    def open_limited(path: Path, mode: str = "r", *args: Any, **options: Any) -> Any:
        return Limited(path, "r+") if mode == "r+b" else original(path, mode, *args, **options)

    monkeypatch.setattr(Path, "open", open_limited)


def _fill_the_bucket(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """The files of these tests are never longer than one object."""
    put = Bucket.put

    def put_limited(self: Bucket, key: str, content: bytes | bytearray) -> None:
        if len(content) > at:
            raise StoreFull("the storage is full")
        put(self, key, content)

    monkeypatch.setattr(Bucket, "put", put_limited)
