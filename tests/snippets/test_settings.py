"""Settings of the documentation pass the package's own checks, Django's and Celery's."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from celery.app.defaults import SETTING_KEYS
from django.conf import global_settings
from django.db.utils import ConnectionHandler
from pytest_django.fixtures import Settings

from django_largefiles.checks import check_settings
from django_largefiles.tasks import sweep
from tests.snippets.blocks import Block, blocks, find
from tests.snippets.claims import ways
from tests.snippets.project import run_settings

STORES = """
from django_largefiles.stores.filesystem import FilesystemStore
class MyStore(FilesystemStore): pass
class TapeStore(FilesystemStore): pass
"""
MODULES = {
    "extractors.databases": find("docs/extending/extractors.rst", "class SqliteExtractor(Extractor):").text,
    "mysite": "",
    "mysite.access": find("docs/extending/access.rst", "class TeamPolicy(AccessPolicy):").text,
    "mysite.stores": STORES,
    "scanners": find("docs/extending/scanners.rst", "class HashListScanner(Scanner):").text,
}
"""What settings of the documentation name."""

# E013 is of the database that the tests use.
OF_THE_MACHINE = {f"django_largefiles.{number}" for number in ("W010", "W011", "W012", "E013")}
OF_PACKAGES = {"LARGEFILES", "BASE_DIR", "REST_FRAMEWORK", "SPECTACULAR_SETTINGS"}
NOT_OVERRIDDEN = {"DATABASES", "INSTALLED_APPS"}


@pytest.fixture
def _modules(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, source in MODULES.items():
        module = ModuleType(name)
        exec(source, vars(module))
        monkeypatch.setitem(sys.modules, name, module)


def by_themselves() -> list[Block]:
    return [block for block in blocks() if ways(block) == ["tests/snippets/test_settings.py"]]


def settings_at(block: Block, tmp_path: Path) -> dict[str, Any]:
    """Return all settings of a new project with those of the page, down to ``block``."""
    (tmp_path / "staging").mkdir()
    above = [other.text for other in by_themselves() if other.page == block.page]
    source = "".join(above[: above.index(block.text) + 1])
    return run_settings(source.replace("/srv", str(tmp_path)), tmp_path)


@pytest.mark.django_db
@pytest.mark.parametrize("block", by_themselves(), ids=str)
@pytest.mark.usefixtures("_modules")
def test_settings_pass_the_checks(block: Block, settings: Settings, tmp_path: Path) -> None:
    names = settings_at(block, tmp_path)
    del settings.LARGEFILES
    for name in names.keys() - NOT_OVERRIDDEN:
        setattr(settings, name, names[name])
    assert {message.id for message in check_settings()} <= OF_THE_MACHINE
    check_names(names)
    check_applications(names["INSTALLED_APPS"])
    check_databases(names["DATABASES"])
    check_tasks(names)


def check_names(names: dict[str, Any]) -> None:
    of_celery = {name.removeprefix("CELERY_").lower() for name in names if name.startswith("CELERY_")}
    others = {name for name in names if not name.startswith("CELERY_")}
    assert of_celery <= set(SETTING_KEYS)
    assert others <= {*dir(global_settings), *OF_PACKAGES}


def check_applications(applications: list[str]) -> None:
    for name in applications:
        import_module(name)


def check_databases(databases: dict[str, Any]) -> None:
    """Databases of SQLite can be opened. Of others, which need a server, the options of the pool are valid."""
    for connection in ConnectionHandler(databases).all():
        if connection.vendor == "sqlite":
            connection.ensure_connection()
            connection.close()
        else:
            connection.get_connection_params()
            connection.close_pool()


def check_tasks(names: dict[str, Any]) -> None:
    """Celery has the tasks that its settings name."""
    app = Celery("snippets", set_as_current=False)
    app.config_from_object(SimpleNamespace(**names), namespace="CELERY")
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert {*scheduled, *(app.conf.task_annotations or ()), *(app.conf.task_routes or ())} <= set(sweep.app.tasks)
