"""The check of ``make dist`` and ``make release``, which is a script."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

RELEASED = "## 1.2.0 - 2026-11-29\n\n### Added\n\n## 1.1.0 - 2026-01-31\n"
UNRELEASED = RELEASED.replace("2026-11-29", "unreleased")


def complaints(*arguments: str | Path) -> str:
    command = [sys.executable, str(ROOT / ".ci" / "check_release.py"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == bool(done.stderr)
    return done.stderr.strip()


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of version 1.2.0 with a changelog of its release."""
    package = tmp_path / "src" / "django_largefiles"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text('"""A package."""\n\n__version__ = "1.2.0"\n')
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n{RELEASED}")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "all")
    return tmp_path


def test_version_and_changelog_of_this_project_agree() -> None:
    assert complaints() == ""


@pytest.mark.parametrize(
    ("changelog", "complaint"),
    [
        (RELEASED, ""),
        (UNRELEASED, ""),
        ("", "CHANGELOG.md begins with 'nothing', but __version__ is '1.2.0'"),
        ("## 1.3.0 - unreleased\n", "CHANGELOG.md begins with '1.3.0 - unreleased', but __version__ is '1.2.0'"),
        ("## 1.2.0 - 29.11.2026\n", "CHANGELOG.md: '1.2.0 - 29.11.2026' is no version with a date"),
        (RELEASED.replace("2026-01-31", "unreleased"), "CHANGELOG.md: '1.1.0 - unreleased' is not the newest"),
    ],
    ids=["released", "unreleased", "empty", "another version", "another form of a date", "an earlier one"],
)
def test_they_agree_or_the_difference_is_told(changelog: str, complaint: str, project: Path) -> None:
    (project / "CHANGELOG.md").write_text(changelog)
    assert complaints("--root", project) == complaint


def test_a_release_has_a_date(project: Path) -> None:
    (project / "CHANGELOG.md").write_text(UNRELEASED)
    git(project, "commit", "-q", "-a", "-m", "unreleased")
    assert complaints("--final", "--root", project) == "CHANGELOG.md: set the date of 1.2.0, which is unreleased"


def test_a_release_is_committed_and_is_new(project: Path) -> None:
    assert complaints("--final", "--root", project) == ""
    (project / "CHANGELOG.md").write_text(f"{RELEASED}\n")
    git(project, "tag", "v1.2.0")
    assert complaints("--final", "--root", project).splitlines() == [
        "there are changes that are not committed",
        "there is a tag v1.2.0 already: raise __version__",
    ]
