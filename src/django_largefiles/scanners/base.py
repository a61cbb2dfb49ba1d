"""What a scanner is, what it gets, and what it answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.checks import CheckMessage

from ..states import ScanVerdict


class Abandoned(Exception):
    """Nobody waits for this scan any more: let go of everything."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One file on its way through one scanner."""

    size: int
    """Bytes."""
    chunks: Iterable[bytes]
    """All of its bytes, once. Raises ``Abandoned``."""
    descriptor: int | None = None
    """The file, opened for this scan and closed after it; ``None`` where it lies on another machine."""
    abandoned: Callable[[], bool] = lambda: False
    """Whether the answer is still waited for. To be asked every second or so by a scanner that waits."""


@dataclass(frozen=True, kw_only=True)
class ScanResult:
    verdict: ScanVerdict
    threat: str = ""
    """What was found, by the engine's name for it."""
    detail: str = ""
    """For the staff: why, where the verdict is neither clean nor infected. At most 1,000 characters are kept."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Who is answering, as far as it tells."""

    version: str = ""
    signatures: str = ""
    """The version of the signatures."""
    signatures_at: datetime | None = None
    """When they were made."""


class Scanner(ABC):
    """A virus scanner. Named in ``SCANNERS``, and made anew for each file, with ``OPTIONS`` as keyword arguments.

    Ours: a thread of its own for ``engine`` and then ``scan``, once each; a bounded number of chunks held for it,
    however slow it is; the lease on the file kept meanwhile. What a scanner raises is recorded as the verdict
    ``error``, and so is a verdict of another type, and ``clean`` from one that ``needs_bytes`` but has not taken all.
    One that takes no chunk and gives no answer for ``patience`` seconds is abandoned.

    Yours: ``CLEAN`` only with positive proof that the engine has looked at every byte. ``UNSCANNABLE`` for what no
    further attempt can scan (too large, empty, encrypted), ``ERROR`` for what may pass. Time limits on whatever
    may hang, and a limit on whatever is read from the engine. No database: the thread has no connection.
    """

    patience: float = 600
    """Seconds without a sign of life, after which a scan is abandoned."""

    max_size: int | None = None
    """Bytes of the largest file that it takes; ``None`` where there is no limit."""

    @property
    def name(self) -> str:
        """As it stands in an asset's ``scan_detail``."""
        return type(self).__qualname__

    def needs_bytes(self, sample: Sample) -> bool:
        """Whether ``scan`` reads ``sample.chunks``. Where nobody does, the file is not read."""
        return True

    def engine(self) -> Engine:
        """Which engine and signatures are at work now. Raises where there is none."""
        return Engine()

    @abstractmethod
    def scan(self, sample: Sample) -> ScanResult:
        """The verdict on one file. May raise anything."""

    def check(self) -> Sequence[CheckMessage]:
        """What the system checks should tell of this scanner's own settings. No network here."""
        return ()
