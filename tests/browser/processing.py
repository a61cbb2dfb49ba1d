"""In the processes of the sites: assets are processed at once, beside the requests, and as long as a test wants."""

from __future__ import annotations

import time
from threading import Thread
from uuid import UUID

from django.conf import settings
from django.db import connections

from django_largefiles.dispatch.base import Dispatcher
from django_largefiles.pipeline.processing import process
from django_largefiles.scanners.base import Sample, ScanResult
from django_largefiles.testing.scanners import FakeScanner


class ThreadDispatcher(Dispatcher):
    def dispatch(self, asset_id: UUID) -> None:
        Thread(target=_process, args=[asset_id]).start()


def _process(asset_id: UUID) -> None:
    try:
        process(asset_id)
    finally:
        connections.close_all()


class PatientScanner(FakeScanner):
    """Detects EICAR's test string, and does not end before the file ``hold`` is gone from the data folder."""

    def scan(self, sample: Sample) -> ScanResult:
        result = super().scan(sample)
        while (settings.DATA_DIR / "hold").exists() and not sample.abandoned():
            time.sleep(0.05)
        return result
