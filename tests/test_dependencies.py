"""The floors in ``pyproject.toml`` lie above the versions with known holes."""

from __future__ import annotations

import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"

SAFE = {
    "Django": "5.2.19",
    "Pillow": "13.0",
    "av": "18.1",
    "gunicorn": "27",
    "pypdf": "7.1",
    "requests": "2.32.4",
    "tqdm": "4.66.3",
}
"""The first versions in which the holes are closed that were known when this line was last changed."""


def floors() -> dict[str, Version]:
    """The lowest version that each package may have."""
    pyproject = tomllib.loads(PYPROJECT.read_text())
    groups = chain(pyproject["project"]["optional-dependencies"].values(), pyproject["dependency-groups"].values())
    lines = chain(pyproject["project"]["dependencies"], *groups)
    required = [Requirement(line) for line in lines if isinstance(line, str)]
    bounds = [(each.name, Version(bound.version)) for each in required for bound in each.specifier]
    return dict(sorted(bounds, reverse=True))


@pytest.mark.parametrize("name", SAFE)
def test_no_version_with_a_known_hole_is_allowed(name: str) -> None:
    assert floors()[name] >= Version(SAFE[name])


def test_every_dependency_has_a_floor() -> None:
    required = [Requirement(line) for line in tomllib.loads(PYPROJECT.read_text())["project"]["dependencies"]]
    assert {each.name for each in required} <= set(floors())
