"""Refusals and store errors as RFC 9457 problem details."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from django.http import JsonResponse

from ..exceptions import LargeFilesError, StoreError
from ..protocols.errors import ProtocolError

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"


def problem_details(error: LargeFilesError | ProtocolError) -> dict[str, Any]:
    """The members of RFC 9457 section 3.1, and ours: ``code``, ``limit`` and ``value``."""
    return {
        "type": "about:blank",
        "title": error.phrase if isinstance(error, ProtocolError) else HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "limit": error.limit,
        "value": error.value,
    }


def problem_response(error: LargeFilesError | ProtocolError) -> JsonResponse:
    if isinstance(error, StoreError):
        logger.error("The storage failed: %s", error.detail, exc_info=error)
    return JsonResponse(problem_details(error), status=error.status, content_type=CONTENT_TYPE)
