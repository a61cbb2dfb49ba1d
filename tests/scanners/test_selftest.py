from __future__ import annotations

from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest

from django_largefiles.scanners.base import Scanner
from django_largefiles.scanners.selftest import (
    SMALLEST_ARCHIVE,
    archive_of_size,
    eicar,
    large_test_files,
    scan_test_file,
    small_test_files,
)
from django_largefiles.states import ScanVerdict
from django_largefiles.testing.scanners import FakeScanner
from tests.scanners import odd

ROOT = Path(__file__).parents[2]


def names(scanner: Scanner, *, passed: bool) -> list[str]:
    """The names of the test files that the scanner passes, or does not."""
    files = [*small_test_files(), *large_test_files(2000)]
    return [each.name for each in files if (scan_test_file(scanner, each).result.verdict in each.expected) == passed]


@pytest.mark.parametrize("size", [SMALLEST_ARCHIVE, 5000, 2**20])
def test_the_archive_has_the_size_and_the_test_string_in_its_last_bytes(size: int) -> None:
    file = BytesIO()
    archive_of_size(size, file)
    assert len(file.getvalue()) == size
    assert eicar() in file.getvalue()[-250:]
    with ZipFile(file) as archive:
        assert archive.read("eicar.com") == eicar()


def test_an_archive_of_gigabytes_takes_no_room(tmp_path: Path) -> None:
    with (tmp_path / "archive").open("wb+") as file:
        archive_of_size(2_147_483_645, file)
        file.flush()
        assert (tmp_path / "archive").stat().st_blocks * 512 < 2**20
        with ZipFile(file) as archive:
            assert archive.read("eicar.com") == eicar()


def test_where_no_archive_fits_there_is_none() -> None:
    assert len(list(large_test_files(SMALLEST_ARCHIVE))) == 2
    assert len(list(large_test_files(SMALLEST_ARCHIVE - 1))) == 1


def test_one_that_sees_the_string_but_not_into_layers_does_not_pass() -> None:
    assert names(FakeScanner(), passed=False) == ["the test string in 200 layers"]


def test_one_that_calls_everything_clean_passes_the_harmless_file_alone() -> None:
    assert names(FakeScanner(verdict="clean"), passed=True) == ["a harmless file"]


def test_one_that_never_answers_passes_nothing() -> None:
    assert names(odd.Raising(), passed=True) == []
    assert names(FakeScanner(verdict=ScanVerdict.ERROR.value), passed=True) == []


@pytest.mark.parametrize("files", ["src/**/*.py", "tests/**/*.py", "docs/**/*.rst"])
def test_no_file_of_ours_holds_the_test_string(files: str) -> None:
    sources = list(ROOT.glob(files))
    assert sources
    assert not [path for path in sources if eicar() in path.read_bytes()]
