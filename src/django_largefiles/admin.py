from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _, ngettext

from . import lifecycle
from .conf import largefiles_settings
from .models import FileAsset, FileAssetQuerySet
from .states import State


class ProfileFilter(admin.SimpleListFilter):
    """Filter by the profiles in the settings: selecting the distinct ones of the table would read all of it."""

    title = _("profile")
    parameter_name = "profile"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in largefiles_settings.profiles]

    def queryset(self, request: HttpRequest, queryset: FileAssetQuerySet) -> FileAssetQuerySet:
        return queryset.filter(profile=self.value()) if self.value() else queryset


@admin.register(FileAsset)
class FileAssetAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """View, reprocess, block and delete assets. They are created by uploads only."""

    list_display = (
        "original_name",
        "state",
        "progress",
        "reason",
        "media_type",
        "size",
        "owner",
        "profile",
        "created_at",
    )
    list_filter = ("state", "reason", "scan_verdict", ProfileFilter, "created_at")
    list_select_related = ("owner", "upload")
    search_fields = ("id", "original_name", "sha256", "title")
    ordering = ("-created_at",)
    show_full_result_count = False
    actions = ("reprocess", "block")

    @admin.display(description=_("progress"))
    def progress(self, asset: FileAsset) -> str:
        """Return the stage and the percentage done, while the asset arrives or is processed."""
        done = asset.received if asset.state == State.RECEIVING else asset.stage_done
        if asset.state not in {State.RECEIVING, State.PROCESSING} or not asset.size:
            return ""
        return f"{asset.get_stage_display()} {100 * done // asset.size} %".strip()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: FileAsset | None = None) -> bool:
        return False

    def has_reprocess_permission(self, request: HttpRequest) -> bool:
        return super().has_change_permission(request)

    @admin.action(description=_("Process again"), permissions=["reprocess"])
    def reprocess(self, request: HttpRequest, assets: FileAssetQuerySet) -> None:
        changed = [asset for asset in list(assets) if lifecycle.reprocess(asset.pk)]
        text = ngettext("%d file will be processed again.", "%d files will be processed again.", len(changed))
        self._report(request, changed, "Processed again.", text)

    @admin.action(description=_("Block"), permissions=["reprocess"])
    def block(self, request: HttpRequest, assets: FileAssetQuerySet) -> None:
        changed = [asset for asset in list(assets) if lifecycle.block(asset.pk)]
        text = ngettext("%d file was blocked.", "%d files were blocked.", len(changed))
        self._report(request, changed, "Blocked.", text)

    def _report(self, request: HttpRequest, changed: list[FileAsset], entry: str, text: str) -> None:
        # The log names the user. The asset's own detail does not, because its owner sees it.
        for asset in changed:
            self.log_change(request, asset, entry)
        self.message_user(request, text % len(changed), messages.SUCCESS if changed else messages.WARNING)
