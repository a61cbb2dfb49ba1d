"""The door for Python code: a file that the host already has, by path or open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO

from ..access import User
from ..conf import largefiles_settings
from ..intake.creation import Declaration, begin
from ..intake.writing import FIRST_READ
from ..models import FileAsset
from ..options import DEFAULT_PROFILE


def ingest(
    source: IO[bytes] | Path | str,
    *,
    name: str = "",
    owner: User | None = None,
    profile: str = DEFAULT_PROFILE,
    media_type: str = "",
    sha256: str = "",
    progress: Callable[[int], None] | None = None,
) -> FileAsset:
    """Copy a file into the storage, under the rules of ``profile``, and hand it to a worker.

    ``source`` is a path, or a binary file read from where it stands; ``name`` defaults to its own. ``progress`` is
    called with the bytes taken so far. The caller is trusted: the access policy is not asked. Raises ``Refusal``,
    ``StoreError``, and ``OSError`` where the source cannot be read.
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
                progress=progress,
            )
    declaration = Declaration(
        name=name or str(getattr(source, "name", "")),
        owner=owner,
        profile=profile,
        media_type=media_type,
        sha256=sha256,
    )
    with begin(declaration) as writer:
        size = FIRST_READ
        while chunk := source.read(size):
            writer.write(chunk)
            if progress:
                progress(writer.received)
            size = largefiles_settings.chunk_size
        asset = writer.finish()
    # A dispatcher that processes at once has brought it further.
    asset.refresh_from_db()
    return asset
