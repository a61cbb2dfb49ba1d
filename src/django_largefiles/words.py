"""Refusals in words for the people who upload, in the language of the request.

``detail`` of an error is for developers and operators. The words say what is wrong in other terms than those of HTTP,
what is allowed, and what to do next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from django.template.defaultfilters import filesizeformat
from django.utils.functional import Promise
from django.utils.translation import gettext as _, gettext_lazy, ngettext

from .conf import get_profile
from .exceptions import (
    ArchiveRefused,
    AssetNotFound,
    BodyFault,
    CsrfFailed,
    DigestMismatch,
    Infected,
    LargeFilesError,
    MetadataUnreadable,
    NotAttachable,
    NotAuthenticated,
    NotPermitted,
    QuotaExceeded,
    SizeMismatch,
    StoreError,
    Throttled,
    TooLarge,
    TooManyFiles,
    TooManyStreams,
    TooManyUploads,
    TypeMismatch,
    TypeNotAllowed,
    UnknownProfile,
    Unscannable,
    UploadGone,
    UploadTokenExpired,
    UploadTokenOfAnotherSession,
    UploadTokenOfAnotherUser,
    UploadTokenRefused,
)
from .media_types.kinds import Kind, kind_of, kind_of_extension, short_name
from .names import extension
from .states import Reason

if TYPE_CHECKING:
    from .models import FileAsset

KINDS: Mapping[Kind, str | Promise] = {
    Kind.IMAGE: gettext_lazy("an image"),
    Kind.AUDIO: gettext_lazy("an audio file"),
    Kind.VIDEO: gettext_lazy("a video"),
    Kind.DOCUMENT: gettext_lazy("a document"),
    Kind.ARCHIVE: gettext_lazy("an archive"),
    Kind.DISK_IMAGE: gettext_lazy("a disk image"),
    Kind.PROGRAM: gettext_lazy("a program"),
    Kind.WEB_PAGE: gettext_lazy("a web page"),
    Kind.TEXT: gettext_lazy("a text file"),
    Kind.EMPTY: gettext_lazy("an empty file"),
    Kind.UNKNOWN: gettext_lazy("a file of an unknown type"),
}
"""Each kind with its article, as it follows “This is”."""

NAMED_KINDS = frozenset({Kind.IMAGE, Kind.AUDIO, Kind.VIDEO, Kind.DOCUMENT, Kind.ARCHIVE, Kind.TEXT})
"""Kinds of which the short name of the type says more."""

PATTERNS: Mapping[str, str | Promise] = {
    "*/*": gettext_lazy("all files"),
    "image/*": gettext_lazy("images"),
    "audio/*": gettext_lazy("audio"),
    "video/*": gettext_lazy("videos"),
    "text/*": gettext_lazy("text"),
}


def explain(error: LargeFilesError) -> str:
    """Return an error in words for the person who uploads."""
    text = next((_TEXTS[kind] for kind in type(error).__mro__ if kind in _TEXTS), None)
    if text is None:
        return _("The file was refused: %(detail)s") % {"detail": error.detail}
    return text(error) if callable(text) else str(text)


def explain_rejection(asset: FileAsset) -> str:
    """Return in words why an asset was rejected or failed; empty for other assets."""
    if not asset.reason:
        return ""
    if asset.reason == Reason.BLOCKED:
        return _("The file was blocked.")
    with suppress(KeyError, UnknownProfile):
        # The profile may be gone from the settings.
        return explain(_REJECTIONS[asset.reason](asset))
    return _("The file could not be processed.")


def allowed_names(patterns: str) -> str:
    """Return a list of media types and patterns, separated by commas, as people call them: ``JPEG, PNG, videos``."""
    names = dict.fromkeys(str(PATTERNS.get(pattern, "")) or short_name(pattern) for pattern in patterns.split(", "))
    return ", ".join(names)


def _described(media_type: str) -> str:
    kind = kind_of(media_type)
    if kind not in NAMED_KINDS or "/" in short_name(media_type):
        return str(KINDS[kind])
    return _("%(kind)s (%(type)s)") % {"kind": KINDS[kind], "type": short_name(media_type)}


def _too_large(error: LargeFilesError) -> str:
    if isinstance(error, TooLarge) and error.declared:
        return str(_CHANGED)
    return _("The file is larger than %(limit)s, the most that is allowed here.") % {
        "limit": filesizeformat(error.limit or 0)
    }


def _not_allowed(error: LargeFilesError) -> str:
    found = kind_of(str(error.value))
    promised = kind_of_extension(extension(error.name)) if isinstance(error, TypeNotAllowed) else None
    words = {"found": _described(str(error.value)), "allowed": allowed_names(str(error.limit))}
    if promised in {None, found}:
        return _("This is %(found)s. Allowed here: %(allowed)s.") % words
    words["promised"] = str(KINDS[promised])
    return _("This is %(found)s, not %(promised)s. Allowed here: %(allowed)s.") % words


def _mismatch(error: LargeFilesError) -> str:
    words = {"found": _described(str(error.value)), "extension": error.limit}
    return _("This is %(found)s, but its name ends in “%(extension)s”. Rename it, or choose another file.") % words


def _too_many_files(error: LargeFilesError) -> str:
    limit = int(error.limit or 0)
    return ngettext("Send no more than %d file at once.", "Send no more than %d files at once.", limit) % limit


def _throttled(error: LargeFilesError) -> str:
    wait = int(error.value or 1)
    text = ngettext(
        "Too many files in a short time. Try again in %d second.",
        "Too many files in a short time. Try again in %d seconds.",
        wait,
    )
    return text % wait


def _infected(error: LargeFilesError) -> str:
    if not error.value:
        return _("The file is infected.")
    return _("The file is infected: %(name)s.") % {"name": error.value}


def _as_not_allowed(asset: FileAsset) -> TypeNotAllowed:
    patterns = ", ".join(get_profile(asset.profile).allowed_mime_types)
    return TypeNotAllowed(limit=patterns, value=asset.media_type, name=asset.original_name)


def _as_mismatch(asset: FileAsset) -> TypeMismatch:
    return TypeMismatch(limit=extension(asset.original_name), value=asset.media_type)


def _as_too_large(asset: FileAsset) -> TooLarge:
    return TooLarge(limit=get_profile(asset.profile).max_upload_size)


def _not_permitted(error: LargeFilesError) -> str:
    if isinstance(error, NotPermitted) and error.on_file:
        return _("You may not do this with the file.")
    return _("You may not upload files here.")


_INTERRUPTED = gettext_lazy("The file did not arrive completely. Send it again.")
_CHANGED = gettext_lazy("The file was changed on its way. Send it again.")
_GONE = gettext_lazy("The uploaded file is not there any more. Choose it again.")

_TEXTS: Mapping[type[LargeFilesError], str | Promise | Callable[[LargeFilesError], str]] = {
    ArchiveRefused: gettext_lazy("The archive holds too much, or something that is not allowed here."),
    AssetNotFound: _GONE,
    BodyFault: _INTERRUPTED,
    CsrfFailed: gettext_lazy("The page was open for too long. Load it again, and send the form once more."),
    DigestMismatch: _CHANGED,
    Infected: _infected,
    MetadataUnreadable: gettext_lazy("The file is damaged, or of a kind that cannot be read."),
    NotAttachable: gettext_lazy("This file cannot be used here. Choose it again."),
    NotAuthenticated: gettext_lazy("Log in to upload files."),
    NotPermitted: _not_permitted,
    QuotaExceeded: gettext_lazy("There is no room left for this file among yours. Delete others first."),
    SizeMismatch: _INTERRUPTED,
    StoreError: gettext_lazy("The file cannot be stored at the moment. Try again later."),
    Throttled: _throttled,
    TooLarge: _too_large,
    TooManyFiles: _too_many_files,
    TooManyStreams: gettext_lazy("Too many pages show files that are arriving. Close some of them."),
    TooManyUploads: gettext_lazy("Too many files are being uploaded at once. Wait until one is complete."),
    TypeMismatch: _mismatch,
    TypeNotAllowed: _not_allowed,
    UnknownProfile: _not_permitted,
    Unscannable: gettext_lazy("The file could not be searched for malware as a whole."),
    UploadGone: _GONE,
    UploadTokenExpired: gettext_lazy("The upload was too long ago. Choose the file again."),
    UploadTokenOfAnotherSession: gettext_lazy("The file was uploaded before you logged in again. Choose it again."),
    UploadTokenOfAnotherUser: gettext_lazy("The file was uploaded by another user. Choose it again."),
    UploadTokenRefused: gettext_lazy("The uploaded file cannot be found. Choose it again."),
}
"""What is said of an error, and of those of its subclasses that are not in the table."""

_REJECTIONS: Mapping[str, Callable[[FileAsset], LargeFilesError]] = {
    Reason.TYPE_NOT_ALLOWED: _as_not_allowed,
    Reason.TYPE_MISMATCH: _as_mismatch,
    Reason.TOO_LARGE: _as_too_large,
    Reason.SIZE_MISMATCH: lambda _asset: SizeMismatch(),
    Reason.DIGEST_MISMATCH: lambda _asset: DigestMismatch(),
    Reason.EXTRACTION_FAILED: lambda _asset: MetadataUnreadable(),
    Reason.ARCHIVE_REFUSED: lambda _asset: ArchiveRefused(),
    Reason.INFECTED: lambda _asset: Infected("infected"),
    Reason.UNSCANNABLE: lambda _asset: Unscannable(),
}
