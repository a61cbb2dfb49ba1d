from __future__ import annotations

import pytest

from django_largefiles.media_types.matching import (
    covers_active_types,
    extension_allowed,
    extension_fits,
    is_pattern,
    matches,
    most_specific,
    possible_types,
)

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.mark.parametrize(
    ("media_type", "patterns", "expected"),
    [
        pytest.param("image/png", ["image/png"], True, id="exact"),
        pytest.param("image/png", ["image/*"], True, id="any-subtype"),
        pytest.param("image/png", ["*/*"], True, id="anything"),
        pytest.param("image/png", ["text/*", "image/png"], True, id="second-pattern"),
        pytest.param("Image/PNG", ["iMAGE/png"], True, id="case"),
        pytest.param("text/plain; charset=utf-8", ["text/plain"], True, id="parameters"),
        pytest.param("image/png", ["image/jpeg", "video/*"], False, id="others"),
        pytest.param("image/png", ["image/pn"], False, id="prefix"),
        pytest.param("imagex/png", ["image/*"], False, id="longer-type"),
        pytest.param("image/png", [], False, id="no-pattern"),
    ],
)
def test_matches(media_type: str, patterns: list[str], expected: bool) -> None:
    assert matches(media_type, patterns) is expected


@pytest.mark.parametrize(
    ("media_type", "expected"),
    [
        pytest.param("image/png", "exact", id="exact"),
        pytest.param("IMAGE/PNG", "exact", id="case"),
        pytest.param("image/gif", "type", id="any-subtype"),
        pytest.param("text/plain", "any", id="anything"),
    ],
)
def test_most_specific(media_type: str, expected: str) -> None:
    assert most_specific(media_type, {"*/*": "any", "Image/*": "type", "image/png": "exact"}) == expected


def test_most_specific_finds_nothing() -> None:
    assert most_specific("text/plain", {"image/*": "type"}) is None


@pytest.mark.parametrize(
    "text",
    ["image/png", "image/*", "*/*", "IMAGE/X", "application/vnd.ms-word.document.macroEnabled.12", "a/b+c!#$&-^_."],
)
def test_is_pattern(text: str) -> None:
    assert is_pattern(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("*", id="star"),
        pytest.param("image", id="no-subtype"),
        pytest.param("image/", id="empty-subtype"),
        pytest.param("/png", id="empty-type"),
        pytest.param("*/png", id="any-type"),
        pytest.param("image/p*", id="star-inside"),
        pytest.param("image/png/x", id="two-slashes"),
        pytest.param("image/ png", id="space"),
        pytest.param("image/png\n", id="line-feed"),
        pytest.param("image/png; q=1", id="parameter"),
        pytest.param("image/.png", id="starts-with-a-dot"),
        pytest.param("image/é", id="not-ascii"),
        pytest.param("image/" + "a" * 128, id="too-long"),
    ],
)
def test_is_no_pattern(text: str) -> None:
    assert not is_pattern(text)


@pytest.mark.parametrize(
    ("media_type", "extension"),
    [
        ("image/jpeg", ".jpg"),
        ("image/jpeg", ".JPEG"),
        ("IMAGE/JPEG; q=1", ".jpg"),
        ("image/gif", ".gif"),
        ("image/heif", ".heic"),
        ("audio/x-m4a", ".m4a"),
        ("video/mp4", ".m4a"),
        ("audio/mp4", ".mp4"),
        ("video/3gpp", ".mp4"),
        ("video/x-matroska", ".mka"),
        ("video/x-matroska", ".webm"),
        ("application/ogg", ".opus"),
        ("audio/ogg", ".ogg"),
        ("video/x-ms-asf", ".wma"),
        ("video/MP2T", ".ts"),
        ("application/pdf", ".pdf"),
        (DOCX, ".docx"),
        ("application/CDFV2", ".doc"),
        ("application/zip", ".zip"),
        ("text/csv", ".csv"),
        ("text/x-script.python", ".py"),
        ("text/x-script.python", ".txt"),
        ("application/x-sharedlib", ".so"),
        ("application/x-iso9660-image", ".iso"),
        ("application/x-empty", ".txt"),
        ("application/x-bcpio", ".bcpio"),
        *(("text/plain", suffix) for suffix in (".txt", ".csv", ".json", ".md", ".log", ".py")),
        *(("application/octet-stream", suffix) for suffix in (".bin", ".iso", ".dat", ".xyz")),
        ("application/x-nobody-knows", ".xyz"),
    ],
)
def test_extension_fits(media_type: str, extension: str) -> None:
    assert extension_fits(extension, media_type)


@pytest.mark.parametrize(
    "media_type", ["image/jpeg", "application/octet-stream", "application/x-dosexec", "text/plain", "x/unknown"]
)
def test_no_extension_fits_everything(media_type: str) -> None:
    assert extension_fits("", media_type)


