from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from celery import current_app
from django.core.checks import CheckMessage, Warning as CheckWarning

from .. import tasks
from .base import Dispatcher


class CeleryDispatcher(Dispatcher):
    """Sends ``django_largefiles.tasks.process``."""

    def dispatch(self, asset_id: UUID) -> None:
        # A request must not wait for a broker that is down: the sweeper does the retrying.
        tasks.process.apply_async((str(asset_id),), retry=False)

    def check(self) -> Sequence[CheckMessage]:
        if current_app.conf.broker_url or current_app.conf.task_always_eager:
            return ()
        return [
            CheckWarning(
                "Celery has no broker: uploads would wait for a worker for ever.",
                hint="Set broker_url in your Celery app and import the app in your project's __init__, or set "
                'LARGEFILES["DISPATCHER"] to "django_largefiles.dispatch.immediate.ImmediateDispatcher".',
                id="django_largefiles.W003",
            )
        ]
