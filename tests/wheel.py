"""Run by an interpreter that has the wheel and nothing else of the project: is it all there, and does it work?"""

import tempfile
from importlib.metadata import entry_points, metadata, requires
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
    ROOT_URLCONF=__name__,
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    LARGEFILES={"DISPATCHER": "django_largefiles.dispatch.immediate.ImmediateDispatcher"},
)
django.setup()

from django.urls import include, path

urlpatterns = [path("files/", include("django_largefiles.urls"))]
call_command("check", "--fail-level", "WARNING")
call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)
call_command("migrate", verbosity=0)

from django.template import Context, Template
from django.utils.translation import override
from PIL import Image

from django_largefiles.forms import AssetInput
from django_largefiles.models import FileAsset
from django_largefiles.states import State

with override("de"):
    assert str(State.READY.label) == "bereit"

picture = BytesIO()
Image.new("RGB", (3, 2)).save(picture, "PNG")
picture.seek(0)
asset = FileAsset.objects.get(pk=FileAsset.objects.ingest(picture, name="picture.png").pk)

assert (asset.state, asset.width, asset.height) == ("ready", 3, 2), (asset.state, asset.detail)
page = Template('{% load largefiles %}{% largefile_picture asset alt="" %}').render(Context({"asset": asset}))
assert page.startswith(f'<img src="{asset.url}'), page
assert "<largefile-upload" in AssetInput().render("video", None)
assert (files("django_largefiles") / "py.typed").is_file()
assert (files("django_largefiles") / "static" / "django_largefiles" / "upload.js").is_file()
assert requires("django-largefiles")
about = metadata("django-largefiles")
assert about["License-Expression"] == "BSD-3-Clause AND MIT"
assert about.get_all("License-File") == [
    "LICENSE",
    "src/django_largefiles/static/django_largefiles/vendor/tus-js-client/LICENSE",
]
assert [each.value for each in entry_points(group="pytest11", name="largefiles")] == [
    "django_largefiles.pytest_plugin"
]
print(f"The wheel of django-largefiles works with Django {django.__version__}.")
