"""``FileAsset``, one file from its first byte to its deletion, and ``Upload``, the record while its bytes arrive."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, BinaryIO

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .exceptions import NotReady
from .links import Disposition, new_link
from .managers import FileAssetManager, FileAssetQuerySet as FileAssetQuerySet
from .options import DEFAULT_PROFILE, MAX_PROFILE_NAME, MAX_STORAGE_ALIAS, MAX_STORED_NAME
from .routes import path_to
from .states import Attachment, Reason, ScanVerdict, Stage, State
from .stores import store_of
from .stores.fields import StoredFileField
from .stores.storage import asset_storage, configured_alias
from .upload_tokens import MAX_SESSION_DIGEST

if TYPE_CHECKING:
    from datetime import timedelta

    from .access import User

MANAGED_COLUMNS = frozenset(
    {
        "storage", "file", "size", "media_type", "sha256", "sha512", "crc32", "expected_sha256", "expected_sha512",
        "attachment", "expires_at", "kept_when_orphaned", "session",
        "state", "reason", "detail", "stage", "stage_done", "attempts", "claims", "lease_expires_at", "processed_at",
        "link_generation",
        "extraction_error", "confinement", "scan_verdict", "scan_detail",
    }
)  # fmt: skip
"""The columns of an asset that change only by compare-and-set, never by ``save`` of an instance read before."""


class FileAsset(models.Model):
    """One file, from its first byte to its deletion.

    Identity and rules:

    ``id``
        A random UUID (version 4), also the last part of the file's URLs.
    ``owner``
        The user who uploaded the file, or ``None``. There is no reverse accessor. If the user is deleted, the file
        stays without an owner.
    ``profile``
        The name of the profile whose rules apply to the file.
    ``attachment``
        Whether the file stands alone, waits for a form to be saved, or belongs to a row: an
        :class:`Attachment <django_largefiles.states.Attachment>`.
    ``expires_at``
        When a provisional file is deleted if it is not attached before; ``None`` for other files.
    ``kept_when_orphaned``
        Whether the file becomes standalone, and is not deleted, when the last row that refers to it is gone. Not part
        of the public API.
    ``session``
        A digest of the session that made an upload without an owner; empty without a session. Not part of the public
        API.

    Content:

    ``file``
        The bytes in the storage. Empty after they were removed. Check ``state`` before you read them. Its ``url`` is
        the access-checked one; it refuses to save and delete, because bytes and state change together.
    ``storage``
        The alias of the storage in ``STORAGES`` that holds the bytes.
    ``original_name``
        The name that the client sent, sanitized for display. It is never part of a path.
    ``size``
        The number of bytes; ``None`` while it is unknown.
    ``sha256``, ``expected_sha256``
        The digest of the stored bytes, and the digest that the client announced, as hexadecimal digits. Empty if
        unknown.
    ``sha512``, ``expected_sha512``
        The same by SHA-512, which is computed only if the client announced it.
    ``crc32``
        The CRC-32 of the stored bytes, ``None`` if unknown.
    ``declared_type``, ``media_type``
        The media type that the client declared, and the one detected from the bytes.
    ``client_fields``
        The headers of the request that created the upload, stored verbatim.

    Progress:

    ``state``, ``reason``, ``detail``
        The current :class:`State <django_largefiles.states.State>`, and, for a rejected or failed file, the
        :class:`Reason <django_largefiles.states.Reason>` and an explanation.
    ``stage``, ``stage_done``
        What the worker is doing, and the number of bytes that it has finished.
    ``attempts``
        How many times a worker has started to process the file.
    ``claims``, ``lease_expires_at``
        Used by workers to make sure that only one of them processes the file. Not part of the public API.
    ``link_generation``
        How many times signed links were revoked. Not part of the public API.
    ``created_at``, ``updated_at``, ``processed_at``
        When the file was created, last changed, and settled.

    Metadata, as far as an extractor found it:

    ``width``, ``height``, ``duration``, ``page_count``, ``title``
        Pixels, pixels, seconds, pages and the title.
    ``extra_attributes``
        A dict with everything else.
    ``extraction_error``
        Why there is no metadata.
    ``confinement``
        The layers of confinement that were active while the metadata was read, separated by spaces.

    Scanning:

    ``scan_verdict``, ``scan_detail``
        The combined verdict of the scanners, and a list with the result of each scanner.
    """

    upload_expired: bool
    """Whether the upload had expired when the asset was read: an annotation of ``assets``."""

    is_of_this_session: bool = False
    """Whether the request for which the asset was read is of ``session``: set by ``assets`` and ``intake``."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    profile = models.CharField(_("profile"), max_length=MAX_PROFILE_NAME, default=DEFAULT_PROFILE)
    storage = models.CharField(
        _("storage"),
        max_length=MAX_STORAGE_ALIAS,
        default=configured_alias,
        help_text=_("The alias of STORAGES under which the bytes are stored."),
    )
    file = StoredFileField(_("file"), storage=asset_storage, max_length=MAX_STORED_NAME, blank=True, editable=False)
    attachment = models.CharField(_("attachment"), max_length=16, choices=Attachment, default=Attachment.STANDALONE)
    expires_at = models.DateTimeField(_("expires"), null=True, editable=False, db_index=True)
    kept_when_orphaned = models.BooleanField(default=False, editable=False)
    session = models.CharField(max_length=MAX_SESSION_DIGEST, blank=True, editable=False)
    original_name = models.CharField(_("name"), max_length=255)
    size = models.BigIntegerField(_("size"), null=True, help_text=_("Bytes; unknown while they arrive."))
    sha256 = models.CharField("SHA-256", max_length=64, blank=True, db_index=True)
    crc32 = models.PositiveBigIntegerField("CRC-32", null=True)
    sha512 = models.CharField("SHA-512", max_length=128, blank=True)
    expected_sha256 = models.CharField(_("expected SHA-256"), max_length=64, blank=True)
    expected_sha512 = models.CharField(_("expected SHA-512"), max_length=128, blank=True)
    client_fields = models.JSONField(
        _("client's fields"), default=dict, blank=True, help_text=_("Upload headers, stored verbatim.")
    )
    declared_type = models.CharField(_("declared type"), max_length=255, blank=True)
    media_type = models.CharField(_("media type"), max_length=255, blank=True)

    state = models.CharField(_("state"), max_length=16, choices=State, default=State.RECEIVING)
    reason = models.CharField(_("reason"), max_length=32, choices=Reason, blank=True)
    detail = models.CharField(_("detail"), max_length=1000, blank=True)
    stage = models.CharField(_("stage"), max_length=16, choices=Stage, blank=True)
    stage_done = models.BigIntegerField(_("bytes done"), default=0)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    claims = models.PositiveIntegerField(default=0, editable=False)
    lease_expires_at = models.DateTimeField(null=True, editable=False)
    link_generation = models.PositiveIntegerField(default=0, editable=False)

    width = models.PositiveIntegerField(_("width"), null=True, help_text=_("Pixels."))
    height = models.PositiveIntegerField(_("height"), null=True, help_text=_("Pixels."))
    duration = models.FloatField(_("duration"), null=True, help_text=_("Seconds."))
    page_count = models.PositiveIntegerField(_("pages"), null=True)
    title = models.CharField(_("title"), max_length=255, blank=True)
    extra_attributes = models.JSONField(_("further attributes"), default=dict, blank=True)
    extraction_error = models.CharField(_("extraction error"), max_length=1000, blank=True)
    confinement = models.CharField(
        _("confinement"),
        max_length=255,
        blank=True,
        help_text=_("Layers of confinement that were active while the metadata was read."),
    )

    scan_verdict = models.CharField(_("scan verdict"), max_length=16, choices=ScanVerdict, blank=True)
    scan_detail = models.JSONField(
        _("scan results"), default=list, blank=True, help_text=_("One result for each scanner.")
    )

    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)
    processed_at = models.DateTimeField(_("processed"), null=True)

    objects = FileAssetManager()

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")
        permissions = [("reprocess_fileasset", "Can process file again"), ("block_fileasset", "Can block file")]
        constraints = [
            models.CheckConstraint(name="largefiles_asset_state", condition=models.Q(state__in=State.values)),
            models.CheckConstraint(
                name="largefiles_asset_settled_size",
                # A comparison with NULL is neither true nor false, which a check constraint accepts.
                condition=models.Q(size__isnull=False, size__gte=0)
                | models.Q(size__isnull=True, state=State.RECEIVING),
            ),
            models.CheckConstraint(
                name="largefiles_asset_expiry",
                condition=models.Q(attachment=Attachment.PROVISIONAL, expires_at__isnull=False)
                | (~models.Q(attachment=Attachment.PROVISIONAL) & models.Q(expires_at__isnull=True)),
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-created_at", "id"], name="largefiles_asset_owner"),
            models.Index(fields=["-created_at", "id"], name="largefiles_asset_created"),
            models.Index(fields=["state", "lease_expires_at"], name="largefiles_asset_lease"),
            # For lists, by what they are filtered by: a page of the newest is read from one place of the index.
            models.Index(fields=["state", "-created_at", "id"], name="largefiles_asset_state"),
            models.Index(fields=["owner", "state", "-created_at", "id"], name="largefiles_asset_owner_state"),
            models.Index(fields=["profile", "-created_at", "id"], name="largefiles_asset_profile"),
            models.Index(fields=["owner", "profile", "-created_at", "id"], name="largefiles_asset_owner_profile"),
            models.Index(
                fields=["media_type", "-created_at", "id"],
                name="largefiles_asset_type",
                # For families of types: LIKE 'video/%' goes to no other index of PostgreSQL's.
                opclasses=["varchar_pattern_ops", "timestamptz_ops", "uuid_ops"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.original_name} ({self.state})"

    def save(
        self,
        *,
        force_insert: Any = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        """Save the asset without ``MANAGED_COLUMNS``, unless it is new.

        An instance that was read before a takedown or a verdict must not undo it. Raise ``ValueError`` if
        ``update_fields`` names one of these columns other than a time or the file, which are ignored.
        """
        if update_fields is not None:
            update_fields = _writable(frozenset(update_fields))
        elif force_update or not (force_insert or self._state.adding):
            update_fields = self._loaded_columns() - MANAGED_COLUMNS
        super().save(force_insert=force_insert, force_update=force_update, using=using, update_fields=update_fields)

    def get_absolute_url(self) -> str:
        """Return ``url``, for ``redirect(asset)`` and other code that asks an object for its URL."""
        return self.url

    def _loaded_columns(self) -> frozenset[str]:
        """Return the names of the columns that ``save`` of any other model writes."""
        # A file that was assigned is refused when the attribute is read.
        vars(self).get("file") and self.file
        columns = (field for field in self._meta.concrete_fields if not (field.primary_key or field.generated))
        return frozenset(field.attname for field in columns) - self.get_deferred_fields()

    @property
    def url(self) -> str:
        """The permanent URL of the download view, as a path. The view asks the access policy on each request.

        Raise ``ConfigurationError`` if the package's URLs are not included.
        """
        return path_to("download", self.pk)

    def open(self) -> BinaryIO:
        """Return a binary file that can seek, from any storage. Only what is read is fetched.

        The caller closes it. Raise ``NotReady`` unless the asset is ready, and ``StoreError``.
        """
        if self.state != State.READY:
            raise NotReady(limit=State.READY, value=self.state)
        return store_of(self).open_ranged(str(self.file))

    def signed_url(
        self,
        *,
        max_age: timedelta | int | None = None,
        disposition: Disposition = "attachment",
        user: User | None = None,
        current_app: str | None = None,
    ) -> str:
        """Return a URL, as a path, at which its holder may download the asset without a session.

        The access policy is not asked. Each request is refused unless the asset is ready then.

        ``max_age`` is the lifetime, as a timedelta or in seconds, from a minute to 365 days; by default
        ``LINK_EXPIRES_AFTER``. It is shortened by up to a quarter, so that calls return the same URL for some time.
        With ``disposition="inline"`` browsers may show the file, if its type is in ``INLINE_TYPES``. If ``user`` is
        given, only that user may follow the link, logged in. ``current_app`` is that of Django's ``reverse``.

        Raise ``ValueError`` for other values and an unsaved user, and ``ConfigurationError`` if the package's URLs are
        not included.
        """
        link = new_link(self.pk, self.link_generation, max_age=max_age, disposition=disposition, user=user)
        return path_to("link", link.token(), current_app=current_app)

    @property
    def received(self) -> int:
        """Bytes that have arrived."""
        if self.state != State.RECEIVING:
            return self.size or 0
        upload: Upload | None = getattr(self, "upload", None)
        return upload.offset if upload else 0


def _writable(names: frozenset[str]) -> frozenset[str]:
    """Return the columns that ``save`` writes. Raise ``ValueError`` for one that it does not write."""
    # Django's update_or_create adds every column whose field prepares what is saved, as those of times do.
    added = {
        field.name for field in FileAsset._meta.concrete_fields if type(field).pre_save is not models.Field.pre_save
    }
    managed = sorted((names & MANAGED_COLUMNS) - added)
    if managed:
        raise ValueError(
            f"FileAsset.save() does not write {', '.join(managed)}: only this package changes these columns; use "
            "the functions of django_largefiles.lifecycle"
        )
    return names - MANAGED_COLUMNS


class Upload(models.Model):
    """While an asset's bytes arrive. ``offset``, ``digest_state`` and ``media_type`` are always of the same moment."""

    expired: bool
    """Whether it had expired when it was read: see ``assets.EXPIRED``."""

    class Kind(models.TextChoices):
        WHOLE = "whole"
        PARTIAL = "partial"
        FINAL = "final"
        DIRECT = "direct"

    asset = models.OneToOneField(FileAsset, primary_key=True, on_delete=models.CASCADE, related_name="upload")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.WHOLE)
    length = models.BigIntegerField(null=True)
    offset = models.BigIntegerField(default=0)
    reserved = models.BigIntegerField(default=0, help_text=_("Bytes that count against the owner's quota."))
    media_type = models.CharField(
        max_length=255, blank=True, help_text=_("Media type of the first bytes, once detected.")
    )
    digest_state = models.BinaryField(null=True)
    store_state = models.JSONField()
    parts = models.JSONField(default=list, help_text=_("Ids of the partial uploads of a final upload, in order."))
    lease_token = models.UUIDField(null=True)
    lease_expires_at = models.DateTimeField(
        null=True, db_index=True, help_text=_("When the sweeper checks a final upload again.")
    )
    attempts = models.PositiveSmallIntegerField(default=0, help_text=_("Attempts to assemble a final upload."))
    expires_at = models.DateTimeField(db_index=True)
    is_open = models.BooleanField(
        default=True,
        help_text=_(
            "Whether it counts against the owner's limit of open uploads. A partial upload with all bytes does not."
        ),
    )

    def __str__(self) -> str:
        return f"{self.asset_id} at {self.offset}"


class Usage(models.Model):
    """What an owner keeps, arriving files included: see ``usage``, which alone writes it."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="+"
    )
    bytes = models.BigIntegerField(default=0)
    files = models.BigIntegerField(default=0)
    uploads = models.BigIntegerField(default=0, help_text=_("Number of open uploads."))
    checked_at = models.DateTimeField(db_index=True, help_text=_("When the row was last computed from the files."))

    def __str__(self) -> str:
        return f"{self.owner_id}: {self.bytes} bytes in {self.files} files"


class SweeperRun(models.Model):
    """When the sweeper last ended a pass, and how far it has come: one row, which ``sweeper`` writes."""

    ran_at = models.DateTimeField(null=True)
    attachments_until = models.UUIDField(null=True, help_text=_("The last asset whose attachment was checked."))

    def __str__(self) -> str:
        return str(self.ran_at)


class PendingSignal(models.Model):
    """A signal to be sent: created in the transaction of the transition, and deleted when the signal has been sent.

    ``asset_id`` is not a foreign key, so that deleting an asset needs no query here. No signal is sent for a deleted
    asset.
    """

    asset_id = models.UUIDField()
    state = models.CharField(max_length=16, choices=State)
    reference = models.JSONField(
        null=True, help_text=_("The row that refers to the asset, if the signal is attachment_ready.")
    )
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(help_text=_("When another process may send the signal."))

    def __str__(self) -> str:
        return f"{self.asset_id} {self.state}"


class PendingRemoval(models.Model):
    """Bytes to remove: created in the transaction that deletes their asset, deleted once no byte can be left."""

    storage = models.CharField(max_length=MAX_STORAGE_ALIAS)
    store_state = models.JSONField()
    due_at = models.DateTimeField(db_index=True)
    version = models.PositiveIntegerField(default=0, help_text=_("Number of changes of this row."))

    def __str__(self) -> str:
        return str(self.store_state.get("name", ""))
