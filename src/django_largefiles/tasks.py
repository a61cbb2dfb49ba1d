"""The Celery tasks. They hold no rules: the pipeline and the sweeper do."""

from __future__ import annotations

from uuid import UUID

from celery import Task, shared_task

from . import pipeline, sweeper
from .lifecycle import MAX_ATTEMPTS

SOFT_TIME_LIMIT = 3600
"""Seconds; the longest that a read pass over a file may take."""


@shared_task(
    bind=True,
    name="django_largefiles.tasks.process",
    ignore_result=True,
    acks_late=True,
    reject_on_worker_lost=True,
    max_retries=MAX_ATTEMPTS,
    soft_time_limit=SOFT_TIME_LIMIT,
    time_limit=SOFT_TIME_LIMIT + 60,
)
def process(self: Task[[str], None], asset_id: str) -> None:
    """Process one asset; see ``pipeline.process``."""
    try:
        pipeline.process(UUID(asset_id))
    except pipeline.TryAgain as again:
        raise self.retry(exc=again, countdown=again.delay.total_seconds()) from again


SWEEP_TIME_LIMIT = 600
SWEEP_EXPIRES = 3600
"""Seconds. Without workers there is one message more each minute: they must not all be left to do when one comes."""


@shared_task(
    name="django_largefiles.tasks.sweep",
    ignore_result=True,
    expires=SWEEP_EXPIRES,
    soft_time_limit=SWEEP_TIME_LIMIT,
    time_limit=SWEEP_TIME_LIMIT + 60,
)
def sweep() -> None:
    """Sweep once; to be scheduled every minute or so. See ``sweeper.sweep``."""
    sweeper.sweep()
