"""How much of the table the pages read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_largefiles.admin import bounds, files
from django_largefiles.models import FileAsset
from django_largefiles.states import Reason, State
from tests.conftest import create_asset

pytestmark = pytest.mark.django_db

LIST = "/admin/django_largefiles/fileasset/"


@pytest.fixture
def six(monkeypatch: pytest.MonkeyPatch) -> list[FileAsset]:
    """Six files, of which three are counted and the newest two are looked through."""
    for module in (bounds, files):
        monkeypatch.setattr(module, "COUNTED_AT_MOST", 3)
        monkeypatch.setattr(module, "NEWEST", 2)
    assets = [
        create_asset(original_name=f"{number}.png", state=State.REJECTED, reason=Reason.INFECTED, sha256="ab" * 32)
        for number in range(6)
    ]
    for number, asset in enumerate(assets):
        FileAsset.objects.filter(pk=asset.pk).update(created_at=timezone.now() - timedelta(days=number))
    return assets


@pytest.mark.usefixtures("six")
def test_no_more_rows_are_counted_than_are_listed(admin_client: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        response = admin_client.get(LIST)
    assert response.context["cl"].result_count == 3
    assert "Only the first 3 files are listed." in response.content.decode()
    counts = [query["sql"] for query in queries if "COUNT(" in query["sql"] and "largefiles_fileasset" in query["sql"]]
    assert counts and all("LIMIT 3" in sql for sql in counts)


def test_a_short_list_says_nothing_of_bounds(admin_client: Client) -> None:
    assert "largefiles-bound" not in admin_client.get(LIST).content.decode()


@pytest.mark.parametrize("query", ["q=png", "reason=infected"])
@pytest.mark.usefixtures("six")
def test_what_has_no_index_is_looked_for_among_the_newest(admin_client: Client, query: str) -> None:
    response = admin_client.get(f"{LIST}?{query}")
    assert [asset.original_name for asset in response.context["cl"].result_list] == ["0.png", "1.png"]
    assert "among the 2 newest files" in response.content.decode()


@pytest.mark.parametrize("term", ["ab" * 32, "AB" * 32])
@pytest.mark.usefixtures("six")
def test_a_digest_is_looked_for_among_all(admin_client: Client, term: str) -> None:
    assert admin_client.get(LIST, {"q": f" {term} "}).context["cl"].result_count == 3


@pytest.mark.parametrize("text", [str, lambda pk: pk.hex], ids=["hyphens", "digits"])
def test_an_id_is_looked_for_among_all(admin_client: Client, six: list[FileAsset], text: object) -> None:
    assert callable(text)
    response = admin_client.get(LIST, {"q": text(six[5].pk)})
    assert [asset.pk for asset in response.context["cl"].result_list] == [six[5].pk]


@pytest.mark.usefixtures("six")
def test_all_words_must_be_found(admin_client: Client) -> None:
    assert admin_client.get(LIST, {"q": "png 1"}).context["cl"].result_count == 1
    assert admin_client.get(LIST, {"q": "  "}).context["cl"].result_count == 3


@pytest.mark.skipif("sqlite3" not in settings.DATABASES["default"]["ENGINE"], reason="the plans are those of SQLite")
@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("", "largefiles_asset_created"),
        ("o=6", "largefiles_asset_created"),
        ("o=-6&p=3", "largefiles_asset_created"),
        ("created_at__gte=2026-01-01T00:00:00Z", "largefiles_asset_created"),
        ("state__exact=failed", "largefiles_asset_state"),
        ("reason=infected", "largefiles_asset_"),
        ("q=picture", "largefiles_asset_created"),
        ("profile=default", "largefiles_asset_profile"),
        (f"q={'ab' * 32}", "sha256"),
        ("q=5d130477-bf36-4f6c-97e6-82134ca2d58a", "sqlite_autoindex_django_largefiles_fileasset_1"),
    ],
)
def test_an_index_leads_to_the_rows(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch, query: str, index: str
) -> None:
    monkeypatch.setattr(bounds, "NEWEST", 1)
    FileAsset.objects.bulk_create([FileAsset(original_name="picture.png", size=1) for _number in range(310)])
    plan = admin_client.get(f"{LIST}?{query}").context["cl"].queryset.explain()
    assert index in plan.splitlines()[0], plan
