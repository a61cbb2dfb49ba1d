"""The access policy of ``EXAMPLE_ACCESS=anyone``, for demonstrations on a local machine only."""

from __future__ import annotations

from django_largefiles.access import AccessPolicy, User
from django_largefiles.models import FileAsset, FileAssetQuerySet


class Anyone(AccessPolicy):
    """Allow every action on every file to every visitor."""

    def may_upload(self, user: User, profile: str) -> bool:
        return True

    def may_view(self, user: User, asset: FileAsset) -> bool:
        return True

    def visible(self, user: User, assets: FileAssetQuerySet) -> FileAssetQuerySet:
        return assets
