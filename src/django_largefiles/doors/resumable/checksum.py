"""The checksum of a request's body (tus, extensions checksum and checksum-trailer)."""

from __future__ import annotations

from ...exceptions import MissingHeader
from ...protocols import tus
from ...protocols.checksums import CHECKSUM_ALGORITHMS, Checksum, new_hasher, verify
from .exchange import Exchange


class AnnouncedChecksum:
    """The checksum of a request's body, from its header, or from the trailer behind the body.

    A trailer names the algorithm too late, so that all hashers have to see the bytes.
    """

    def __init__(self, checksum: Checksum | None) -> None:
        algorithms = [checksum.algorithm] if checksum else CHECKSUM_ALGORITHMS
        self._hashers = {algorithm: new_hasher(algorithm) for algorithm in algorithms}
        self._checksum = checksum

    def update(self, chunk: bytes) -> None:
        for hasher in self._hashers.values():
            hasher.update(chunk)

    def verify(self, exchange: Exchange) -> None:
        """Compare the checksums once the whole body was read.

        Raise ``ChecksumMismatch``, ``MissingHeader``, ``MalformedHeader`` and ``UnsupportedChecksum``.
        """
        checksum = self._checksum or tus.parse_checksum(exchange.trailer("Upload-Checksum"))
        if checksum is None:
            raise MissingHeader("the trailer has no Upload-Checksum, though the Trailer header announced it")
        verify(checksum, self._hashers[checksum.algorithm])


def announced_checksum(exchange: Exchange) -> AnnouncedChecksum | None:
    """Return the checksum that the headers give or announce. Raise ``MalformedHeader`` and ``UnsupportedChecksum``."""
    checksum = tus.parse_checksum(exchange.header("Upload-Checksum"))
    if checksum or tus.announces_checksum(exchange.header("Trailer")):
        return AnnouncedChecksum(checksum)
    return None
