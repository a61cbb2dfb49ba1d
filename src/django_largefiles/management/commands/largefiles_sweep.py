from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from ...sweeper import sweep


class Command(BaseCommand):
    help = (
        "Remove expired uploads, hand over files that no worker processes, send signals that a crash has delayed, "
        "remove the bytes of rejected and deleted files, delete files of forms that were never saved, "
        "and check some attachments and what some owners use. "
        "Run it every minute, by cron or as the Celery task django_largefiles.tasks.sweep."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        counts = asdict(sweep()).items()
        self.stdout.write(", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts))
