"""``docs/migrating.rst``, as a user follows it: a project with a ``FileField``, whose files become assets."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.integration.projects import Project
from tests.snippets.blocks import Block, find
from tests.snippets.claims import claim
from tests.snippets.commands import command_lines, split

OLD_MODEL = claim("docs/migrating.rst", 'file = models.FileField(upload_to="videos")')
NEW_MODEL = claim("docs/migrating.rst", 'asset = AssetField(profile="videos", null=True, blank=True)')
TEMPLATE = claim("docs/migrating.rst", "{% largefile_player video.asset %}")
COMMAND = claim("docs/migrating.rst", "class Command(BaseCommand):")
COPY = claim("docs/migrating.rst", "$ python manage.py copy_videos")
MIGRATIONS = claim("docs/migrating.rst", "$ python manage.py makemigrations videos")
REFUSED = claim("docs/migrating.rst", 'refused = Video.objects.exclude(asset__state="ready").values_list(')
OLD_URL = claim("docs/migrating.rst", "def old_url(request, name):")
DELETION = claim("docs/migrating.rst", "default_storage.delete(name)")
RULES = find(
    "docs/migrating.rst",
    '"PROFILES": {"videos": {"ALLOWED_MIME_TYPES": ["video/*"], "MAX_UPLOAD_SIZE": 50 * 1024**3}},',
)

SETTINGS = """
INSTALLED_APPS += ["django_largefiles", "videos"]
MEDIA_ROOT = BASE_DIR / "media"
MEDIA_URL = "media/"
ALLOWED_HOSTS = ["testserver"]
"""
URLS = """
from django.urls import include, path

urlpatterns = [path("files/", include("django_largefiles.urls"))]
"""
FILL = """
from django.contrib.auth.models import User
from videos.models import Video
ada = User.objects.create_user("ada")
for name in ("good", "text", "gone"):
    Video.objects.create(title=name, owner=ada, file=f"videos/{name}.mp4")
"""
SHOW = """
from django.template import Context, Template
from videos.models import Video
for video in Video.objects.order_by("pk"):
    asset = video.asset and [video.asset.state, video.asset.attachment, video.asset.owner.username]
    page = Template(TEMPLATE).render(Context({"video": video}))
    print("SHOWN", video.title, asset, "/files/assets/" in page)
"""
FOLLOW = """
from django.contrib.auth.models import User
from django.test import Client
client = Client()
client.force_login(User.objects.get())
answer = client.get("/media/videos/good.mp4", follow=True)
print("FOLLOWED", answer.status_code, len(answer.getvalue()), client.get("/media/videos/gone.mp4").status_code)
"""

pytestmark = pytest.mark.integration


@pytest.fixture
def project(tmp_path: Path, samples: Path) -> Project:
    """A project with three videos: one is a film, one is a text, and the file of one is lost."""
    project = Project(tmp_path)
    call_command("startproject", "mysite", str(tmp_path))
    project.append("settings.py", SETTINGS + RULES.text)
    project.write("urls.py", URLS)
    commands, media = tmp_path / "videos" / "management" / "commands", tmp_path / "media" / "videos"
    commands.mkdir(parents=True)
    (commands / "copy_videos.py").write_text(COMMAND.text)
    media.mkdir(parents=True)
    shutil.copy(samples / "a.mp4", media / "good.mp4")
    (media / "text.mp4").write_text("No film.\n" * 1000)
    write_model(project, OLD_MODEL.text)
    project.manage(["makemigrations", "-v0", "videos"], ["migrate", "-v0"], shell(FILL))
    return project


def write_model(project: Project, source: str) -> None:
    (project.folder / "videos" / "models.py").write_text(source)


def shell(source: str) -> list[str]:
    return ["shell", "-v0", "-c", source]


def commands_of(block: Block) -> list[list[str]]:
    return [words[2:] for line in command_lines(block) for words in split(line)]


def test_the_files_of_a_field_become_assets(project: Project, samples: Path) -> None:
    write_model(project, NEW_MODEL.text)
    project.manage(*commands_of(MIGRATIONS))
    for _ in range(2):
        printed = project.manage(*commands_of(COPY))
        assert re.findall(r"^\d, videos/(\S+): (\S+ \S+)", printed, re.MULTILINE) == [
            ("text.mp4", "the content"),
            ("gone.mp4", "[Errno 2]"),
        ]
    printed = project.manage(
        shell(f"TEMPLATE = {TEMPLATE.text!r}{SHOW}"), shell(f"{REFUSED.text}\nprint('REFUSED', len(refused))")
    )
    assert "SHOWN good ['ready', 'attached', 'ada'] True" in printed
    assert "SHOWN text None False" in printed
    assert "REFUSED 2" in printed
    project.append("urls.py", OLD_URL.text)
    project.manage(shell(DELETION.text))
    assert [path.name for path in (project.folder / "media" / "videos").iterdir()] == ["text.mp4"]
    # The last step, with the names kept.
    old, name = 'models.FileField(upload_to="videos", ', "models.CharField(max_length=100, "
    write_model(project, NEW_MODEL.text.replace(old, name))
    printed = project.manage(*commands_of(MIGRATIONS), shell(FOLLOW))
    assert f"FOLLOWED 200 {(samples / 'a.mp4').stat().st_size} 404" in printed
