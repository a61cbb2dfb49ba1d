"""The schema class of the views of the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction, OpenApiResponse
from rest_framework import exceptions as framework
from rest_framework.schemas.inspectors import ViewInspector

from ..direct import (
    ArrangedSerializer,
    DeclarationSerializer,
    NextStepsSerializer,
    NumbersSerializer,
    SignedPartSerializer,
    StoredPartSerializer,
)
from ..filters import AssetFilterBackend
from ..negotiation import AnyMediaType
from ..serializers import AssetSerializer, StatusSerializer, UploadSerializer
from . import fields  # noqa: F401 - registers what it defines
from .operations import Operation, operation_of
from .problems import CodesByStatus, ProblemSerializer, codes_by_status, phrase, problem_response

COMPONENTS: Mapping[type, str] = {
    AssetSerializer: "FileAsset",
    StatusSerializer: "FileAssetStatus",
    UploadSerializer: "FileAssetUpload",
    ArrangedSerializer: "DirectUpload",
    DeclarationSerializer: "DirectUploadDeclaration",
    NextStepsSerializer: "DirectUploadUrls",
    NumbersSerializer: "DirectUploadParts",
    StoredPartSerializer: "DirectUploadPart",
    SignedPartSerializer: "DirectUploadSignedPart",
    ProblemSerializer: "LargeFilesProblem",
}
"""Names that serializers of a host are not likely to have."""


def described(base: type[ViewInspector]) -> type[AutoSchema]:
    """Return a schema class that knows the operations of this package.

    It is a subclass of the site's own, ``base``, if that is one of drf-spectacular.
    """
    return type("DescribedSchema", (Described, base), {}) if issubclass(base, AutoSchema) else Described


class Described(AutoSchema):
    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation:
            problem = self.resolve_serializer(ProblemSerializer, "response").ref
            codes = self.get_problem_codes()
            problems = {str(status): problem_response(status, codes[status], problem) for status in codes}
            operation["responses"] = dict(sorted({**problems, **operation["responses"]}.items()))
        return operation

    def get_problem_codes(self) -> CodesByStatus:
        """Return the codes by status: of the framework for every operation, and those that this one adds."""
        errors = [
            framework.PermissionDenied,
            framework.Throttled,
            *(self._described.refusals if self._described else ()),
        ]
        if not issubclass(self.view.content_negotiation_class, AnyMediaType):
            errors.append(framework.NotAcceptable)
        return self._with_authentication(codes_by_status(errors))

    def _with_authentication(self, codes: CodesByStatus) -> CodesByStatus:
        """Without a challenge of the first authenticator, the framework answers with 403 instead of 401."""
        authenticators = self.view.get_authenticators()
        challenges = authenticators and authenticators[0].authenticate_header(self.view.request)
        status = 401 if challenges else 403
        unauthenticated = (framework.AuthenticationFailed.default_code, framework.NotAuthenticated.default_code)
        return dict(sorted({**codes, status: tuple(sorted({*codes.get(status, ()), *unauthenticated}))}.items()))

    def get_operation_id(self) -> str:
        # Without the verb that would follow the name of an action.
        operation_id = super().get_operation_id()
        name = operation_id.rpartition("_")[0]
        return name if name.endswith(f"_{getattr(self.view, 'action', '')}") else operation_id

    def get_summary(self) -> str | None:
        return self._described.summary if self._described else super().get_summary()

    def get_description(self) -> str:  # type: ignore[override]  # as in drf-spectacular
        return (self._described and self._described.description) or super().get_description()

    def get_request_serializer(self) -> Any:
        if self._described is None:
            return super().get_request_serializer()
        request = self._described.request
        serializer = getattr(self.view, request) if isinstance(request, str) else request
        return serializer and {self._described.request_type: serializer}

    def get_response_serializers(self) -> Any:
        if self._described is None:
            return super().get_response_serializers()
        status, serializer = self._described.status, super().get_response_serializers()
        return self._described.responses or {status: OpenApiResponse(serializer, f"{phrase(status)}.")}

    def get_override_parameters(self) -> list[Any]:
        backends = [backend for backend in self.get_filter_backends() if issubclass(backend, AssetFilterBackend)]
        filters = [backend.serializer_class for backend in backends]
        described = self._described.parameters if self._described else ()
        return [*super().get_override_parameters(), *filters, *described]

    def get_serializer_name(self, serializer: Any, direction: Direction) -> str:
        return COMPONENTS.get(type(serializer)) or super().get_serializer_name(serializer, direction)

    @property
    def _described(self) -> Operation | None:
        return operation_of(self.view)
