"""What the page of a file tells of it, in words and units."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.formats import date_format, number_format

from django_largefiles.models import FileAsset

Fact = tuple[str, str]


def facts_of(asset: FileAsset) -> Iterator[Fact]:
    """Yield labels and values, the most important first."""
    if asset.media_type:
        yield "Type", asset.media_type
    if asset.size is not None:
        yield "Size", f"{filesizeformat(asset.size)} ({number_format(asset.size, force_grouping=True)} bytes)"
    yield from _dimensions(asset)
    columns = {"title": asset.title, "duration": asset.duration, "page_count": asset.page_count}
    for key, value in {**columns, **asset.extra_attributes}.items():
        if value not in (None, "", False) and not isinstance(value, dict | list):
            yield _label(key), _WORDS.get(key, _plain)(value)
    if asset.extraction_error:
        yield "Metadata", asset.extraction_error
    if asset.sha256:
        yield "SHA-256", asset.sha256
    yield "Uploaded", date_format(asset.created_at, "DATETIME_FORMAT")


def _dimensions(asset: FileAsset) -> Iterator[Fact]:
    if asset.width and asset.height:
        yield "Dimensions", f"{asset.width} by {asset.height} pixels"


def _label(key: str) -> str:
    return {"page_count": "Pages", "has_gps": "Position"}.get(key, key.replace("_", " ").capitalize())


def _plain(value: Any) -> str:
    return "yes" if value is True else str(value)


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds))) if seconds >= 1 else f"{seconds:.2f} s"


def _moment(value: str) -> str:
    try:
        return date_format(datetime.fromisoformat(value), "DATETIME_FORMAT")
    except ValueError:
        return value


def _rate(bits: float) -> str:
    return f"{round(bits / 1000)} kbit/s"


_WORDS: dict[str, Callable[[Any], str]] = {
    "duration": _duration,
    "bitrate": _rate,
    "audio_bitrate": _rate,
    "sample_rate": lambda hertz: f"{hertz / 1000:g} kHz",
    "audio_sample_rate": lambda hertz: f"{hertz / 1000:g} kHz",
    "frame_rate": lambda rate: f"{rate:g} frames a second",
    "taken_at": _moment,
    "created_at": _moment,
    "modified_at": _moment,
    "has_gps": "in the file".format,
}
