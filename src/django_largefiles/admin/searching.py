"""The search of the list of files: each term goes to the index that serves it."""

from __future__ import annotations

import re
from uuid import UUID

from django.db.models import Q, QuerySet

from ..models import FileAsset
from .bounds import among_newest

SHA256 = re.compile(r"[0-9A-Fa-f]{64}")


def search(assets: QuerySet[FileAsset], term: str) -> QuerySet[FileAsset]:
    """Return the asset with this id, those with this SHA-256, or those of the newest with these words in their names.

    The words are looked for in titles too.
    """
    term = term.strip()
    if SHA256.fullmatch(term):
        return assets.filter(sha256=term.lower())
    try:
        return assets.filter(pk=UUID(term))
    except ValueError:
        return _with_words(assets, term)


def _with_words(assets: QuerySet[FileAsset], term: str) -> QuerySet[FileAsset]:
    words = term.split()
    for word in words:
        assets = assets.filter(Q(original_name__icontains=word) | Q(title__icontains=word))
    return among_newest(assets) if words else assets
