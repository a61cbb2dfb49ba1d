"""The admin of docs/admin.rst, which has the looks of Unfold, and of users, with which a browser compares ours."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.urls import include, path
from unfold.admin import ModelAdmin, TabularInline

from tests.films.models import Film, Still
from tests.snippets.blocks import find
from tests.snippets.running import run


class EntryInline(TabularInline):
    model = LogEntry
    fields = ("object_repr",)


class ComparedUserAdmin(UserAdmin, ModelAdmin):
    search_help_text = "Words of a name."
    inlines = (EntryInline,)


admin.site.unregister(User)
admin.site.register(User, ComparedUserAdmin)
run(find("docs/admin.rst", "class UnfoldFileAssetAdmin(FileAssetAdmin, ModelAdmin):"))
run(find("docs/admin.rst", "class StillInline(AssetAdminMixin, TabularInline):"), Film=Film, Still=Still)

urlpatterns = [path("admin/", admin.site.urls), path("files/", include("django_largefiles.urls"))]
