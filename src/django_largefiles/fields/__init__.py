"""Model fields that attach assets to rows.

A row and the attachments of its assets are saved in one transaction. What changes rows without ``Model.save``, the
signals of a deletion or ``m2m_changed`` is repaired by the sweeper: ``QuerySet.update``, ``bulk_create``,
``loaddata``, and the models of migrations, which have plain fields.
"""

from __future__ import annotations

from . import deletion  # noqa: F401
from .multiple import AssetsField
from .single import AssetField

__all__ = ["AssetField", "AssetsField"]
