from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from io import BytesIO
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import django
import pytest
from celery import Celery
from django.utils import timezone
from kombu.exceptions import OperationalError

from django_largefiles import lifecycle
from django_largefiles.dispatch import current_dispatcher, hand_over
from django_largefiles.dispatch.celery import CeleryDispatcher
from django_largefiles.dispatch.immediate import ImmediateDispatcher
from django_largefiles.doors.ingest import ingest
from django_largefiles.exceptions import NotImportable
from django_largefiles.models import FileAsset
from django_largefiles.pipeline import examination, processing
from django_largefiles.states import State
from tests.conftest import IMMEDIATE, Largefiles, png

BROKEN = "tests.dispatchers.BrokenDispatcher"


@pytest.mark.django_db(transaction=True)
def test_a_received_asset_is_handed_over(largefiles: Largefiles) -> None:
    largefiles.set(DISPATCHER=IMMEDIATE)
    assert FileAsset.objects.get(pk=ingest(BytesIO(png()), name="a.png").pk).state == State.READY


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_down_does_not_fail_the_upload(largefiles: Largefiles) -> None:
    largefiles.set(DISPATCHER=BROKEN)
    asset = ingest(BytesIO(png()), name="a.png")
    assert asset.state == State.RECEIVED
    assert list(lifecycle.overdue()) == [asset]


@pytest.mark.django_db
def test_whether_it_was_handed_over_is_told(received: FileAsset, largefiles: Largefiles) -> None:
    assert hand_over(received.pk)
    largefiles.set(DISPATCHER=BROKEN)
    assert not hand_over(received.pk)


def test_a_dispatcher_that_does_not_import_names_the_setting(largefiles: Largefiles) -> None:
    largefiles.set(DISPATCHER="nowhere.Dispatcher")
    with pytest.raises(NotImportable, match=r"DISPATCHER.*nowhere"):
        current_dispatcher()


def test_celery_carries_no_more_than_the_id(celery_app: Callable[..., Celery]) -> None:
    app = celery_app(broker_url="memory://", task_default_queue="no-more-than-the-id")
    asset_id = uuid4()
    CeleryDispatcher().dispatch(asset_id)
    with app.connection_for_read() as connection:
        message = connection.SimpleQueue("no-more-than-the-id").get(timeout=5)
    assert message.headers["task"] == "django_largefiles.tasks.process"
    assert message.payload[:2] == [[str(asset_id)], {}]


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_is_not_there_is_an_error(scheme: str, celery_app: Callable[..., Celery]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        celery_app(broker_url=f"{scheme}://127.0.0.1:{unused.getsockname()[1]}//")
        with pytest.raises(OperationalError):
            CeleryDispatcher().dispatch(uuid4())


def test_an_eager_celery_needs_no_broker(celery_app: Callable[..., Celery], monkeypatch: pytest.MonkeyPatch) -> None:
    celery_app(broker_url="redis://127.0.0.1:1//", task_always_eager=True)
    processed: list[UUID] = []
    monkeypatch.setattr(processing, "process", processed.append)
    asset_id = uuid4()
    CeleryDispatcher().dispatch(asset_id)
    assert processed == [asset_id]


@pytest.mark.parametrize(
    ("configured", "warnings"),
    [({}, 1), ({"broker_url": "memory://"}, 0), ({"task_always_eager": True}, 0)],
    ids=["no broker", "broker", "eager"],
)
def test_a_missing_broker_is_warned_of(
    configured: dict[str, object], warnings: int, celery_app: Callable[..., Celery]
) -> None:
    celery_app(**configured)
    assert [message.id for message in CeleryDispatcher().check()] == ["django_largefiles.W002"] * warnings


def test_the_immediate_dispatcher_leaves_a_second_attempt_to_the_sweeper(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(asset_id: UUID) -> None:
        raise processing.TryAgain(lifecycle.FIRST_DELAY)

    monkeypatch.setattr("django_largefiles.dispatch.immediate.process", fail)
    ImmediateDispatcher().dispatch(uuid4())
    assert "the sweeper will try again in" in caplog.text


@pytest.fixture
def django_tasks(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The dispatcher's module; before Django 6.0 over a framework that runs tasks where they are enqueued."""
    if django.VERSION < (6, 0):
        stand_in = ModuleType("django.tasks")

        def task() -> Any:
            def decorate(function: Any) -> Any:
                function.enqueue = function
                return function

            return decorate

        stand_in.task = task  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "django.tasks", stand_in)
        monkeypatch.delitem(sys.modules, "django_largefiles.dispatch.django_tasks", raising=False)
    from django_largefiles.dispatch import django_tasks

    return django_tasks


@pytest.mark.django_db(transaction=True)
def test_django_s_own_tasks_process_an_asset(received: FileAsset, django_tasks: ModuleType) -> None:
    django_tasks.DjangoTasksDispatcher().dispatch(received.pk)
    received.refresh_from_db()
    assert received.state == State.READY


@pytest.mark.django_db(transaction=True)
def test_django_s_own_tasks_leave_a_second_attempt_to_the_sweeper(
    received: FileAsset, django_tasks: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(examination, "sniff_file", fail)
    django_tasks.DjangoTasksDispatcher().dispatch(received.pk)
    received.refresh_from_db()
    assert received.state == State.RECEIVED
    assert received.lease_expires_at and received.lease_expires_at > timezone.now()
