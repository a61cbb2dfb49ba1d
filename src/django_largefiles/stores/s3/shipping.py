"""Uploads of parts in the background, while the next bytes arrive."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from ...options import MIB

MOST_AT_ONCE = 3
BYTES_AT_ONCE = 32 * MIB
"""Bytes of parts that are being uploaded; at least one part is allowed. Another is filled meanwhile."""


class Shipping:
    """Runs a few uploads in the background; ``run`` waits until there is room for another."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="largefiles-s3")
        self._under_way: deque[Future[None]] = deque()

    def run(self, upload: Callable[[], None], size: int) -> None:
        """Start an upload of ``size`` bytes. Raise the error of an earlier one."""
        most = min(MOST_AT_ONCE, max(1, BYTES_AT_ONCE // max(1, size)))
        while len(self._under_way) >= most:
            self._under_way.popleft().result()
        self._under_way.append(self._pool.submit(upload))

    def wait(self) -> None:
        """Wait until all uploads are complete. Raise the error of one that failed."""
        while self._under_way:
            self._under_way.popleft().result()

    def close(self) -> None:
        """Start no further upload; those in progress may still be completed."""
        self._pool.shutdown(wait=False, cancel_futures=True)
