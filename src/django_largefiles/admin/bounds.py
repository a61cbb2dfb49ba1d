"""What keeps pages as quick with a million files as with a thousand: how much of the table a query may read."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet

from ..models import FileAsset

COUNTED_AT_MOST = 10_000
"""How many rows are counted, and listed. The page behind them is reached by a filter or a search."""

NEWEST = 100_000
"""How many files are searched where no index helps."""


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # generic in the stubs only
    """Pages of the first ``COUNTED_AT_MOST`` rows: a database reads all to count them, or to find a late page."""

    @cached_property
    def count(self) -> int:
        return bounded_count(self.object_list)


def bounded_count(rows: Any) -> int:
    """Return the number of rows, ``COUNTED_AT_MOST`` for more."""
    return int(rows[:COUNTED_AT_MOST].count())


def among_newest(assets: QuerySet[FileAsset]) -> QuerySet[FileAsset]:
    """Return those among the ``NEWEST`` files: for conditions that no index serves."""
    created = FileAsset.objects.using(assets.db).order_by("-created_at", "pk").values_list("created_at", flat=True)
    oldest = created[NEWEST : NEWEST + 1].first()
    return assets if oldest is None else assets.filter(created_at__gt=oldest)
