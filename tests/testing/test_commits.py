"""Callbacks of ``on_commit`` are called as they are outside of tests."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db import transaction
from django.db.transaction import Atomic, atomic, on_commit

from django_largefiles.testing.commits import commits


class Recorder(list[str]):
    """The names of the callbacks that were called."""

    def later(self, name: str, **options: Any) -> None:
        on_commit(lambda: self.append(name), **options)


def fail() -> None:
    raise RuntimeError("out of order")


def in_a_block(called: Recorder) -> None:
    before = list(called)
    with atomic():
        called.later("inner")
        assert called == before


def in_nested_blocks(called: Recorder) -> None:
    with atomic():
        in_a_block(called)
        called.later("outer")
        assert called == []


def in_a_durable_block(called: Recorder) -> None:
    with atomic(durable=True):
        called.later("durable")


def in_a_block_without_a_savepoint(called: Recorder) -> None:
    with atomic(), atomic(savepoint=False):
        called.later("merged")
        assert called == []


def outside_of_blocks(called: Recorder) -> None:
    called.later("at once")


def rolled_back(called: Recorder) -> None:
    with atomic():
        with suppress(RuntimeError), atomic():
            called.later("never")
            fail()
        called.later("kept")


def all_rolled_back(called: Recorder) -> None:
    with suppress(RuntimeError), atomic():
        in_a_block(called)
        fail()


def doomed(called: Recorder) -> None:
    with atomic():
        called.later("never")
        transaction.set_rollback(True)


def in_callbacks(called: Recorder) -> None:
    with atomic():
        on_commit(lambda: in_a_block(called))
        called.later("next")


CASES: list[Any] = [
    pytest.param(in_a_block, ["inner"], id="a block"),
    pytest.param(in_nested_blocks, ["inner", "outer"], id="nested blocks"),
    pytest.param(in_a_durable_block, ["durable"], id="a durable block"),
    pytest.param(in_a_block_without_a_savepoint, ["merged"], id="without a savepoint"),
    pytest.param(outside_of_blocks, ["at once"], id="outside of blocks"),
    pytest.param(in_callbacks, ["inner", "next"], id="a block in a callback"),
    pytest.param(rolled_back, ["kept"], id="an inner block rolled back"),
    pytest.param(all_rolled_back, [], id="rolled back"),
    pytest.param(doomed, [], id="set to be rolled back"),
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("act", "expected"), CASES)
def test_django_calls_them_in_real_transactions(act: Callable[[Recorder], None], expected: list[str]) -> None:
    with commits():
        act(called := Recorder())
    assert called == expected


@pytest.mark.django_db
@pytest.mark.parametrize(("act", "expected"), CASES)
def test_they_are_called_in_the_transaction_of_a_test(act: Callable[[Recorder], None], expected: list[str]) -> None:
    with commits():
        act(called := Recorder())
        assert called == expected
    assert called == expected


@pytest.mark.django_db
def test_they_are_called_once_where_two_ask_for_it() -> None:
    with commits(), commits():
        in_a_block(called := Recorder())
    assert called == ["inner"]


@pytest.mark.django_db
def test_earlier_ones_are_left_alone() -> None:
    called = Recorder()
    called.later("before")
    with commits():
        called.later("within")
    called.later("after")
    assert called == ["within"]


@pytest.mark.django_db
def test_an_error_is_passed_on() -> None:
    with commits(), pytest.raises(RuntimeError, match="out of order"), atomic():
        on_commit(fail)


@pytest.mark.django_db
def test_an_error_of_a_robust_one_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    called = Recorder()
    with commits(), atomic():
        on_commit(fail, robust=True)
        called.later("next")
    assert called == ["next"]
    assert "out of order" in caplog.text


@pytest.mark.django_db
def test_django_is_left_as_it_was() -> None:
    before = Atomic.__exit__
    with commits():
        assert Atomic.__exit__ is not before
    assert Atomic.__exit__ is before
