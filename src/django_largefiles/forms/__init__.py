"""Form fields whose files are uploaded before the form is submitted, or with it, and survive a form that is not valid.

A field submits a token for each file that was uploaded before, and the files that were not. Both become provisional
assets when the form is cleaned, and are attached when the row is saved.
"""

from __future__ import annotations

from .fields import AssetFormField, AssetsFormField
from .mixins import AssetFormMixin
from .widgets import AssetInput, AssetsInput

__all__ = ["AssetFormField", "AssetFormMixin", "AssetInput", "AssetsFormField", "AssetsInput"]
