"""The base class of the API's view sets."""

from __future__ import annotations

from typing import Any

from django.db.transaction import non_atomic_requests
from django.http import HttpRequest, HttpResponseBase
from rest_framework.exceptions import APIException, NotAuthenticated
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from ..delivery.problems import full_database, problem_response
from ..doors.claims import streams_body
from ..exceptions import NotPermitted, Refusal, StoreError
from ..models import FileAsset
from ..transport.lingering import linger
from .errors import ApiRefusal, framework_problem
from .requests import UploadRequest


class ApiViewSet(GenericViewSet[FileAsset]):
    """Reads no body before the user is authenticated, and answers every error as problem details."""

    lookup_value_converter = "uuid"

    @classmethod
    def as_view(cls, *args: Any, **kwargs: Any) -> Any:
        # No transaction may be held while bytes stream or the storage is asked, even with ATOMIC_REQUESTS.
        return streams_body(non_atomic_requests(super().as_view(*args, **kwargs)))

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        return UploadRequest(
            request,
            parsers=self.get_parsers(),
            authenticators=self.get_authenticators(),
            negotiator=self.get_content_negotiator(),
            parser_context=self.get_parser_context(request),
        )

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        linger(request.META, response)
        return super().finalize_response(request, response, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> HttpResponseBase:  # type: ignore[override]
        exc = exc.error if isinstance(exc, ApiRefusal) else full_database(exc)
        if isinstance(exc, NotPermitted) and not self.request.user.is_authenticated:
            exc = NotAuthenticated()
        if isinstance(exc, Refusal | StoreError):
            return problem_response(exc)
        response = super().handle_exception(exc)
        return framework_problem(exc, response) if isinstance(exc, APIException) else response
