from __future__ import annotations

import subprocess
import sys

import pytest

from django_largefiles.extractors.base import clean_text


@pytest.mark.parametrize(
    ("value", "cleaned"),
    [
        pytest.param("Ada\0 Lovelace", "Ada Lovelace", id="NUL"),
        pytest.param("two\r\n\tlines ", "two lines", id="white space"),
        pytest.param("a\ud800b", "a b", id="lone surrogate"),
        pytest.param("gpj\u202eexe.", "gpj exe.", id="bidirectional override"),
        pytest.param("👩\u200d🚀 Ł", "👩\u200d🚀 Ł", id="joined emoji stays"),
        pytest.param("<script>alert(1)</script>", "<script>alert(1)</script>", id="markup is data"),
        pytest.param(b"caf\xc3\xa9\xff", "café\ufffd", id="bytes"),
        pytest.param("x" * 2000, "x" * 1000, id="too long"),
        pytest.param(None, "", id="nothing"),
        pytest.param(7, "", id="number"),
    ],
)
def test_text_is_cleaned(value: object, cleaned: str) -> None:
    assert clean_text(value) == cleaned


def test_cut_text_ends_without_space() -> None:
    assert clean_text("ab cd", 3) == "ab"


def test_neither_extractors_nor_child_import_django() -> None:
    modules = [f"django_largefiles.extractors.{name}" for name in ("base", "image", "pdf", "media", "video")]
    script = f"import sys; sys.path[:] = {sys.path!r}\n"
    script += "".join(f"import {name}\n" for name in [*modules, "django_largefiles.sandbox.child"])
    script += "print('django' in sys.modules)"
    result = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout == "False\n"
