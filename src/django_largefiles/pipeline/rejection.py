"""The bytes of rejected assets."""

from __future__ import annotations

from django.db import router

from .. import lifecycle, usage
from ..models import FileAsset
from ..states import State
from ..stores import store_of
from ..transactions import in_transaction_of


def discard_rejected(asset: FileAsset) -> None:
    """Remove the bytes of a rejected asset, unless its reason is one to keep them. Raises ``StoreError``."""
    if asset.state == State.REJECTED and asset.reason not in lifecycle.KEPT and asset.file:
        remove_stored_bytes(asset)


def remove_stored_bytes(asset: FileAsset) -> None:
    """Remove the bytes and keep the asset, which counts for its owner no longer. Raises ``StoreError``."""
    # The bytes come first: as long as the row names them, the sweeper tries again.
    store_of(asset).delete(str(asset.file))
    _forget(asset)


@in_transaction_of(FileAsset)
def _forget(asset: FileAsset) -> None:
    using = router.db_for_write(FileAsset)
    usage.lock(asset.owner_id, using)
    if FileAsset.objects.using(using).filter(pk=asset.pk, file=str(asset.file)).update(file=""):
        usage.change(asset.owner_id, using, bytes=-(asset.size or 0), files=-1)
