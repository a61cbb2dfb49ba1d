from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import OperationalError, transaction

from django_largefiles import transactions
from django_largefiles.models import PendingRemoval
from django_largefiles.transactions import ATTEMPTS, in_transaction_of, run_in_transaction

pytestmark = pytest.mark.django_db(transaction=True)


class PostgreSQLError(Exception):
    def __init__(self, sqlstate: str) -> None:
        super().__init__("message")
        self.sqlstate = sqlstate


def error(cause: Exception | None) -> OperationalError:
    """The error that Django raises because of that of a driver."""
    caught = OperationalError("message")
    caught.__cause__ = cause
    return caught


CONFLICTS = [
    pytest.param(PostgreSQLError("40001"), id="serialization failure"),
    pytest.param(PostgreSQLError("40P01"), id="deadlock of PostgreSQL"),
    pytest.param(Exception(1213, "Deadlock found"), id="deadlock of MySQL"),
    pytest.param(Exception(1205, "Lock wait timeout exceeded"), id="lock wait timeout"),
]


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "FIRST_PAUSE", 0)


class Failing:
    """Adds a row at each call, and fails with the error as often as it is told to."""

    def __init__(self, caught: OperationalError, times: int) -> None:
        self._caught, self._times, self.calls = caught, times, 0

    def __call__(self) -> int:
        self.calls += 1
        PendingRemoval.objects.create(store_state={}, due_at="2000-01-01T00:00Z")
        if self.calls <= self._times:
            raise self._caught
        return self.calls


@pytest.mark.parametrize("cause", CONFLICTS)
def test_a_conflict_is_repeated_without_its_first_effects(cause: Exception) -> None:
    assert run_in_transaction(Failing(error(cause), times=2), "default") == 3
    assert PendingRemoval.objects.count() == 1


def test_the_last_conflict_is_raised() -> None:
    work = Failing(error(PostgreSQLError("40001")), times=ATTEMPTS)
    with pytest.raises(OperationalError):
        run_in_transaction(work, "default")
    assert work.calls == ATTEMPTS
    assert not PendingRemoval.objects.exists()


@pytest.mark.parametrize("cause", [PostgreSQLError("57014"), Exception(2006, "gone away"), Exception(), None])
def test_another_error_is_raised_at_once(cause: Exception | None) -> None:
    work = Failing(error(cause), times=1)
    with pytest.raises(OperationalError):
        run_in_transaction(work, "default")
    assert work.calls == 1


def test_in_a_transaction_of_the_caller_a_conflict_is_raised_at_once() -> None:
    work = Failing(error(PostgreSQLError("40001")), times=1)
    with pytest.raises(OperationalError), transaction.atomic():
        run_in_transaction(work, "default")
    assert work.calls == 1


def test_a_decorated_function_gets_its_arguments() -> None:
    @in_transaction_of(PendingRemoval)
    def act(first: int, *, last: Callable[[], int]) -> tuple[int, int, bool]:
        return first, last(), transaction.get_connection().in_atomic_block

    assert act(1, last=lambda: 2) == (1, 2, True)
