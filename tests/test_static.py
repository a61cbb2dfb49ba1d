"""The static files of the package."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.files.storage import FileSystemStorage

import django_largefiles

STATIC = Path(django_largefiles.__file__).parent / "static"
VENDORED = STATIC / "django_largefiles" / "vendor" / "tus-js-client"
INSTALLED = Path(__file__).parent / "integration" / "clients" / "node_modules" / "tus-js-client"


@pytest.mark.skipif(
    not INSTALLED.is_dir(), reason="tus-js-client is not installed: run npm ci in tests/integration/clients"
)
@pytest.mark.parametrize("name", ["dist/tus.min.js", "dist/tus.min.js.map", "LICENSE"])
def test_tus_js_client_is_that_of_npm(name: str) -> None:  # needs_node
    assert (VENDORED / Path(name).name).read_bytes() == (INSTALLED / name).read_bytes()


def test_the_module_is_small_and_imports_nothing() -> None:
    module = (STATIC / "django_largefiles" / "upload.js").read_bytes()
    assert len(gzip.compress(module, 9, mtime=0)) <= 15_000
    assert re.search(rb"^import\b|\bimport\(", module, re.MULTILINE) is None


def test_all_files_that_static_files_refer_to_are_there(tmp_path: Path) -> None:
    """Django follows ``url()`` and ``sourceMappingURL``, and ``collectstatic`` fails if a file is missing."""
    source = FileSystemStorage(STATIC)
    paths = [path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*") if path.is_file()]
    storage = ManifestStaticFilesStorage(tmp_path, base_url="/static/")
    for path in paths:
        with source.open(path) as file:
            storage.save(path, file)
    processed = list(storage.post_process({path: (storage, path) for path in paths}))
    assert [result for *_, result in processed if isinstance(result, Exception)] == []
