from __future__ import annotations

from django.contrib import admin

from django_largefiles.admin import AssetAdminMixin

from .models import Film


@admin.register(Film)
class FilmAdmin(AssetAdminMixin, admin.ModelAdmin):
    list_display = ("title", "created_at")
