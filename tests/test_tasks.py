from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from celery.exceptions import Retry

from django_largefiles import sweeper, tasks
from django_largefiles.pipeline import processing


def test_the_task_calls_the_pipeline_with_the_id(monkeypatch: pytest.MonkeyPatch) -> None:
    processed: list[UUID] = []
    monkeypatch.setattr(processing, "process", processed.append)
    asset_id = uuid4()
    tasks.process(str(asset_id))
    assert processed == [asset_id]


def test_the_task_comes_back_after_the_pipeline_s_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(asset_id: UUID) -> None:
        raise processing.TryAgain(timedelta(seconds=7))

    asked: list[float] = []

    def retry(*, exc: Exception, countdown: float) -> Retry:
        asked.append(countdown)
        return Retry("later", exc=exc)

    monkeypatch.setattr(processing, "process", fail)
    monkeypatch.setattr(tasks.process, "retry", retry)
    with pytest.raises(Retry):
        tasks.process(str(uuid4()))
    assert asked == [7.0]


def test_a_worker_that_is_lost_gives_its_message_back() -> None:
    assert tasks.process.acks_late
    assert tasks.process.reject_on_worker_lost
    assert tasks.process.time_limit > tasks.process.soft_time_limit


def test_sweeps_that_were_not_run_do_not_pile_up() -> None:
    assert tasks.sweep.expires == 3600
    assert tasks.sweep.time_limit > tasks.sweep.soft_time_limit


def test_sweeping_is_a_task_too(monkeypatch: pytest.MonkeyPatch) -> None:
    swept: list[Callable[[], object]] = []
    monkeypatch.setattr(sweeper, "sweep", lambda: swept.append(sweeper.sweep))
    tasks.sweep()
    assert len(swept) == 1
