from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from uuid import UUID

from django.core.checks import CheckMessage


class Dispatcher(ABC):
    """Brings an asset to ``pipeline.process``, in this process or another.

    Ours: to call ``dispatch`` after commit, and again, later, for an asset that no worker has taken up.
    Yours: to return soon; to raise where the asset certainly was not handed over; to carry no more than the id.
    """

    @abstractmethod
    def dispatch(self, asset_id: UUID) -> None: ...

    def check(self) -> Sequence[CheckMessage]:
        """What the system checks should tell of this dispatcher's own settings."""
        return ()
