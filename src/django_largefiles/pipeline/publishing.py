"""The last step of a worker: verified bytes are moved to their final place, and the asset becomes ready."""

from __future__ import annotations

from .. import lifecycle
from ..lifecycle import Claim
from ..models import FileAsset
from ..states import Stage
from ..stores import store_of
from .findings import Findings
from .moving import move_bytes


def publish(claim: Claim, asset: FileAsset, findings: Findings) -> None:
    """processing → ready. Raise ``ClaimLost`` and ``StoreError``; then the bytes are where they were."""
    destination = store_of(asset).destination(str(asset.file))
    if destination is None:
        lifecycle.accept(claim, **findings.columns())
        return
    move_bytes(
        asset,
        destination,
        {"name": str(asset.file), "staged": True},
        renew=lambda done: lifecycle.renew(claim, Stage.STORING, done=done),
        name_in_row=lambda name: lifecycle.accept(claim, **findings.columns(), file=name),
    )
