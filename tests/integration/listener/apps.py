from __future__ import annotations

import os
import time
from typing import Any

from django.apps import AppConfig
from django.conf import settings

from django_largefiles import signals


def write_down(name: str, asset: Any) -> None:
    descriptor = os.open(settings.DATA_DIR / "signals.log", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.write(descriptor, f"{name} {asset.pk} {os.getpid()} {time.time()}\n".encode())
    os.close(descriptor)


class ListenerConfig(AppConfig):
    name = "tests.integration.listener"

    def ready(self) -> None:
        for name in ("received", "ready", "rejected", "failed"):

            def hear(asset: Any, name: str = name, **_: Any) -> None:
                write_down(name, asset)

            getattr(signals, f"asset_{name}").connect(hear, weak=False)
