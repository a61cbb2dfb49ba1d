from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.management.base import BaseCommand, CommandError

from ...doors.ingest import ingest
from ...exceptions import Refusal, StoreError
from ...options import DEFAULT_PROFILE
from ..progress import percentage


class Command(BaseCommand):
    help = "Create assets from local files, under the rules of a profile, and print the id of each."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="path")
        parser.add_argument("--profile", default=DEFAULT_PROFILE, help="the profile (default: %(default)s)")
        parser.add_argument("--owner", default="", metavar="username", help="the owner of the files")

    def handle(self, *args: Any, paths: list[Path], profile: str, owner: str, **options: Any) -> None:
        user = _user(owner) if owner else None
        for path in paths:
            try:
                progress = percentage(self.stderr, path.name, path.stat().st_size)
                asset = ingest(path, owner=user, profile=profile, progress=progress)
            except (Refusal, StoreError) as error:
                raise CommandError(f"{path}: {error.detail} ({error.code})") from error
            except OSError as error:
                raise CommandError(f"{path}: {error.strerror}") from error
            self.stdout.write(f"{asset.pk} {path}")


def _user(name: str) -> AbstractBaseUser:
    users = get_user_model()
    try:
        return users._default_manager.get_by_natural_key(name)
    except users.DoesNotExist as error:
        raise CommandError(f"There is no user {name!r}.") from error
