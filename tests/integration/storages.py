"""Storages for the processes of the example project."""

from __future__ import annotations

import time

from django.core.files.base import File

from tests.storages import RemoteStorage


class PausingStorage(RemoteStorage):
    """Stops at the step that is named in the file ``pause`` beside its folder, having said so in ``paused``."""

    def _save(self, name: str, content: File[bytes]) -> str:
        self._at(name).parent.mkdir(parents=True, exist_ok=True)
        with self._at(name).open("wb") as file:
            file.write(content.read(1000))
            file.flush()
            self._pause("half")
            for chunk in iter(lambda: content.read(64 * 1024), b""):
                file.write(chunk)
        return name

    def size(self, name: str) -> int:
        self._pause("after")
        return super().size(name)

    def _pause(self, step: str) -> None:
        beside = self._location.parent
        pause = beside / "pause"
        if pause.exists() and pause.read_text() == step:
            (beside / "paused").touch()
            while pause.exists():
                time.sleep(0.05)
