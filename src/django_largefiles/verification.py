"""Comparison of stored bytes with the size and digest that they had when they arrived."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from .conf import largefiles_settings
from .exceptions import ConfigurationError, StoreError
from .models import FileAsset, FileAssetQuerySet
from .stores import store_of


@dataclass(frozen=True, kw_only=True)
class Fault:
    """``code`` is ``size_mismatch``, ``digest_mismatch``, or that of the error that kept the bytes from being read."""

    code: str
    detail: str


def verifiable() -> FileAssetQuerySet:
    """Return the assets whose bytes are stored and whose digest is known."""
    return FileAsset.objects.exclude(file="").exclude(sha256="")


def verify(asset: FileAsset, progress: Callable[[int], None] | None = None) -> Fault | None:
    """Read all bytes of a ``verifiable`` asset again, and return what is wrong with them; ``None`` if nothing is.

    ``progress`` is called with the number of bytes read so far. Nothing is changed. It is no fault if the bytes are
    removed meanwhile.
    """
    fault = _compare(asset, progress)
    still_there = fault is not None and FileAsset.objects.filter(pk=asset.pk, file=str(asset.file)).exists()
    return fault if still_there else None


def _compare(asset: FileAsset, progress: Callable[[int], None] | None) -> Fault | None:
    try:
        size, sha256 = _read(asset, progress)
    except (StoreError, ConfigurationError) as error:
        return Fault(code=error.code, detail=error.detail)
    if size != asset.size:
        return Fault(code="size_mismatch", detail=f"{size} bytes, not {asset.size}")
    if sha256 != asset.sha256:
        return Fault(code="digest_mismatch", detail=f"the SHA-256 is {sha256}, not {asset.sha256}")
    return None


def _read(asset: FileAsset, progress: Callable[[int], None] | None) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with closing(store_of(asset).open_ranged(str(asset.file))) as file:
        while chunk := file.read(largefiles_settings.chunk_size):
            digest.update(chunk)
            size += len(chunk)
            if progress:
                progress(size)
    return size, digest.hexdigest()
