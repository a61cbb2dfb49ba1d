"""The quick start of ``README.md``, as a user follows it: a new project, the files of the README and its commands.

The files are those with which ``docs/forms.rst`` begins. What they do is tested by ``test_film_site``.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import requests

from tests.integration.test_film_site import FILES, SETTINGS, made
from tests.snippets.blocks import ROOT, Block
from tests.snippets.claims import claim
from tests.snippets.commands import command_lines, split

TYPED = {
    "mysite/settings.py": claim("README.md", 'INSTALLED_APPS += ["django_largefiles", "films"]'),
    "films/models.py": claim("README.md", "video = AssetField()"),
    "films/admin.py": claim("README.md", "class FilmAdmin(AssetAdminMixin, admin.ModelAdmin): ..."),
    "mysite/urls.py": claim("README.md", 'path("films/<int:pk>/", DetailView.as_view(model=Film)),'),
    "films/templates/films/film_form.html": claim(
        "README.md",
        '<form method="post" enctype="multipart/form-data">{% csrf_token %}{{ form.media }}{{ form }}'
        "<button>Save</button></form>",
    ),
    "films/templates/films/film_detail.html": claim(
        "README.md", "{% load largefiles %}<h1>{{ film }}</h1>{% largefile_player film.video %}"
    ),
}
COMMANDS = claim("README.md", "$ python manage.py makemigrations films")

OF_THE_MACHINE = {"W010", "W012"}
"""Checks that name what this machine lacks: layers of confinement, and the extra ``video``."""


def test_the_files_are_those_of_the_page_about_forms() -> None:
    shown = {name: block.text for name, block in TYPED.items()}
    assert shown == {"mysite/settings.py": SETTINGS.text, **{name: block.text for name, block in FILES.items()}}


@pytest.mark.parametrize("block", TYPED.values(), ids=TYPED)
def test_the_readme_names_the_file_of_each_block(block: Block) -> None:
    (name,) = [name for name, typed in TYPED.items() if typed == block]
    text = (ROOT / "README.md").read_text()
    before = text[: text.index(block.text)].rsplit("```", 1)[0]
    assert re.findall(r"`([\w/]+\.\w+)`", before)[-1] == name


@pytest.mark.integration
def test_the_commands_start_a_site_of_which_no_check_complains(tmp_path: Path) -> None:
    project = made(tmp_path)
    for name, block in TYPED.items():
        path = project.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((path.read_text() if name == "mysite/settings.py" else "") + block.text)
    *calls, serve = [words[2:] for line in command_lines(COMMANDS) for words in split(line)]
    assert serve == ["runserver"]
    calls = [[*call, "--noinput"] if call == ["createsuperuser"] else call for call in calls]
    printed = project.manage(["check"], *calls)
    assert set(re.findall(r"django_largefiles\.(\w+)\)", printed)) <= OF_THE_MACHINE
    with project.server() as address:
        assert requests.get(f"{address}/films/add/").status_code == 200
