"""Errors of S3, translated into those of stores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError as BotoConnectionError,
    HTTPClientError,
    IncompleteReadError,
)
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from ...exceptions import StoreFull, StoreUnavailable
from .retries import persistently

T = TypeVar("T")

TRANSIENT = (BotoConnectionError, HTTPClientError, IncompleteReadError, ResponseParserError, HTTPError, OSError)
"""Transient errors that occur before the server answers."""
_TRANSIENT_CODES = {"SlowDown", "RequestTimeout", "Throttling", "ThrottlingException", "BadDigest", "OperationAborted"}
_FULL_CODES = {"QuotaExceeded", "XMinioStorageFull", "EntityTooLarge"}


class Missing(StoreUnavailable):
    """There is no such object."""


class UploadMissing(Missing):
    """There is no such multipart upload any more."""


_MISSING: Mapping[str, type[StoreUnavailable]] = {
    "404": Missing,
    "NoSuchKey": Missing,
    "NoSuchUpload": UploadMissing,
}


def attempted(attempt: Callable[[], T]) -> T:
    """Return the result of ``attempt``, retrying transient failures. Raise ``StoreUnavailable`` and ``StoreFull``."""
    try:
        return persistently(attempt, _is_transient)
    except ClientError as error:
        raise _translated(error) from error
    except (BotoCoreError, *TRANSIENT) as error:
        raise StoreUnavailable(f"the storage does not answer: {type(error).__name__}") from error


def _is_transient(error: Exception) -> bool:
    if not isinstance(error, ClientError):
        return isinstance(error, TRANSIENT)
    status, code = _status(error), error.response["Error"].get("Code")
    if code in _FULL_CODES or status == HTTPStatus.INSUFFICIENT_STORAGE:
        return False
    return (
        status >= HTTPStatus.INTERNAL_SERVER_ERROR
        or status == HTTPStatus.TOO_MANY_REQUESTS
        or code in _TRANSIENT_CODES
    )


def _translated(error: ClientError) -> StoreUnavailable | StoreFull:
    code = error.response["Error"].get("Code", "")
    if code in _FULL_CODES or _status(error) == HTTPStatus.INSUFFICIENT_STORAGE:
        return StoreFull("the storage is full")
    detail = f"the storage refuses {error.operation_name}: {code}"
    return _MISSING.get(code, StoreUnavailable)(detail)


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
