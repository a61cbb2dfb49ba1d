"""Who may do what: one object that the host replaces with ``ACCESS_POLICY``."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from .conf import largefiles_settings
from .registry import load

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser

    from .models import FileAsset, FileAssetQuerySet

User: TypeAlias = "AbstractBaseUser | AnonymousUser"


class AccessPolicy:
    """Asked before anything is begun, shown, served, deleted or processed again.

    Ours: never to act on an asset without asking; to answer 404, not 403, for one that may not be seen.
    Yours: to answer quickly and without side effects, for anonymous users too.
    """

    def may_upload(self, user: User, profile: str) -> bool:
        raise NotImplementedError

    def may_view(self, user: User, asset: FileAsset) -> bool:
        raise NotImplementedError

    def may_download(self, user: User, asset: FileAsset) -> bool:
        return self.may_view(user, asset)

    def may_delete(self, user: User, asset: FileAsset) -> bool:
        return self.may_view(user, asset)

    def may_reprocess(self, user: User, asset: FileAsset) -> bool:
        return self.may_view(user, asset)

    def visible(self, user: User, assets: FileAssetQuerySet) -> FileAssetQuerySet:
        """Those of ``assets`` that ``may_view`` allows, as a query: lists are made of it."""
        raise NotImplementedError


class OwnerOrStaff(AccessPolicy):
    """Whoever is logged in may upload; an asset belongs to its owner, and staff see all."""

    def may_upload(self, user: User, profile: str) -> bool:
        return user.is_authenticated

    def may_view(self, user: User, asset: FileAsset) -> bool:
        return user.is_authenticated and (asset.owner_id == user.pk or _is_staff(user))

    def visible(self, user: User, assets: FileAssetQuerySet) -> FileAssetQuerySet:
        if not user.is_authenticated:
            return assets.none()
        return assets if _is_staff(user) else assets.filter(owner=user.pk)


def _is_staff(user: User) -> bool:
    # A custom user model need not have the attribute.
    return bool(getattr(user, "is_staff", False))


def access_policy() -> AccessPolicy:
    return load(largefiles_settings.access_policy, AccessPolicy, "ACCESS_POLICY")
