"""Check that the version and the changelog agree, and before a release that it has a date and all is committed."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)
HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
DATED = re.compile(r"(\S+) - (\S+)")
UNRELEASED = "unreleased"


def problems(root: Path, *, final: bool) -> Iterator[str]:
    version = VERSION.findall((root / "src" / "django_largefiles" / "__init__.py").read_text())[0]
    headings = HEADING.findall((root / "CHANGELOG.md").read_text())
    yield from (f"CHANGELOG.md: {text!r} is no version with a date" for text in headings if not _is_heading(text))
    newest = headings[0] if headings else "nothing"
    if not newest.startswith(f"{version} - "):
        yield f"CHANGELOG.md begins with {newest!r}, but __version__ is {version!r}"
    earlier = [text for text in headings[1:] if text.endswith(UNRELEASED)]
    yield from (f"CHANGELOG.md: {text!r} is not the newest" for text in earlier)
    if final and newest.endswith(UNRELEASED):
        yield f"CHANGELOG.md: set the date of {version}, which is {UNRELEASED}"
    if final and _git(root, "status", "--porcelain"):
        yield "there are changes that are not committed"
    if final and _git(root, "tag", "--list", f"v{version}"):
        yield f"there is a tag v{version} already: raise __version__"


def _is_heading(text: str) -> bool:
    found = DATED.fullmatch(text)
    return found is not None and (found[2] == UNRELEASED or _is_date(found[2]))


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _git(root: Path, *arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--final", action="store_true", help="a release is to be made of what is committed")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1])
    options = parser.parse_args()
    found = list(problems(options.root, final=options.final))
    sys.exit("\n".join(found) or 0)


if __name__ == "__main__":
    main()
