"""The helpers for tests, in a project of their own: every example of ``docs/testing.rst``, and twenty tests.

``benchmarks/host_tests.py`` measures how long these take.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.integration.projects import Project, environment
from tests.snippets.claims import claim

FILES = {
    "models.py": claim("docs/testing.rst", 'file = AssetField(profile="videos")'),
    "views.py": claim("docs/testing.rst", "def show(request, pk):"),
    "tests.py": claim("docs/testing.rst", "class VideoTests(LargeFilesTestMixin, TestCase):"),
}
WITH_PYTEST = claim("docs/testing.rst", "def user(django_user_model):")
CONFTEST = claim("docs/testing.rst", "def _files_in_memory(largefiles_storage): ...")
MADE_ASSETS = claim("docs/testing.rst", "def assets_of(user):")
TOKENS = claim("docs/testing.rst", "from django_largefiles.testing import upload_token")
UPLOADS = claim(
    "docs/testing.rst",
    "def test_a_film_is_uploaded_in_pieces(client, user, largefiles_storage, largefiles_immediate):",
)

SETTINGS = """
INSTALLED_APPS += ["django_largefiles", "videos"]
MIDDLEWARE += ["django_largefiles.middleware.LargeFilesMiddleware"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LARGEFILES = {"PROFILES": {"videos": {}}}
"""
URLS = """
from django.urls import include, path

from videos import views

urlpatterns = [
    path("files/", include("django_largefiles.urls")),
    path("videos/add/", views.AddVideo.as_view()),
    path("videos/<int:pk>/", views.show, name="video"),
]
"""
PYTEST = """
[pytest]
DJANGO_SETTINGS_MODULE = mysite.settings
python_files = tests.py test_*.py
filterwarnings = error
"""
FILM = r"""
FILM = b"\x00\x00\x00\x18ftypmp42" + bytes(5000)
"""
TEMPLATE = """
<form method="post" enctype="multipart/form-data">{% csrf_token %}{{ form.media }}{{ form }}</form>
"""
TEST_OF_MADE_ASSETS = """
@pytest.mark.django_db
def test_assets_are_made(user):
    states = ["ready"] * 3 + ["receiving"] * 2 + ["processing", "rejected", "failed", "ready"]
    assert [asset.state for asset in assets_of(user)] == states
"""
SUITE = Path(__file__).with_name("host_suite.py")
"""Tests that a project might have."""

TWENTY = ("videos/tests.py", "videos/test_suite.py")
"""The modules of twenty tests, which are all that Django's runner finds."""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A run of tests. ``seconds`` is the time of the tests, ``in_all`` that of the process, which starts Django."""

    tests: int
    seconds: float
    in_all: float


def made(folder: Path) -> Project:
    project = Project(folder)
    call_command("startproject", "mysite", str(folder))
    project.append("settings.py", SETTINGS)
    project.write("urls.py", URLS)
    (folder / "videos" / "migrations").mkdir(parents=True)
    (folder / "videos" / "templates" / "videos").mkdir(parents=True)
    (folder / "videos" / "templates" / "videos" / "video_form.html").write_text(TEMPLATE)
    for package in ("videos", "videos/migrations"):
        (folder / package / "__init__.py").touch()
    for name, block in FILES.items():
        (folder / "videos" / name).write_text(block.text)
    (folder / "videos" / "test_suite.py").write_text(SUITE.read_text())
    (folder / "pytest.ini").write_text(PYTEST)
    (folder / "conftest.py").write_text(CONFTEST.text)
    of_the_page = (WITH_PYTEST.text, FILM, TOKENS.text, UPLOADS.text, MADE_ASSETS.text, TEST_OF_MADE_ASSETS)
    (folder / "videos" / "test_page.py").write_text("\n\n".join(of_the_page))
    project.manage(["makemigrations", "-v0", "videos"])
    return project


def run_pytest(project: Project, *modules: str) -> Ran:
    return _run(project, r"(?P<tests>\d+) passed in (?P<seconds>[\d.]+)s", "-m", "pytest", "-q", *modules)


def run_django(project: Project) -> Ran:
    return _run(project, r"Ran (?P<tests>\d+) tests in (?P<seconds>[\d.]+)s\s+OK$", "manage.py", "test")


def _run(project: Project, summary: str, *arguments: str) -> Ran:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=project.folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    in_all = time.monotonic() - began
    found = re.search(summary, done.stdout, re.MULTILINE)
    assert found and done.returncode == 0, done.stdout
    return Ran(tests=int(found["tests"]), seconds=float(found["seconds"]), in_all=in_all)


pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return made(tmp_path_factory.mktemp("host"))


def test_the_examples_of_the_page_are_tests(project: Project) -> None:
    assert run_pytest(project, "videos/test_page.py").tests == 10


def test_twenty_tests_pass_under_pytest(project: Project) -> None:
    assert run_pytest(project, *TWENTY).tests == 20


def test_twenty_tests_pass_under_django_s_runner(project: Project) -> None:
    assert run_django(project).tests == 20


def test_no_test_leaves_a_file_in_the_project(project: Project) -> None:
    run_pytest(project)
    assert not (project.folder / "largefiles").exists()
