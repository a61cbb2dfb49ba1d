"""The door for Python code: a file that the host already has, by path or open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO

from ..access import User
from ..conf import largefiles_settings
from ..intake.creation import Declaration, aborted_on_failure, begin_trusted
from ..intake.writing import UploadWriter
from ..models import FileAsset
from ..options import DEFAULT_PROFILE
from ..states import Attachment
from .body import FIRST_READ


def ingest(
    source: IO[bytes] | Path | str,
    *,
    name: str = "",
    owner: User | None = None,
    profile: str = DEFAULT_PROFILE,
    media_type: str = "",
    sha256: str = "",
    attachment: Attachment = Attachment.STANDALONE,
    progress: Callable[[int], None] | None = None,
) -> FileAsset:
    """Copy a file into the storage, under the rules of ``profile``, and hand it to a worker.

    ``source`` is a path, or a binary file that is read from its current position; ``name`` defaults to its name.
    ``progress`` is called with the number of bytes copied so far. The caller is trusted: the access policy is not
    asked. Raise ``Refusal``, ``StoreError``, and ``OSError`` if the source cannot be read.
    """
    if isinstance(source, str | Path):
        with Path(source).open("rb") as file:
            return ingest(
                file,
                name=name or Path(source).name,
                owner=owner,
                profile=profile,
                media_type=media_type,
                sha256=sha256,
                attachment=attachment,
                progress=progress,
            )
    declaration = Declaration(
        name=name or str(getattr(source, "name", "")),
        owner=owner,
        profile=profile,
        media_type=media_type,
        sha256=sha256,
        attachment=attachment,
    )
    return copy(source, begin_trusted(declaration), progress)


def copy(file: IO[bytes], writer: UploadWriter, progress: Callable[[int], None] | None = None) -> FileAsset:
    """Copy an open file to a new upload, and return its asset. If that fails, nothing is kept."""
    with aborted_on_failure(writer):
        size = FIRST_READ
        while chunk := file.read(size):
            writer.write(chunk)
            if progress:
                progress(writer.received)
            size = largefiles_settings.chunk_size
        asset = writer.finish()
    # An immediate dispatcher has processed it already.
    asset.refresh_from_db()
    return asset
