"""Whether the bytes that are stored are still those that arrived."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from .conf import largefiles_settings
from .exceptions import StoreError
from .models import FileAsset, FileAssetQuerySet
from .stores import current_store


@dataclass(frozen=True, kw_only=True)
class Fault:
    """``code`` is ``size_mismatch``, ``digest_mismatch`` or that of a ``StoreError``."""

    code: str
    detail: str


def verifiable() -> FileAssetQuerySet:
    """Assets that have bytes, and the digest they should have."""
    return FileAsset.objects.exclude(file="").exclude(sha256="")


def verify(asset: FileAsset, progress: Callable[[int], None] | None = None) -> Fault | None:
    """Read all bytes of a ``verifiable`` asset again. What is wrong with them, if anything is.

    ``progress`` is called with the number of bytes read so far. Nothing is changed. An asset whose bytes are removed
    meanwhile is well.
    """
    fault = _compare(asset, progress)
    still_there = fault is not None and FileAsset.objects.filter(pk=asset.pk, file=str(asset.file)).exists()
    return fault if still_there else None


def _compare(asset: FileAsset, progress: Callable[[int], None] | None) -> Fault | None:
    try:
        size, sha256 = _read(asset, progress)
    except StoreError as error:
        return Fault(code=error.code, detail=error.detail)
    if size != asset.size:
        return Fault(code="size_mismatch", detail=f"{size} bytes, not {asset.size}")
    if sha256 != asset.sha256:
        return Fault(code="digest_mismatch", detail=f"the SHA-256 is {sha256}, not {asset.sha256}")
    return None


def _read(asset: FileAsset, progress: Callable[[int], None] | None) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with closing(current_store().open_ranged(str(asset.file))) as file:
        while chunk := file.read(largefiles_settings.chunk_size):
            digest.update(chunk)
            size += len(chunk)
            if progress:
                progress(size)
    return size, digest.hexdigest()
