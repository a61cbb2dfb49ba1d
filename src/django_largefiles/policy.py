"""What a profile says of a file: each function raises the refusal, with the limit and the value, or returns."""

from __future__ import annotations

from .conf import Profile
from .exceptions import SizeMismatch, TooLarge, TypeMismatch, TypeNotAllowed
from .known_types import UNKNOWN
from .media_types import extension_allowed, extension_fits, matches, possible_types
from .names import extension


def check_size(size: int, profile: Profile) -> None:
    if size > profile.max_upload_size:
        raise TooLarge(
            f"{size} bytes are more than the {profile.max_upload_size} allowed",
            limit=profile.max_upload_size,
            value=size,
        )


def check_stored_size(stored: int, promised: int) -> None:
    """What the storage holds against what was promised, or counted on the way in."""
    if stored != promised:
        raise SizeMismatch(f"{stored} bytes are stored, not the promised {promised}", limit=promised, value=stored)


def check_declared(media_type: str, name: str, profile: Profile) -> None:
    """Before the first byte: refuse a file of which its own client says that it is not what is allowed.

    That it says otherwise proves nothing, and a client that says ``application/octet-stream`` has said nothing.
    """
    if media_type not in {"", UNKNOWN} and not matches(media_type, profile.allowed_mime_types):
        raise _not_allowed(media_type, profile)
    if profile.extension_must_match and not extension_allowed(extension(name), profile.allowed_mime_types):
        raise _mismatch(", ".join(profile.allowed_mime_types), name)


def check_head(media_type: str, name: str, profile: Profile) -> None:
    """The early verdict, on the first bytes alone: refuse what no further byte can make right."""
    possible = [kind for kind in possible_types(media_type) if matches(kind, profile.allowed_mime_types)]
    if not possible:
        raise _not_allowed(media_type, profile)
    if profile.extension_must_match and not any(extension_fits(extension(name), kind) for kind in possible):
        raise _mismatch(media_type, name)


def check_type(media_type: str, name: str, profile: Profile) -> None:
    """The verdict on the whole file."""
    if not matches(media_type, profile.allowed_mime_types):
        raise _not_allowed(media_type, profile)
    if profile.extension_must_match and not extension_fits(extension(name), media_type):
        raise _mismatch(media_type, name)


def _not_allowed(media_type: str, profile: Profile) -> TypeNotAllowed:
    return TypeNotAllowed(
        f"the content is {media_type}, which is not allowed",
        limit=", ".join(profile.allowed_mime_types),
        value=media_type,
    )


def _mismatch(media_type: str, name: str) -> TypeMismatch:
    return TypeMismatch(
        f"the content is {media_type}, which does not go with the extension {extension(name)!r}",
        limit=extension(name),
        value=media_type,
    )
