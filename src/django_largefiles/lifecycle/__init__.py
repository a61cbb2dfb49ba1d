"""The only code that writes ``FileAsset.state`` and ``FileAsset.attachment``.

Each transition is one compare-and-set: an ``UPDATE`` that names the states it may start from. If no row matches,
another process won: the function returns ``False``, or raises ``ClaimLost`` if it acts for a worker, and the caller
cleans up. Signals are sent after the commit, by the process that won; ``outbox.signals`` says what happens if it dies
before.

Transitions run in a transaction of their own and are repeated if the database ends it because of another. In a
transaction of the caller's they are part of that, and the caller repeats it.
"""

from __future__ import annotations

from .arrival import close_part, complete, discard
from .assembly import (
    claim_final,
    final_lease,
    give_back_final,
    hand_over_final,
    overdue_finals,
    put_off_final,
    reclaim_final,
    renew_final,
    wait_for_parts,
)
from .attachment import (
    Obstacle,
    Outcome,
    announce,
    attach,
    check_attachable,
    delete,
    expired,
    expiry,
    keep,
    let_go,
    obstacle,
    reconcile,
    untrue,
)
from .claims import Claim, ClaimLost, accept, claim, give_back, reject, renew
from .decisions import KEPT, REPROCESSABLE, block, is_reprocessable, reprocess
from .leases import FIRST_DELAY, HAND_OVER, LEASE, MAX_ATTEMPTS, back_off
from .recovery import not_handed_over, overdue, reclaim
from .takedown import claim_blocked, renew_blocked, settle_blocked
from .transitions import MAX_DETAIL, asset_waiting

__all__ = [
    "FIRST_DELAY",
    "HAND_OVER",
    "KEPT",
    "LEASE",
    "MAX_ATTEMPTS",
    "MAX_DETAIL",
    "REPROCESSABLE",
    "Claim",
    "ClaimLost",
    "Obstacle",
    "Outcome",
    "accept",
    "announce",
    "asset_waiting",
    "attach",
    "back_off",
    "block",
    "check_attachable",
    "claim",
    "claim_blocked",
    "claim_final",
    "close_part",
    "complete",
    "delete",
    "discard",
    "expired",
    "expiry",
    "final_lease",
    "give_back",
    "give_back_final",
    "hand_over_final",
    "is_reprocessable",
    "keep",
    "let_go",
    "not_handed_over",
    "obstacle",
    "overdue",
    "overdue_finals",
    "put_off_final",
    "reclaim",
    "reclaim_final",
    "reconcile",
    "reject",
    "renew",
    "renew_blocked",
    "renew_final",
    "reprocess",
    "settle_blocked",
    "untrue",
    "wait_for_parts",
]
