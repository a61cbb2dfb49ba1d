from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import OperationalError, transaction

from django_largefiles import transactions
from django_largefiles.models import PendingRemoval
from django_largefiles.transactions import ATTEMPTS, in_transaction_of, is_full, run_in_transaction
from tests.databases import PostgreSQLError, SQLiteError, error

pytestmark = pytest.mark.django_db(transaction=True)


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


@pytest.mark.parametrize(
    "cause",
    [
        pytest.param(SQLiteError(13), id="SQLITE_FULL"),
        pytest.param(SQLiteError(4874), id="SQLITE_IOERR_SHMSIZE"),
        pytest.param(PostgreSQLError("53100"), id="disk_full of PostgreSQL"),
        pytest.param(Exception(1021, "Disk full"), id="ER_DISK_FULL"),
        pytest.param(Exception(1114, "The table is full"), id="ER_RECORD_FILE_FULL"),
    ],
)
def test_a_database_without_room_is_told_apart(cause: Exception) -> None:
    assert is_full(error(cause))


@pytest.mark.parametrize(
    "other",
    [error(None), error(SQLiteError(5)), error(PostgreSQLError("53200")), ValueError("full")],
    ids=["no cause", "SQLITE_BUSY", "out_of_memory of PostgreSQL", "another exception"],
)
def test_other_errors_are_not_taken_for_it(other: Exception) -> None:
    assert not is_full(other)
