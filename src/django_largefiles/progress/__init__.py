"""Follow assets while they arrive and are processed.

One hub in each event loop reads the rows of all assets that are followed there, by one query each half second for any
number of watchers. It gives each watcher the latest of each asset and keeps nothing else: an update that a slow reader
has not taken is replaced by the next.
"""

from __future__ import annotations

from .status import Status
from .updates import Update
from .watching import watch

__all__ = ["Status", "Update", "watch"]
