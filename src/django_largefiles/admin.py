from __future__ import annotations

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _, ngettext

from . import lifecycle
from .models import FileAsset, FileAssetQuerySet


@admin.register(FileAsset)
class FileAssetAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """To look at, to process again, to take down and to delete; files come in through the doors."""

    list_display = (
        "original_name",
        "state",
        "reason",
        "media_type",
        "size",
        "owner",
        "profile",
        "created_at",
    )
    list_filter = ("state", "reason", "profile", "created_at")
    list_select_related = ("owner",)
    search_fields = ("id", "original_name", "sha256", "title")
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
    show_full_result_count = False
    actions = ("reprocess", "block")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: FileAsset | None = None) -> bool:
        return False

    def has_reprocess_permission(self, request: HttpRequest) -> bool:
        return super().has_change_permission(request)

    @admin.action(description=_("Process again"), permissions=["reprocess"])
    def reprocess(self, request: HttpRequest, assets: FileAssetQuerySet) -> None:
        count = sum(lifecycle.reprocess(pk) for pk in list(assets.values_list("pk", flat=True)))
        self._report(
            request,
            count,
            ngettext("%d file will be processed again.", "%d files will be processed again.", count),
        )

    @admin.action(description=_("Block"), permissions=["reprocess"])
    def block(self, request: HttpRequest, assets: FileAssetQuerySet) -> None:
        detail = f"blocked by {request.user}"
        count = sum(lifecycle.block(pk, detail) for pk in list(assets.values_list("pk", flat=True)))
        self._report(request, count, ngettext("%d file is blocked.", "%d files are blocked.", count))

    def _report(self, request: HttpRequest, count: int, text: str) -> None:
        self.message_user(request, text % count, messages.SUCCESS if count else messages.WARNING)
