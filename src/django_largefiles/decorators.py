"""Uploads by ``multipart/form-data`` in views of the host project: each file goes from the socket to the store."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any, TypeAlias

from asgiref.sync import sync_to_async
from django.db.transaction import non_atomic_requests
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from .csrf import enforce_csrf, has_header_token
from .delivery.pages import prefers_html, refusal_page, tell_refusal
from .delivery.problems import full_database_told, problem_response
from .doors.claims import streams_body
from .doors.form_files import RefusedFile, UploadedAsset
from .doors.multipart import StreamingUploadHandler, close, largest_upload, malformed_told, parse_until_refused
from .exceptions import ConfigurationError, LargeFilesError, Refusal, StoreError, TooLarge
from .intake.creation import authorize
from .options import DEFAULT_PROFILE
from .transport.lingering import drop_rest_after, linger
from .upload_tokens import permitted_profile

__all__ = ["RefusedFile", "UploadedAsset", "receive_files", "show_in_form"]

OnRefusal: TypeAlias = Callable[[HttpRequest, LargeFilesError], HttpResponseBase | None]


def show_in_form(request: HttpRequest, error: LargeFilesError) -> HttpResponseBase | None:
    """Have the view show a refusal to people, who get pages, and answer programs with problem details."""
    return None if prefers_html(request) else problem_response(error)


def receive_files(
    *, profile: str = DEFAULT_PROFILE, max_files: int = 1, on_refusal: OnRefusal = show_in_form
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a view receive files of any size: ``request.FILES`` holds an ``UploadedAsset`` for each.

    The CSRF token is checked before anything is stored. It must come in the header, or in a field before the files.
    A file of an ``AssetFormField`` is received under the profile of that field, others under ``profile``. The view may
    be asynchronous; the form is received in a thread either way.

    When a file is refused, the form is read no further, and ``on_refusal`` is called with the request and the error.
    It returns the answer, or ``None`` to have the view called. Then ``request.FILES`` has a ``RefusedFile``, by which
    a form shows why, and an answer of 200 gets the status of the refusal. By default, browsers that submit a form see
    the page of the view, and other clients get problem details. What else is refused, also by ``accept`` in the view,
    is answered with what ``on_refusal`` returns, or with a plain page.
    """
    options = _Options(profile=profile, max_files=max_files, on_refusal=on_refusal)

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        wrap = _asynchronous if iscoroutinefunction(view) else _synchronous
        return streams_body(non_atomic_requests(csrf_exempt(functools.wraps(view)(wrap(view, options)))))

    return decorate


@dataclass(frozen=True, kw_only=True)
class _Options:
    profile: str
    max_files: int
    on_refusal: OnRefusal


class _Reception:
    """The reception of one request's form, and the answer to its refusal."""

    def __init__(self, request: HttpRequest, options: _Options) -> None:
        self._request = request
        self._options = options
        self._refusal: LargeFilesError | None = None

    def receive(self) -> HttpResponseBase | None:
        """Fill ``request.POST`` and ``request.FILES``. Return the answer if the view is not to be called.

        Raise ``Refusal`` and ``StoreError``.
        """
        if self._request.method != "POST":
            return None
        if hasattr(self._request, "_files"):
            raise ConfigurationError(
                "the body was read before the view: a middleware accesses request.POST, and must be changed or removed"
            )
        try:
            return self._load()
        finally:
            if not hasattr(self._request, "_files"):
                # A middleware that accesses request.POST after a refusal must not start to read the body.
                self._request._mark_post_parse_error()  # type: ignore[attr-defined]

    def shown(self, response: HttpResponseBase) -> HttpResponseBase:
        """Return the view's answer."""
        if self._refusal:
            tell_refusal(self._refusal, response)
        return response

    def refuse(self, error: LargeFilesError) -> HttpResponseBase:
        """Return the answer to a refusal that the view cannot show."""
        return self._options.on_refusal(self._request, error) or refusal_page(error)

    def finish(self, response: HttpResponseBase) -> HttpResponseBase:
        """Let the client read the answer, though it sends on."""
        if self._refusal:
            drop_rest_after(response, self._request.META)
        else:
            linger(self._request.META, response)
        return response

    def _load(self) -> HttpResponseBase | None:
        request, options = self._request, self._options
        if has_header_token(request):
            enforce_csrf(request)
        authorize(request.user, options.profile)
        handler = StreamingUploadHandler(request, user=request.user, admit=self._admit, max_files=options.max_files)
        answer = self._judge_length(handler)
        if answer:
            return answer
        request.parse_file_upload = lambda META, post_data: parse_until_refused(  # type: ignore[method-assign]  # noqa: N803
            META, post_data, handler, request.encoding
        )
        with malformed_told():
            self._admit("", request.POST)
        if handler.refused is None:
            return None
        self._refusal = handler.refused.error
        answer = options.on_refusal(request, self._refusal)
        if answer:
            close(request.FILES)
        return answer

    def _admit(self, field_name: str, fields: Mapping[str, str]) -> str:
        enforce_csrf(self._request, fields.get("csrfmiddlewaretoken", ""))
        permit = fields.get(f"{field_name}-permit", "")
        return permitted_profile(permit, field_name, self._request) or self._options.profile

    def _judge_length(self, handler: StreamingUploadHandler) -> HttpResponseBase | None:
        """Return the answer to a form that no profile allows, before any byte of it is read.

        If the view is to show it, the form is read as far as the file, which is refused then.
        """
        try:
            handler.check_length(largest_upload())
        except TooLarge as error:
            self._refusal = error
            return self._options.on_refusal(self._request, error)
        return None


def _synchronous(view: Callable[..., Any], options: _Options) -> Callable[..., Any]:
    def receiving(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        reception = _Reception(request, options)
        try:
            with full_database_told():
                response = reception.receive() or reception.shown(view(request, *args, **kwargs))
        except (Refusal, StoreError) as error:
            response = reception.refuse(error)
        return reception.finish(response)

    return receiving


def _asynchronous(view: Callable[..., Any], options: _Options) -> Callable[..., Any]:
    async def receiving(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        reception = _Reception(request, options)
        try:
            with full_database_told():
                answer = await sync_to_async(reception.receive)()
                response = answer or reception.shown(await view(request, *args, **kwargs))
        except (Refusal, StoreError) as error:
            response = await sync_to_async(reception.refuse)(error)
        return reception.finish(response)

    return receiving
