"""Checks of the detection of media types, and of the types that profiles allow."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.checks import CheckMessage, Warning as CheckWarning

from ..conf import Profile, get_profile, largefiles_settings
from ..media_types.families import ARCHIVE_TYPES
from ..media_types.matching import most_specific
from ..rules import sniff_head
from .loading import errors_of


def check_libmagic() -> Iterator[CheckMessage]:
    return errors_of(lambda: sniff_head(b"GIF89a"), "django_largefiles.E007")


def check_archives() -> Iterator[CheckMessage]:
    for profile in map(get_profile, largefiles_settings.profiles):
        unread = [kind for kind in profile.allowed_mime_types if _is_unread_archive(kind, profile)]
        if unread and not profile.archive_limits.unreadable:
            yield CheckWarning(
                f"LARGEFILES: the profile {profile.name!r} allows archives that no extractor reads, so all of them "
                f"are refused: {', '.join(unread)}.",
                hint="Set an extractor for them in EXTRACTORS, or UNREADABLE in ARCHIVE_LIMITS.",
                id="django_largefiles.W006",
            )


def _is_unread_archive(kind: str, profile: Profile) -> bool:
    return kind in ARCHIVE_TYPES and most_specific(kind, profile.extractors) is None
