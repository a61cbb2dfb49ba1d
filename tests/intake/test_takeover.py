from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import ExitStack
from functools import partial
from threading import Event
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError

from django_largefiles.intake import takeover
from django_largefiles.intake.creation import Declaration, create_trusted
from django_largefiles.intake.resuming import interrupt, resume
from django_largefiles.intake.takeover import Leases, Watch, stored_leases
from django_largefiles.models import Upload

UPLOAD, OTHER = uuid4(), uuid4()
OLD, NEW = uuid4(), uuid4()
PATIENCE = 10


class Database:
    """Answers which leases are current, and counts the questions."""

    def __init__(self, leases: Leases) -> None:
        self.leases = leases
        self.questions: list[Collection[UUID]] = []
        self.meanwhile: Callable[[], object] = self.questions.copy

    def __call__(self, upload_ids: Collection[UUID]) -> Leases:
        self.questions.append(upload_ids)
        self.meanwhile()
        return self.leases


@pytest.fixture
def ended() -> list[str]:
    return []


@pytest.mark.parametrize(
    ("leases", "expected"),
    [
        pytest.param({UPLOAD: NEW}, ["old"], id="taken over"),
        pytest.param({UPLOAD: None}, ["old"], id="interrupted"),
        pytest.param({}, ["old"], id="deleted"),
        pytest.param({UPLOAD: OLD}, [], id="held"),
    ],
)
def test_a_request_that_lost_its_lease_is_ended_once(leases: Leases, expected: list[str], ended: list[str]) -> None:
    watch = Watch(Database(leases))
    with watch.reading(UPLOAD, OLD, partial(ended.append, "old")):
        watch.check(UPLOAD)
        watch.check(UPLOAD)
    assert ended == expected


def test_requests_of_other_uploads_are_not_asked_about(ended: list[str]) -> None:
    database = Database({})
    watch = Watch(database)
    with watch.reading(OTHER, OLD, partial(ended.append, "other")):
        watch.check(UPLOAD)
    assert (database.questions, ended) == ([], [])


def test_the_request_that_took_over_goes_on(ended: list[str]) -> None:
    watch = Watch(Database({UPLOAD: NEW}))
    with (
        watch.reading(UPLOAD, OLD, partial(ended.append, "old")),
        watch.reading(UPLOAD, NEW, partial(ended.append, "new")),
    ):
        watch.check(UPLOAD)
    assert ended == ["old"]


def test_a_request_whose_body_has_ended_meanwhile_is_not_ended(ended: list[str]) -> None:
    """Its connection may serve the next one by then."""
    database = Database({UPLOAD: NEW})
    watch = Watch(database)
    with ExitStack() as stack:
        stack.enter_context(watch.reading(UPLOAD, OLD, partial(ended.append, "old")))
        database.meanwhile = stack.close
        watch.check(UPLOAD)
    assert (len(database.questions), ended) == (1, [])


def test_one_query_finds_what_all_other_processes_did(monkeypatch: pytest.MonkeyPatch, ended: list[str]) -> None:
    database = Database({UPLOAD: NEW, OTHER: NEW})
    watch = Watch(database)
    with (
        watch.reading(UPLOAD, OLD, partial(ended.append, "one")),
        watch.reading(OTHER, OLD, partial(ended.append, "another")),
    ):
        watch.check_all()
        assert database.questions == []

        monkeypatch.setattr(takeover, "INTERVAL", 0)
        watch.check_all()
    assert (database.questions, sorted(ended)) == ([{UPLOAD, OTHER}], ["another", "one"])


def test_a_thread_looks_and_ends_when_there_is_nothing_to_look_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(takeover, "INTERVAL", 0.01)
    watch = Watch(Database({UPLOAD: NEW}))
    for _ in range(2):
        ended = Event()
        with watch.reading(UPLOAD, OLD, ended.set):
            thread = watch._thread
            assert ended.wait(PATIENCE)
        assert thread
        thread.join(PATIENCE)
        assert watch._thread is None


def test_one_thread_looks_for_all(ended: list[str]) -> None:
    watch = Watch(Database({}))
    with watch.reading(UPLOAD, OLD, ended.clear):
        thread = watch._thread
        with watch.reading(OTHER, OLD, ended.clear):
            assert watch._thread is thread


def test_a_database_that_is_down_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(takeover, "INTERVAL", 0.01)
    failures = iter([OperationalError("down"), OperationalError("down")])

    def fail() -> None:
        for failure in failures:
            raise failure

    database = Database({UPLOAD: NEW})
    database.meanwhile = fail
    watch, ended = Watch(database), Event()
    with watch.reading(UPLOAD, OLD, ended.set):
        assert ended.wait(PATIENCE)
    assert caplog.text.count("will try again: down") == 2


def test_a_child_of_a_fork_knows_no_requests(ended: list[str]) -> None:
    watch = Watch(Database({UPLOAD: NEW}))
    with watch.reading(UPLOAD, OLD, partial(ended.append, "old")):
        watch.forget()
        watch.check(UPLOAD)
        assert watch._thread is None
    assert ended == []


@pytest.mark.django_db
def test_leases_are_read_from_the_database() -> None:
    upload = create_trusted(Declaration(name="picture.png"))
    assert stored_leases([upload.pk, uuid4()]) == {upload.pk: upload.lease_token}


def _resume(user: User, upload: Upload) -> None:
    resume(user, upload, 0).close()


@pytest.mark.django_db
@pytest.mark.parametrize("take", [_resume, interrupt], ids=["a later append", "a later question"])
def test_a_request_of_the_same_process_is_ended_at_once(
    take: Callable[[User, Upload], object], owner: User, ended: list[str]
) -> None:
    upload = create_trusted(Declaration(name="picture.png", owner=owner))
    assert upload.lease_token
    with takeover.watch.reading(upload.pk, upload.lease_token, partial(ended.append, "old")):
        take(owner, upload)
        assert ended == ["old"]
