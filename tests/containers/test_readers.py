"""What other programs see in archives that can be read in two ways, and that we refuse all of them."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from django_largefiles.containers import tar
from django_largefiles.containers.zip_survey import describe
from tests.archives import STORED, TWO_ENDS, TWO_READINGS, tar_of

DOCS = Path(__file__).parents[2] / "docs" / "security.rst"

Reader = Callable[[bytes, Path], set[str]]
"""Unpacks an archive into a folder, as far as it can, and gives the names of the members with content."""


def python(data: bytes, folder: Path) -> set[str]:
    if not zipfile.is_zipfile(io.BytesIO(data)):
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            return set(archive.getnames())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return set(_readable(archive))


def _readable(archive: zipfile.ZipFile) -> Iterator[str]:
    for name in archive.namelist():
        with suppress(zipfile.BadZipFile, RuntimeError):
            archive.read(name)
            yield name


def program(command: str, *, pipe: bool = False) -> Reader:  # needs_programs
    def read(data: bytes, folder: Path) -> set[str]:
        (folder / "archive").write_bytes(data)
        into = folder / "into"
        into.mkdir()
        words = command.format(archive=folder / "archive").split()
        # What it says of an archive that it cannot unpack does not matter.
        subprocess.run(words, cwd=into, input=data if pipe else b"", capture_output=True, timeout=60, check=False)
        return {str(path.relative_to(into)) for path in into.rglob("*") if path.is_file() and path.stat().st_size}

    return read


ZIP_READERS = {
    "Python": python,
    "Info-ZIP": program("unzip -o -qq {archive}"),
    "bsdtar": program("bsdtar -xf {archive}"),
    "bsdtar, from a pipe": program("bsdtar -xf -", pipe=True),
    "BusyBox": program("busybox unzip -o -q {archive}"),
    "Java": program("jar -xf {archive}"),
    "Java, from a pipe": program("jar -x", pipe=True),
}
TAR_READERS = {
    "Python": python,
    "GNU tar": program("tar -xf {archive}"),
    "bsdtar": program("bsdtar -xf {archive}"),
    "BusyBox": program("busybox tar -xf {archive}"),
}
PROGRAMS = {
    "Info-ZIP": "unzip",
    "GNU tar": "tar",
    "bsdtar": "bsdtar",
    "bsdtar, from a pipe": "bsdtar",
    "BusyBox": "busybox",
    "Java": "jar",
    "Java, from a pipe": "jar",
}
ARCHIVES = {"an honest one": STORED, **TWO_READINGS}
TARS = {"an honest tar": tar_of({"a.txt": "a", "b.txt": "b"}), "members behind a lone block of zeros": TWO_ENDS}


def table() -> Iterator[list[str]]:
    """The rows of the tables in the documentation, without their heads."""
    section = DOCS.read_text().partition(".. _two-readings:")[2]
    for row in re.findall(r"^   \* - (.+(?:\n     - .+)+)", section, re.MULTILINE):
        yield row.split("\n     - ")


ROWS = {row[0]: row[1:] for row in table()}
ZIP_HEAD, TAR_HEAD = ([*ROWS[head]] for head in ("ZIP", "tar"))


def cases(archives: dict[str, bytes], readers: list[str]) -> Iterator[object]:
    for archive in archives:
        for reader, seen in zip(readers, ROWS[archive], strict=True):
            names = set() if seen == "nothing" else set(re.findall(r"[abc]\.txt", seen))
            yield pytest.param(archive, reader, names, id=f"{archive}, {reader}")


def needs(reader: str) -> None:
    command = PROGRAMS.get(reader)
    if command and shutil.which(command) is None:  # needs_programs
        pytest.skip(f"{command} is not installed")


@pytest.mark.parametrize(("archive", "reader", "seen"), [*cases(ARCHIVES, ZIP_HEAD)])
def test_programs_see_in_a_zip(archive: str, reader: str, seen: set[str], tmp_path: Path) -> None:
    needs(reader)
    assert ZIP_READERS[reader](ARCHIVES[archive], tmp_path) == seen


@pytest.mark.parametrize(("archive", "reader", "seen"), [*cases(TARS, TAR_HEAD)])
def test_programs_see_in_a_tar(archive: str, reader: str, seen: set[str], tmp_path: Path) -> None:
    needs(reader)
    assert TAR_READERS[reader](TARS[archive], tmp_path) == seen


def test_the_tables_have_all_archives_and_programs() -> None:
    assert ROWS.keys() == {"ZIP", "tar", *ARCHIVES, *TARS}
    assert ([*ZIP_READERS], [*TAR_READERS]) == (ZIP_HEAD, TAR_HEAD)


@pytest.mark.parametrize("archive", ARCHIVES)
def test_only_the_honest_zip_has_one_reading(archive: str) -> None:
    assert (describe(io.BytesIO(ARCHIVES[archive])).ambiguous == 0) is (archive == "an honest one")


@pytest.mark.parametrize("archive", TARS)
def test_only_the_honest_tar_has_one_reading(archive: str) -> None:
    source = tar.Seeking(io.BytesIO(TARS[archive]))
    assert (tar.survey(source, 1).ambiguous == 0) is (archive == "an honest tar")
