from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
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


def test_no_file_is_assigned_to_the_field(received: FileAsset) -> None:
    received.file = ContentFile(b"abc", name="a.png")
    with pytest.raises(NotImplementedError, match=r"FileAsset\.file cannot be assigned"):
        received.save()
