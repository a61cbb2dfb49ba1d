"""The states of an asset and the reasons for the unhappy ones. Only ``lifecycle`` moves between them."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class State(TextChoices):
    RECEIVING = "receiving", _("receiving")
    RECEIVED = "received", _("received")
    PROCESSING = "processing", _("processing")
    READY = "ready", _("ready")
    REJECTED = "rejected", _("rejected")
    FAILED = "failed", _("failed")


SETTLED = frozenset({State.READY, State.REJECTED, State.FAILED})


class Reason(TextChoices):
    """Why an asset is ``rejected`` or ``failed``: stable codes that clients may rely on."""

    TYPE_NOT_ALLOWED = "type_not_allowed", _("type not allowed")
    TYPE_MISMATCH = "type_mismatch", _("type does not fit the name")
    TOO_LARGE = "too_large", _("too large")
    SIZE_MISMATCH = "size_mismatch", _("size differs from the promised one")
    DIGEST_MISMATCH = "digest_mismatch", _("digest differs from the promised one")
    EXTRACTION_FAILED = "extraction_failed", _("metadata could not be read")
    ARCHIVE_REFUSED = "archive_refused", _("archive beyond the limits")
    INFECTED = "infected", _("infected")
    UNSCANNABLE = "unscannable", _("could not be scanned")
    SCANNER_UNAVAILABLE = "scanner_unavailable", _("scanner unavailable")
    BLOCKED = "blocked", _("blocked")
    STORE_UNAVAILABLE = "store_unavailable", _("storage unavailable")
    GAVE_UP = "gave_up", _("gave up")


class Stage(TextChoices):
    """What a worker is doing with an asset that is ``processing``."""

    READING = "reading", _("reading")
    SCANNING = "scanning", _("waiting for the scanners")
    SNIFFING = "sniffing", _("detecting the type")
    EXTRACTING = "extracting", _("extracting metadata")
    STORING = "storing", _("moving to the storage")


class Attachment(TextChoices):
    """Whether rows of the host refer to an asset."""

    STANDALONE = "standalone", _("standalone")
    """Uploaded for its own sake: it stays until it is deleted."""
    PROVISIONAL = "provisional", _("provisional")
    """Uploaded by a form that is not saved yet: it expires."""
    ATTACHED = "attached", _("attached")


class ScanVerdict(TextChoices):
    """What the scanners together say of a file; empty where none is configured."""

    CLEAN = "clean", _("clean")
    INFECTED = "infected", _("infected")
    UNSCANNABLE = "unscannable", _("could not be scanned")
    ERROR = "error", _("scanner failed")
