from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from ... import lifecycle
from ...models import FileAsset, FileAssetQuerySet
from ...states import Reason
from ..selection import age, in_pages


class Command(BaseCommand):
    help = (
        "Process files again: those with the given ids, or those that match --state, --reason and --older-than. "
        "A file that was ready cannot be downloaded until it is ready again. Prints the id of each."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ids", nargs="*", type=UUID, metavar="id")
        parser.add_argument("--state", choices=[str(state) for state in lifecycle.REPROCESSABLE])
        parser.add_argument("--reason", choices=Reason.values, help="the reason of the rejection or failure")
        parser.add_argument("--older-than", type=age, metavar="age", help="processed longer ago: 90m, 12h, 7d")
        parser.add_argument("--dry-run", action="store_true", help="only print the ids")

    def handle(
        self,
        *args: Any,
        ids: list[UUID],
        state: str | None,
        reason: str | None,
        older_than: timedelta | None,
        dry_run: bool,
        **options: Any,
    ) -> None:
        if not (ids or state or reason or older_than):
            raise CommandError("Give ids, or at least one of --state, --reason and --older-than.")
        chosen = _chosen(ids, state, reason, older_than)
        missing = set(ids) - set(chosen.values_list("pk", flat=True)) if ids else set()
        for asset_id in sorted(missing):
            self.stderr.write(f"{asset_id} does not exist, or does not match the options")
        count = 0
        for asset in in_pages(chosen):
            if dry_run or lifecycle.reprocess(asset.pk):
                self.stdout.write(str(asset.pk))
                count += 1
        self.stdout.write(f"{count} files {'would' if dry_run else 'will'} be processed again.")
        if missing:
            raise CommandError(f"{len(missing)} of {len(ids)} files cannot be processed again.")


def _chosen(ids: list[UUID], state: str | None, reason: str | None, older_than: timedelta | None) -> FileAssetQuerySet:
    assets = FileAsset.objects.filter(state__in=lifecycle.REPROCESSABLE)
    if ids:
        assets = assets.filter(pk__in=ids)
    if state:
        assets = assets.filter(state=state)
    if reason:
        assets = assets.filter(reason=reason)
    if older_than:
        assets = assets.filter(processed_at__lt=timezone.now() - older_than)
    return assets
