"""Template tags that show files, and one that takes them: ``{% load largefiles %}``.

A tag shows a ready file of a type in ``INLINE_TYPES``, a link to any other ready file, and says of all others in words
why they are not shown. The access policy is not asked: the view of the page has decided, and the view that sends the
file asks it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.db.models.fields.files import FieldFile
from django.template import Context, TemplateSyntaxError
from django.utils.safestring import SafeString

from ..forms import values
from ..forms.widgets import AssetInput, AssetsInput
from ..media_types.matching import matches
from ..models import FileAsset
from ..options import DEFAULT_PROFILE
from ..states import State
from ..words import explain_rejection
from .elements import PLAIN, Shown, flat, passed_on, shown

register = template.Library()

INPUT = frozenset({"accept", "disabled", "required"})
PLAYING = frozenset({"autoplay", "loop", "muted", "playsinline"})


@register.inclusion_tag("django_largefiles/picture.html", takes_context=True)
def largefile_picture(
    context: Context,
    asset: FileAsset | None,
    *,
    alt: str,
    width: int | None = None,
    height: int | None = None,
    loading: str = "lazy",
    link: bool = False,
    signed: bool = False,
    max_age: int | None = None,
    **attributes: object,
) -> dict[str, Any]:
    """Show an image: ``{% largefile_picture photo.file alt=photo.caption width=320 %}``.

    ``alt`` is required; it is ``""`` for an image that only decorates. ``width`` and ``height`` are pixels. One
    follows from the other, and both from the file, so that the page does not move when the image arrives.
    ``link=True`` makes the image a link to its file. ``signed=True`` makes URLs that work without a session, for
    ``max_age`` seconds.
    """
    own = passed_on("largefile_picture", attributes)
    page = shown("largefile_picture", context, asset, signed=signed, max_age=max_age)
    if page is None or not page.is_inline("image/*"):
        return _fallback(page)
    source, box = page.url("inline"), page.box(width, height)
    image = {"src": source, "alt": alt or "", **box, "loading": loading, "decoding": "async", **own}
    return {"asset": page.asset, "image": flat(image), "href": source if link else ""}


@register.inclusion_tag("django_largefiles/player.html", takes_context=True)
def largefile_player(
    context: Context,
    asset: FileAsset | None,
    *,
    controls: bool = True,
    preload: str = "metadata",
    poster: FileAsset | FieldFile | str | None = None,
    captions: FileAsset | FieldFile | str | None = None,
    srclang: str = "",
    tracks: Iterable[Mapping[str, Any]] = (),
    width: int | None = None,
    height: int | None = None,
    signed: bool = False,
    max_age: int | None = None,
    **attributes: object,
) -> dict[str, Any]:
    """Play a film or a sound: ``{% largefile_player film.file captions=film.captions.url srclang="en" %}``.

    ``poster`` and ``captions`` are URLs, assets, or values of a ``FileField``. ``tracks`` are mappings with ``src``
    and, each optional, ``kind``, which is ``"captions"`` by default, ``srclang``, ``label`` and ``default``.
    ``autoplay``, ``loop``, ``muted`` and ``playsinline`` are passed on. The other arguments are those of
    ``largefile_picture``.
    """
    own = passed_on("largefile_player", attributes, PLAIN | PLAYING)
    page = shown("largefile_player", context, asset, signed=signed, max_age=max_age)
    if page is None or not page.is_inline("audio/*", "video/*"):
        return _fallback(page)
    is_video = matches(page.asset.media_type, ("video/*",))
    player = {
        "src": page.url("inline"),
        "preload": preload,
        "controls": controls,
        "aria-label": page.asset.title or page.asset.original_name,
        **({"poster": page.url_of(poster), **page.box(width, height)} if is_video else {}),
        **own,
    }
    single = [{"src": captions, "srclang": srclang, "default": True}]
    return {
        **_link(page),
        "is_video": is_video,
        "player": flat(player),
        "tracks": page.tracks([*single, *tracks]),
    }


@register.inclusion_tag("django_largefiles/link.html", takes_context=True)
def largefile_link(
    context: Context,
    asset: FileAsset | None,
    *,
    text: str = "",
    tab: bool = False,
    signed: bool = False,
    max_age: int | None = None,
    **attributes: object,
) -> dict[str, Any]:
    """Link to a file: ``{% largefile_link report.file text="The report" tab=True %}``.

    ``text`` is the name of the file by default. With ``tab=True`` a file that browsers show opens in a new tab; all
    others are downloaded. ``signed`` and ``max_age`` are those of ``largefile_picture``.
    """
    own = passed_on("largefile_link", attributes)
    page = shown("largefile_link", context, asset, signed=signed, max_age=max_age)
    if page is None or page.asset.state != State.READY:
        return _fallback(page)
    return _link(page, text, is_tab=tab and page.is_inline("*/*"), **own)


@register.simple_tag(takes_context=True)
def largefile_upload(
    context: Context,
    name: str,
    *,
    profile: str = DEFAULT_PROFILE,
    multiple: bool = False,
    standalone: bool = False,
    **attributes: object,
) -> SafeString:
    """Take files in a form that is written by hand: ``{% largefile_upload "video" profile="videos" required=True %}``.

    An ``AssetFormField`` of this name and profile receives what the form submits, and with ``multiple=True`` an
    ``AssetsFormField``. With ``standalone=True`` the files belong to no form: each is an asset of its own, and nothing
    is submitted for it. ``accept``, ``disabled`` and ``required`` are passed on to the input. Its ``id`` is ``id_``
    and the name, unless another is given.
    """
    if "request" not in context:
        raise TemplateSyntaxError("largefile_upload needs the request: render the template with a RequestContext")
    own = passed_on("largefile_upload", attributes, PLAIN | INPUT)
    widget = AssetsInput() if multiple else AssetInput()
    widget.profile, widget.is_standalone = profile, standalone
    return widget.render(name, values.Shown(request=context["request"]), {"id": f"id_{name}", **own})


def _link(page: Shown, text: str = "", *, is_tab: bool = False, **attributes: object) -> dict[str, Any]:
    """Return the context of ``link.html`` for a ready file."""
    new_tab = {"target": "_blank", "rel": "noopener"} if is_tab else {}
    link = {"href": page.url("inline" if is_tab else "attachment"), **new_tab, **attributes}
    return {"asset": page.asset, "link": flat(link), "text": text}


def _fallback(page: Shown | None) -> dict[str, Any]:
    """Return the context of ``link.html`` for a file that is not shown in place, or for none."""
    if page is None:
        return {}
    if page.asset.state == State.READY:
        return _link(page)
    return {"asset": page.asset, "explanation": explain_rejection(page.asset)}
