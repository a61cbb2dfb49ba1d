from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.transforms import SphinxTransform

import django_largefiles
from django_largefiles.keys import OPTIONS

# autodoc imports models, which need settings; no database is touched.
settings.configure(
    SECRET_KEY="only-for-the-documentation",  # noqa: S106
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "rest_framework",
        "django_largefiles",
    ],
    MEDIA_ROOT="media",
)
django.setup()

project = "django-largefiles"
author = "The django-largefiles authors"
project_copyright = author
version = release = django_largefiles.__version__

extensions = ["sphinx.ext.autodoc"]
exclude_patterns = ["_build", "*-figures*.txt"]
html_theme = "furo"
html_title = f"{project} {release}"

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
python_use_unqualified_type_names = True

nitpicky = True
# Other projects' names: there is no inventory of theirs to link to without a network.
nitpick_ignore_regex = [
    ("py:.*", r"(django|rest_framework|uuid|pathlib|datetime|collections|typing|decimal|_io|io)\..*"),
    (
        "py:.*",
        r"(UUID|Path|IO|BinaryIO|Any|Callable|Mapping|Sequence|ClassVar|CheckMessage|HttpRequest|HttpResponseBase)",
    ),
    (
        "py:.*",
        r"(AbstractBaseUser|AnonymousUser|TextChoices|Signal|UploadedFile|ABC|ASGIHandler|JsonResponse|timedelta|dataclass)",
    ),
    ("py:.*", r"(User|FileAssetQuerySet|StoreState|JSON|JSON_SCALAR)"),
]


class IndexTables(SphinxTransform):
    """Put the names in the first column of tables into the index: the search then leads to a setting or an error."""

    default_priority = 500
    pages = ("settings", "errors", "lifecycle")

    def apply(self, **_: Any) -> None:
        if self.env.docname not in self.pages:
            return
        for row in self.document.findall(nodes.row):
            for literal in list(row[0].findall(nodes.literal)):
                name = literal.astext()
                target = nodes.make_id(f"{self.env.docname}-{name}")
                row[0].insert(0, addnodes.index(entries=[("single", name, target, "", None)]))
                literal.parent["ids"].append(target)


def check_index(app: Sphinx, error: Exception | None) -> None:
    """Raise an error if a setting cannot be found."""
    indexed = {entry[1] for entries in app.env.domains.index_domain.entries.values() for entry in entries}
    if not error and not set(OPTIONS) <= indexed:
        raise ExtensionError(f"These settings are not in the index: {', '.join(sorted(set(OPTIONS) - indexed))}.")


def read_markdown(app: Sphinx, path: Path, parent: str, content: list[str]) -> None:
    """Turn the Markdown of an included changelog, with headings, code and links, into reStructuredText."""
    if path.suffix != ".md":
        return
    text = re.sub(r"`([^`]+)`", r"``\1``", content[0])
    text = re.sub(r"(?<!`)\[([^\]]+)\]\((https?:[^)]+)\)", r"`\1 <\2>`__", text)
    content[0] = re.sub(r"^(#+) (.+)$", underlined, text, flags=re.MULTILINE)


def underlined(heading: re.Match[str]) -> str:
    mark = "=-~"[len(heading[1]) - 1]
    return f"{heading[2]}\n{mark * len(heading[2])}"


def setup(app: Sphinx) -> None:
    app.add_transform(IndexTables)
    app.connect("build-finished", check_index)
    app.connect("include-read", read_markdown)
