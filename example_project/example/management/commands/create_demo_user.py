from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Create the superuser demo with the password demo, unless a superuser exists."

    def handle(self, *_args: Any, **_options: Any) -> None:
        users = get_user_model()._default_manager
        if users.filter(is_superuser=True).exists():
            return
        users.create_superuser("demo", password="demo")
        self.stdout.write("Created the superuser demo with the password demo.")
