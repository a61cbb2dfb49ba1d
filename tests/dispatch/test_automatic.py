from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import Celery, current_app

from django_largefiles import tasks
from django_largefiles.dispatch import current_dispatcher
from django_largefiles.dispatch.automatic import CELERY, IMMEDIATE, PROCESS_TASK, choose
from django_largefiles.dispatch.celery import CeleryDispatcher
from django_largefiles.dispatch.immediate import ImmediateDispatcher


@pytest.fixture(autouse=True)
def no_celery_app(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The project has neither a Celery app nor a broker in its environment."""
    monkeypatch.delenv("CELERY_BROKER_URL", raising=False)
    before = current_app._get_current_object()
    Celery("default", set_as_current=False).set_current()
    yield
    before.set_current()


def test_without_a_celery_app_files_are_processed_immediately(settings: Any) -> None:
    settings.LARGEFILES = {}
    assert isinstance(current_dispatcher(), ImmediateDispatcher)
    assert choose().reason == "the project has no Celery app"
    assert not choose().has_celery_app


def test_without_a_broker_files_are_processed_immediately(celery_app: Callable[..., Celery]) -> None:
    celery_app()
    choice = choose()
    assert (choice.path, choice.reason) == (IMMEDIATE, "the Celery app 'host' has no broker_url")
    assert choice.has_celery_app


@pytest.mark.parametrize("configured", [{"broker_url": "memory://"}, {"task_always_eager": True}], ids=str)
def test_celery_is_chosen_if_it_has_a_broker(
    configured: dict[str, object], celery_app: Callable[..., Celery], settings: Any
) -> None:
    celery_app(**configured)
    settings.LARGEFILES = {}
    assert choose().path == CELERY
    assert isinstance(current_dispatcher(), CeleryDispatcher)


def test_the_choice_is_made_at_each_use(celery_app: Callable[..., Celery]) -> None:
    assert choose().path == IMMEDIATE
    celery_app(broker_url="memory://")
    assert choose().path == CELERY


def test_an_app_that_does_not_know_the_task_is_not_used(celery_app: Callable[..., Celery]) -> None:
    app = celery_app(broker_url="memory://")
    app.tasks.unregister(PROCESS_TASK)
    choice = choose()
    assert choice.path == IMMEDIATE
    assert choice.reason == "the Celery app 'host' has no task django_largefiles.tasks.process"


def test_the_task_has_the_name_that_is_looked_for() -> None:
    assert tasks.process.name == PROCESS_TASK
