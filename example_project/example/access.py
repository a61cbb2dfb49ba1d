"""The access policy of ``EXAMPLE_ACCESS=anyone``: for a demonstration on one's own machine only."""

from __future__ import annotations

from django_largefiles.access import AccessPolicy, User
from django_largefiles.models import FileAsset, FileAssetQuerySet


class Anyone(AccessPolicy):
    """Whoever reaches the server may do everything, to every file."""

    def may_upload(self, user: User, profile: str) -> bool:
        return True

    def may_view(self, user: User, asset: FileAsset) -> bool:
        return True

    def visible(self, user: User, assets: FileAssetQuerySet) -> FileAssetQuerySet:
        return assets
