"""Ask pip-audit for known holes in what this package and its extras depend on, as it is installed here.

It fails on findings alone. Where the service with the vulnerabilities cannot be reached, or is a mirror that knows
none, the audit is skipped and says so; the floors in ``pyproject.toml`` are held by ``tests/test_dependencies.py``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = "django-largefiles"
TIMEOUT_SECONDS = 300


def installed(name: str, extras: frozenset[str], found: dict[str, str]) -> dict[str, str]:
    """Add to ``found`` the versions of all that ``name`` with its ``extras`` depends on, and of itself."""
    package = distribution(name)
    found[canonicalize_name(name)] = package.version
    for line in package.requires or ():
        requirement = Requirement(line)
        wanted = requirement.marker is None or any(
            requirement.marker.evaluate({"extra": extra}) for extra in {"", *extras}
        )
        if wanted and canonicalize_name(requirement.name) not in found:
            try:
                installed(requirement.name, frozenset(requirement.extras), found)
            except PackageNotFoundError:
                print(f"{requirement.name} is not installed, and not audited")
    return found


def audited(versions: dict[str, str]) -> list[dict[str, Any]] | None:
    """Return pip-audit's verdict on each package, or None where it got none."""
    with TemporaryDirectory() as folder:
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text("".join(f"{name}=={version}\n" for name, version in sorted(versions.items())))
        command = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--progress-spinner", "off"]
        command += ["--format", "json", "--requirement", str(requirements)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return None
    try:
        dependencies = json.loads(done.stdout)["dependencies"]
    except ValueError:
        print(done.stderr.strip().rpartition("\n")[2], file=sys.stderr)
        return None
    return [dependency for dependency in dependencies if "skip_reason" not in dependency]


def main() -> int:
    extras = frozenset(distribution(PROJECT).metadata.get_all("Provides-Extra") or ())
    versions = installed(PROJECT, extras, {})
    del versions[PROJECT]
    verdicts = audited(versions)
    if not verdicts:
        print("SKIPPED: the audit of the dependencies; no service with known vulnerabilities can be reached.")
        return 0
    holes = [(verdict, hole) for verdict in verdicts for hole in verdict["vulns"]]
    for verdict, hole in holes:
        fixed = ", ".join(hole["fix_versions"]) or "no version"
        print(f"{verdict['name']} {verdict['version']}: {hole['id']}, fixed in {fixed}")
    print(f"{len(verdicts)} of {len(versions)} dependencies audited, {len(holes)} known holes.")
    return 1 if holes else 0


if __name__ == "__main__":
    sys.exit(main())
