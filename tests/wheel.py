"""Run by an interpreter that has the wheel and nothing else of the project: is it all there, and does it work?"""

import tempfile
from importlib.metadata import requires
from importlib.resources import files
from io import BytesIO

import django
from django.conf import settings
from django.core.management import call_command

settings.configure(
    SECRET_KEY="only-here",
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django_largefiles"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    BASE_DIR=tempfile.mkdtemp(),
    ROOT_URLCONF="django_largefiles.urls",
    LARGEFILES={"DISPATCHER": "django_largefiles.dispatch.immediate.ImmediateDispatcher"},
)
django.setup()
call_command("check", "--fail-level", "WARNING")
call_command("migrate", verbosity=0)

from PIL import Image

from django_largefiles.models import FileAsset

picture = BytesIO()
Image.new("RGB", (3, 2)).save(picture, "PNG")
picture.seek(0)
asset = FileAsset.objects.get(pk=FileAsset.objects.ingest(picture, name="picture.png").pk)

assert (asset.state, asset.width, asset.height) == ("ready", 3, 2), (asset.state, asset.detail)
assert (files("django_largefiles") / "py.typed").is_file()
assert requires("django-largefiles")
print(f"The wheel of django-largefiles works with Django {django.__version__}.")
