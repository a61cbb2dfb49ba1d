"""The interface of scanners: what a scanner gets, and what it answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.checks import CheckMessage

from ..states import ScanVerdict


class Abandoned(Exception):
    """The scan was abandoned: release all resources."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One file, as one scanner gets it."""

    size: int
    """Bytes."""
    chunks: Iterable[bytes]
    """All bytes of the file, once. Iterating raises ``Abandoned``."""
    descriptor: int | None = None
    """The file, opened for this scan and closed after it; ``None`` if it is on another machine."""
    abandoned: Callable[[], bool] = lambda: False
    """Whether the answer is no longer needed. A scanner that waits should ask about every second."""


@dataclass(frozen=True, kw_only=True)
class ScanResult:
    verdict: ScanVerdict
    threat: str = ""
    """The engine's name of what was found."""
    detail: str = ""
    """For operators: the reason for a verdict that is neither clean nor infected. 1,000 characters are kept."""


@dataclass(frozen=True, kw_only=True)
class Unpacking:
    """What an engine is known to read of an archive. It may pass over other members without a word.

    The limits are those of an archive's figures: sizes in bytes, unpacked.
    """

    methods: frozenset[str]
    """How members may be packed: ``stored``, ``deflate``, ``bzip2``, ``gzip``, ``xz`` and others."""
    member_size: int
    total_size: int
    """Of the archive and all its members together."""
    members: int


@dataclass(frozen=True, kw_only=True)
class Engine:
    """The engine that answers, as far as it is known."""

    version: str = ""
    signatures: str = ""
    """The version of the signatures."""
    signatures_at: datetime | None = None
    """When the signatures were published."""


class Scanner(ABC):
    """A virus scanner. ``SCANNERS`` names it; it is created for each file, with ``OPTIONS`` as keyword arguments.

    Guarantees: ``engine`` and then ``scan`` are called once each, in a thread of the scanner's own. A bounded number
    of chunks is kept for it, however slow it is, and the lease on the file is renewed meanwhile. An exception is
    recorded as the verdict ``error``; so are a verdict of another type, and ``clean`` from a scanner that
    ``needs_bytes`` and has not taken all of them. A scanner that takes no chunk and gives no answer for ``patience``
    seconds is abandoned.

    Requirements: answer ``CLEAN`` only with positive proof that the engine has scanned every byte, ``UNSCANNABLE`` for
    files that no further attempt can scan (too large, empty, encrypted), and ``ERROR`` for conditions that may pass.
    Set time limits for everything that may hang, and a limit on what is read from the engine. Do not use the database:
    the thread has no connection.
    """

    patience: float = 600
    """Seconds without activity after which a scan is abandoned."""

    max_size: int | None = None
    """Bytes of the largest file that it takes; ``None`` for no limit."""

    unpacking: Unpacking | None = None
    """What it reads of archives; ``None`` if its answer holds for all their members.

    A clean archive with a member beyond this, or with an encrypted one, becomes *unscannable*.
    """

    @property
    def name(self) -> str:
        """The name in an asset's ``scan_detail``."""
        return type(self).__qualname__

    def needs_bytes(self, sample: Sample) -> bool:
        """Return whether ``scan`` reads ``sample.chunks``. If no scanner does, the file is not read."""
        return True

    def engine(self) -> Engine:
        """Return the present engine and signatures. Raise an exception if there is none."""
        return Engine()

    @abstractmethod
    def scan(self, sample: Sample) -> ScanResult:
        """Return the verdict on one file. May raise any exception."""

    def check(self) -> Sequence[CheckMessage]:
        """Return messages of the system checks about the scanner's settings. Do not use the network."""
        return ()
