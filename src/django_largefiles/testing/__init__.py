"""Helpers for the tests of a project: see the page "Testing your project" of the documentation."""

from __future__ import annotations

from .assets import amake_asset, make_asset
from .cases import LargeFilesTestMixin
from .overrides import immediate_processing, media_folder, memory_storage, override_largefiles
from .tokens import upload_token
from .uploads import SentUpload, upload

__all__ = [
    "LargeFilesTestMixin",
    "SentUpload",
    "amake_asset",
    "immediate_processing",
    "make_asset",
    "media_folder",
    "memory_storage",
    "override_largefiles",
    "upload",
    "upload_token",
]
