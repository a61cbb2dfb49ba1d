"""Decide who may do what: one object, which the host replaces with ``ACCESS_POLICY``."""

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
    """Permissions on uploads and assets.

    Guarantees: the policy is asked before an asset is created, shown, served, deleted or processed again, in the admin
    besides the permissions of the user. An asset that a user may not view is answered as if it did not exist (404, not
    403).

    Requirements: answer quickly and without side effects, for anonymous users too. ``visible`` agrees with
    ``may_view``.
    """

    @abstractmethod
    def may_upload(self, user: User, profile: str) -> bool:
        """Return whether ``user`` may upload files to the profile, which exists."""

    @abstractmethod
    def may_view(self, user: User, asset: FileAsset) -> bool:
        """Return whether ``user`` may know of the asset, and see its row; not yet its bytes."""

    def may_download(self, user: User, asset: FileAsset) -> bool:
        """Return whether ``user`` may have the bytes: by default, all users who may view the asset."""
        return self.may_view(user, asset)

    def may_append(self, user: User, asset: FileAsset) -> bool:
        """Return whether ``user`` may continue an upload: send its bytes, or make it part of another upload."""
        return asset.owner_id == user.pk and self.may_upload(user, asset.profile)

    def may_attach(self, user: User, asset: FileAsset) -> bool:
        """Return whether ``user`` may have a row refer to the asset, by its id alone. Only its owner may by default.

        It is not asked where an upload token proves that the user made the upload.
        """
        return user.is_authenticated and asset.owner_id is not None and asset.owner_id == user.pk

    def may_delete(self, user: User, asset: FileAsset) -> bool:
        """Return whether ``user`` may delete the asset with its bytes: by default, all users who may view it."""
        return self.may_view(user, asset)

    def may_reprocess(self, user: User, asset: FileAsset) -> bool:
        """Return whether ``user`` may have the file verified again: by default, all users who may view it."""
        return self.may_view(user, asset)

    def quota(self, user: User) -> Quota:
        """Return how much ``user`` may keep, arriving files included. The default is the setting ``QUOTA``."""
        return largefiles_settings.quota

    @abstractmethod
    def visible(self, user: User, assets: FileAssetQuerySet) -> FileAssetQuerySet:
        """Return those of ``assets`` that ``may_view`` allows, as a query from which lists are made."""


class OwnerOrStaff(AccessPolicy):
    """Allow uploads by authenticated users, and access to an asset by its owner and by users with the permission.

    The permissions are ``view_fileasset`` to view and download, ``delete_fileasset`` to delete and
    ``reprocess_fileasset``, which is of this package, to process again. Being a member of the staff gives no access by
    itself. A user model without ``has_perm`` works; then only owners have access.
    """

    def may_upload(self, user: User, profile: str) -> bool:
        return user.is_authenticated

    def may_view(self, user: User, asset: FileAsset) -> bool:
        return _is_owner(user, asset) or _has_permission(user, "view")

    def may_delete(self, user: User, asset: FileAsset) -> bool:
        return _is_owner(user, asset) or _has_permission(user, "delete")

    def may_reprocess(self, user: User, asset: FileAsset) -> bool:
        return _is_owner(user, asset) or _has_permission(user, "reprocess")

    def visible(self, user: User, assets: FileAssetQuerySet) -> FileAssetQuerySet:
        if _has_permission(user, "view"):
            return assets
        return assets.filter(owner=user.pk, owner__isnull=False) if user.is_authenticated else assets.none()


def _is_owner(user: User, asset: FileAsset) -> bool:
    # The key of a user that was never saved is None, like that of an asset without an owner.
    return user.is_authenticated and asset.owner_id is not None and asset.owner_id == user.pk


def _has_permission(user: User, action: str) -> bool:
    # A custom user model without PermissionsMixin has no such method.
    has_perm = getattr(user, "has_perm", None)
    return user.is_authenticated and has_perm is not None and has_perm(f"django_largefiles.{action}_fileasset")


def access_policy() -> AccessPolicy:
    return load(largefiles_settings.access_policy, AccessPolicy, "ACCESS_POLICY")
