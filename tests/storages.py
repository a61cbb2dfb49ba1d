"""Storages that are no file systems to Django: obedient ones and awkward ones."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from django.core.files.base import File
from django.core.files.storage import Storage


class OneWay(io.RawIOBase):
    """A reader without a descriptor that goes forward only, as the body of a response does."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(min(len(buffer), 1000))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


class RemoteStorage(Storage):
    """Keeps its objects in a folder, of which it says nothing. Its files cannot seek."""

    def __init__(self, location: str) -> None:
        self._location = Path(location)

    def objects(self) -> list[str]:
        return sorted(str(path.relative_to(self._location)) for path in self._files())

    def _files(self) -> Iterator[Path]:
        return (path for path in self._location.rglob("*") if path.is_file())

    def _at(self, name: str) -> Path:
        return self._location / name

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        return File(OneWay(self._at(name).open("rb")), name)  # type: ignore[arg-type]

    def _save(self, name: str, content: File[bytes]) -> str:
        self._at(name).parent.mkdir(parents=True, exist_ok=True)
        with self._at(name).open("wb") as file:
            for chunk in content.chunks():
                file.write(chunk)
        return name

    def delete(self, name: str) -> None:
        self._at(name).unlink()

    def exists(self, name: str) -> bool:
        return self._at(name).exists()

    def size(self, name: str) -> int:
        return self._at(name).stat().st_size

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        found = list(self._at(path).iterdir())
        return [item.name for item in found if item.is_dir()], [item.name for item in found if item.is_file()]


class RenamingStorage(RemoteStorage):
    """Never uses the name that it is asked to."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return f"{name}_{uuid4().hex[:7]}"


class UnrelatedStorage(RemoteStorage):
    """Gives names that have nothing in common with those it is asked to use."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return f"objects/{uuid4().hex}"


class Broken(Exception):
    """Something of a vendor's; its text is nobody's business."""


class BreakingStorage(RemoteStorage):
    """Fails at the steps that are in ``broken``, and makes errors of its own of all that it meets while it saves."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.broken: set[str] = set()

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        self._at_step("before")
        return super().get_available_name(name, max_length)

    def _save(self, name: str, content: File[bytes]) -> str:
        try:
            self._at(name).parent.mkdir(parents=True, exist_ok=True)
            with self._at(name).open("wb") as file:
                file.write(content.read(10))
                self._at_step("half")
                file.write(content.read())
        except Exception as error:
            raise Broken("secret") from error
        self._at_step("after")
        return name

    def size(self, name: str) -> int:
        self._at_step("size")
        return super().size(name) - ("short" in self.broken)

    def delete(self, name: str) -> None:
        self._at_step("delete")
        super().delete(name)

    def _at_step(self, step: str) -> None:
        if step in self.broken:
            raise Broken("secret")
