from __future__ import annotations

import json
import subprocess
import sys
from uuid import UUID, uuid4

import pytest

from django_largefiles.progress.updates import (
    UNTOLD,
    VERSION_LENGTH,
    Update,
    joined_versions,
    separate_versions,
)
from django_largefiles.states import State
from tests.progress.rows import gone, update

FIRST, SECOND = UUID(int=1), UUID(int=2)


def test_the_event_of_an_asset_is_its_whole_status() -> None:
    changed = update(FIRST, state="processing", received=100)
    assert changed.event == "state"
    assert json.loads(changed.text) == changed.data
    assert changed.data["id"] == str(FIRST)


def test_the_event_of_an_asset_that_is_gone_is_its_id() -> None:
    assert (gone(FIRST).event, gone(FIRST).data) == ("gone", {"id": str(FIRST)})


def test_an_event_is_one_line() -> None:
    assert len(update(FIRST, detail="two\r\nlines\u2028or more").text.splitlines()) == 1


def test_the_version_tells_statuses_apart() -> None:
    versions = [
        update(FIRST).version,
        update(FIRST, received=1).version,
        update(SECOND).version,
        gone(FIRST).version,
        gone(SECOND).version,
    ]
    assert len(set(versions)) == len(versions)
    assert {len(version) for version in versions} == {VERSION_LENGTH}
    assert update(FIRST).version == versions[0]


def test_the_version_is_the_same_in_every_language() -> None:
    assert update(FIRST, words="infected").version == update(FIRST, words="infiziert").version


VERSION_ELSEWHERE = """
from uuid import UUID
import django
django.setup()
from tests.progress.rows import update
print(update(UUID(int=1)).version)
"""


def test_the_version_is_the_same_in_another_process() -> None:
    """Client and load balancer choose where a stream goes on."""
    done = subprocess.run([sys.executable, "-c", VERSION_ELSEWHERE], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == update(FIRST).version


@pytest.mark.parametrize(
    ("changed", "is_settled"),
    [
        *(pytest.param(update(FIRST, state=state.value), False, id=state) for state in list(State)[:3]),
        *(pytest.param(update(FIRST, state=state.value), True, id=state) for state in list(State)[3:]),
        pytest.param(gone(FIRST), True, id="gone"),
    ],
)
def test_what_is_settled(changed: Update, is_settled: bool) -> None:
    assert changed.is_settled == is_settled


def test_versions_are_separated_as_they_were_joined() -> None:
    told = {FIRST: update(FIRST).version}
    version = joined_versions([FIRST, SECOND], told)
    assert separate_versions([FIRST, SECOND], version) == {**told, SECOND: UNTOLD}


@pytest.mark.parametrize(
    "version",
    [
        pytest.param("", id="none"),
        pytest.param("x" * VERSION_LENGTH, id="of fewer assets"),
        pytest.param("x" * 3 * VERSION_LENGTH, id="of more assets"),
        pytest.param("7", id="of another server"),
    ],
)
def test_a_version_of_something_else_is_none(version: str) -> None:
    assert separate_versions([FIRST, SECOND], version) == {}


def test_a_version_that_was_made_up_is_that_of_no_status() -> None:
    other = uuid4()
    made_up = separate_versions([FIRST, other], "\N{SNOWMAN}" * 2 * VERSION_LENGTH)
    assert update(FIRST).version not in made_up.values()
