"""A request whose body nobody reads before the user is known and permitted, and the parser that then streams it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict
from rest_framework.parsers import BaseParser, DataAndFiles
from rest_framework.request import Request

from ..doors.streaming import StreamingUploadHandler, parse_form
from ..options import DEFAULT_PROFILE


class UploadRequest(Request):
    """While it is being authenticated its form is empty: a CSRF check of the session's then looks for the token in
    the header alone, instead of reading the whole body for it."""

    _authenticating = False

    def _authenticate(self) -> None:
        self._authenticating = True
        try:
            super()._authenticate()  # type: ignore[misc]  # not in the stubs
        finally:
            self._authenticating = False

    @property
    def POST(self) -> QueryDict:  # type: ignore[override]  # noqa: N802
        return QueryDict() if self._authenticating else super().POST


class StreamingMultiPartParser(BaseParser):
    """``multipart/form-data``, one file, straight into the store; ``profile`` and ``sha256`` may come before it."""

    media_type = "multipart/form-data"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> DataAndFiles[Any, Any]:
        assert parser_context
        request = parser_context["request"]
        handler = StreamingUploadHandler(request, user=request.user, admit=chosen_profile)
        fields, files = parse_form(request.META, stream, handler, parser_context["encoding"])
        return DataAndFiles(fields, files)


def chosen_profile(fields: Mapping[str, str]) -> str:
    return fields.get("profile") or DEFAULT_PROFILE
