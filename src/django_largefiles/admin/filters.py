"""Filters of the list of files, none of which reads the table to find out what there is to choose."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ..conf import largefiles_settings
from ..models import FileAsset
from ..states import Reason, State
from .bounds import among_newest


class ProfileFilter(admin.SimpleListFilter):
    """Filter by the profiles in the settings: selecting the distinct ones of the table would read all of it."""

    title = _("profile")
    parameter_name = "profile"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in largefiles_settings.profiles]

    def queryset(self, request: HttpRequest, queryset: QuerySet[FileAsset]) -> QuerySet[FileAsset]:
        return queryset.filter(profile=self.value()) if self.value() else queryset


class ReasonFilter(admin.SimpleListFilter):
    """Filter by the reasons, which only rejected and failed files have."""

    title = _("reason")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Reason.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[FileAsset]) -> QuerySet[FileAsset]:
        if not self.value():
            return queryset
        return among_newest(queryset.filter(reason=self.value(), state__in=(State.REJECTED, State.FAILED)))
