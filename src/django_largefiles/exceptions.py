"""Every error of the package, each with a stable ``code`` and the HTTP status of its answer.

::

    LargeFilesError
    ├── Refusal                        the request or the file is refused; nothing has changed
    │   ├── MalformedRequest           400 malformed_request
    │   ├── TooManyFiles               400 too_many_files
    │   ├── UnknownProfile             400 unknown_profile
    │   ├── NotAuthenticated           401 not_authenticated
    │   ├── CsrfFailed                 403 csrf_failed
    │   ├── NotPermitted               403 not_permitted
    │   ├── LinkInvalid                403 link_invalid
    │   ├── UploadTokenRefused         the token of a form's upload is not accepted
    │   │   ├── UploadTokenInvalid     403 upload_token_invalid
    │   │   ├── UploadTokenOfAnotherUser     403 upload_token_of_another_user
    │   │   ├── UploadTokenOfAnotherSession  403 upload_token_of_another_session
    │   │   └── UploadTokenExpired     410 upload_token_expired
    │   ├── AssetNotFound              404 not_found
    │   ├── MethodNotAllowed           405 method_not_allowed
    │   ├── NotReady                   409 not_ready
    │   ├── StateConflict              409 state_conflict
    │   ├── NotAttachable              409 not_attachable (also a BadRequest of Django's)
    │   ├── PartsMissing               409 parts_missing
    │   ├── DirectUnsupported          409 direct_unsupported
    │   ├── Attached                   409 attached
    │   ├── UploadGone                 410 upload_gone
    │   ├── LinkExpired                410 link_expired
    │   ├── LinkRevoked                410 link_revoked
    │   ├── LengthRequired             411 length_required
    │   ├── TooLarge                   413 too_large
    │   ├── QuotaExceeded              413 quota_exceeded
    │   ├── TakenOver                  423 taken_over
    │   ├── TooManyRequests            the client may create an upload later
    │   │   ├── Throttled              429 throttled
    │   │   └── TooManyUploads         429 too_many_uploads
    │   ├── ProtocolError              the request breaks a rule of its upload protocol
    │   │   ├── MalformedHeader        400 malformed_header
    │   │   ├── MissingHeader          400 missing_header
    │   │   ├── InconsistentLength     400 inconsistent_length
    │   │   ├── UnsupportedChecksum    400 unsupported_checksum
    │   │   ├── UploadCompleted        400 upload_completed
    │   │   ├── FinalUpload            403 final_upload
    │   │   ├── OffsetMismatch         409 offset_mismatch
    │   │   ├── UnsupportedVersion     412 unsupported_version
    │   │   ├── UnsupportedContentType 415 unsupported_content_type
    │   │   ├── ContentDigestMismatch  422 content_digest_mismatch
    │   │   └── ChecksumMismatch       460 checksum_mismatch
    │   ├── BodyFault                  the body did not come as a whole
    │   │   ├── IncompleteBody         400 incomplete_body
    │   │   ├── MalformedBody          400 malformed_body
    │   │   └── TooSlow                408 too_slow
    │   └── WrongContent               the content of the file is refused; sending more bytes does not help
    │       ├── TypeNotAllowed         415 type_not_allowed
    │       ├── TypeMismatch           415 type_mismatch
    │       ├── SizeMismatch           422 size_mismatch
    │       ├── DigestMismatch         422 digest_mismatch
    │       ├── ArchiveRefused         422 archive_refused
    │       ├── MetadataUnreadable     422 extraction_failed
    │       ├── Infected               422 infected
    │       └── Unscannable            422 unscannable
    ├── StoreError                     the storage failed
    │   ├── StoreUnavailable           503 store_unavailable
    │   └── StoreFull                  507 store_full
    ├── ScannerUnavailable             503 scanner_unavailable
    ├── TooManyStreams                 503 too_many_streams
    └── ConfigurationError             the host project's settings are wrong (also an ImproperlyConfigured)
        ├── InvalidSetting
        ├── NotImportable
        └── LibmagicMissing
"""

from __future__ import annotations

from http import HTTPStatus
from typing import ClassVar

from django.core.exceptions import BadRequest, ImproperlyConfigured

