"""The admin of the files themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, cast

import django
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import flatten_fieldsets, lookup_field
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db import router
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _, ngettext

from .. import lifecycle
from ..access import access_policy
from ..media_types.matching import matches
from ..models import FileAsset, FileAssetQuerySet
from ..routes import VIEWS, is_included
from ..states import State
from . import overview
from .bounds import COUNTED_AT_MOST, NEWEST, BoundedPaginator
from .filters import ProfileFilter, ReasonFilter
from .forms import BlockForm, asked_profile, profiles_of, upload_form
from .searching import search
from .timeline import timeline

SELECTED_AT_MOST = 1000
"""Files that one action handles: each takes a transaction of its own, and a request must end."""

OTHER_FIELDS = 10
"""Fields that a form with the files of an action has besides them, and a few more, which a host's may add."""

PICTURED_AT_MOST = 20 << 20
"""Bytes of an image that is shown on its page, because the whole file is sent."""

FIELDSETS: Any = (
    (None, {"fields": ("name", "id", "owner", "profile", "attachment")}),
    (_("State"), {"fields": ("state", "reason", "detail", "progress", "attempts")}),
    (_("Times"), {"fields": ("created_at", "updated_at", "processed_at", "expires_at")}),
    (
        _("Content"),
        {
            "fields": (
                "human_size",
                "media_type",
                "declared_type",
                "sha256",
                "expected_sha256",
                "sha512",
                "expected_sha512",
                "crc32",
                "storage",
            )
        },
    ),
    (
        _("Metadata"),
        {
            "fields": (
                "title",
                "width",
                "height",
                "duration",
                "page_count",
                "extra_attributes",
                "extraction_error",
                "confinement",
            )
        },
    ),
    (_("Scan"), {"fields": ("scan_verdict", "scan_detail")}),
    (_("Request of the upload"), {"fields": ("client_fields",)}),
)
"""What the page of a file shows, as far as it is known."""


