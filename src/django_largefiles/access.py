"""Who may do what: one object that the host replaces with ``ACCESS_POLICY``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, TypeAlias

from .conf import largefiles_settings
from .options import Quota
from .registry import load

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser

    from .models import FileAsset, FileAssetQuerySet

User: TypeAlias = "AbstractBaseUser | AnonymousUser"


class AccessPolicy(ABC):
    """Asked before anything is begun, shown, served, deleted or processed again.

    Ours: never to act on an asset without asking; to answer 404, not 403, for one that may not be seen.
    Yours: to answer quickly and without side effects, for anonymous users too.
    """

    @abstractmethod
    def may_upload(self, user: User, profile: str) -> bool: ...

    @abstractmethod
    def may_view(self, user: User, asset: FileAsset) -> bool: ...

    def may_download(self, user: User, asset: FileAsset) -> bool:
        return self.may_view(user, asset)

    def may_append(self, user: User, asset: FileAsset) -> bool:
        """Whether ``user`` may go on with an upload: send its bytes, or make it part of another."""
        return asset.owner_id == user.pk and self.may_upload(user, asset.profile)

    def may_delete(self, user: User, asset: FileAsset) -> bool:
        return self.may_view(user, asset)

    def may_reprocess(self, user: User, asset: FileAsset) -> bool:
        return self.may_view(user, asset)

    def quota(self, user: User) -> Quota:
        """How much ``user`` may keep, arriving files included: by default what ``QUOTA`` says, for everybody."""
        return largefiles_settings.quota

    @abstractmethod
    def visible(self, user: User, assets: FileAssetQuerySet) -> FileAssetQuerySet:
        """Those of ``assets`` that ``may_view`` allows, as a query: lists are made of it."""


class OwnerOrStaff(AccessPolicy):
    """Whoever is logged in may upload; an asset belongs to its owner, and staff see all."""

    def may_upload(self, user: User, profile: str) -> bool:
        return user.is_authenticated

    def may_view(self, user: User, asset: FileAsset) -> bool:
        if not user.is_authenticated:
            return False
        # An account that was never saved has no key either.
        return _is_staff(user) or (asset.owner_id is not None and asset.owner_id == user.pk)

    def visible(self, user: User, assets: FileAssetQuerySet) -> FileAssetQuerySet:
        if not user.is_authenticated:
            return assets.none()
        return assets if _is_staff(user) else assets.filter(owner=user.pk, owner__isnull=False)


def _is_staff(user: User) -> bool:
    # A custom user model need not have the attribute.
    return bool(getattr(user, "is_staff", False))


def access_policy() -> AccessPolicy:
    return load(largefiles_settings.access_policy, AccessPolicy, "ACCESS_POLICY")
