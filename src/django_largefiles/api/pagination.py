"""The pages of the list of assets."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from django.apps import apps
from django.conf import settings
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.views import APIView

_MAX_DIGITS = 9


class AssetPagination(CursorPagination):
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    ordering = ("-created_at", "id")

    def get_page_size(self, request: Request) -> int:
        """Return the size that a client asks for, ``max_page_size`` at most. Raise ``ValidationError``.

        REST framework takes anything but a number for the default.
        """
        asked = request.query_params.get(self.page_size_query_param, str(self.page_size))
        digits = asked.lstrip("0")
        if not (digits.isascii() and digits.isdigit()):
            raise ValidationError({self.page_size_query_param: ["A positive integer is required."]})
        # A long number takes quadratic time to convert.
        return min(int(digits[:_MAX_DIGITS]), self.max_page_size)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Return the cursor that a client sends. Raise ``NotFound`` for one that no page can have given it.

        REST framework passes its position to the database as it is.
        """
        cursor = super().decode_cursor(request)
        if cursor and cursor.position is not None and not _is_time(str(cursor.position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """Return the parameters for OpenAPI, with the bounds that REST framework leaves out."""
        parameters: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        for parameter in parameters:
            if parameter["name"] == self.page_size_query_param:
                parameter["schema"] = {"type": "integer", "minimum": 1, "default": self.page_size}
                parameter["description"] = f"The number of results in a page, {self.max_page_size} at most."
        return parameters

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the schema of a page for OpenAPI, of the version that drf-spectacular writes."""
        page: dict[str, Any] = super().get_paginated_response_schema(schema)
        if apps.is_installed("drf_spectacular"):
            # An extra, without which no schema is made but the framework's own.
            from drf_spectacular.plumbing import append_meta

            page["properties"] |= {link: append_meta(page["properties"][link], {}) for link in ("next", "previous")}
            page["required"] = list(page["properties"])
        return page


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
