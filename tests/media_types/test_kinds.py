from __future__ import annotations

import pytest

from django_largefiles.media_types.kinds import Kind, kind_of, kind_of_extension, short_name
from django_largefiles.media_types.table import TYPES


def test_every_type_of_the_table_has_a_short_name() -> None:
    unnamed = [row for row in TYPES if row.extensions and "/" in short_name(row.names.split()[0])]
    assert unnamed == []


@pytest.mark.parametrize(
    ("media_type", "name"),
    [
        ("image/jpeg", "JPEG"),
        ("image/jpg", "JPEG"),
        ("video/mp4", "MP4"),
        ("application/x-tex", "TEX"),
        ("application/octet-stream", "application/octet-stream"),
        ("application/x-unheard-of", "application/x-unheard-of"),
    ],
)
def test_short_names(media_type: str, name: str) -> None:
    assert short_name(media_type) == name


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("image/png", Kind.IMAGE),
        ("image/x-unheard-of", Kind.IMAGE),
        ("application/x-dosexec", Kind.PROGRAM),
        ("application/java-archive", Kind.PROGRAM),
        ("text/html", Kind.WEB_PAGE),
        ("text/xml", Kind.TEXT),
        ("application/x-empty", Kind.EMPTY),
        ("application/x-unheard-of", Kind.UNKNOWN),
    ],
)
def test_kinds(media_type: str, kind: Kind) -> None:
    assert kind_of(media_type) is kind


@pytest.mark.parametrize(
    ("extension", "kind"),
    [(".mp4", Kind.VIDEO), (".JPEG", Kind.IMAGE), (".exe", Kind.PROGRAM), (".ogx", None), ("", None), (".zz", None)],
)
def test_kinds_of_extensions(extension: str, kind: Kind | None) -> None:
    assert kind_of_extension(extension) is kind
