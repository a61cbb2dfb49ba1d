"""The resumable door in OpenAPI, which knows no protocol of several requests: their fields, statuses and codes.

The views of the door are none of REST framework's, so that drf-spectacular does not find them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

from django.urls import NoReverseMatch, get_script_prefix

from ...conf import largefiles_settings
from ...exceptions import (
    AssetNotFound,
    Attached,
    ChecksumMismatch,
    ContentDigestMismatch,
    CsrfFailed,
    DigestMismatch,
    FinalUpload,
    IncompleteBody,
    InconsistentLength,
    LargeFilesError,
    MalformedBody,
    MalformedHeader,
    MalformedRequest,
    MissingHeader,
    NotAuthenticated,
    NotPermitted,
    NotReady,
    OffsetMismatch,
    QuotaExceeded,
    StateConflict,
    StoreFull,
    StoreUnavailable,
    TakenOver,
    Throttled,
    TooLarge,
    TooManyUploads,
    TypeMismatch,
    TypeNotAllowed,
    UnknownProfile,
    UnsupportedChecksum,
    UnsupportedContentType,
    UnsupportedVersion,
    UploadCompleted,
    UploadGone,
)
from ...protocols import ietf, tus
from ...routes import VIEWS, reverse_view
from .problems import ProblemSerializer, codes_by_status, problem_response
from .schema import COMPONENTS

Security: TypeAlias = list[dict[str, list[str]]]
Field: TypeAlias = tuple[str, str]
"""The name and the description of a header or a parameter of the query."""

PROBLEM = COMPONENTS[ProblemSerializer]
BYTES = {"schema": {"type": "string", "format": "binary"}}

EVERY_REQUEST = (NotAuthenticated, NotPermitted, MalformedHeader, MalformedRequest, UnsupportedVersion)
EVERY_BODY = (
    CsrfFailed,
    MissingHeader,
    IncompleteBody,
    MalformedBody,
    InconsistentLength,
    UnsupportedChecksum,
    UnsupportedContentType,
    ChecksumMismatch,
    ContentDigestMismatch,
    DigestMismatch,
    TypeNotAllowed,
    TypeMismatch,
    TooLarge,
    FinalUpload,
    TakenOver,
    StoreUnavailable,
    StoreFull,
)
EVERY_CREATION = (UnknownProfile, QuotaExceeded, Throttled, TooManyUploads)
OF_AN_UPLOAD = (AssetNotFound, UploadGone, StateConflict)

TUS_VERSION = ("Tus-Resumable", f"`{tus.VERSION}`: the request is one of tus.")
INTEROP_VERSION = ("Upload-Draft-Interop-Version", f"`{ietf.INTEROP_VERSION}`: the request is one of the draft.")
COMPLETE = ("Upload-Complete", "The draft: `?1` if the upload is complete with this request, else `?0`.")
LENGTH = ("Upload-Length", "The bytes of the whole file.")
OFFSET = ("Upload-Offset", "The bytes that have arrived.")
CHECKSUM = ("Upload-Checksum", "tus: an algorithm, and the Base64 of the checksum of the body.")
CONTENT_DIGEST = ("Content-Digest", "The draft: the digest of the body (RFC 9530).")
REPR_DIGEST = ("Repr-Digest", "The draft: the digest of the whole file (RFC 9530).")
EXPIRES = ("Upload-Expires", "tus: when an upload to which nothing is added is deleted.")
LIMIT = ("Upload-Limit", "The draft: `max-size` in bytes, and `max-age` in seconds.")
STATE = (OFFSET, LENGTH, COMPLETE, EXPIRES, LIMIT)


def add_resumable_uploads(result: dict[str, Any], generator: object, request: object, public: bool) -> dict[str, Any]:
    """Add the resumable door to a schema that has this API, if the site includes ``django_largefiles.urls``.

    It is one of drf-spectacular's ``POSTPROCESSING_HOOKS``.
    """
    components = result["components"]
    collection = _url()
    if PROBLEM in components.get("schemas", {}) and collection:
        # The schemes of an authenticator of the site's own are not known.
        known: Iterable[str] = [] if largefiles_settings.authenticator else components.get("securitySchemes", {})
        security: Security = [{name: []} for name in known]
        result["paths"] |= {collection: _collection([*security, {}]), f"{collection}{{id}}": _upload([*security, {}])}
    return result


def _url() -> str:
    """Return the path without the prefix of the script, which drf-spectacular leaves out of the others, too."""
    with suppress(NoReverseMatch):
        return f"/{reverse_view(VIEWS).removeprefix(get_script_prefix())}"
    return ""


def _collection(security: Security) -> dict[str, Any]:
    return {"options": _options(), "post": _post(security)}


def _options() -> dict[str, Any]:
    return _operation(
        "uploads_options",
        "Get what the resumable door supports",
        description="The versions, extensions and limits of both protocols, in the headers. Needs no user.",
        security=[{}],
        responses={
            200: _answer(
                "What is supported.",
                TUS_VERSION,
                ("Tus-Version", "The versions of tus."),
                ("Tus-Extension", "The extensions of tus."),
                ("Tus-Max-Size", "The bytes of the largest file."),
                ("Tus-Checksum-Algorithm", "The algorithms of `Upload-Checksum`."),
                ("Accept-Patch", "The media types of a `PATCH`."),
                LIMIT,
            )
        },
    )


def _post(security: Security) -> dict[str, Any]:
    return _operation(
        "uploads_create",
        "Create a resumable upload",
        description=(
            "By tus 1.0.0, with or without the first bytes, or by the IETF draft, whose body is the file or its "
            "beginning. The headers choose."
        ),
        security=security,
        parameters=[
            TUS_VERSION,
            LENGTH,
            ("Upload-Defer-Length", "tus: `1` if the length will come with a later request."),
            ("Upload-Metadata", "tus: `filename`, `filetype`, `profile` and `sha256`, their values in Base64."),
            ("Upload-Concat", "tus: `partial`, or `final;` and the URLs of partial uploads."),
            CHECKSUM,
            INTEROP_VERSION,
            COMPLETE,
            ("Content-Disposition", "The draft: the name of the file."),
            REPR_DIGEST,
            CONTENT_DIGEST,
        ],
        query=[("profile", "The draft: the profile.")],
        body={tus.CONTENT_TYPE: BYTES, "*/*": BYTES},
        responses={201: _answer("Created.", ("Location", "The URL of the upload."), OFFSET, COMPLETE, EXPIRES, LIMIT)},
        # Of an upload: the parts of a final one, and one that another request has deleted.
        refusals=(*EVERY_REQUEST, *EVERY_BODY, *EVERY_CREATION, *OF_AN_UPLOAD),
    )


def _upload(security: Security) -> dict[str, Any]:
    identifier = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
    return {
        "parameters": [identifier],
        "head": _head(security),
        "get": _get(security),
        "patch": _patch(security),
        "delete": _delete(security),
    }


def _head(security: Security) -> dict[str, Any]:
    return _operation(
        "uploads_offset",
        "Get the offset of an upload",
        security=security,
        parameters=[TUS_VERSION, INTEROP_VERSION],
        # An answer to HEAD has no content.
        responses={200: _answer("tus: the offset.", *STATE), 204: _answer("The draft: the offset.", *STATE)},
        refusals=(*EVERY_REQUEST, *OF_AN_UPLOAD),
    )


def _get(security: Security) -> dict[str, Any]:
    return _operation(
        "uploads_retrieve",
        "Get the offset of an upload, or download the file",
        description="As `HEAD` while bytes arrive; then as the download of the asset.",
        security=security,
        parameters=[("Range", "Such as `bytes=0-1023`.")],
        responses={
            200: _answer("The file.", content={"*/*": BYTES}),
            204: _answer("The offset.", *STATE),
            206: _answer("Ranges of the file.", content={"*/*": BYTES}),
            302: _answer("The storage serves the bytes, at a URL that expires."),
            304: _answer("The client has the bytes."),
            412: _answer("A precondition does not hold."),
            416: _answer("No range lies within the file."),
        },
        refusals=(*EVERY_REQUEST, *OF_AN_UPLOAD, NotReady, StoreUnavailable),
    )


def _patch(security: Security) -> dict[str, Any]:
    return _operation(
        "uploads_append",
        "Append bytes to an upload",
        security=security,
        parameters=[
            TUS_VERSION,
            OFFSET,
            LENGTH,
            CHECKSUM,
            INTEROP_VERSION,
            COMPLETE,
            REPR_DIGEST,
            CONTENT_DIGEST,
        ],
        body={tus.CONTENT_TYPE: BYTES, ietf.CONTENT_TYPE: BYTES},
        responses={
            201: _answer("The draft: the upload is complete.", ("Location", "The URL of the file."), OFFSET),
            204: _answer("The bytes are stored, up to the offset.", OFFSET, COMPLETE, EXPIRES, LIMIT),
        },
        refusals=(*EVERY_REQUEST, *EVERY_BODY, *OF_AN_UPLOAD, OffsetMismatch, UploadCompleted),
    )


def _delete(security: Security) -> dict[str, Any]:
    return _operation(
        "uploads_destroy",
        "Abort an upload, or delete the file",
        security=security,
        parameters=[TUS_VERSION, INTEROP_VERSION],
        responses={204: _answer("Deleted.")},
        refusals=(*EVERY_REQUEST, CsrfFailed, AssetNotFound, UploadGone, Attached, StoreUnavailable, StoreFull),
    )


def _operation(
    name: str,
    summary: str,
    *,
    security: Security,
    responses: Mapping[int, dict[str, Any]],
    description: str = "",
    parameters: Iterable[Field] = (),
    query: Iterable[Field] = (),
    body: Mapping[str, Any] | None = None,
    refusals: Iterable[type[LargeFilesError]] = (),
) -> dict[str, Any]:
    codes = codes_by_status(refusals)
    schema = {"$ref": f"#/components/schemas/{PROBLEM}"}
    problems = {status: problem_response(status, codes[status], schema) for status in codes}
    answers = problems | dict(responses)
    operation = {
        "operationId": name,
        "summary": summary,
        "description": description or summary,
        "tags": ["uploads"],
        "security": security,
        "parameters": [
            *(_parameter("header", *field) for field in parameters),
            *(_parameter("query", *field) for field in query),
        ],
        "responses": {str(status): answers[status] for status in sorted(answers)},
    }
    return operation | ({"requestBody": {"content": body}} if body else {})


def _parameter(place: str, name: str, description: str) -> dict[str, Any]:
    return {"in": place, "name": name, "description": description, "schema": {"type": "string"}}


def _answer(description: str, *headers: Field, content: Mapping[str, Any] | None = None) -> dict[str, Any]:
    told = {name: {"description": text, "schema": {"type": "string"}} for name, text in headers}
    return {"description": description, "headers": told} | ({"content": content} if content else {})
