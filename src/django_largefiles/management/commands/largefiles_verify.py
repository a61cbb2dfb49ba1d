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
        "Read all stored files, and compare their sizes and digests with the recorded ones. Prints a line for each "
        "file that differs or cannot be read, and fails if there are any. Changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ids", nargs="*", type=UUID, metavar="id", help="verify only these files")
        parser.add_argument("--after", type=UUID, metavar="id", help="continue after this file, in the order of ids")

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
            raise CommandError(f"{faults} of {total} files differ or cannot be read.")
        self.stdout.write(f"{total} files verified.")

    def _check_known(self, ids: list[UUID], known: set[UUID]) -> None:
        for asset_id in ids:
            if asset_id not in known:
                raise CommandError(f"{asset_id} is not an asset with stored bytes and a digest.")
