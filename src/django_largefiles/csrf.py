"""Django's CSRF check without reading the body, which would receive a whole upload first.

``CsrfViewMiddleware`` looks for the token of a POST in the form before it looks in the header.
"""

from __future__ import annotations

import copy

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware

from .exceptions import CsrfFailed


class _Check(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
        raise CsrfFailed(f"CSRF verification failed: {reason}")


def has_header_token(request: HttpRequest) -> bool:
    return settings.CSRF_HEADER_NAME in request.META


def enforce_csrf(request: HttpRequest, form_token: str = "") -> None:
    """Raise ``CsrfFailed`` unless origin, referer and token pass Django's check.

    ``form_token`` is the value of a form's ``csrfmiddlewaretoken``, if the header is not used.
    """
    # The middleware reads the body only for POST; the rest of its check is the same for every unsafe method.
    probe = copy.copy(request)
    probe.method = "PUT"
    probe.META = dict(request.META)
    if form_token:
        probe.META[settings.CSRF_HEADER_NAME] = form_token
    check = _Check(lambda _: HttpResponse())
    check.process_request(probe)
    check.process_view(probe, lambda _: HttpResponse(), (), {})
