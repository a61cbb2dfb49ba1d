"""What a request can do wrong under the upload protocols, each with a stable ``code`` and its HTTP status.

::

    ProtocolError
    ├── MalformedHeader         400 malformed_header
    ├── MissingHeader           400 missing_header
    ├── InconsistentLength      400 inconsistent_length
    ├── UnsupportedChecksum     400 unsupported_checksum
    ├── UploadCompleted         400 upload_completed
    ├── FinalUpload             403 final_upload
    ├── OffsetMismatch          409 offset_mismatch
    ├── UnsupportedVersion      412 unsupported_version
    ├── LengthTooLarge          413 too_large
    ├── UnsupportedContentType  415 unsupported_content_type
    ├── ContentDigestMismatch   422 content_digest_mismatch
    └── ChecksumMismatch        460 checksum_mismatch
"""

from __future__ import annotations

from http import HTTPStatus
from typing import ClassVar

_MAX_SHOWN = 100
"""Characters of the client's value that are kept: it goes into answers and logs."""


class ProtocolError(ValueError):
    code: ClassVar[str] = "protocol_error"
    status: ClassVar[int] = 400

    def __init__(self, detail: str, *, limit: int | str | None = None, value: int | str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.limit = limit
        self.value = value[:_MAX_SHOWN] if isinstance(value, str) else value

    @property
    def phrase(self) -> str:
        """The reason phrase of the status."""
        return HTTPStatus(self.status).phrase


class MalformedHeader(ProtocolError):
    code = "malformed_header"


class MissingHeader(ProtocolError):
    code = "missing_header"


class InconsistentLength(ProtocolError):
    """Lengths that contradict each other, or the bytes that are there."""

    code = "inconsistent_length"


class UnsupportedChecksum(ProtocolError):
    code = "unsupported_checksum"


class UploadCompleted(ProtocolError):
    """Bytes for an upload that has them all."""

    code = "upload_completed"


class FinalUpload(ProtocolError):
    """Bytes for an upload that is made of others (tus, concatenation)."""

    code = "final_upload"
    status = 403


class OffsetMismatch(ProtocolError):
    """``limit`` is the offset of the upload, ``value`` the one of the request."""

    code = "offset_mismatch"
    status = 409

    def __init__(self, expected: int, provided: int) -> None:
        super().__init__(f"the upload is at {expected}, not at {provided}", limit=expected, value=provided)
        self.expected = expected
        self.provided = provided

    def __reduce__(self) -> tuple[type[OffsetMismatch], tuple[int, int]]:
        # Exceptions cross process boundaries, by default with nothing but their text.
        return type(self), (self.expected, self.provided)


class UnsupportedVersion(ProtocolError):
    code = "unsupported_version"
    status = 412


class LengthTooLarge(ProtocolError):
    """A length beyond what any upload can have, whatever the maximum of the profile."""

    code = "too_large"
    status = 413


class UnsupportedContentType(ProtocolError):
    code = "unsupported_content_type"
    status = 415


class ContentDigestMismatch(ProtocolError):
    """The content of one request came damaged; nothing is said of the file, and it may be sent again."""

    code = "content_digest_mismatch"
    status = 422


class ChecksumMismatch(ProtocolError):
    code = "checksum_mismatch"
    status = 460

    @property
    def phrase(self) -> str:
        # tus gives the status its name; no registry knows it.
        return "Checksum Mismatch"
