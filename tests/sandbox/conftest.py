from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from django_largefiles.sandbox import runner


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    (tmp_path / "sample").write_bytes(b"0123456789abc")
    return tmp_path / "sample"


@pytest.fixture
def media_type() -> str:
    """One that no other process has on its command line."""
    return f"test/{uuid.uuid4()}"


@pytest.fixture
def unconfined(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child keeps all that its parent may do."""
    confine_with(monkeypatch, "lambda spec: []")


def confine_with(monkeypatch: pytest.MonkeyPatch, expression: str) -> None:
    """Have children confine themselves by the function that the expression makes out of the module ``confinement``."""
    changed = f"from django_largefiles.sandbox import confinement\nchild.confine = {expression}\nchild.run()"
    program = runner._START.replace("child.run()", changed)
    assert program != runner._START
    monkeypatch.setattr(runner, "_START", program)


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[Callable[[bytes], int]]:
    """Makes a descriptor that reads the given content."""
    opened: list[int] = []

    def open_with(content: bytes) -> int:
        (tmp_path / "file").write_bytes(content)
        opened.append(os.open(tmp_path / "file", os.O_RDONLY))
        return opened[-1]

    yield open_with
    for each in opened:
        os.close(each)