_MAX_SHOWN = 200
"""Characters of a value that are kept. Values may be a client's, and go into answers and logs."""


class LargeFilesError(Exception):
    """``detail`` says what is wrong, ``limit`` what is allowed or expected, and ``value`` what was found.

    Without ``detail``, the message of the class is used, with ``limit`` and ``value`` filled in.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    message: ClassVar[str] = "the request failed"

    def __init__(self, detail: str = "", *, limit: int | str | None = None, value: int | str | None = None) -> None:
        self.limit = limit
        self.value = value[:_MAX_SHOWN] if isinstance(value, str) else value
        self.detail = detail or self.message.format(limit=self.limit, value=self.value)
        super().__init__(self.detail)

    @property
    def phrase(self) -> str:
        """The reason phrase of the status."""
        return HTTPStatus(self.status).phrase


class Refusal(LargeFilesError):
    status = 400


class MalformedRequest(Refusal):
    code = "malformed_request"
    message = "the request is malformed: {value}"


class TooManyFiles(Refusal):
    code = "too_many_files"
    message = "the request has more files than the {limit} allowed"


class UnknownProfile(Refusal):
    code = "unknown_profile"
    message = "there is no profile {value!r}"


class NotAuthenticated(Refusal):
    """``challenge`` is the value of ``WWW-Authenticate``."""

    code = "not_authenticated"
    status = 401
    message = "authentication is required"

    def __init__(self, detail: str = "", *, challenge: str = "") -> None:
        super().__init__(detail)
        self.challenge = challenge


class CsrfFailed(Refusal):
    code = "csrf_failed"
    status = 403
    message = "CSRF verification failed"


class NotPermitted(Refusal):
    """``on_file`` tells that the user sees a file, and may not do with it what was asked for."""

    code = "not_permitted"
    status = 403
    message = "this is not permitted"

    def __init__(self, detail: str = "", *, value: str | None = None, on_file: bool = False) -> None:
        super().__init__(detail, value=value)
        self.on_file = on_file


class LinkInvalid(Refusal):
    """The token of a link was not made by this site for this purpose, or was changed."""

    code = "link_invalid"
    status = 403
    message = "the link is not valid"


class UploadTokenRefused(Refusal):
    """A token by which a form names a file that was uploaded before is not accepted. The file may be sent again."""

    code = "upload_token"
    status = 403


class UploadTokenInvalid(UploadTokenRefused):
    """The token was not made by this site for this purpose, or was changed."""

    code = "upload_token_invalid"
    message = "the upload token is not valid"


class UploadTokenOfAnotherUser(UploadTokenRefused):
    code = "upload_token_of_another_user"
    message = "the file was uploaded by another user"


class UploadTokenOfAnotherSession(UploadTokenRefused):
    code = "upload_token_of_another_session"
    message = "the file was uploaded in another session"


class UploadTokenExpired(UploadTokenRefused):
    code = "upload_token_expired"
    status = 410
    message = "the upload token has expired"


class AssetNotFound(Refusal):
    code = "not_found"
    status = 404
    message = "there is no such file"


class MethodNotAllowed(Refusal):
    """``limit`` is the value of ``Allow``, ``value`` the method of the request."""

    code = "method_not_allowed"
    status = 405
    message = "the method {value} is not allowed here; allowed are {limit}"


class NotReady(Refusal):
    """``value`` is the state of the file."""

    code = "not_ready"
    status = 409
    message = "the file is {value}, not {limit}"


class StateConflict(Refusal):
    code = "state_conflict"
    status = 409
    message = "the state of the upload does not allow this"


class NotAttachable(Refusal, BadRequest):
    """A row of the project's may not refer to the file. ``value`` is the attachment, state or profile that is wrong.

    Views that are not of this package answer 400, as for every ``BadRequest``.
    """

    code = "not_attachable"
    status = 409
    message = "the file cannot be attached: it is {value}, not {limit}"


class PartsMissing(Refusal):
    """Parts of a direct upload are missing or incomplete. ``value`` lists their numbers."""

    code = "parts_missing"
    status = 409
    message = "of {limit} parts, these are missing or incomplete: {value}"


class UploadGone(Refusal):
    code = "upload_gone"
    status = 410
    message = "the upload was aborted or has expired"


class LinkExpired(Refusal):
    """``limit`` is when the link expired."""

    code = "link_expired"
    status = 410
    message = "the link expired at {limit}"


class LinkRevoked(Refusal):
    """The file was blocked after the link was made."""

    code = "link_revoked"
    status = 410
    message = "the link was revoked"


class LengthRequired(Refusal):
    code = "length_required"
    status = 411
    message = "the request needs a Content-Length"


class TooLarge(Refusal):
    """``limit`` and ``value`` are bytes. With ``declared``, the limit is the length that the client declared."""

    code = "too_large"
    status = 413
    message = "{value} bytes are more than the {limit} allowed"

    def __init__(
        self,
        detail: str = "",
        *,
        limit: int | str | None = None,
        value: int | str | None = None,
        declared: bool = False,
    ) -> None:
        super().__init__(detail, limit=limit, value=value)
        self.declared = declared


class QuotaExceeded(Refusal):
    code = "quota_exceeded"
    status = 413
    message = "this would exceed the quota of {limit}"


class TakenOver(Refusal):
    """A later request has taken over the upload that this one was writing to."""

    code = "taken_over"
    status = 423
    message = "a later request has taken over the upload"


class TooManyRequests(Refusal):
    """``retry_after`` and ``value`` are the seconds after which to try again."""

    code = "too_many_requests"
    status = 429
    message = "try again in {value} seconds"

    def __init__(self, detail: str = "", *, retry_after: int = 1, limit: int | None = None) -> None:
        super().__init__(detail, limit=limit, value=retry_after)
        self.retry_after = retry_after


class Throttled(TooManyRequests):
    """A client creates uploads too often. ``limit`` is how many it may create in a minute."""

    code = "throttled"
    message = "more than {limit} uploads a minute; try again in {value} seconds"


class TooManyUploads(TooManyRequests):
    """``limit`` is how many uploads of one owner may be open at once."""

    code = "too_many_uploads"
    message = "more than {limit} uploads at once; complete or delete one"


class DirectUnsupported(Refusal):
    """The storage takes no bytes from clients."""

    code = "direct_unsupported"
    status = 409
    message = "the storage takes no bytes from clients; upload them to this site"


class Attached(Refusal):
    """The file belongs to a row, which would refer to nothing. ``value`` is the file's id."""

    code = "attached"
    status = 409
    message = "the file is in use"


