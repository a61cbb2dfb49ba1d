"""Assets without bytes, for tests of what refers to them."""

from __future__ import annotations

from typing import Any

from django_largefiles import clock
from django_largefiles.conf import largefiles_settings
from django_largefiles.models import FileAsset
from django_largefiles.states import Attachment, State


def make_asset(profile: str = "default", **columns: Any) -> FileAsset:
    columns = {"state": State.RECEIVED, "size": 1, "original_name": "a.mp4", **columns}
    return FileAsset.objects.create(profile=profile, **columns)


def make_provisional(profile: str = "default", **columns: Any) -> FileAsset:
    """As a form uploads it."""
    expires_at = clock.after(largefiles_settings.unattached_expires_after)
    return make_asset(profile, **{"attachment": Attachment.PROVISIONAL, "expires_at": expires_at, **columns})


def make_expired(profile: str = "default", **columns: Any) -> FileAsset:
    return make_provisional(profile, expires_at=clock.now(), **columns)


def attachment_of(asset: FileAsset) -> str | None:
    """What the database says of the asset, ``None`` if it is gone."""
    return FileAsset.objects.filter(pk=asset.pk).values_list("attachment", flat=True).first()
