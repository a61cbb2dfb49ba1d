"""The admin: of the files themselves, and of a host's rows that refer to them."""

from __future__ import annotations

from .files import FileAssetAdmin
from .rows import AssetAdminForm, AssetAdminMixin

__all__ = ["AssetAdminForm", "AssetAdminMixin", "FileAssetAdmin"]
