"""Uploads by ``multipart/form-data`` in views of the host project: each file goes from the socket to the store."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from inspect import iscoroutinefunction
from typing import Any

from asgiref.sync import sync_to_async
from django.db.transaction import non_atomic_requests
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from .csrf import enforce_csrf, has_header_token
from .delivery.problems import full_database_told, problem_response
from .doors.claims import streams_body
from .doors.multipart import StreamingUploadHandler, UploadedAsset, parse_form
from .exceptions import ConfigurationError, LargeFilesError, Refusal, StoreError
from .intake.creation import authorize
from .options import DEFAULT_PROFILE
from .transport.lingering import linger

__all__ = ["UploadedAsset", "receive_files"]


def receive_files(
    *, profile: str = DEFAULT_PROFILE, max_files: int = 1
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a view receive files of any size: ``request.FILES`` holds an ``UploadedAsset`` for each.

    The CSRF token is checked before anything is stored. It must come in the header, or in a field before the files.
    Refusals become problem details, also those that ``accept`` and ``aaccept`` raise in the view. The view may be
    asynchronous; the form is received in a thread either way.
    """

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        def load(request: HttpRequest) -> None:
            if request.method == "POST":
                load_form(request, profile=profile, max_files=max_files)

        wrap = _asynchronous if iscoroutinefunction(view) else _synchronous
        return streams_body(non_atomic_requests(csrf_exempt(functools.wraps(view)(wrap(view, load)))))

    return decorate


def _synchronous(view: Callable[..., Any], load: Callable[[HttpRequest], None]) -> Callable[..., Any]:
    def receiving(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            with full_database_told():
                load(request)
                response: HttpResponseBase = view(request, *args, **kwargs)
        except (Refusal, StoreError) as error:
            response = problem_response(error)
        linger(request.META, response)
        return response

    return receiving


def _asynchronous(view: Callable[..., Any], load: Callable[[HttpRequest], None]) -> Callable[..., Any]:
    async def receiving(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            with full_database_told():
                await sync_to_async(load)(request)
                response: HttpResponseBase = await view(request, *args, **kwargs)
        except (Refusal, StoreError) as error:
            response = problem_response(error)
        linger(request.META, response)
        return response

    return receiving


def load_form(request: HttpRequest, *, profile: str, max_files: int) -> None:
    """Fill ``request.POST`` and ``request.FILES``. Raise ``Refusal`` and ``StoreError``."""

    def admit(fields: Mapping[str, str]) -> str:
        enforce_csrf(request, fields.get("csrfmiddlewaretoken", ""))
        return profile

    if hasattr(request, "_files"):
        raise ConfigurationError(
            "the body was read before the view: a middleware accesses request.POST, and must be changed or removed"
        )
    try:
        if has_header_token(request):
            enforce_csrf(request)
        authorize(request.user, profile)
        handler = StreamingUploadHandler(request, user=request.user, admit=admit, max_files=max_files)
        request.parse_file_upload = lambda META, post_data: parse_form(  # type: ignore[method-assign]  # noqa: N803
            META, post_data, handler, request.encoding
        )
        admit(request.POST)
    except LargeFilesError:
        # A middleware that accesses request.POST after the refusal must not start to read the body.
        request._mark_post_parse_error()  # type: ignore[attr-defined]
        raise
