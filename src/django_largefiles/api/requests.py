"""A request whose body nobody reads before the user is known and permitted, and the parser that then streams it."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from django.http import QueryDict
from rest_framework.parsers import BaseParser, DataAndFiles, JSONParser
from rest_framework.request import Request

from ..doors.multipart import StreamingUploadHandler, parse_form
from ..exceptions import TooLarge
from ..options import DEFAULT_PROFILE, KIB
from .errors import api_refusals

LARGEST_JSON = 64 * KIB


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


class SmallJSONParser(JSONParser):
    """JSON of a bounded size: the framework's own reads whatever comes."""

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        with api_refusals():
            content = _small_body(stream)
        return super().parse(BytesIO(content), media_type, parser_context)


def _small_body(stream: Any) -> bytes:
    pieces, room = list[bytes](), LARGEST_JSON + 1
    # Under some servers a read gives less than is asked for.
    while room and (piece := stream.read(room)):
        pieces.append(piece)
        room -= len(piece)
    if not room:
        raise TooLarge(f"the JSON is more than {LARGEST_JSON} bytes", limit=LARGEST_JSON)
    return b"".join(pieces)


def chosen_profile(fields: Mapping[str, str]) -> str:
    return fields.get("profile") or DEFAULT_PROFILE
