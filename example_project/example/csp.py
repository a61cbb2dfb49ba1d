"""A Content-Security-Policy for all pages. Django 6.0 has a middleware of its own for this, Django 5.2 has not."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

HEADER = "Content-Security-Policy"


def content_security_policy(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        # Downloads have a stricter one.
        response.headers.setdefault(HEADER, settings.CONTENT_SECURITY_POLICY)
        return response

    return middleware
