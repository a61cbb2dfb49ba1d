from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from ...verification import verifiable, verify
from ..progress import percentage
from ..selection import in_pages


class Command(BaseCommand):
    help = (
        "Read all stored files again, and compare their sizes and digests with those of their arrival. Prints a line "
        "for each that differs or cannot be read, and fails if there is any. Changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ids", nargs="*", type=UUID, metavar="id", help="only these")
        parser.add_argument("--after", type=UUID, metavar="id", help="go on behind this one, in the order of ids")

    def handle(self, *args: Any, ids: list[UUID], after: UUID | None, **options: Any) -> None:
        assets = verifiable()
        if ids:
            assets = assets.filter(pk__in=ids)
            self._check_known(ids, set(assets.values_list("pk", flat=True)))
        if after:
            assets = assets.filter(pk__gt=after)
        faults = total = 0
        for asset in in_pages(assets):
            fault = verify(asset, percentage(self.stderr, str(asset.pk), asset.size or 0))
            total += 1
            if fault:
                faults += 1
                self.stdout.write(f"{asset.pk} {fault.code}: {fault.detail}")
        if faults:
            raise CommandError(f"{faults} of {total} are not what they should be")
        self.stdout.write(f"{total} are what they should be")

    def _check_known(self, ids: list[UUID], known: set[UUID]) -> None:
        for asset_id in ids:
            if asset_id not in known:
                raise CommandError(f"there are no bytes with a digest under {asset_id}")
