"""A project whose users have a file, and whose files have a user: each of the two models refers to the other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

MODEL = """
from django.contrib.auth.models import AbstractUser

from django_largefiles.fields import AssetField


class User(AbstractUser):
    {avatar}
"""
AVATAR = "avatar = AssetField(null=True, blank=True)"

SETTINGS = """
SECRET_KEY = "only-for-tests"
AUTH_USER_MODEL = "accounts.User"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
INSTALLED_APPS = ["accounts", "django.contrib.contenttypes", "django.contrib.auth", "django_largefiles"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MEDIA_ROOT = "media"
LARGEFILES = {"STORAGE": "default"}
"""

USE = """
import django

django.setup()

from django.core.management import call_command

from accounts.models import User
from django_largefiles.models import FileAsset

call_command("migrate", verbosity=0)
user = User.objects.create_user("owner")
user.avatar = FileAsset.objects.create(original_name="a.png", state="received", size=1, owner=user)
user.save()
assert FileAsset.objects.get().attachment == "attached"
user.delete()
assert not FileAsset.objects.exists()
"""


def run(project: Path, *arguments: str) -> None:
    command = [sys.executable, *arguments]
    env = {"DJANGO_SETTINGS_MODULE": "project_settings", "PYTHONPATH": str(project)}
    done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_user_model_has_a_field_from_its_second_migration_on(tmp_path: Path) -> None:
    (tmp_path / "project_settings.py").write_text(SETTINGS)
    app = tmp_path / "accounts"
    app.mkdir()
    (app / "__init__.py").touch()
    for avatar in ("pass", AVATAR):
        (app / "models.py").write_text(MODEL.format(avatar=avatar))
        run(tmp_path, "-m", "django", "makemigrations", "accounts", "-v", "0")
    assert "import django_largefiles" not in (app / "migrations" / "0002_user_avatar.py").read_text()
    run(tmp_path, "-c", USE)
