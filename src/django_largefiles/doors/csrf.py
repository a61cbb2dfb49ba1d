"""Django's CSRF check without its reading of the body, which would take in a whole upload first.

``CsrfViewMiddleware`` looks for the token of a POST in the form before it looks in the header.
"""

from __future__ import annotations

import copy

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware

from ..exceptions import CsrfFailed


class _Check(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
        raise CsrfFailed(f"CSRF verification failed: {reason}")


def has_header_token(request: HttpRequest) -> bool:
    return settings.CSRF_HEADER_NAME in request.META


def enforce_csrf(request: HttpRequest, form_token: str = "") -> None:
    """Raises ``CsrfFailed`` unless origin, referer and token are as Django demands.

    ``form_token`` is the value of a form's ``csrfmiddlewaretoken``, where the header is not used.
    """
    # Only for POST does the middleware turn to the body; the rest of its check is the same for every unsafe method.
    probe = copy.copy(request)
    probe.method = "PUT"
    probe.META = dict(request.META)
    if form_token:
        probe.META[settings.CSRF_HEADER_NAME] = form_token
    check = _Check(lambda _: HttpResponse())
    check.process_request(probe)
    check.process_view(probe, lambda _: HttpResponse(), (), {})
