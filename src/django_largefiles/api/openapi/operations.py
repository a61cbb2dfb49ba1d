"""The operations of the API: what their answers are and how they refuse, by the view set and its action."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import exceptions as framework
from rest_framework.views import APIView

from ...exceptions import (
    AssetNotFound,
    Attached,
    DigestMismatch,
    DirectUnsupported,
    IncompleteBody,
    LengthRequired,
    MalformedBody,
    MalformedRequest,
    NotPermitted,
    NotReady,
    PartsMissing,
    QuotaExceeded,
    SizeMismatch,
    StateConflict,
    StoreFull,
    StoreUnavailable,
    Throttled,
    TooLarge,
    TooManyFiles,
    TooManyUploads,
    TooSlow,
    TypeMismatch,
    TypeNotAllowed,
    UnknownProfile,
    UploadGone,
)
from ..direct import DirectUploadViewSet, NumbersSerializer, SignedPartSerializer
from ..views import AssetViewSet
from .problems import Problem


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What drf-spectacular cannot read from an action.

    ``request`` and ``responses`` take what its ``extend_schema`` takes. Without ``responses``, the serializer of the
    view is the content of ``status``.
    """

    summary: str
    description: str = ""
    """By default the docstring of the action."""
    status: int = 200
    request: str | Any = None
    """A serializer, or the name of the view's attribute that holds it; sent as ``request_type``."""
    request_type: str = "application/json"
    responses: Mapping[Any, Any] | None = None
    parameters: tuple[OpenApiParameter, ...] = ()
    refusals: tuple[Problem, ...] = ()


def operation_of(view: APIView) -> Operation | None:
    """Return that of the view's action; ``None`` for an action that a subclass has added."""
    for parent in type(view).__mro__:
        if parent in OPERATIONS:
            return OPERATIONS[parent].get(getattr(view, "action", ""))
    return None


def _header(name: str, description: str, *, status: tuple[int, ...] = (), required: bool = False) -> OpenApiParameter:
    """A header of a request, or of answers with one of ``status``."""
    return OpenApiParameter(
        name,
        str,
        OpenApiParameter.HEADER,
        required=required,
        description=description,
        response=list(status) or False,
    )


LOCATION = _header("Location", "The URL of what was created.", status=(201,), required=True)
EVERY_BODY: tuple[Problem, ...] = (
    framework.UnsupportedMediaType,
    MalformedRequest,
    MalformedBody,
    IncompleteBody,
    TooSlow,
    TooLarge,
)
EVERY_CREATION: tuple[Problem, ...] = (
    NotPermitted,
    UnknownProfile,
    TypeNotAllowed,
    TypeMismatch,
    TooLarge,
    QuotaExceeded,
    TooManyUploads,
    Throttled,
    StoreUnavailable,
    StoreFull,
)

ASSETS = {
    "list": Operation(
        summary="List assets",
        description="Those that the access policy lets the user see, newest first unless `ordering` says otherwise.",
        refusals=(framework.ValidationError, framework.NotFound),
    ),
    "create": Operation(
        summary="Upload a file",
        status=201,
        request="upload_serializer_class",
        request_type="multipart/form-data",
        parameters=(LOCATION,),
        refusals=(
            *EVERY_BODY,
            *EVERY_CREATION,
            framework.ValidationError,
            TooManyFiles,
            LengthRequired,
            DigestMismatch,
        ),
    ),
    "retrieve": Operation(
        summary="Get an asset",
        description="All that is known of the asset.",
        refusals=(AssetNotFound,),
    ),
    "destroy": Operation(
        summary="Delete an asset",
        responses={204: OpenApiResponse(description="Deleted.")},
        refusals=(AssetNotFound, NotPermitted, Attached, StoreUnavailable, StoreFull),
    ),
    "status": Operation(summary="Poll an asset", refusals=(AssetNotFound,)),
    "download": Operation(
        summary="Download the bytes of an asset",
        responses={
            (200, "*/*"): OpenApiResponse(OpenApiTypes.BINARY, "All bytes, with their detected media type."),
            (206, "*/*"): OpenApiResponse(OpenApiTypes.BINARY, "The bytes of a range, or a part for each of several."),
            (206, "multipart/byteranges"): OpenApiTypes.BINARY,
            302: OpenApiResponse(description="The storage serves the bytes, at a URL that expires."),
            304: OpenApiResponse(description="The client has the bytes."),
            412: OpenApiResponse(description="A precondition does not hold."),
            416: OpenApiResponse(description="No range lies within the file."),
        },
        parameters=(
            OpenApiParameter(
                "disposition",
                str,
                description="`inline` lets browsers show a file whose type is in `INLINE_TYPES`; else they store it.",
            ),
            _header("Range", "Such as `bytes=0-1023`."),
            _header("If-Range", "An `ETag` or `Last-Modified` for which `Range` holds."),
            _header("If-Match", "RFC 9110, section 13."),
            _header("If-None-Match", "RFC 9110, section 13."),
            _header("If-Modified-Since", "RFC 9110, section 13."),
            _header("If-Unmodified-Since", "RFC 9110, section 13."),
            _header("Accept-Ranges", "`bytes`", status=(200, 206)),
            _header("Content-Disposition", "RFC 6266, with the name of the file.", status=(200, 206)),
            _header("Content-Range", "The range, or with 416 the length of the file.", status=(206, 416)),
            _header("ETag", "Strong: the SHA-256 of the bytes.", status=(200, 206, 304)),
            _header("Last-Modified", "When the file was created.", status=(200, 206, 304)),
            _header("Repr-Digest", "RFC 9530: the digest of the whole file.", status=(200, 206)),
            _header("Location", "The URL at the storage.", status=(302,), required=True),
        ),
        refusals=(AssetNotFound, NotPermitted, NotReady, StoreUnavailable),
    ),
    "reprocess": Operation(
        summary="Process an asset again",
        status=202,
        refusals=(AssetNotFound, NotPermitted, StateConflict, StoreFull),
    ),
}

DIRECT_UPLOADS = {
    "create": Operation(
        summary="Create a direct upload",
        status=201,
        request="declaration_serializer_class",
        parameters=(LOCATION,),
        refusals=(*EVERY_BODY, *EVERY_CREATION, framework.ValidationError, framework.ParseError, DirectUnsupported),
    ),
    "retrieve": Operation(
        summary="Get a direct upload",
        refusals=(AssetNotFound, UploadGone, StateConflict, StoreUnavailable),
    ),
    "destroy": Operation(
        summary="Abort a direct upload",
        responses={204: OpenApiResponse(description="Deleted.")},
        refusals=(AssetNotFound, UploadGone, NotPermitted, Attached, StoreUnavailable, StoreFull),
    ),
    "sign": Operation(
        summary="Get signed URLs for parts",
        request=NumbersSerializer,
        responses={200: OpenApiResponse(SignedPartSerializer(many=True), "OK.")},
        refusals=(
            *EVERY_BODY,
            framework.ValidationError,
            framework.ParseError,
            AssetNotFound,
            NotPermitted,
            UploadGone,
            StateConflict,
            StoreUnavailable,
            StoreFull,
        ),
    ),
    "complete": Operation(
        summary="Complete a direct upload",
        refusals=(
            AssetNotFound,
            NotPermitted,
            UploadGone,
            StateConflict,
            PartsMissing,
            SizeMismatch,
            StoreUnavailable,
            StoreFull,
        ),
    ),
}

OPERATIONS: Mapping[type[APIView], Mapping[str, Operation]] = {
    AssetViewSet: ASSETS,
    DirectUploadViewSet: DIRECT_UPLOADS,
}
