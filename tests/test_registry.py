from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

import pytest

from django_largefiles.exceptions import NotImportable
from django_largefiles.registry import load, load_class


class Engine(ABC):
    @abstractmethod
    def start(self) -> None: ...


class Petrol(Engine):
    def start(self) -> None: ...


class Stalling(Petrol):
    def __init__(self) -> None:
        raise RuntimeError("no petrol")


HERE = __name__
an_instance = Petrol()


@pytest.fixture
def broken_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that raises as it is imported."""
    (tmp_path / "broken_module.py").write_text("raise RuntimeError('out of order')\n")
    monkeypatch.syspath_prepend(tmp_path)


def test_a_class_is_found_by_its_path() -> None:
    assert load_class(f"{HERE}.Petrol", Engine, "ENGINE") is Petrol


def test_the_base_itself_may_be_meant() -> None:
    assert load_class(f"{HERE}.Petrol", Petrol, "ENGINE") is Petrol


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("Petrol", id="no dots"),
        pytest.param("", id="empty"),
        pytest.param("nowhere.Petrol", id="no module"),
        pytest.param(f"{HERE}.Diesel", id="no such name"),
        pytest.param("broken_module.Petrol", id="module that raises"),
        pytest.param("collections.OrderedDict", id="another class"),
        pytest.param(f"{HERE}.an_instance", id="instance"),
        pytest.param(HERE, id="module"),
        pytest.param(f"{HERE}.Engine", id="abstract class"),
    ],
)
@pytest.mark.parametrize("find", [load_class, load])
def test_a_path_to_nothing_usable_is_named_with_its_setting(
    find: Callable[[str, type[Engine], str], object], path: str, broken_module: None
) -> None:
    with pytest.raises(NotImportable) as raised:
        find(path, Engine, "ENGINE")
    assert str(raised.value).startswith(f"ENGINE: {path!r} ")
    assert raised.value.value == path


def test_what_an_abstract_class_lacks_is_told() -> None:
    with pytest.raises(NotImportable, match="start"):
        load_class(f"{HERE}.Engine", Engine, "ENGINE")


def test_a_class_of_which_no_instance_can_be_made_is_named_with_its_setting() -> None:
    with pytest.raises(NotImportable, match=r"no petrol") as raised:
        load(f"{HERE}.Stalling", Engine, "ENGINE")
    assert str(raised.value).startswith(f"ENGINE: '{HERE}.Stalling' ")
    assert raised.value.value == f"{HERE}.Stalling"


def test_there_is_one_instance_of_a_path() -> None:
    assert load(f"{HERE}.Petrol", Engine, "ENGINE") is load(f"{HERE}.Petrol", Engine, "ENGINE")


def test_a_failure_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotImportable):
        load(f"{HERE}.Later", Engine, "ENGINE")
    monkeypatch.setattr(f"{HERE}.Later", Petrol, raising=False)
    assert isinstance(load(f"{HERE}.Later", Engine, "ENGINE"), Petrol)
