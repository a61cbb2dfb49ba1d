"""The project with which the page about forms begins: typed from there, and used as a browser does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import requests
from django.core.management import call_command

from tests.conftest import EXECUTABLE
from tests.forms.pages import Inputs
from tests.integration.postgresql import URL, needs_postgresql
from tests.integration.projects import Project, logged_in
from tests.snippets.blocks import Block
from tests.snippets.claims import claim

SETTINGS = claim("docs/forms.rst", 'INSTALLED_APPS += ["django_largefiles", "films"]')
FILES = {
    "films/models.py": claim("docs/forms.rst", "video = AssetField()"),
    "films/admin.py": claim("docs/forms.rst", "class FilmAdmin(AssetAdminMixin, admin.ModelAdmin): ..."),
    "mysite/urls.py": claim("docs/forms.rst", 'path("films/<int:pk>/", DetailView.as_view(model=Film)),'),
    "films/templates/films/film_form.html": claim(
        "docs/forms.rst",
        '<form method="post" enctype="multipart/form-data">{% csrf_token %}{{ form.media }}{{ form }}'
        "<button>Save</button></form>",
    ),
    "films/templates/films/film_detail.html": claim(
        "docs/forms.rst", "{% load largefiles %}<h1>{{ film }}</h1>{% largefile_player film.video %}"
    ),
}
DATABASE = """
DATABASES = {{"default": {{"ENGINE": "django.db.backends.postgresql", "NAME": "{name}", "USER": "postgres",
                          "HOST": "127.0.0.1", "PORT": 5432}}}}
"""
BROWSER = {"Accept": "text/html,*/*;q=0.8"}
MOST_LINES = 15

pytestmark = pytest.mark.integration


def made(folder: Path) -> Project:
    """A project and an application as Django makes them."""
    call_command("startproject", "mysite", str(folder))
    (folder / "films").mkdir()
    call_command("startapp", "films", str(folder / "films"))
    return Project(folder)


def type_in(project: Project) -> None:
    project.append("settings.py", SETTINGS.text)
    for name, block in FILES.items():
        path = project.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)


def typed(block: Block, generated: str) -> list[str]:
    """The lines of the host's code: neither imports nor what Django has made."""
    there = generated.splitlines()
    lines = [line for line in block.text.splitlines() if line.strip() and line not in there]
    return [line for line in lines if not re.match(r"(from|import) ", line)]


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=needs_postgresql)], ids=["SQLite", "PostgreSQL"]
)
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = made(tmp_path_factory.mktemp("films"))
    type_in(project)
    with closing(database(project, request.param)) as steps:
        next(steps)
        project.manage(
            ["makemigrations", "films"], ["migrate", "--verbosity", "0"], ["createsuperuser", "--noinput"], ["check"]
        )
        yield project


def database(project: Project, kind: str) -> Iterator[None]:
    if kind == "sqlite":
        yield
    else:  # needs_postgresql
        yield from postgresql(project)


def postgresql(project: Project) -> Iterator[None]:  # needs_postgresql
    name = f"largefiles_{uuid4().hex}"
    with psycopg.connect(f"{URL}postgres", autocommit=True) as administration:
        administration.execute(f'CREATE DATABASE "{name}"')
        project.append("settings.py", DATABASE.format(name=name))
        try:
            yield
        finally:
            administration.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def site(project: Project) -> Iterator[str]:
    with project.server() as address:
        yield address


@pytest.fixture(scope="module")
def session(site: str) -> requests.Session:
    session = logged_in(f"{site}/admin/login/")
    session.headers.update(BROWSER)
    return session


def send(session: requests.Session, url: str, fields: dict[str, str], file: Any = None, **changes: str) -> Any:
    """Submit a form as a browser does: what it shows, with changes, and the file last."""
    return session.post(url, fields | changes, files={"video": file} if file else {"nothing": ("", b"")})


def add_film(site: str, session: requests.Session, samples: Path) -> Any:
    """Save a film with its file, without JavaScript, and return the page that comes then."""
    url = f"{site}/films/add/"
    shown = Inputs(session.get(url).text)
    return send(session, url, shown.hidden, ("a.mp4", (samples / "a.mp4").read_bytes()), title="Holiday")


def test_the_host_writes_a_few_lines(tmp_path: Path) -> None:
    project = made(tmp_path)
    lines = typed(SETTINGS, "")
    for name, block in FILES.items():
        path = project.folder / name
        lines += typed(block, path.read_text() if path.exists() else "")
    assert len(lines) <= MOST_LINES, lines


def test_without_javascript_the_form_posts_the_file_and_the_page_shows_it(
    site: str, session: requests.Session, samples: Path
) -> None:
    shown = Inputs(session.get(f"{site}/films/add/").text)
    assert "upload.js" in shown.page
    page = add_film(site, session, samples)
    assert re.fullmatch(rf"{site}/films/\d+/", page.url), page.text
    assert "<h1>Film object" in page.text
    assert "<video" in page.text
    source = re.findall(r'src="([^"]+)"', page.text)[0]
    assert session.get(f"{site}{source}").content == (samples / "a.mp4").read_bytes()


def test_a_wrong_file_is_told_at_the_field_and_the_form_keeps_the_rest(site: str, session: requests.Session) -> None:
    url = f"{site}/films/add/"
    hidden = Inputs(session.get(url).text).hidden
    page = send(session, url, hidden, ("a.mp4", EXECUTABLE + bytes(10**6)), title="Holiday")
    assert page.status_code == 415
    assert "This is a program, not a video." in page.text and 'value="Holiday"' in page.text


def test_what_the_script_uploads_survives_an_error_and_is_saved(
    site: str, session: requests.Session, samples: Path
) -> None:
    url, content = f"{site}/films/add/", (samples / "a.mp4").read_bytes()
    shown = Inputs(session.get(url).text)
    endpoint = re.findall(r'data-url="([^"]+)"', shown.page)[0]
    headers = {
        "Tus-Resumable": "1.0.0",
        "Upload-Length": str(len(content)),
        # "filename a.mp4, attachment provisional"
        "Upload-Metadata": "filename YS5tcDQ=,attachment cHJvdmlzaW9uYWw=",
        "X-CSRFToken": shown.hidden["csrfmiddlewaretoken"],
        "Content-Type": "application/offset+octet-stream",
        "Referer": url,
    }
    created = session.post(f"{site}{endpoint}", content, headers=headers)
    token = created.headers["Largefiles-Token"]
    again = Inputs(send(session, url, shown.hidden, title="", video=token).text)
    assert "not saved yet" in again.page
    page = send(session, url, again.hidden, title="Holiday")
    assert "<video" in page.text
    twice = send(session, url, again.hidden, title="Another")
    assert "This file is already in use." in twice.text


def test_the_admin_shows_the_file_and_replaces_it(site: str, session: requests.Session, samples: Path) -> None:
    add_film(site, session, samples)
    listed = session.get(f"{site}/admin/films/film/").text
    change = re.findall(r'href="(/admin/films/film/\d+/change/)"', listed)[0]
    shown = Inputs(session.get(f"{site}{change}").text)
    assert "a.mp4" in shown.page and "related-widget-wrapper" not in shown.page
    file = ("b.mp4", (samples / "a.mp4").read_bytes())
    page = send(session, f"{site}{change}", shown.hidden, file, title="Changed", _continue="Save")
    assert "was changed successfully" in page.text and "b.mp4" in page.text
