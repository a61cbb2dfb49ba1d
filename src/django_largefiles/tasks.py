"""Celery tasks: the periodic one, and that of the dispatcher, which Celery discovers here."""

from __future__ import annotations

from celery import shared_task

from . import sweeper
from .dispatch.celery import process

__all__ = ["process", "sweep"]

SWEEP_TIME_LIMIT = 600
SWEEP_EXPIRES = 3600
"""Seconds. While no worker runs, each minute queues one more message; most of them must expire unprocessed."""


@shared_task(
    name="django_largefiles.tasks.sweep",
    ignore_result=True,
    expires=SWEEP_EXPIRES,
    soft_time_limit=SWEEP_TIME_LIMIT,
    time_limit=SWEEP_TIME_LIMIT + 60,
)
def sweep() -> None:
    """Sweep once; to be scheduled every minute. See ``sweeper.sweep``."""
    sweeper.sweep()
