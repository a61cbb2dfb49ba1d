from __future__ import annotations

import json

import pytest

from django_largefiles.stores.s3.state import Progress, with_numbers


def test_a_progress_is_json_and_back() -> None:
    progress = Progress(name="a", length=7, upload_id="u", runs=((1, 3), (20, 1)), superseded=("x",), sealed=True)
    assert Progress.read(json.loads(json.dumps(progress.state()))) == progress


def test_a_name_alone_is_an_upload_without_bytes() -> None:
    assert Progress.read({"name": "a"}) == Progress(name="a")


@pytest.mark.parametrize(
    ("runs", "numbers", "expected"),
    [
        ((), (), ()),
        ((), (1, 2, 3), ((1, 3),)),
        (((1, 3),), (4, 5), ((1, 5),)),
        (((1, 3),), (17, 18), ((1, 3), (17, 2))),
        (((1, 3),), (), ((1, 3),)),
    ],
    ids=["none", "the first", "the next", "after a gap", "no more"],
)
def test_numbers_are_kept_as_runs(
    runs: tuple[tuple[int, int], ...], numbers: tuple[int, ...], expected: tuple[tuple[int, int], ...]
) -> None:
    assert with_numbers(runs, numbers) == expected


def test_runs_are_numbers() -> None:
    assert Progress(name="a", runs=((1, 2), (17, 1))).numbers == {1, 2, 17}


def test_the_state_of_a_large_file_is_small() -> None:
    progress = Progress(name="a" * 50, runs=((1, 9000),), size=5 * 1024**4, tail="t" * 150, upload_id="u" * 150)
    assert len(json.dumps(progress.state())) < 1000
