"""Refusals in OpenAPI: one schema, and in each operation the statuses and codes that it may answer with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, TypeAlias

from drf_spectacular.utils import extend_schema_field
from rest_framework import exceptions, serializers

from ... import exceptions as largefiles
from ...delivery.problems import CONTENT_TYPE
from ...exceptions import ChecksumMismatch, LargeFilesError, Refusal, StoreError

Problem: TypeAlias = type[LargeFilesError | exceptions.APIException]
CodesByStatus: TypeAlias = Mapping[int, tuple[str, ...]]

OF_THE_FRAMEWORK: tuple[type[exceptions.APIException], ...] = (
    exceptions.ValidationError,
    exceptions.ParseError,
    exceptions.AuthenticationFailed,
    exceptions.NotAuthenticated,
    exceptions.PermissionDenied,
    exceptions.NotFound,
    exceptions.NotAcceptable,
    exceptions.UnsupportedMediaType,
    exceptions.Throttled,
)


OF_THE_PACKAGE: tuple[type[LargeFilesError], ...] = tuple(
    error
    for error in vars(largefiles).values()
    if isinstance(error, type) and issubclass(error, (Refusal, StoreError)) and "code" in vars(error)
)


def code_and_status(error: Problem) -> tuple[str, int]:
    if issubclass(error, LargeFilesError):
        return error.code, error.status
    return str(error.default_code), error.status_code


def codes_by_status(errors: Iterable[Problem]) -> CodesByStatus:
    codes: dict[int, list[str]] = {}
    for code, status in sorted({code_and_status(error) for error in errors}):
        codes.setdefault(status, []).append(code)
    return {status: tuple(codes[status]) for status in sorted(codes)}


_KNOWN: list[Problem] = [*OF_THE_PACKAGE, *OF_THE_FRAMEWORK]
KNOWN_CODES = sorted({code_and_status(error)[0] for error in _KNOWN})


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string"}]})
class FigureField(serializers.Field[Any, Any, Any, Any]):
    """A number or a text."""


@extend_schema_field(
    {
        # A site may answer with codes of its own: clients are told the known ones, and take others too.
        "anyOf": [
            {
                "type": "string",
                "enum": KNOWN_CODES,
            },
            {"type": "string"},
        ],
    },
    component_name="LargeFilesProblemCode",
)
class ProblemCodeField(serializers.CharField):
    """A code that this package or the site may answer with."""


class ProblemSerializer(serializers.Serializer[Any]):
    """Problem details (RFC 9457) of a refused request, which has changed nothing."""

    type = serializers.CharField(help_text="A URI; about:blank if the status says it all.")
    title = serializers.CharField(help_text="The phrase of the status.")
    status = serializers.IntegerField(help_text="The status of the answer.")
    detail = serializers.CharField(help_text="A sentence for developers.")
    code = ProblemCodeField(help_text="The stable name of the problem.")
    limit = FigureField(allow_null=True, help_text="What is allowed or expected.")
    value = FigureField(allow_null=True, help_text="What was sent or found.")
    words = serializers.CharField(help_text="A sentence for the person who uploads, in the language of the request.")
    errors: Any = serializers.DictField(required=False, help_text="Messages by the name of the field.")


HEADERS = {
    401: ("WWW-Authenticate", "The scheme by which to authenticate."),
    429: ("Retry-After", "The seconds after which to try again."),
}


def problem_response(status: int, codes: Iterable[str], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a Response Object. ``x-codes`` lists the codes for programs."""
    listed = list(codes)
    told = ", ".join(f"`{code}`" for code in listed)
    response = {
        "description": f"{phrase(status)}: {told}.",
        "content": {CONTENT_TYPE: {"schema": dict(schema)}},
        "x-codes": listed,
    }
    if status in HEADERS:
        name, description = HEADERS[status]
        response["headers"] = {name: {"description": description, "schema": {"type": "string"}}}
    return response


def phrase(status: int) -> str:
    # That of tus is not registered.
    return ChecksumMismatch().phrase if status == ChecksumMismatch.status else HTTPStatus(status).phrase
