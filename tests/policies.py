from __future__ import annotations

from django_largefiles.access import OwnerOrStaff, User
from django_largefiles.models import FileAsset


class LookButDoNotTouch(OwnerOrStaff):
    def may_download(self, user: User, asset: FileAsset) -> bool:
        return False

    def may_delete(self, user: User, asset: FileAsset) -> bool:
        return False

    def may_reprocess(self, user: User, asset: FileAsset) -> bool:
        return False


class NoMoreUploads(OwnerOrStaff):
    def may_upload(self, user: User, profile: str) -> bool:
        return False


class NoSecrets(OwnerOrStaff):
    """Permits every profile but one, as it would one that does not exist."""

    def may_upload(self, user: User, profile: str) -> bool:
        return profile != "secret" and super().may_upload(user, profile)


class NoAssets(OwnerOrStaff):
    """Permits going on with an upload, and no new one."""

    def may_upload(self, user: User, profile: str) -> bool:
        return False

    def may_append(self, user: User, asset: FileAsset) -> bool:
        return asset.owner_id == user.pk
