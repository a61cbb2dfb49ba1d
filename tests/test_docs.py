"""The documentation agrees with the code: names, settings, errors, reasons, checks and columns."""

from __future__ import annotations

import importlib
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import django_largefiles
from django_largefiles.keys import OPTIONS
from django_largefiles.models import FileAsset
from django_largefiles.states import Reason

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PACKAGE = Path(django_largefiles.__file__).parent

CHECK_ID = re.compile(r"\b[EWI]\d{3}\b")
IMPORT = re.compile(r"^[ >]*from (django_largefiles[\w.]*) import (\([^)]+\)|[^(\n]+)", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
DOTTED = re.compile(r"""(?:"|``)(django_largefiles\.(?!(?:\w+_)?fileasset)[a-z]\w*(?:\.\w+)*)(?:"|``)""")
"""Neither the ids of system checks nor models and permissions, which begin with the label of the app."""

DIRECTIVE = re.compile(r"^\.\. (auto\w+|py:\w+):: (django_largefiles[\w.]*)(.*)$", re.MULTILINE)
ALL_MEMBERS = re.compile(r"^\.\. automodule:: (\S+)\n   :members:$", re.MULTILINE)
MEMBERS = re.compile(r"^   :members: (.+)$", re.MULTILINE)
WALKED = re.compile(r"``([a-z_]+(?:\.\w+)+)``")
LAYER = re.compile(r"^   \* - ``([a-z_ |]+)``$", re.MULTILINE)
ERROR = re.compile(r"^   \* - ``(\w+)``\n     - (\d{3})$", re.MULTILINE)

NAMED_ERROR = re.compile(r"\b([45]\d\d)\s+(?:with the code\s+)?\(?`+([a-z_]+)`+")
"""A status and a code in a sentence: ``409 ``parts_missing````."""

WARNS = re.compile(r"logger\.(?:warning|error|exception)\(")

OPTIONAL = ("django_largefiles.api.", "django_largefiles.dispatch.django_tasks.")
"""Not importable without Django REST framework, or with Django 5.2."""


def text(*path: str) -> str:
    return ROOT.joinpath(*path).read_text()


def sources() -> Iterator[Path]:
    """The files that show hosts what to import. The page about internals names what is not public."""
    yield ROOT / "README.md"
    yield from (page for page in DOCS.rglob("*.rst") if page.name not in {"internals.rst", "reference.rst"})
    yield from DOCS.glob("examples/*.py")
    yield from ROOT.glob("example_project/**/*.py")


def imports(source: str) -> Iterator[str]:
    for module, names in IMPORT.findall(source):
        for name in names.strip("()").split(","):
            imported = name.split("#")[0].split(" as ")[0].strip()
            yield from [f"{module}.{imported}"] if imported else []


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def used_names() -> set[str]:
    """Dotted names of the package that the documentation and the example project import or put into settings."""
    names = set[str]()
    for source in (path.read_text() for path in sources()):
        names.update(imports(source), DOTTED.findall(source))
    return names


def listed_names() -> set[str]:
    """The dotted names of the reference: of its directives, their members, and the literals in its tables."""
    reference = text("docs", "reference.rst")
    names = set(DOTTED.findall(reference))
    for module in ALL_MEMBERS.findall(reference):
        names.update(f"{module}.{name}" for name in vars(importlib.import_module(module)) if name[0].isupper())
    for block in re.split(r"\n(?=\.\. )", reference):
        for _, name, _ in DIRECTIVE.findall(block):
            names.add(name)
            names.update(f"{name}.{member.strip()}" for row in MEMBERS.findall(block) for member in row.split(","))
    return names


def importable(names: set[str]) -> list[str]:
    return sorted(name for name in names if not name.startswith(OPTIONAL))


def errors() -> set[type[BaseException]]:
    """The exceptions of the package that have a code and an HTTP status."""
    # Imports all that answers requests, and so all errors.
    importlib.import_module("django_largefiles.urls")
    ours = {error for error in descendants(Exception) if error.__module__.startswith("django_largefiles.")}
    return {error for error in ours if hasattr(error, "code") and hasattr(error, "status")}


def descendants(parent: type[BaseException]) -> Iterator[type[BaseException]]:
    for child in parent.__subclasses__():
        yield child
        yield from descendants(child)


def code_and_status(error: type[BaseException]) -> tuple[str, str]:
    return error.code, str(error.status)  # type: ignore[attr-defined]


def test_all_that_the_documentation_uses_is_in_the_reference() -> None:
    assert used_names() - listed_names() == set()


@pytest.mark.parametrize("name", importable(used_names() | listed_names()))
def test_names_in_the_documentation_exist(name: str) -> None:
    pkgutil.resolve_name(name)


@pytest.mark.parametrize("name", sorted(set(WALKED.findall(text("docs", "internals.rst")))))
def test_names_in_the_internals_exist(name: str) -> None:
    pkgutil.resolve_name(f"django_largefiles.{name}")


def test_layers_in_the_internals_are_those_of_the_contract() -> None:
    contracts = tomllib.loads(text("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    assert LAYER.findall(text("docs", "internals.rst")) == layers


def test_errors_are_listed_with_code_and_status() -> None:
    documented = ERROR.findall(text("docs", "errors.rst"))
    raised = {code_and_status(error) for error in errors() if not error.__subclasses__()}
    assert len(documented) == len(set(documented))
    assert raised <= set(documented) <= {code_and_status(error) for error in errors()}


def test_sentences_name_errors_with_their_status() -> None:
    named = {(code, status) for page in sources() for status, code in NAMED_ERROR.findall(page.read_text())}
    assert named
    assert named <= set(map(code_and_status, errors()))


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "example_project/README.md"])
def test_links_lead_to_files(page: str) -> None:
    folder = (ROOT / page).parent
    assert [link for link in LINK.findall(text(page)) if not (folder / link).exists()] == []


def test_settings_are_listed() -> None:
    known = "|".join(sorted(OPTIONS))
    listed = re.findall(rf"^   \* - ``({known})``", text("docs", "settings.rst"), re.MULTILINE)
    assert set(listed) == set(OPTIONS)


def test_extras_are_listed() -> None:
    extras = tomllib.loads(text("pyproject.toml"))["project"]["optional-dependencies"]
    assert re.findall(r"^\| `(\w+)` \|", text("README.md"), re.MULTILINE) == list(extras)
    assert re.findall(r"^   \* - ``(\w+)``$", text("docs", "installation.rst"), re.MULTILINE) == list(extras)


def test_versions_are_those_of_the_package() -> None:
    package = tomllib.loads(text("pyproject.toml"))["project"]
    djangos = [
        name.removeprefix("Framework :: Django :: ") for name in package["classifiers"] if " :: Django :: " in name
    ]
    python = package["requires-python"].removeprefix(">=")
    for page in (text("README.md"), text("docs", "installation.rst")):
        assert re.search(rf"Python {python} or later,(?: and)? Django {djangos[0]} to {djangos[-1]}\b", page)


def test_reasons_are_listed() -> None:
    rows = re.findall(r"^   \* - ``(\w+)``\n     - (?:rejected|failed)$", text("docs", "lifecycle.rst"), re.MULTILINE)
    assert sorted(rows) == sorted(Reason.values)


def test_system_checks_are_listed() -> None:
    made = {
        check
        for module in PACKAGE.rglob("*.py")
        for check in re.findall(r'"django_largefiles\.([EWI]\d{3})"', module.read_text())
    }
    assert set(CHECK_ID.findall(text("docs", "settings.rst"))) == made


def test_loggers_are_listed() -> None:
    """All that warn or report an error, by their names or those of their packages."""
    table = text("docs", "reference.rst").partition("\nLoggers\n")[2].partition(".. _errors")[0]
    listed = set(re.findall(r"``(django_largefiles[\w.]+)``", table))
    names = {f"{module_name(path)}." for path in PACKAGE.rglob("*.py") if WARNS.search(path.read_text())}
    names.remove("django_largefiles.testing.commits.")
    assert [name for name in sorted(names) if not name.startswith(tuple(f"{each}." for each in listed))] == []
    assert [each for each in sorted(listed) if not any(name.startswith(f"{each}.") for name in names)] == []


def test_columns_of_the_asset_are_described() -> None:
    described = set(re.findall(r"``(\w+)``", FileAsset.__doc__ or ""))
    assert {field.name for field in FileAsset._meta.concrete_fields} <= described
