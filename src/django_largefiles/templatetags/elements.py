"""HTML elements that show an asset, and the URLs in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models.fields.files import FieldFile
from django.template import Context, TemplateSyntaxError
from django.utils.html import conditional_escape, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language_info

from ..delivery.disposition import disposition_of
from ..links import Disposition
from ..media_types.matching import matches
from ..models import FileAsset
from ..routes import path_to
from ..states import State

PLAIN = frozenset({"class", "dir", "id", "lang", "title"})
"""Attributes that every tag passes on, besides those that begin with ``data_`` and ``aria_``."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """An asset on a page, and the URLs that lead from there to it and to files beside it."""

    asset: FileAsset
    current_app: str | None
    signed: bool
    max_age: int | None

    def is_inline(self, *patterns: str) -> bool:
        """Return whether browsers show the file in place: a ready one of these types."""
        asset = self.asset
        if asset.state != State.READY or not matches(asset.media_type, patterns):
            return False
        return disposition_of(asset, "inline") == "inline"

    def url(self, disposition: Disposition) -> str:
        return self._url(self.asset, disposition)

    def url_of(self, file: FileAsset | FieldFile | str | None) -> str | None:
        """Return the URL of a file beside the asset: a poster or captions. ``None`` if there is none, or none yet."""
        if isinstance(file, FileAsset):
            return self._url(file, "inline") if file.state == State.READY else None
        return str(getattr(file, "url", file)) if file else None

    def _url(self, asset: FileAsset, disposition: Disposition) -> str:
        if self.signed or self.max_age is not None:
            return asset.signed_url(max_age=self.max_age, disposition=disposition, current_app=self.current_app)
        query = "?disposition=inline" if disposition == "inline" else ""
        return path_to("download", asset.pk, current_app=self.current_app) + query

    def box(self, width: int | None, height: int | None) -> dict[str, object]:
        """Return the size at which a file is shown, in its own proportions, as far as they are known."""
        own_width, own_height = self.asset.width, self.asset.height
        if own_width and own_height:
            if width and not height:
                height = round(int(width) * own_height / own_width)
            elif height and not width:
                width = round(int(height) * own_width / own_height)
            elif not width:
                width, height = own_width, own_height
        return {"width": width or None, "height": height or None}

    def tracks(self, tracks: Iterable[Mapping[str, Any]]) -> list[SafeString]:
        """Return the attributes of ``<track>`` elements, without those whose file is not there."""
        return [flat(track) for track in map(self._track, tracks) if track["src"]]

    def _track(self, track: Mapping[str, Any]) -> dict[str, object]:
        language = track.get("srclang") or None
        return {
            "kind": track.get("kind", "captions"),
            "src": self.url_of(track["src"]),
            "srclang": language,
            "label": track.get("label") or _own_name(language),
            "default": bool(track.get("default")),
        }


def shown(tag: str, context: Context, asset: object, *, signed: bool, max_age: int | None) -> Shown | None:
    """Return ``None`` if there is no asset, because a field is empty or the template names an unknown variable.

    Raise ``TemplateSyntaxError`` if the tag was given something else.
    """
    if asset is None or asset == "":
        return None
    if not isinstance(asset, FileAsset):
        raise TemplateSyntaxError(f"{tag} needs a FileAsset, not {type(asset).__name__}: {asset!r}")
    return Shown(asset=asset, current_app=_current_app(context), signed=signed, max_age=max_age)


def passed_on(tag: str, attributes: Mapping[str, object], known: frozenset[str] = PLAIN) -> dict[str, object]:
    """Return the attributes of a tag under their names in HTML. Raise ``TemplateSyntaxError`` for an unknown one."""
    for name in attributes:
        if name not in known and not name.startswith(("aria_", "data_")):
            raise TemplateSyntaxError(
                f"{tag} has no argument {name!r}; attributes that it passes on are {', '.join(sorted(known))}, "
                "data_… and aria_…"
            )
    return {name.replace("_", "-"): value for name, value in attributes.items()}


def flat(attributes: Mapping[str, object]) -> SafeString:
    """Return attributes for an element. ``True`` makes one without a value; ``None`` and ``False`` are left out."""
    present = {name: value for name, value in attributes.items() if value is not None and value is not False}
    valued = ((name, _quoted(value)) for name, value in present.items() if value is not True)
    flags = ((name,) for name, value in present.items() if value is True)
    return format_html_join("", ' {}="{}"', valued) + format_html_join("", " {}", flags)


def _quoted(value: object) -> SafeString:
    # Text that is marked as safe, as a literal of a template is, stays so, and may have quotation marks.
    return mark_safe(conditional_escape(str(value)).replace('"', "&quot;"))  # noqa: S308


def _current_app(context: Context) -> str | None:
    """Return the instance namespace of the page, as Django's ``{% url %}`` finds it."""
    request = getattr(context, "request", None)
    match = getattr(request, "resolver_match", None)
    app: str | None = getattr(request, "current_app", None) or getattr(match, "namespace", None)
    return app


def _own_name(language: str | None) -> str | None:
    """Return the name of a language in that language."""
    try:
        return str(get_language_info(language)["name_local"]) if language else None
    except KeyError:
        return language
