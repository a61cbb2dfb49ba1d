"""The admin of files, that of docs/forms.rst, and of users, with which a browser compares ours."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.urls import include, path

from tests.films.models import Film, Still
from tests.snippets.blocks import find
from tests.snippets.running import run


class EntryInline(admin.TabularInline):
    model = LogEntry
    fields = ("object_repr",)


class ComparedUserAdmin(UserAdmin):
    search_help_text = "Words of a name."
    inlines = (EntryInline,)


admin.site.unregister(User)
admin.site.register(User, ComparedUserAdmin)
run(find("docs/forms.rst", "class StillInline(AssetAdminMixin, admin.TabularInline):"), Film=Film, Still=Still)

urlpatterns = [path("admin/", admin.site.urls), path("files/", include("django_largefiles.urls"))]
