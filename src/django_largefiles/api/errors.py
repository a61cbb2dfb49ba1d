"""Errors of this package as exceptions of REST framework, and those of the framework as problem details."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseBase, JsonResponse
from rest_framework.exceptions import APIException, NotFound, PermissionDenied as FrameworkPermissionDenied
from rest_framework.response import Response

from ..delivery.problems import CONTENT_TYPE
from ..exceptions import Refusal, StoreError


class ApiRefusal(APIException):
    """An error of this package, as an exception that every view of the framework answers."""

    def __init__(self, error: Refusal | StoreError) -> None:
        super().__init__(detail=error.detail, code=error.code)
        self.status_code = error.status
        self.error = error


@contextmanager
def api_refusals() -> Iterator[None]:
    try:
        yield
    except (Refusal, StoreError) as error:
        raise ApiRefusal(error) from error


def as_framework_error(error: Exception) -> Exception:
    """Return the framework's error in place of Django's, which views and permissions may raise, too."""
    if isinstance(error, Http404):
        return NotFound(*error.args)
    if isinstance(error, PermissionDenied):
        return FrameworkPermissionDenied(*error.args)
    return error


def framework_problem(error: APIException, response: Response) -> HttpResponseBase:
    """Return the framework's answer to one of its own errors as problem details; ``errors`` holds those of fields."""
    codes = error.get_codes()
    title = HTTPStatus(response.status_code).phrase
    detail = str(error.detail) if isinstance(codes, str) else title
    problem = {
        "type": "about:blank",
        "title": title,
        "status": response.status_code,
        "detail": detail,
        "code": codes if isinstance(codes, str) else "invalid",
        "limit": None,
        "value": None,
        "words": detail,
    }
    if not isinstance(codes, str):
        problem["errors"] = error.detail
    headers = {name: value for name, value in response.items() if name in {"WWW-Authenticate", "Retry-After"}}
    return JsonResponse(problem, status=response.status_code, content_type=CONTENT_TYPE, headers=headers)