class ProtocolError(Refusal):
    """The request breaks a rule of its upload protocol. The file itself may be sent again."""

    code = "protocol_error"


class MalformedHeader(ProtocolError):
    code = "malformed_header"
    message = "a header field is malformed: {value}"


class MissingHeader(ProtocolError):
    code = "missing_header"
    message = "a header field is missing"


class InconsistentLength(ProtocolError):
    """Lengths that contradict each other, or the bytes that have arrived."""

    code = "inconsistent_length"
    message = "{value} bytes contradict the length of {limit}"


class UnsupportedChecksum(ProtocolError):
    code = "unsupported_checksum"
    message = "the checksum algorithm must be one of {limit}"


class UploadCompleted(ProtocolError):
    """More bytes for an upload that is complete. ``limit`` is its length."""

    code = "upload_completed"
    message = "the upload already has all its {limit} bytes"


class FinalUpload(ProtocolError):
    """Bytes for an upload that is made of others (tus, concatenation)."""

    code = "final_upload"
    status = 403
    message = "a final upload takes no bytes of its own"


class OffsetMismatch(ProtocolError):
    """``limit`` is the offset of the upload, ``value`` the one of the request."""

    code = "offset_mismatch"
    status = 409
    message = "the upload is at offset {limit}, not at {value}"


class UnsupportedVersion(ProtocolError):
    code = "unsupported_version"
    status = 412
    message = "Tus-Resumable must be one of {limit}"


class UnsupportedContentType(ProtocolError):
    code = "unsupported_content_type"
    status = 415
    message = "Content-Type must be {limit}"


class ContentDigestMismatch(ProtocolError):
    """The content of one request is damaged. This says nothing of the file, and the content may be sent again."""

    code = "content_digest_mismatch"
    status = 422
    message = "the digest of the content is {value}, not {limit} as its Content-Digest says"


