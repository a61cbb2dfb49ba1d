"""Errors as problem details (RFC 9457): every door answers by this module."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import OperationalError
from django.http import HttpResponseBase, JsonResponse
from django.utils import translation

from ..exceptions import (
    LargeFilesError,
    MethodNotAllowed,
    NotAuthenticated,
    StoreError,
    StoreFull,
    TooManyRequests,
    TooManyStreams,
)
from ..transactions import is_full
from ..words import explain

ResponseT = TypeVar("ResponseT", bound=HttpResponseBase)

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"


def problem_details(error: LargeFilesError) -> dict[str, Any]:
    """Return the members of RFC 9457 section 3.1, and the extensions ``code``, ``limit``, ``value`` and ``words``.

    ``words`` are for the person who uploads, in the language of the request. ``detail`` is a sentence for developers,
    or the words where the language of the request has its own for them.
    """
    words = explain(error)
    return {
        "type": "about:blank",
        "title": error.phrase,
        "status": error.status,
        "detail": words if _is_translated(words, error) else error.detail,
        "code": error.code,
        "limit": error.limit,
        "value": error.value,
        "words": words,
    }


def _is_translated(words: str, error: LargeFilesError) -> bool:
    with translation.override("en"):
        return words != explain(error)


@contextmanager
def full_database_told() -> Iterator[None]:
    """Raise ``StoreFull`` for the error of a database that has no room: around all that a door does in a request."""
    try:
        yield
    except OperationalError as error:
        if not is_full(error):
            raise
        raise full_database(error) from error


def full_database(error: Exception) -> Exception:
    """Return ``StoreFull`` in place of the error of a database that has no room, and any other error as it is."""
    return StoreFull("the database has no room") if is_full(error) else error


def log_store_error(error: LargeFilesError) -> None:
    """Tell the operator why the storage failed, which is no matter of the client's."""
    if isinstance(error, StoreError):
        logger.error("The storage failed: %s", error.detail, exc_info=error)


def with_error_headers(error: LargeFilesError, response: ResponseT) -> ResponseT:
    """Return the response with the header fields that its status asks for."""
    if isinstance(error, NotAuthenticated):
        response["WWW-Authenticate"] = error.challenge
    if isinstance(error, TooManyRequests | TooManyStreams):
        response["Retry-After"] = str(error.retry_after)
    if isinstance(error, MethodNotAllowed):
        response["Allow"] = str(error.limit)
    return response


def problem_response(error: LargeFilesError, members: Mapping[str, Any] | None = None) -> JsonResponse:
    """Return an error as a response. ``members`` replace those of ``problem_details``, or add to them."""
    log_store_error(error)
    content = problem_details(error) | dict(members or {})
    response = JsonResponse(content, status=error.status, reason=error.phrase, content_type=CONTENT_TYPE)
    return with_error_headers(error, response)
