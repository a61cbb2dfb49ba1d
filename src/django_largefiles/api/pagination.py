"""The pages of the list of assets."""

from __future__ import annotations

from datetime import UTC

from django.conf import settings
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request


class AssetPagination(CursorPagination):
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    ordering = ("-created_at", "id")

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Return the cursor that a client sends. Raise ``NotFound`` for one that no page can have given it.

        REST framework passes its position to the database as it is.
        """
        cursor = super().decode_cursor(request)
        if cursor and cursor.position is not None and not _is_time(str(cursor.position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor


def _is_time(text: str) -> bool:
    """Tell whether ``created_at`` can be compared with a text."""
    try:
        time = parse_datetime(text)
        if time is None or is_aware(time) != settings.USE_TZ:
            return False
        # Databases store it in another zone, where years from 1 to 9999 may not be enough.
        time.astimezone(UTC)
    except (ValueError, OverflowError):
        return False
    return True
