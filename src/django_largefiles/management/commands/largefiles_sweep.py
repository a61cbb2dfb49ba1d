from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from ...sweeper import sweep


class Command(BaseCommand):
    help = (
        "Remove uploads that have expired, hand over files that no worker works on, and empty rejected ones. "
        "To be run every minute, by cron or as the Celery task django_largefiles.tasks.sweep."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        swept = sweep()
        self.stdout.write(f"{swept.expired} expired, {swept.handed_over} handed over, {swept.emptied} emptied")
