"""Every error of the package, each with a stable ``code`` and the HTTP status that a door answers with.

::

    LargeFilesError
    ├── Refusal                    the client's doing; nothing changed, nothing is left behind
    │   ├── MalformedRequest       400 malformed_request
    │   ├── IncompleteBody         400 incomplete_body
    │   ├── TooManyFiles           400 too_many_files
    │   ├── UnknownProfile         400 unknown_profile
    │   ├── NotAuthenticated       401 not_authenticated
    │   ├── CsrfFailed             403 csrf_failed
    │   ├── NotPermitted           403 not_permitted
    │   ├── AssetNotFound          404 not_found
    │   ├── MethodNotAllowed       405 method_not_allowed
    │   ├── NotReady               409 not_ready
    │   ├── StateConflict          409 state_conflict
    │   ├── PartsMissing           409 parts_missing
    │   ├── DirectUnsupported      409 direct_unsupported
    │   ├── UploadGone             410 upload_gone
    │   ├── LengthRequired         411 length_required
    │   ├── TooLarge               413 too_large
    │   ├── QuotaExceeded          413 quota_exceeded
    │   ├── TakenOver              423 taken_over
    │   └── WrongContent           the bytes themselves: no further byte mends them
    │       ├── TypeNotAllowed     415 type_not_allowed
    │       ├── TypeMismatch       415 type_mismatch
    │       ├── SizeMismatch       422 size_mismatch
    │       ├── DigestMismatch     422 digest_mismatch
    │       ├── ArchiveRefused     422 archive_refused
    │       ├── MetadataUnreadable 422 extraction_failed
    │       ├── Infected           422 infected
    │       └── Unscannable        422 unscannable
    ├── StoreError                 the place where bytes are kept
    │   ├── StoreUnavailable       503 store_unavailable
    │   └── StoreFull              507 store_full
    ├── ScannerUnavailable         503 scanner_unavailable
    └── ConfigurationError         the host project's settings (also an ImproperlyConfigured)
        ├── InvalidSetting
        ├── NotImportable
        └── LibmagicMissing
"""

from __future__ import annotations

from typing import ClassVar

from django.core.exceptions import ImproperlyConfigured


class LargeFilesError(Exception):
    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500

    def __init__(self, detail: str, *, limit: int | str | None = None, value: int | str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.limit = limit
        self.value = value


class Refusal(LargeFilesError):
    status = 400


class MalformedRequest(Refusal):
    code = "malformed_request"


class IncompleteBody(Refusal):
    code = "incomplete_body"


class TooManyFiles(Refusal):
    code = "too_many_files"


class UnknownProfile(Refusal):
    code = "unknown_profile"


class NotAuthenticated(Refusal):
    """``challenge`` is the value of ``WWW-Authenticate``."""

    code = "not_authenticated"
    status = 401

    def __init__(self, detail: str, *, challenge: str) -> None:
        super().__init__(detail)
        self.challenge = challenge


class CsrfFailed(Refusal):
    code = "csrf_failed"
    status = 403


class NotPermitted(Refusal):
    code = "not_permitted"
    status = 403


class AssetNotFound(Refusal):
    code = "not_found"
    status = 404


class MethodNotAllowed(Refusal):
    """``limit`` is the value of ``Allow``."""

    code = "method_not_allowed"
    status = 405


class NotReady(Refusal):
    code = "not_ready"
    status = 409


class StateConflict(Refusal):
    code = "state_conflict"
    status = 409


class PartsMissing(Refusal):
    """Of a direct upload: ``value`` names the numbers of the parts that have not been sent, or not whole."""

    code = "parts_missing"
    status = 409


class UploadGone(Refusal):
    code = "upload_gone"
    status = 410


class LengthRequired(Refusal):
    code = "length_required"
    status = 411


class TooLarge(Refusal):
    code = "too_large"
    status = 413


class QuotaExceeded(Refusal):
    code = "quota_exceeded"
    status = 413


class WrongContent(Refusal):
    code = "wrong_content"
    status = 422


class TypeNotAllowed(WrongContent):
    code = "type_not_allowed"
    status = 415


class TypeMismatch(WrongContent):
    code = "type_mismatch"
    status = 415


class SizeMismatch(WrongContent):
    """What is stored has not as many bytes as were promised."""

    code = "size_mismatch"


class DigestMismatch(WrongContent):
    code = "digest_mismatch"


class ArchiveRefused(WrongContent):
    """An archive, or a file made of one, beyond ``ARCHIVE_LIMITS``, or one that cannot be held against them."""

    code = "archive_refused"


class MetadataUnreadable(WrongContent):
    code = "extraction_failed"


class Infected(WrongContent):
    """``value`` is the name of what a scanner found."""

    code = "infected"


class Unscannable(WrongContent):
    """A scanner cannot look at all of it, however often it is asked."""

    code = "unscannable"


class TakenOver(Refusal):
    """A later request has taken over the upload that this one was writing to."""

    code = "taken_over"
    status = 423


class DirectUnsupported(Refusal):
    """The storage takes no bytes from clients."""

    code = "direct_unsupported"
    status = 409


class StoreError(LargeFilesError):
    code = "store_error"
    status = 503


class StoreUnavailable(StoreError):
    code = "store_unavailable"


class StoreFull(StoreError):
    code = "store_full"
    status = 507


class ScannerUnavailable(LargeFilesError):
    code = "scanner_unavailable"
    status = 503


class ConfigurationError(LargeFilesError, ImproperlyConfigured):
    code = "configuration"


class InvalidSetting(ConfigurationError):
    """A key of ``LARGEFILES`` that is unknown, or whose value is not of its kind."""

    code = "invalid_setting"

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"{key}: {problem}")
        self.key = key
        self.problem = problem

    def __reduce__(self) -> tuple[type[InvalidSetting], tuple[str, str]]:
        # Exceptions cross process boundaries, by default with nothing but their text.
        return type(self), (self.key, self.problem)


class NotImportable(ConfigurationError):
    """A dotted path in the settings that leads to nothing usable."""

    code = "not_importable"


class LibmagicMissing(ConfigurationError):
    code = "libmagic_missing"
