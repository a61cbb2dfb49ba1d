"""The widgets of one asset and of several.

Without JavaScript they post files like any file input. The script of this package replaces a file by the token of its
upload.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.forms.utils import flatatt

from .. import upload_tokens
from ..conf import get_profile
from ..exceptions import ConfigurationError
from ..media_types.families import EXTENSIONS
from ..models import FileAsset
from ..options import DEFAULT_PROFILE
from ..routes import API, DIRECT, is_included, path_to, reverse_view
from ..states import Attachment, State
from ..stores import configured_store
from ..words import allowed_names, explain_rejection
from .values import Shown, Submission

NO_ASSET = UUID(int=0)
"""Stands for the id in a path that the script fills in."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What is shown of one asset."""

    asset: FileAsset
    token: str
    """What the form submits for it; empty for an asset to which the row refers already."""
    checkbox: Mapping[str, str] | None
    """The name, the id and the value of the input by which it is removed."""

    @property
    def url(self) -> str:
        """Where a file that is ready can be seen; empty for others, and in a project without these URLs."""
        return _path_to("download", self.asset.pk) if self.asset.state == State.READY else ""

    @property
    def words(self) -> str:
        """Why the file was rejected."""
        return explain_rejection(self.asset)


class AssetInput(forms.FileInput):
    """An input for one file, with the name and the state of the one that is there."""

    template_name = "django_largefiles/forms/asset_input.html"
    profile = DEFAULT_PROFILE
    is_standalone = False
    """Whether files that the script uploads belong to no form."""

    class Media:
        css: ClassVar[dict[str, tuple[str, ...]]] = {"all": ("django_largefiles/upload.css",)}
        js = (
            forms.Script("django_largefiles/vendor/tus-js-client/tus.min.js", defer=True),
            forms.Script("django_largefiles/upload.js", type="module"),
        )

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Submission | None:
        submitted = Submission(
            tokens=tuple(token for token in _values(data, name) if token),
            files=tuple(file for file in _values(files, name) if file),
            removed=self.removed(data, name),
        )
        return None if submitted == Submission() else submitted

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return self.value_from_datadict(data, files, name) is None

    def removed(self, data: Any, name: str) -> frozenset[str]:
        # A file that is required can be replaced, but not removed.
        return frozenset() if self.is_required else frozenset(_values(data, clear_name(name)))

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, None, attrs)
        widget = context["widget"]
        enabled = not widget["attrs"].get("disabled")
        rows = self.rows(name, value, removable=enabled and not self.is_required) if isinstance(value, Shown) else []
        if rows:
            widget["attrs"].pop("required", None)
        profile = get_profile(self.profile)
        accept = accepted(profile.allowed_mime_types)
        if accept:
            widget["attrs"].setdefault("accept", accept)
        data = {
            "data-url": _path_to("uploads"),
            "data-direct": _direct_path(),
            "data-events": _path_to("events"),
            "data-download": _path_to("download", NO_ASSET),
            "data-user": str(value.request.user.pk or "") if isinstance(value, Shown) else "",
            "data-profile": profile.name,
            "data-attachment": Attachment.STANDALONE.value if self.is_standalone else "",
            "data-max-size": str(profile.max_upload_size),
            "data-accept": accept,
            "data-allowed": allowed_names(", ".join(profile.allowed_mime_types)),
        }
        widget |= {
            "rows": rows,
            "data": flatatt({key: text for key, text in data.items() if text}),
            "several": self.allow_multiple_selected,
            "token": "" if self.allow_multiple_selected or not rows else rows[-1].token,
            "resumable": bool(data["data-url"]),
            "permit_name": f"{name}-permit",
            "permit": self.permit(name, value) if enabled else "",
        }
        return context

    def rows(self, name: str, shown: Shown, *, removable: bool) -> list[Row]:
        # A file that was submitted replaces the former one.
        return [self.row(name, asset, shown, removable=removable) for asset in (shown.uploaded or shown.initial)[-1:]]

    def row(self, name: str, asset: FileAsset, shown: Shown, *, removable: bool) -> Row:
        token = upload_tokens.issue(asset, shown.request) if asset in shown.uploaded else ""
        return Row(asset=asset, token=token, checkbox=self.checkbox(name, asset) if removable else None)

    def checkbox(self, name: str, asset: FileAsset) -> Mapping[str, str]:
        return {"name": clear_name(name), "id": f"{clear_name(name)}_id", "value": "on"}

    def permit(self, name: str, value: Any) -> str:
        return upload_tokens.issue_permit(name, self.profile, value.request) if isinstance(value, Shown) else ""


class AssetsInput(AssetInput):
    """An input for several files, with the names and the states of those that are there."""

    allow_multiple_selected = True

    def removed(self, data: Any, name: str) -> frozenset[str]:
        return frozenset(_values(data, clear_name(name)))

    def rows(self, name: str, shown: Shown, *, removable: bool) -> list[Row]:
        # Those of a field that is required can be removed too, as long as another is added.
        enabled = removable or self.is_required
        return [self.row(name, asset, shown, removable=enabled) for asset in (*shown.initial, *shown.uploaded)]

    def checkbox(self, name: str, asset: FileAsset) -> Mapping[str, str]:
        return {"name": clear_name(name), "id": f"{clear_name(name)}_{asset.pk}", "value": str(asset.pk)}


def accepted(patterns: Iterable[str]) -> str:
    """Return media types for the attribute ``accept``, and their extensions, which systems may know better.

    It is empty if all are allowed.
    """
    wanted = list(patterns)
    if "*/*" in wanted:
        return ""
    suffixes = dict.fromkeys(suffix for pattern in wanted for suffix in sorted(EXTENSIONS.get(pattern, ())))
    return ",".join((*wanted, *suffixes))


def clear_name(name: str) -> str:
    return f"{name}-clear"


def _path_to(view: str, *args: object) -> str:
    """Return the path of a view; empty if the project does not include the URLs: forms work without them."""
    try:
        return path_to(view, *args)
    except ConfigurationError:
        return ""


def _direct_path() -> str:
    """Return where uploads to the storage itself are arranged; empty if it takes none, or without the REST API."""
    if configured_store().direct is None or not is_included(API):
        return ""
    return reverse_view(DIRECT)


def _values(data: Any, name: str) -> list[Any]:
    """Return all values of a name, also of a plain dict."""
    if hasattr(data, "getlist"):
        return list(data.getlist(name))
    value = data.get(name)
    return value if isinstance(value, list) else [] if value is None else [value]