@admin.register(FileAsset)
class FileAssetAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Upload, look at, process again, block and delete files. Nothing else of them can be changed.

    To change it, unregister ``FileAsset`` and register a subclass.
    """

    list_display = ("name", "badge", "content", "owner", "profile", "created_at")
    list_display_links = ("name",)
    list_filter = ("state", ReasonFilter, ProfileFilter, "created_at")
    list_select_related = ("owner", "upload")
    search_fields = ("original_name", "title")
    search_help_text = _("An id, a SHA-256, or words of a name or a title.")
    ordering = ("-created_at", "pk")
    sortable_by = ("created_at",)
    view_on_site = False
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = BoundedPaginator
    fieldsets = FIELDSETS
    readonly_fields = tuple(flatten_fieldsets(FIELDSETS))
    actions = ("reprocess", "block")
    change_form_template = "admin/django_largefiles/fileasset/change_form.html"
    change_list_template = "admin/django_largefiles/fileasset/change_list.html"

    class Media:
        css = {"all": ("django_largefiles/admin.css",)}

    @admin.display(description=_("name"))
    def name(self, asset: FileAsset) -> SafeString:
        # A name may be written in another direction than the page.
        return format_html("<bdi>{}</bdi>", asset.original_name)

    @admin.display(description=_("size"))
    def human_size(self, asset: FileAsset) -> str:
        return filesizeformat(asset.size) if asset.size is not None else ""

    @admin.display(description=_("content"))
    def content(self, asset: FileAsset) -> SafeString:
        """Return the size and the type, in one column: the list fits into 1280 pixels."""
        known = [text for text in (self.human_size(asset), asset.media_type) if text]
        return format_html_join(mark_safe("<br>"), "{}", ((text,) for text in known))

    @admin.display(description=_("state"))
    def badge(self, asset: FileAsset) -> SafeString:
        """Return the state, and why or how far."""
        more = asset.get_reason_display() or self.progress(asset)
        badge = format_html('<span class="largefiles-badge {}">{}</span>', asset.state, asset.get_state_display())
        return format_html("{} {}", badge, more) if more else badge

    @admin.display(description=_("progress"))
    def progress(self, asset: FileAsset) -> str:
        """Return the stage and the percentage done, while the asset arrives or is processed."""
        done = asset.received if asset.state == State.RECEIVING else asset.stage_done
        if asset.state not in {State.RECEIVING, State.PROCESSING} or not asset.size:
            return ""
        return f"{asset.get_stage_display()} {100 * done // asset.size} %".strip()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[FileAsset], search_term: str
    ) -> tuple[QuerySet[FileAsset], bool]:
        return search(queryset, search_term), False

    # The list

    def get_queryset(self, request: HttpRequest) -> QuerySet[FileAsset]:
        """Return the files that the access policy lets the user see."""
        assets = cast("FileAssetQuerySet", super().get_queryset(request))
        return assets.visible_to(request.user)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        bounds = {"counted_at_most": COUNTED_AT_MOST, "newest": NEWEST}
        return super().changelist_view(request, {**bounds, **(extra_context or {})})

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.overview_view)
        return [path("overview/", view, name="django_largefiles_fileasset_overview"), *super().get_urls()]

    def overview_view(self, request: HttpRequest) -> HttpResponse:
        """Show what arrives, waits and fails."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self._page(
            request,
            "overview.html",
            title=_("What arrives, waits and fails"),
            sections=list(overview.sections(request.user)),
            duties=overview.duties(),
            last_sweep=overview.last_sweep(),
        )

    # A new file

    def get_fieldsets(self, request: HttpRequest, obj: FileAsset | None = None) -> Any:
        """Return the field for an upload, or the columns of a file that say something."""
        if obj is None:
            return [(None, {"fields": ("uploaded_file",)})]
        groups: list[tuple[Any, dict[str, Any]]]
        groups = [(title, {**options}) for title, options in super().get_fieldsets(request, obj)]
        for _title, options in groups:
            options["fields"] = list(self._known(obj, options["fields"]))
        return [(title, options) for title, options in groups if options["fields"]]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        return super().get_form(request, obj, change, **options) if obj else upload_form(request)

    def save_model(self, request: HttpRequest, obj: FileAsset, form: Any, change: bool) -> None:
        lifecycle.keep(obj.pk, router.db_for_write(FileAsset))

    # One file

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: FileAsset | None = None,
    ) -> HttpResponse:
        own = self._about(request, obj) if obj else self._profiles(request)
        return super().render_change_form(request, {**own, **context}, add, change, form_url, obj)

    def _about(self, request: HttpRequest, asset: FileAsset) -> dict[str, Any]:
        may_download = is_included(VIEWS) and access_policy().may_download(request.user, asset)
        return {
            "preview": _preview(asset) if may_download else "",
            "download_url": asset.url if may_download and asset.state == State.READY else "",
            "timeline": timeline(asset),
            "tools": list(self._tools(request, asset)),
            "checkbox_name": ACTION_CHECKBOX_NAME,
        }

    def _tools(self, request: HttpRequest, asset: FileAsset) -> Iterator[tuple[str, Any]]:
        """Return the actions that may move the asset, with their texts."""
        may_move = {
            "block": asset.state == State.READY,
            "reprocess": lifecycle.is_reprocessable(asset) and access_policy().may_reprocess(request.user, asset),
        }
        for name, text in self.get_action_choices(request, []):
            if may_move.get(name):
                yield name, text

    def _profiles(self, request: HttpRequest) -> dict[str, Any]:
        return {"profiles": profiles_of(request), "asked_profile": asked_profile(request)}

    def _known(self, asset: FileAsset, fields: Iterable[Any]) -> Iterator[Any]:
        """Return those of the fields that say something; a tuple is a row of several."""
        for field in fields:
            if isinstance(field, tuple):
                row = tuple(self._known(asset, field))
                yield from [row] if row else []
            elif self._is_known(asset, field):
                yield field

    def _is_known(self, asset: FileAsset, name: Any) -> bool:
        try:
            _field, _attribute, value = lookup_field(name, asset, self)
        except (AttributeError, ValueError, ObjectDoesNotExist):
            # As in the admin, which then shows an empty value.
            return False
        return value not in (None, "", [], {})

    # Permissions

    def has_view_permission(self, request: HttpRequest, obj: FileAsset | None = None) -> bool:
        # The permission to change, which allows viewing elsewhere in the admin, allows nothing here.
        return request.user.has_perm("django_largefiles.view_fileasset")

    def has_change_permission(self, request: HttpRequest, obj: FileAsset | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: FileAsset | None = None) -> bool:
        may_delete = super().has_delete_permission(request, obj)
        return may_delete and (obj is None or access_policy().may_delete(request.user, obj))

    def has_reprocess_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("django_largefiles.reprocess_fileasset")

    def has_block_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("django_largefiles.block_fileasset")

    # Actions

    @admin.action(description=_("Process again"), permissions=["reprocess"])
    def reprocess(self, request: HttpRequest, assets: FileAssetQuerySet) -> None:
        if selected := self._selected(request, assets):
            policy = access_policy()
            permitted = [asset for asset in selected if policy.may_reprocess(request.user, asset)]
            changed = [asset for asset in permitted if lifecycle.reprocess(asset.pk)]
            text = ngettext("%d file will be processed again.", "%d files will be processed again.", len(changed))
            self._report(request, changed, "Processed again.", text)

    @admin.action(description=_("Block"), permissions=["block"])
    def block(self, request: HttpRequest, assets: FileAssetQuerySet) -> HttpResponse | None:
        """Ask for the reason, and block the files."""
        selected = self._selected(request, assets)
        form = BlockForm(request.POST if "reason" in request.POST else None)
        if selected and form.is_valid():
            reason = form.cleaned_data["reason"]
            changed = [asset for asset in selected if lifecycle.block(asset.pk, reason)]
            text = ngettext("%d file was blocked.", "%d files were blocked.", len(changed))
            self._report(request, changed, f"Blocked: {reason}", text)
        elif selected:
            context = {"form": form, "assets": selected, "checkbox_name": ACTION_CHECKBOX_NAME}
            return self._page(request, "block.html", title=_("Block files"), **context)
        return None

    def _selected(self, request: HttpRequest, assets: FileAssetQuerySet) -> list[FileAsset]:
        """Return the assets that an action is to handle: none, with a message, if there are too many."""
        limit = selected_at_most()
        selected = list(assets[: limit + 1])
        if len(selected) <= limit:
            return selected
        text = _("At most %d files can be handled at once. Nothing was changed.")
        self.message_user(request, text % limit, messages.ERROR)
        return []

    def _report(self, request: HttpRequest, changed: list[FileAsset], entry: str, text: str) -> None:
        # The log names the user. The asset's own detail does not, because its owner sees it.
        for asset in changed:
            self.log_change(request, asset, entry)
        self.message_user(request, text % len(changed), messages.SUCCESS if changed else messages.WARNING)

    def _page(self, request: HttpRequest, template: str, **context: Any) -> TemplateResponse:
        own = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
            "breadcrumbs_are_list": django.VERSION >= (6, 1),
            **context,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, f"admin/django_largefiles/fileasset/{template}", own)


def selected_at_most() -> int:
    """Return how many files an action handles: so many that Django takes the form which asks for the reason."""
    fields = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
    return SELECTED_AT_MOST if fields is None else max(1, min(SELECTED_AT_MOST, fields - OTHER_FIELDS))


def _preview(asset: FileAsset) -> str:
    """Return which of the template tags shows the file: it does so only if browsers may, and links to it otherwise."""
    if matches(asset.media_type, ("image/*",)) and (asset.size or 0) <= PICTURED_AT_MOST:
        return "picture"
    return "player" if matches(asset.media_type, ("audio/*", "video/*")) else "link"
