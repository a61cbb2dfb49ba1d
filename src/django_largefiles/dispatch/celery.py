from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from celery import Task, current_app, shared_task
from django.core.checks import CheckMessage, Warning as CheckWarning

from ..lifecycle import MAX_ATTEMPTS
from ..pipeline import processing
from .automatic import PROCESS_TASK
from .base import Dispatcher

ONCE = {"max_retries": 1, "interval_start": 0, "interval_step": 0}
"""A connection of the pool may have been closed without notice, so try a second time, at once."""

SOFT_TIME_LIMIT = 3600
"""Seconds. The longest that a read pass over a file may take."""


@shared_task(
    bind=True,
    name=PROCESS_TASK,
    ignore_result=True,
    acks_late=True,
    reject_on_worker_lost=True,
    max_retries=MAX_ATTEMPTS,
    soft_time_limit=SOFT_TIME_LIMIT,
    time_limit=SOFT_TIME_LIMIT + 60,
)
def process(self: Task[[str], None], asset_id: str) -> None:
    """Process one asset; see ``pipeline.processing.process``."""
    try:
        processing.process(UUID(asset_id))
    except processing.TryAgain as again:
        raise self.retry(exc=again, countdown=again.delay.total_seconds()) from again


class CeleryDispatcher(Dispatcher):
    """Sends the task ``django_largefiles.tasks.process``."""

    def dispatch(self, asset_id: UUID) -> None:
        with current_app.producer_or_acquire() as producer:
            if not current_app.conf.task_always_eager:
                # A request must not wait for a broker that is down. Without this, publishing opens the connection
                # and kombu retries for seconds. The sweeper tries again later.
                producer.connection.ensure_connection(**ONCE)
            process.apply_async((str(asset_id),), producer=producer, retry_policy=ONCE)

    def check(self) -> Sequence[CheckMessage]:
        if current_app.conf.broker_url or current_app.conf.task_always_eager:
            return ()
        return [
            CheckWarning(
                "LARGEFILES: DISPATCHER: Celery has no broker_url, so uploads would wait for a worker for ever.",
                hint="Set broker_url in your Celery app and import the app in your project's __init__, or set "
                "DISPATCHER to 'django_largefiles.dispatch.immediate.ImmediateDispatcher'.",
                id="django_largefiles.W002",
            )
        ]
