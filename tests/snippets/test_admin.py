"""The admin of the documentation."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import path
from pytest_django.fixtures import Settings

from django_largefiles.models import FileAsset
from django_largefiles.states import State
from tests.conftest import create_asset
from tests.films.models import Film, Still
from tests.snippets.claims import claim
from tests.snippets.running import run

UNFOLD = claim("docs/admin.rst", "class UnfoldFileAssetAdmin(FileAssetAdmin, ModelAdmin):")
INLINE = claim("docs/admin.rst", "class StillInline(AssetAdminMixin, TabularInline):")

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _unfold(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stands in for Unfold, whose classes are of Django's too; ``browser/test_admin.py`` has the real ones.

    The site is left as it was.
    """
    for name in ("unfold", "unfold.admin"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    for name in ("ModelAdmin", "TabularInline"):
        monkeypatch.setattr(sys.modules["unfold.admin"], name, getattr(admin, name), raising=False)
    registered = dict(admin.site._registry)
    yield
    admin.site._registry.clear()
    admin.site._registry.update(registered)


def test_a_subclass_takes_the_place_of_the_admin(admin_client: Client, settings: Settings) -> None:
    run(UNFOLD)
    module: Any = ModuleType("urls")
    module.urlpatterns = [path("admin/", admin.site.urls)]
    settings.ROOT_URLCONF = module
    create_asset(state=State.READY)
    assert type(admin.site.get_model_admin(FileAsset)).__name__ == "UnfoldFileAssetAdmin"
    page = admin_client.get("/admin/django_largefiles/fileasset/").content.decode()
    assert '<td class="field-attachment">standalone</td>' in page


def test_a_model_of_the_host_has_an_inline() -> None:
    run(INLINE, Film=Film, Still=Still)
    assert [inline.model for inline in admin.site.get_model_admin(Film).inlines] == [Still]
