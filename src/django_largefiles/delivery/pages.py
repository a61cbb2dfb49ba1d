"""Refusals as pages for people, and the choice between these and problem details."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.html import format_html
from django.utils.translation import get_language

from ..exceptions import LargeFilesError
from ..words import explain
from .problems import CONTENT_TYPE, log_store_error, with_error_headers

PAGE = """<!doctype html>
<html lang="{language}">
<head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1><p>{words}</p></body>
</html>
"""

_TYPES = [CONTENT_TYPE, "application/json", "text/html"]
"""What an error can be answered with. A client that accepts any type gets the first."""


def prefers_html(request: HttpRequest) -> bool:
    """Return whether the client is one that shows pages: a browser that submits a form, but not a script."""
    return request.get_preferred_type(_TYPES) == "text/html"


def tell_refusal(error: LargeFilesError, response: HttpResponseBase) -> None:
    """Give the page that shows a refusal the status of the refusal.

    A browser whose upload was cut off shows an answer of 4xx, and for any other reports a network error.
    """
    log_store_error(error)
    if response.status_code == HTTPStatus.OK:
        response.status_code = error.status
        with_error_headers(error, response)


def refusal_page(error: LargeFilesError) -> HttpResponse:
    """Return an error as a page, as plain as Django's own for its errors."""
    log_store_error(error)
    page = format_html(PAGE, language=get_language() or "en", title=error.phrase, words=explain(error))
    return with_error_headers(error, HttpResponse(page, status=error.status, reason=error.phrase))
