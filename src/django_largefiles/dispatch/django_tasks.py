"""Dispatch by Django's own task framework (Django 6.0 and later)."""

from __future__ import annotations

import logging
from uuid import UUID

from django.tasks import task

from ..pipeline import processing
from .base import Dispatcher

logger = logging.getLogger(__name__)


@task()
def process(asset_id: str) -> None:
    """Process one asset. The framework does not retry; the sweeper does."""
    try:
        processing.process(UUID(asset_id))
    except processing.TryAgain as again:
        logger.warning(
            "Could not process asset %s; the sweeper will try again in %s at the earliest.", asset_id, again.delay
        )


class DjangoTasksDispatcher(Dispatcher):
    """Enqueues a task in the default backend of ``TASKS``."""

    def dispatch(self, asset_id: UUID) -> None:
        process.enqueue(str(asset_id))
