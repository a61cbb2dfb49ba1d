from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from uuid import UUID

from django.core.checks import CheckMessage


class Dispatcher(ABC):
    """Hands an asset to ``pipeline.process``, in this process or another.

    Guarantees: ``dispatch`` is called after the commit, and called again later for an asset that no worker has
    claimed.

    Requirements: return soon; raise an exception if the asset was certainly not handed over; send only the id.
    """

    @abstractmethod
    def dispatch(self, asset_id: UUID) -> None:
        """Have ``pipeline.process`` called with the id. Raise any exception if it will certainly not be."""

    def check(self) -> Sequence[CheckMessage]:
        """Return messages of the system checks about this dispatcher's own settings."""
        return ()
