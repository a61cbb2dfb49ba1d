from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.core import serializers
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.db import transaction
from django.urls import reverse
from pytest_django.fixtures import Settings

from django_largefiles.models import FileAsset
from tests.conftest import png

pytestmark = pytest.mark.django_db


def test_the_bytes_are_read_from_their_beginning_each_time_they_are_opened(received: FileAsset) -> None:
    for _ in range(2):
        with received.file.open() as file:
            assert file.read(4) + file.read() == png()
    assert received.file.closed


def test_opening_an_open_file_goes_back_to_its_beginning(received: FileAsset) -> None:
    received.file.open().read(4)
    assert received.file.open().read() == png()
    received.file.close()


def test_the_bytes_can_be_read_without_opening_them(received: FileAsset) -> None:
    assert (received.file.read(4), received.file.read()) == (png()[:4], png()[4:])
    received.file.close()


def test_the_size_is_that_of_the_row(received: FileAsset) -> None:
    assert received.file.size == len(png())


@pytest.mark.parametrize("mode", ["wb", "r"])
def test_it_is_opened_for_reading_only(received: FileAsset, mode: str) -> None:
    with pytest.raises(ValueError, match=f"'rb', not '{mode}'"):
        received.file.open(mode)


def test_the_url_is_that_of_the_download_view(received: FileAsset) -> None:
    assert received.file.url == reverse("largefiles:download", args=[received.pk])


def test_without_our_urls_the_error_says_what_to_include(received: FileAsset, settings: Settings) -> None:
    settings.ROOT_URLCONF = "django.contrib.auth.urls"
    with pytest.raises(ImproperlyConfigured, match=r'include\("django_largefiles\.urls"\).*deliver'):
        _ = received.file.url


@pytest.mark.parametrize("attribute", ["url", "size", "open"])
def test_an_asset_whose_bytes_are_arriving_has_no_file(attribute: str) -> None:
    asset = FileAsset(original_name="a.png")
    assert not asset.file
    with pytest.raises(ValueError, match="no stored bytes: it is receiving"):
        getattr(asset.file, attribute)()


def test_bytes_are_not_saved_through_the_field(received: FileAsset) -> None:
    with pytest.raises(NotImplementedError, match=r"FileAsset\.file cannot be saved.*ingest"):
        received.file.save("a.png", ContentFile(b"abc"))


def test_bytes_are_not_deleted_through_the_field(received: FileAsset) -> None:
    with pytest.raises(NotImplementedError, match=r"FileAsset\.file cannot be deleted.*asset\.delete\(\)"):
        received.file.delete()


@pytest.mark.parametrize("file", ["largefiles/ab/cd/abcd", ContentFile(b"abc", name="a.png")], ids=["name", "file"])
@pytest.mark.parametrize(
    "create",
    [
        lambda assets, **values: assets.create(**values),
        lambda assets, **values: FileAsset(**values).save(),
        lambda assets, **values: assets.bulk_create([FileAsset(**values)]),
        lambda assets, **values: assets.get_or_create(sha256="ab", defaults=values),
        lambda assets, **values: assets.update_or_create(sha256="ab", defaults=values),
    ],
    ids=["create", "save", "bulk_create", "get_or_create", "update_or_create"],
)
def test_a_new_row_takes_no_file(create: Callable[..., object], file: object) -> None:
    refused = r"FileAsset\.file cannot be (assigned|given to a new row).*ingest\(\)"
    with pytest.raises(NotImplementedError, match=refused), transaction.atomic():
        create(FileAsset.objects, original_name="a.png", file=file)
    assert not FileAsset.objects.exists()


def test_two_rows_cannot_have_the_same_bytes(received: FileAsset) -> None:
    received.pk, received._state.adding = uuid4(), True
    with pytest.raises(NotImplementedError, match="given to a new row"):
        received.save()


def test_fixtures_restore_rows_as_they_were(received: FileAsset) -> None:
    fixture = serializers.serialize("json", [received])
    FileAsset.objects.filter(pk=received.pk)._raw_delete(received._state.db)
    for restored in serializers.deserialize("json", fixture):
        restored.save()
    assert FileAsset.objects.get().file.name == received.file.name


def test_no_file_is_assigned_to_the_field(received: FileAsset) -> None:
    received.file = ContentFile(b"abc", name="a.png")
    with pytest.raises(NotImplementedError, match=r"FileAsset\.file cannot be assigned"):
        received.save()
