"""Forms in views that are not decorated: they know their request, and their files are streamed to the store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, QueryDict, UnreadablePostError
from django.http.response import HttpResponseBase
from django.utils.datastructures import MultiValueDict

from .csrf import enforce_csrf
from .delivery.pages import tell_refusal
from .doors.body import content_length
from .doors.current import handling
from .doors.form_files import RefusedFile
from .doors.multipart import StreamingUploadHandler, parse_until_refused
from .exceptions import BodyFault, CsrfFailed, MalformedRequest
from .transport.lingering import drop_rest_after
from .upload_tokens import permitted_profile

GetResponse: TypeAlias = Callable[[HttpRequest], Any]
Form: TypeAlias = "tuple[QueryDict, MultiValueDict[str, Any]]"


class LargeFilesMiddleware:
    """Gives every form with fields of assets its request, and streams the files of these fields to the store.

    A file is streamed if its form has a permit, which the widgets render, and a valid CSRF token before it; others are
    received by Django's upload handlers. If a file is refused, the form is read no further, and the page that shows it
    gets the status of the refusal.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        reception = _Reception(request)
        if self._is_async:
            return self._answer(request, reception)
        with handling(request):
            response: HttpResponseBase = self.get_response(request)
        return reception.finish(response)

    async def _answer(self, request: HttpRequest, reception: _Reception) -> HttpResponseBase:
        with handling(request):
            response: HttpResponseBase = await self.get_response(request)
        return reception.finish(response)


class _Reception:
    """The reception of one request's form, when it is first asked for."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._refused: RefusedFile | None = None
        if request.method == "POST" and request.content_type == "multipart/form-data" and _has_content(request):
            # A view that is decorated with ``receive_files`` puts its own in this place.
            request.parse_file_upload = self._parse  # type: ignore[assignment,method-assign]

    def finish(self, response: HttpResponseBase) -> HttpResponseBase:
        if self._refused:
            tell_refusal(self._refused.error, response)
            drop_rest_after(response, self._request.META)
        return response

    def _parse(self, meta: Mapping[str, Any], stream: Any) -> Form:
        """Do what Django's ``parse_file_upload`` does. Raise its errors."""
        gate = _Gate(self._request)
        handler = StreamingUploadHandler(self._request, user=gate.user, admit=gate.admit, max_files=None)
        others = self._request.upload_handlers
        try:
            return parse_until_refused(meta, stream, handler, self._request.encoding, others)
        except BodyFault as fault:
            raise UnreadablePostError(fault.detail) from fault
        finally:
            self._refused = handler.refused


def _has_content(request: HttpRequest) -> bool:
    """Return whether a form may follow. Django answers a length that is malformed, if a view asks for the form."""
    try:
        return bool(content_length(request.META))
    except MalformedRequest:
        return False


class _Gate:
    """Decides which files of a form are streamed. The others are Django's."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._verified: bool | None = None
        # Not there if a middleware above that of authentication reads the form.
        self.user: Any = getattr(request, "user", None)

    def admit(self, field_name: str, fields: Mapping[str, str]) -> str | None:
        permit = fields.get(f"{field_name}-permit", "")
        if not permit or self.user is None or _is_on_event_loop():
            return None
        profile = permitted_profile(permit, field_name, self._request)
        return profile if profile and self._is_verified(fields) else None

    def _is_verified(self, fields: Mapping[str, str]) -> bool:
        """Return whether the request passes Django's CSRF check, which makes it later, when the form has arrived."""
        if self._verified is None:
            self._verified = _is_exempt(self._request) or _passes_csrf(self._request, fields)
        return self._verified


def _is_exempt(request: HttpRequest) -> bool:
    match = request.resolver_match
    return bool(match and getattr(match.func, "csrf_exempt", False))


def _passes_csrf(request: HttpRequest, fields: Mapping[str, str]) -> bool:
    try:
        enforce_csrf(request, fields.get("csrfmiddlewaretoken", ""))
    except CsrfFailed:
        return False
    return True


def _is_on_event_loop() -> bool:
    """Return whether an asynchronous view reads its form: the database cannot be used there."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
