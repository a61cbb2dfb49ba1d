from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import django
import pytest

import django_largefiles

PACKAGE = Path(django_largefiles.__file__).parent

OPTIONAL = ["rest_framework", "magic", "pylibmagic", "rehashes", "boto3", "botocore", "storages", "drf_spectacular"]

IN_THE_CHILD = ["django_largefiles.sandbox.child", "django_largefiles.sandbox.attempts"]

BLOCKED = "import sys; sys.modules.update(dict.fromkeys(sys.argv[1].split()))"
IMPORT = "import importlib; [importlib.import_module(name) for name in sys.argv[2:]]"
SET_UP = "import django; django.setup()"
BAD_SETTINGS = "from django.conf import settings; settings.LARGEFILES = 7"


def module(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def modules(pattern: str = "**/*.py") -> list[str]:
    return sorted(module(path) for path in PACKAGE.glob(pattern))


def without_extras() -> list[str]:
    """All that must import whatever the host has not installed."""
    absent = (
        "django_largefiles.api",
        "django_largefiles.stores.s3",
        "django_largefiles.dispatch.django_tasks" if django.VERSION < (6,) else "-",
    )
    return [name for name in modules() if not name.startswith(absent)]


def run(*lines: str, arguments: list[str]) -> None:
    """Run the lines in a fresh interpreter; what it says on the way is the failure's message."""
    command = [sys.executable, "-c", "\n".join(lines), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(autouse=True)
def tests_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.settings")
    # Wherever the package itself is installed.
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))


def test_every_module_but_the_api_imports_without_the_extras() -> None:
    run(BLOCKED, SET_UP, IMPORT, arguments=[" ".join(OPTIONAL), *without_extras(), "tests.urls"])


def test_the_api_needs_rest_framework() -> None:
    with pytest.raises(AssertionError, match="rest_framework"):
        run(BLOCKED, SET_UP, IMPORT, arguments=["rest_framework", "django_largefiles.api.views"])


def test_the_api_does_not_need_drf_spectacular() -> None:
    pytest.importorskip("rest_framework", reason="Django REST framework is not installed")
    described = "django_largefiles.api.openapi"
    api = [name for name in modules("api/**/*.py") if not name.startswith(described)]
    run(BLOCKED, SET_UP, IMPORT, arguments=["drf_spectacular", *api, "tests.urls"])


def test_no_setting_is_read_on_import() -> None:
    run(f"import sys; {BAD_SETTINGS}", SET_UP, IMPORT, arguments=["", *without_extras()])


def test_what_runs_in_the_sandbox_imports_no_django() -> None:
    run(BLOCKED, IMPORT, arguments=["django", *modules("extractors/*.py"), *modules("containers/*.py"), *IN_THE_CHILD])
