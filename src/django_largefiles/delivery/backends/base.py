"""The interface of backends: what sends the bytes of a download."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponseBase

from ...models import FileAsset
from ...protocols.ranges import ByteRange
from ...stores.base import Store


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A ``GET`` or ``HEAD`` whose preconditions hold, for the bytes of a ready asset."""

    request: HttpRequest
    asset: FileAsset
    ranges: tuple[ByteRange, ...]
    """What ``Range`` asks for; empty for the whole file."""
    headers: Mapping[str, str]
    """Those of a 200, without ``Content-Length``."""

    @property
    def size(self) -> int:
        return self.asset.size or 0


class Backend(ABC):
    """Sends files of one store. ``alias`` is that of their storage in ``STORAGES``."""

    def __init__(self, store: Store, alias: str) -> None:
        self.store = store
        self.alias = alias

    @property
    def problem(self) -> str:
        """What keeps this backend from sending files of the store; empty if nothing does."""
        return ""

    def answers(self, delivery: Delivery) -> bool:
        """Return whether this backend would answer the request as Django does. If not, Django streams."""
        return True

    @abstractmethod
    def respond(self, delivery: Delivery) -> HttpResponseBase:
        """Return the answer. Raise ``StoreError``."""
