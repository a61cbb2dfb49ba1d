"""Answers without content."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpResponse
from django.http.response import ResponseHeaders


class BodilessResponse(HttpResponse):
    """An answer without content, and without headers that describe any.

    RFC 9110 section 8.6: a 204 has no ``Content-Length``, and that of a 304 is the length of the file.
    ``CommonMiddleware`` gives 0 to every answer that has none.
    """

    def __init__(self, *, status: int = 204, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status=status)
        self.headers = _WithoutLength(headers or {})


class _WithoutLength(ResponseHeaders):
    def __setitem__(self, key: str, value: str | bytes | int) -> None:
        if key.lower() != "content-length":
            super().__setitem__(key, value)
