"""Ending the requests whose upload another request has taken over.

A client that lost its connection goes on over a new one. The old request may be waiting for bytes that never come, and
would keep its thread until ``BODY_TIMEOUT``: a few of them would occupy a server. So every process knows its requests
that read the body of an upload, and how to end them. It looks for their leases in the database: at once when a request
of its own takes an upload over, and every ``INTERVAL`` for what other processes do.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import TypeAlias
from uuid import UUID

from django.db import Error, close_old_connections, connections, router

from ..models import Upload

logger = logging.getLogger(__name__)

INTERVAL = 0.25
"""Seconds between two looks at the leases of all requests of this process, by one query."""

Leases: TypeAlias = Mapping[UUID, UUID | None]
"""The tokens of uploads; those that are gone are missing."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """A request that reads the body of an upload under a lease. ``hang_up`` makes it read the end of the body."""

    upload_id: UUID
    token: UUID
    hang_up: Callable[[], object]
    since: float = field(default_factory=time.monotonic)


class Watch:
    """The requests of this process that read the bodies of uploads, and the thread that looks for their leases.

    The thread runs only while there are such requests.
    """

    def __init__(self, leases_of: Callable[[Collection[UUID]], Leases]) -> None:
        self._leases_of = leases_of
        self.forget()

    def forget(self) -> None:
        """Forget all requests, in the child of a fork: they and the thread belong to its parent."""
        self._lock = Lock()
        self._readings = set[Reading]()
        self._thread: Thread | None = None

    @contextmanager
    def reading(self, upload_id: UUID, token: UUID, hang_up: Callable[[], object]) -> Iterator[None]:
        """Call ``hang_up`` at most once, from another thread, if the lease is lost during the block.

        It is never called after the block: the connection may serve another request by then.
        """
        reading = Reading(upload_id=upload_id, token=token, hang_up=hang_up)
        with self._lock:
            self._readings.add(reading)
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._run, name="largefiles-takeover", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._readings.discard(reading)

    def check(self, upload_id: UUID) -> None:
        """End the requests of this process that have lost the lease of this upload. There is a query only if any."""
        with self._lock:
            readings = [reading for reading in self._readings if reading.upload_id == upload_id]
        self._end_lost(readings)

    def check_all(self) -> None:
        """As ``check``, for all requests that are older than ``INTERVAL``."""
        with self._lock:
            before = time.monotonic() - INTERVAL
            readings = [reading for reading in self._readings if reading.since <= before]
        self._end_lost(readings)

    def _end_lost(self, readings: Iterable[Reading]) -> None:
        upload_ids = {reading.upload_id for reading in readings}
        if not upload_ids:
            return
        leases = self._leases_of(upload_ids)
        with self._lock:
            # Those that ended during the query are not called.
            for reading in self._readings.intersection(readings):
                if leases.get(reading.upload_id) != reading.token:
                    self._readings.discard(reading)
                    reading.hang_up()

    def _run(self) -> None:
        while self._is_needed():
            try:
                self.check_all()
            except Error as error:
                logger.warning("Cannot look for uploads that were taken over, and will try again: %s", error)
            # The rules for connections are those of requests.
            close_old_connections()
        connections.close_all()

    def _is_needed(self) -> bool:
        """Wait for the next look, and return whether there is anything to look for; if not, the thread must end."""
        time.sleep(INTERVAL)
        with self._lock:
            if not self._readings:
                self._thread = None
            return bool(self._readings)


def stored_leases(upload_ids: Collection[UUID]) -> Leases:
    uploads = Upload.objects.using(router.db_for_write(Upload)).filter(pk__in=upload_ids)
    return dict(uploads.values_list("pk", "lease_token"))


watch = Watch(stored_leases)
os.register_at_fork(after_in_child=watch.forget)
