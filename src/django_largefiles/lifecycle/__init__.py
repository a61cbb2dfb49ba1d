"""The only code that writes ``FileAsset.state``.

Each transition is one compare-and-set: an ``UPDATE`` that names the states it may start from. If no row matches,
another process won: the function returns ``False``, or raises ``ClaimLost`` if it acts for a worker, and the caller
cleans up. Signals are sent after the commit, by the process that won; ``outbox.signals`` says what happens if it dies
before.

Transitions run in a transaction of their own and are repeated if the database ends it because of another. In a
transaction of the caller's they are part of that, and the caller repeats it.
"""

from __future__ import annotations

from .arrival import close_part, complete, discard
from .claims import Claim, ClaimLost, accept, claim, give_back, reject, renew
from .decisions import KEPT, REPROCESSABLE, block, reprocess
from .leases import FIRST_DELAY, HAND_OVER, LEASE, MAX_ATTEMPTS, back_off
from .recovery import not_handed_over, overdue, reclaim
from .transitions import asset_waiting

__all__ = [
    "FIRST_DELAY",
    "HAND_OVER",
    "KEPT",
    "LEASE",
    "MAX_ATTEMPTS",
    "REPROCESSABLE",
    "Claim",
    "ClaimLost",
    "accept",
    "asset_waiting",
    "back_off",
    "block",
    "claim",
    "close_part",
    "complete",
    "discard",
    "give_back",
    "not_handed_over",
    "overdue",
    "reclaim",
    "reject",
    "renew",
    "reprocess",
]
