"""Requests whose body is not read before the user is authenticated, and the parsers that then read it."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import QueryDict
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, DataAndFiles, JSONParser
from rest_framework.request import Request

from ..doors.body import Body, body_length
from ..doors.multipart import StreamingUploadHandler, parse_form
from ..options import DEFAULT_PROFILE, KIB
from .errors import api_refusals

LARGEST_JSON = 64 * KIB


class UploadRequest(Request):
    """Always has a user, and has an empty form while it is being authenticated.

    The CSRF check of the session then looks for the token in the header alone, instead of reading the whole body.
    """

    _authenticating = False

    def _authenticate(self) -> None:
        self._authenticating = True
        try:
            super()._authenticate()  # type: ignore[misc]  # not in the stubs
        finally:
            self._authenticating = False

    def _not_authenticated(self) -> None:
        super()._not_authenticated()  # type: ignore[misc]  # not in the stubs
        # With ``UNAUTHENTICATED_USER`` of ``None`` the framework has no user, whom the access policy is asked about.
        self.user = self.user or AnonymousUser()

    def _load_stream(self) -> None:
        super()._load_stream()  # type: ignore[misc]  # not in the stubs
        # The framework takes a body without Content-Length for an empty one.
        if body_length(self.META) is None:
            self._stream: Any = self._request

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
        handler = StreamingUploadHandler(request._request, user=request.user, admit=chosen_profile)
        fields, files = parse_form(request.META, stream, handler, parser_context["encoding"])
        return DataAndFiles(fields, files)


class SmallJSONParser(BaseParser):
    """JSON of a bounded size, from a client that sends it in time: the framework's own parser has no limit.

    It is no subclass of that, because the framework reads the body itself for those.
    """

    media_type = JSONParser.media_type
    renderer_class = JSONParser.renderer_class

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        assert parser_context
        with api_refusals():
            content = Body(stream, parser_context["request"].META).whole(at_most=LARGEST_JSON)
        try:
            return JSONParser().parse(BytesIO(content), media_type, parser_context)
        except RecursionError as error:
            raise ParseError("JSON parse error - the values are nested too deeply") from error


def chosen_profile(field_name: str, fields: Mapping[str, str]) -> str:
    return fields.get("profile") or DEFAULT_PROFILE