@pytest.mark.parametrize(
    ("media_type", "extension"),
    [
        ("image/jpeg", ".png"),
        ("image/jpeg", ".xyz"),
        ("image/jpeg", ".php"),
        ("image/png", ".pn"),
        ("image/gif", ".html"),
        ("video/webm", ".mkv"),
        ("audio/mpeg", ".mp4"),
        ("text/csv", ".html"),
        ("text/html", ".txt"),
        ("text/xml", ".svg"),
        ("text/x-php", ".txt"),
        ("application/zip", ".docx"),
        ("application/zip", ".jar"),
        (DOCX, ".docm"),
        ("application/gzip", ".svgz"),
        *(("text/plain", suffix) for suffix in (".html", ".svg", ".xml", ".js", ".php", ".bat", ".jpg", ".xyz")),
        *(("application/octet-stream", suffix) for suffix in (".png", ".mp4", ".pdf", ".exe", ".txt", ".wasm")),
        ("application/x-nobody-knows", ".png"),
    ],
)
def test_extension_does_not_fit(media_type: str, extension: str) -> None:
    assert not extension_fits(extension, media_type)


@pytest.mark.parametrize(
    "media_type",
    [
        "application/x-dosexec",
        "application/vnd.microsoft.portable-executable",
        "application/x-executable",
        "application/x-pie-executable",
        "application/x-sharedlib",
        "application/x-mach-binary",
        "text/x-php",
    ],
)
@pytest.mark.parametrize(
    "extension", [".jpg", ".png", ".gif", ".webp", ".pdf", ".mp3", ".mp4", ".mov", ".wav", ".txt"]
)
def test_executables_fit_no_extension_of_media(media_type: str, extension: str) -> None:
    assert not extension_fits(extension, media_type)


@pytest.mark.parametrize(
    ("head", "whole"),
    [
        ("application/zip", DOCX),
        ("application/zip", "application/epub+zip"),
        ("application/zip", "application/java-archive"),
        ("Application/CDFV2", "application/msword"),
        ("application/x-ole-storage", "application/cdfv2"),
        ("text/plain", "application/json"),
        ("text/plain", "text/csv"),
        ("text/plain", "image/svg+xml"),
        ("text/xml", "image/svg+xml"),
        ("application/octet-stream", "application/x-iso9660-image"),
    ],
)
def test_possible_types(head: str, whole: str) -> None:
    assert whole in possible_types(head)


@pytest.mark.parametrize("head", ["image/png", "application/zip", "text/plain", "application/octet-stream", "x/y"])
def test_possible_types_begin_with_the_head(head: str) -> None:
    kinds = possible_types(head)
    assert kinds[0] == head
    assert kinds.count(head) == 1


@pytest.mark.parametrize("head", ["image/png", "application/x-dosexec", "text/html"])
def test_a_head_that_shows_all(head: str) -> None:
    assert possible_types(head) == (head,)


@pytest.mark.parametrize("media", ["image/png", "video/mp4", "audio/mpeg", "application/pdf"])
@pytest.mark.parametrize("head", ["application/octet-stream", "application/zip", "text/plain"])
def test_no_vague_head_may_become_media(head: str, media: str) -> None:
    assert media not in possible_types(head)


@pytest.mark.parametrize(
    ("extension", "patterns", "allowed"),
    [
        pytest.param(".png", ["image/png"], True, id="exact"),
        pytest.param(".PNG", ["video/*", "Image/*"], True, id="any-case"),
        pytest.param(".csv", ["text/plain"], True, id="read-as-text"),
        pytest.param("", ["image/png"], True, id="none"),
        pytest.param(".unheard-of", ["image/png"], True, id="of-no-known-type"),
        pytest.param(".html", ["image/*"], False, id="of-another-type"),
        pytest.param(".docx", ["application/zip"], False, id="of-what-a-zip-may-be"),
        pytest.param(".png", [], False, id="no-pattern"),
    ],
)
def test_extension_allowed(extension: str, patterns: list[str], allowed: bool) -> None:
    assert extension_allowed(extension, patterns) is allowed


def test_extension_allowed_looks_at_all_patterns_for_each_type() -> None:
    assert extension_allowed(".png", iter(["video/*", "image/png"]))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        *[
            pytest.param(pattern, True, id=pattern)
            for pattern in (
                *("*/*", "image/*", "text/*", "application/*", "message/*", "multipart/*"),
                *("text/html", "application/xhtml+xml", "Text/HTML", "image/svg+xml", "text/xml", "application/xml"),
                *("application/atom+xml", "application/mathml+xml", "text/javascript", "application/javascript"),
                *("application/x-shockwave-flash", "message/rfc822", "multipart/x-mixed-replace", "application/wasm"),
            )
        ],
        *[
            pytest.param(pattern, False, id=pattern)
            for pattern in ("image/png", "audio/*", "video/*", "application/pdf", "text/plain", "application/json")
        ],
    ],
)
def test_covers_active_types(pattern: str, expected: bool) -> None:
    assert covers_active_types(pattern) is expected
