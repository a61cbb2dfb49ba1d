"""Contract tests that the documentation shows, for the classes that it shows."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.core.files.storage import storages

from django_largefiles.scanners.selftest import eicar
from django_largefiles.stores.filesystem import FilesystemStore
from tests.snippets.blocks import ROOT
from tests.snippets.claims import claim
from tests.snippets.running import run

OF_A_STORE = run(claim("docs/extending/stores.rst", "class TestMyStore(StoreContract):"))
OF_A_SCANNER = run(claim("docs/extending/scanners.rst", "class TestMyScanner(ScannerContract):"))
OF_AN_EXTRACTOR = run(claim("docs/extending/extractors.rst", "class TestSqliteExtractor(ExtractorContract):"))
SCANNER = run(claim("docs/extending/scanners.rst", "class HashListScanner(Scanner):"))["HashListScanner"]

TestMyScanner = OF_A_SCANNER["TestMyScanner"]
# These take seconds.
TestMyStore = pytest.mark.integration(OF_A_STORE["TestMyStore"])
TestSqliteExtractor = pytest.mark.integration(OF_AN_EXTRACTOR["TestSqliteExtractor"])


@pytest.fixture(autouse=True)
def _names(tmp_path: Path) -> None:
    """The classes and folders to which the pages refer. ``...`` stands for what a project passes."""
    known = tmp_path / "known-bad.txt"
    known.write_text(f"{hashlib.sha256(eicar()).hexdigest()}\n")
    OF_A_STORE["MyStore"] = lambda _: FilesystemStore(storages["default"])
    OF_A_SCANNER["MyScanner"] = lambda _: SCANNER(path=str(known))
    OF_AN_EXTRACTOR["SAMPLES"] = tmp_path


@pytest.fixture(autouse=True)
def _extractors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that the child process can import, and the samples."""
    package = tmp_path / "extractors"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "databases.py").write_text((ROOT / "tests" / "worked_example.py").read_text())
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, tables in (("one", 1), ("many", 50)):
        with closing(sqlite3.connect(tmp_path / f"{name}.sqlite3")) as connection:
            connection.executescript("".join(f"CREATE TABLE t{number} (a);" for number in range(tables)))
