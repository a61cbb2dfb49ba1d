"""The queries and the manager of ``FileAsset``."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import or_
from typing import IO, TYPE_CHECKING, Self

from asgiref.sync import sync_to_async
from django.db import models

from .access import User, access_policy
from .media_types.matching import is_pattern
from .options import DEFAULT_PROFILE
from .states import Attachment, State

if TYPE_CHECKING:
    from pathlib import Path

    from .models import FileAsset


class FileAssetQuerySet(models.QuerySet["FileAsset"]):
    """Assets, as ``FileAsset.objects`` and its filters return them. The methods can be chained in any order."""

    def ready(self) -> Self:
        """Return those that are verified and may be downloaded."""
        return self.filter(state=State.READY)

    def visible_to(self, user: User) -> FileAssetQuerySet:
        """Return those that the access policy lets ``user`` view, who may be anonymous."""
        return access_policy().visible(user, self)

    def of_type(self, *patterns: str) -> Self:
        """Return those whose media type, detected from the bytes, matches one of ``patterns``.

        A pattern is a type, ``type/*`` or ``*/*``, as in ``ALLOWED_MIME_TYPES``; case does not matter. No pattern
        matches nothing. Raise ``ValueError`` for a text that is no pattern.
        """
        return self.filter(reduce(or_, map(_of_type, patterns), _NONE))


_NONE = models.Q(pk__in=())
"""Matches nothing, and is left out where another condition may match."""


def _of_type(pattern: str) -> models.Q:
    if not is_pattern(pattern):
        raise ValueError(f"{pattern!r} is neither a media type nor a pattern such as 'video/*'")
    kind, _, subtype = pattern.lower().partition("/")
    if kind == "*":
        return ~_NONE
    return models.Q(media_type__startswith=f"{kind}/") if subtype == "*" else models.Q(media_type=f"{kind}/{subtype}")


_Manager = models.Manager.from_queryset(FileAssetQuerySet)


class FileAssetManager(_Manager["FileAsset"]):
    """``FileAsset.objects``: the methods of ``FileAssetQuerySet``, and ``ingest``."""

    def ingest(
        self,
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
        ``media_type`` is the type as declared, ``sha256`` the digest that the file must have, in hexadecimal or
        Base64. ``attachment`` is ``PROVISIONAL`` for a file that a row is about to refer to: if that does not happen
        within ``UNATTACHED_EXPIRES_AFTER``, because the process dies before, the file is deleted. ``progress`` is
        called with the number of bytes copied so far. The caller is trusted: the access policy is not asked. Raise
        ``Refusal``, ``StoreError``, and ``OSError`` if the source cannot be read.
        """
        # The method belongs here for its callers. The import goes against the layers, and import-linter's contract
        # lists it.
        from .doors.ingest import ingest

        return ingest(
            source,
            name=name,
            owner=owner,
            profile=profile,
            media_type=media_type,
            sha256=sha256,
            attachment=attachment,
            progress=progress,
        )

    async def aingest(
        self,
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
        """Do what ``ingest`` does, in a thread."""
        return await sync_to_async(self.ingest)(
            source,
            name=name,
            owner=owner,
            profile=profile,
            media_type=media_type,
            sha256=sha256,
            attachment=attachment,
            progress=progress,
        )