class ChecksumMismatch(ProtocolError):
    code = "checksum_mismatch"
    status = 460
    message = "the checksum of the bytes received is {value}, not {limit}"

    @property
    def phrase(self) -> str:
        # tus gives the status its name; it is not registered.
        return "Checksum Mismatch"


class BodyFault(Refusal):
    """The body did not come as a whole. What came of a resumable upload is kept."""

    code = "body_fault"


class IncompleteBody(BodyFault):
    code = "incomplete_body"
    message = "the body ended after {value} of {limit} bytes"


class MalformedBody(BodyFault):
    code = "malformed_body"
    message = "the body is malformed: {value}"


class TooSlow(BodyFault):
    code = "too_slow"
    status = 408
    message = "the body comes more slowly than {limit} bytes a second; {value} bytes came"


class WrongContent(Refusal):
    code = "wrong_content"
    status = 422


class TypeNotAllowed(WrongContent):
    """``name`` is that of the file."""

    code = "type_not_allowed"
    status = 415
    message = "the content is {value}, which is not allowed; allowed are {limit}"

    def __init__(
        self, detail: str = "", *, limit: str | None = None, value: str | None = None, name: str = ""
    ) -> None:
        super().__init__(detail, limit=limit, value=value)
        self.name = name


class TypeMismatch(WrongContent):
    """The content does not belong to the extension of the file's name."""

    code = "type_mismatch"
    status = 415
    message = "the content is {value}, which does not belong to the extension {limit!r}"


class SizeMismatch(WrongContent):
    """The stored file has another size than was declared or received. ``limit`` and ``value`` are bytes."""

    code = "size_mismatch"
    message = "{value} bytes are stored, not the expected {limit}"


class DigestMismatch(WrongContent):
    """``limit`` is the digest that the client declared, ``value`` that of the file."""

    code = "digest_mismatch"
    message = "the digest of the file is {value}, not the declared {limit}"


class ArchiveRefused(WrongContent):
    """An archive, or a file made of one, exceeds ``ARCHIVE_LIMITS``, or cannot be checked against them."""

    code = "archive_refused"
    message = "the archive exceeds a limit: {value}, of {limit} allowed"


class MetadataUnreadable(WrongContent):
    code = "extraction_failed"
    message = "the metadata could not be read"


class Infected(WrongContent):
    """``value`` is the name of what a scanner found."""

    code = "infected"
    message = "the file is infected with {value}"


class Unscannable(WrongContent):
    """A scanner cannot read all of the file, and trying again does not help."""

    code = "unscannable"
    message = "the file could not be scanned as a whole"


class StoreError(LargeFilesError):
    code = "store_error"
    status = 503
    message = "the storage failed"


class StoreUnavailable(StoreError):
    code = "store_unavailable"
    message = "the storage does not answer"


class StoreFull(StoreError):
    code = "store_full"
    status = 507
    message = "the storage is full"


class ScannerUnavailable(LargeFilesError):
    code = "scanner_unavailable"
    status = 503
    message = "a scanner does not answer"


class TooManyStreams(LargeFilesError):
    """``limit`` is how many streams one user, or all together, may have open; ``value`` the seconds to wait."""

    code = "too_many_streams"
    status = 503
    message = "more than {limit} streams of events at once; poll, or try again in {value} seconds"

    def __init__(self, *, limit: int, retry_after: int) -> None:
        super().__init__(limit=limit, value=retry_after)
        self.retry_after = retry_after


class ConfigurationError(LargeFilesError, ImproperlyConfigured):
    code = "configuration"


class InvalidSetting(ConfigurationError):
    """A key of ``LARGEFILES`` is unknown, or its value is not valid."""

    code = "invalid_setting"

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"{key}: {problem}")
        self.key = key
        self.problem = problem

    def __reduce__(self) -> tuple[type[InvalidSetting], tuple[str, str]]:
        # Exceptions cross process boundaries, by default with nothing but their text.
        return type(self), (self.key, self.problem)


class NotImportable(ConfigurationError):
    """A dotted path in the settings cannot be used."""

    code = "not_importable"


class LibmagicMissing(ConfigurationError):
    code = "libmagic_missing"
