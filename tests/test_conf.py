from __future__ import annotations

import math
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings
from pytest_django.fixtures import Settings

from django_largefiles.conf import get_profile, largefiles_settings, problems
from django_largefiles.containers.facts import MAX_ENTRIES, MAX_SIZE
from django_largefiles.exceptions import InvalidSetting, UnknownProfile
from django_largefiles.keys import OPTIONS, RULES
from django_largefiles.options import (
    DEFAULT_EXTRACTORS,
    GIB,
    KIB,
    MIB,
    ArchiveLimits,
    BackendChoice,
    ExtractionLimits,
    ProgressLimits,
    Quota,
)
from tests.conftest import Largefiles

BAD_RULES = [
    *[("MAX_UPLOAD_SIZE", value) for value in ("5 GiB", 0, -1, 1.5, True, None)],
    *[
        ("ALLOWED_MIME_TYPES", value)
        for value in ("image/png", 7, None, ["images"], [None], ["image/png; q=1"], ["*/png"])
    ],
    *[
        ("INLINE_TYPES", value)
        for value in ("image/png", None, ["images"], ["image/*"], ["*/*"], ["text/*"], ["image/png", "image/svg+xml"])
    ],
    *[("EXTENSION_MUST_MATCH", value) for value in (1, "yes", None)],
    *[("UPLOAD_EXPIRES_AFTER", value) for value in (3600, None, timedelta(0), timedelta(seconds=-1))],
    *[
        ("EXTRACTORS", value)
        for value in (["a.B"], None, {"image": "a.B"}, {None: "a.B"}, {"image": None}, {"image/*": 3}, {"image/*": ""})
    ],
    *[
        ("EXTRACTION", value)
        for value in (
            20,
            None,
            {"WALL": 1},
            {"wall_seconds": 1},
            {"WALL_SECONDS": 0},
            {"WALL_SECONDS": True},
            {"WALL_SECONDS": "20"},
            {"WALL_SECONDS": math.nan},
            {"WALL_SECONDS": math.inf},
            {"CPU_SECONDS": 0.5},
            {"MEMORY_BYTES": "512 MiB"},
            {"READ_BYTES": -1},
        )
    ],
    *[
        ("ARCHIVE_LIMITS", value)
        for value in (
            [],
            None,
            {"MEMBERS": 1},
            {"ENTRIES": 0},
            {"ENTRIES": MAX_ENTRIES + 1},
            {"TOTAL_SIZE": MAX_SIZE + 1},
            {"TOTAL_SIZE": 1.5},
            {"RATIO": 0},
            {"NESTED": 1},
            {"UNREADABLE": None},
        )
    ],
    *[("ON_EXTRACTION_FAILURE", value) for value in ("ignore", "", None, ["accept"])],
    *[
        ("SCANNERS", value)
        for value in (
            None,
            "a.B",
            {"BACKEND": "a.B"},
            ["a.B"],
            [{}],
            [{"OPTIONS": {}}],
            [{"BACKEND": ""}],
            [{"BACKEND": "a.B", "OPTIONS": ["x"]}],
            [{"BACKEND": "a.B", "OPTIONS": {1: "x"}}],
            [{"BACKEND": "a.B", "HOST": "x"}],
        )
    ],
    *[("ON_UNSCANNABLE", value) for value in ("accept", "", None, True)],
]

BAD_OPTIONS = [
    *[("STORAGE", value) for value in ("", None, 7)],
    *[("STORE", value) for value in (None, 7, InvalidSetting)],
    *[("STAGING_DIRECTORY", value) for value in ("", "staging", "./staging", Path("staging"), 7, b"/staging")],
    *[("CHUNK_SIZE", value) for value in (0, -1, "1 MiB", 0.5, False)],
    *[("RESERVED_BYTES", value) for value in (-1, 0.5, "64 MiB", None, True)],
    *[("DURABILITY", value) for value in ("sync", True, None)],
    *[("ACCESS_POLICY", value) for value in ("", None, InvalidSetting)],
    *[("DISPATCHER", value) for value in ("", None, InvalidSetting)],
    *[("BODY_TIMEOUT", value) for value in (60, None, timedelta(0), timedelta(seconds=-1))],
    *[("MINIMUM_RATE", value) for value in (0, -1, 0.5, "1 KiB", True, None)],
    *[("DELIVERY", value) for value in ("x-send", "", True, None)],
    *[
        ("DELIVERY_INTERNAL_PREFIX", value)
        for value in (
            *(None, 7, "/", "files/", "/files", "//files/", "/a/../b/", "/a b/", "/a%20/", "/ü/", "/a\n/", "/a/?x/"),
            *({"default": ""}, {"": "/files/"}, {"default": "files"}, ["/files/"]),
        )
    ],
    *[
        (key, value)
        for key in ("REDIRECT_EXPIRES_AFTER", "PART_URL_EXPIRES_AFTER")
        for value in (60, None, timedelta(0), timedelta(milliseconds=1), timedelta(days=7, seconds=1))
    ],
    *[
        ("LINK_EXPIRES_AFTER", value)
        for value in (3600, None, timedelta(0), timedelta(seconds=59), timedelta(days=365, seconds=1))
    ],
    *[("AUTHENTICATOR", value) for value in (None, 7, InvalidSetting)],
    *[
        ("CORS_ALLOWED_ORIGINS", value)
        for value in (
            "https://example.com",
            None,
            {"https://example.com": True},
            [None],
            [7],
            [""],
            ["example.com"],
            ["https://"],
            ["https://example.com/"],
            ["https://example.com/app"],
            ["https://example.com?a"],
            ["https://example.com,https://example.org"],
            ["https://*.example.com"],
            ["https://Example.com"],
            ["https://user@example.com"],
            ["null"],
            ["*", "example.com"],
        )
    ],
    *[("THROTTLES", value) for value in (None, "a.B", [{}], [{"BACKEND": "a.B", "RATE": 1}])],
    *[
        ("QUOTA", value)
        for value in (
            10,
            None,
            [("FILES", 1)],
            {"files": 1},
            {"SIZE": 1},
            {"BYTES": 0},
            {"BYTES": -1},
            {"BYTES": "1 GiB"},
            {"FILES": 1.5},
            {"FILES": True},
            {"FILES": None},
            {"UPLOADS": 0},
        )
    ],
    *[("PROGRESS_NOTIFIER", value) for value in ("a.B", [{"BACKEND": "a.B"}], {}, {"BACKEND": ""})],
    *[
        ("PROGRESS_LIMITS", value)
        for value in (None, {"streams": 1}, {"STREAMS": 0}, {"STREAMS_PER_USER": "all"}, {"LIFETIME": 600})
    ],
    *[("PROFILES", value) for value in ("videos", ["videos"], None)],
]

PROPERTIES = {
    "STORAGE": "storage",
    "STORE": "store",
    "STAGING_DIRECTORY": "staging_directory",
    "CHUNK_SIZE": "chunk_size",
    "RESERVED_BYTES": "reserved_bytes",
    "DURABILITY": "fsync",
    "ACCESS_POLICY": "access_policy",
    "DISPATCHER": "dispatcher",
    "BODY_TIMEOUT": "body_timeout",
    "MINIMUM_RATE": "minimum_rate",
    "DELIVERY": "delivery",
    "DELIVERY_INTERNAL_PREFIX": "delivery_internal_prefix",
    "REDIRECT_EXPIRES_AFTER": "redirect_expires_after",
    "LINK_EXPIRES_AFTER": "link_expires_after",
    "PART_URL_EXPIRES_AFTER": "part_url_expires_after",
    "AUTHENTICATOR": "authenticator",
    "CORS_ALLOWED_ORIGINS": "cors_allowed_origins",
    "THROTTLES": "throttles",
    "PROGRESS_NOTIFIER": "progress_notifier",
    "PROGRESS_LIMITS": "progress_limits",
    "QUOTA": "quota",
    "PROFILES": "profiles",
}


def case(value: object) -> str:
    return repr(value) if not isinstance(value, str) else value or "empty"


def the_problem() -> InvalidSetting:
    (problem,) = problems()
    return problem


def invalid(name: str = "default") -> InvalidSetting:
    """What asking for the profile raises."""
    with pytest.raises(InvalidSetting) as raised:
        get_profile(name)
    return raised.value


def test_nothing_needs_to_be_set(settings: Settings) -> None:
    del settings.LARGEFILES
    assert not list(problems())


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("storage", "largefiles"),
        ("store", ""),
        ("chunk_size", 512 * KIB),
        ("fsync", False),
        ("access_policy", "django_largefiles.access.OwnerOrStaff"),
        ("dispatcher", "auto"),
        ("body_timeout", timedelta(minutes=1)),
        ("minimum_rate", KIB),
        ("delivery", "auto"),
        ("delivery_internal_prefix", ""),
        ("redirect_expires_after", timedelta(minutes=5)),
        ("part_url_expires_after", timedelta(minutes=15)),
        ("authenticator", ""),
        ("cors_allowed_origins", ()),
        ("progress_notifier", None),
        ("progress_limits", ProgressLimits()),
        ("quota", Quota()),
        ("profiles", {"default": {}}),
    ],
)
def test_a_setting_has_its_default(settings: Settings, name: str, default: object) -> None:
    del settings.LARGEFILES
    assert getattr(largefiles_settings, name) == default


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("name", "default"),
        ("max_upload_size", 5 * GIB),
        (
            "allowed_mime_types",
            ("image/jpeg", "image/png", "image/gif", "image/webp", "application/pdf", "audio/*", "video/*"),
        ),
        (
            "inline_types",
            (
                *("image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "application/pdf"),
                *("audio/*", "video/*"),
            ),
        ),
        ("extension_must_match", True),
        ("upload_expires_after", timedelta(hours=24)),
        ("extractors", DEFAULT_EXTRACTORS),
        (
            "extraction",
            ExtractionLimits(wall_seconds=20, cpu_seconds=10, memory_bytes=512 * MIB, read_bytes=64 * MIB),
        ),
        (
            "archive_limits",
            ArchiveLimits(
                entries=10_000,
                total_size=10 * GIB,
                ratio=100,
                nested=False,
                links=False,
                traversal=False,
                encrypted=False,
                overlapping=False,
                unreadable=False,
            ),
        ),
        ("reject_on_extraction_failure", False),
    ],
)
def test_a_rule_has_its_default(settings: Settings, name: str, default: object) -> None:
    del settings.LARGEFILES
    assert getattr(get_profile("default"), name) == default


@pytest.mark.parametrize(
    ("key", "value", "name", "read"),
    [
        ("STORAGE", "private", "storage", "private"),
        ("STORE", "a.B", "store", "a.B"),
        ("STORE", "", "store", ""),
        ("STORE", {"archive": "a.B"}, "store", {"archive": "a.B"}),
        ("STAGING_DIRECTORY", "/srv/staging", "staging_directory", Path("/srv/staging")),
        ("STAGING_DIRECTORY", Path("/srv/staging"), "staging_directory", Path("/srv/staging")),
        ("STAGING_DIRECTORY", None, "staging_directory", None),
        ("CHUNK_SIZE", 7, "chunk_size", 7),
        ("RESERVED_BYTES", 0, "reserved_bytes", 0),
        ("DURABILITY", "fsync", "fsync", True),
        ("DURABILITY", "flush", "fsync", False),
        ("ACCESS_POLICY", "a.B", "access_policy", "a.B"),
        ("DISPATCHER", "a.B", "dispatcher", "a.B"),
        ("BODY_TIMEOUT", timedelta(seconds=5), "body_timeout", timedelta(seconds=5)),
        ("MINIMUM_RATE", 7, "minimum_rate", 7),
        *[("DELIVERY", value, "delivery", value) for value in ("stream", "redirect", "x-accel", "x-sendfile")],
        ("DELIVERY_INTERNAL_PREFIX", "/a.b/c_d/", "delivery_internal_prefix", "/a.b/c_d/"),
        ("DELIVERY_INTERNAL_PREFIX", {"old": "/old/"}, "delivery_internal_prefix", {"old": "/old/"}),
        ("REDIRECT_EXPIRES_AFTER", timedelta(days=7), "redirect_expires_after", timedelta(days=7)),
        ("LINK_EXPIRES_AFTER", timedelta(minutes=1), "link_expires_after", timedelta(minutes=1)),
        ("LINK_EXPIRES_AFTER", timedelta(days=365), "link_expires_after", timedelta(days=365)),
        ("PART_URL_EXPIRES_AFTER", timedelta(seconds=1), "part_url_expires_after", timedelta(seconds=1)),
        ("AUTHENTICATOR", "a.B", "authenticator", "a.B"),
        ("AUTHENTICATOR", "", "authenticator", ""),
        ("CORS_ALLOWED_ORIGINS", ["*"], "cors_allowed_origins", ("*",)),
        ("CORS_ALLOWED_ORIGINS", ("https://a.example",), "cors_allowed_origins", ("https://a.example",)),
        ("CORS_ALLOWED_ORIGINS", {"http://[::1]:8000"}, "cors_allowed_origins", ("http://[::1]:8000",)),
        ("CORS_ALLOWED_ORIGINS", ["chrome-extension://abc"], "cors_allowed_origins", ("chrome-extension://abc",)),
        ("CORS_ALLOWED_ORIGINS", [], "cors_allowed_origins", ()),
        ("THROTTLES", [{"BACKEND": "a.B"}], "throttles", (BackendChoice(backend="a.B"),)),
        ("PROGRESS_NOTIFIER", {"BACKEND": "a.B"}, "progress_notifier", BackendChoice(backend="a.B")),
        ("PROGRESS_LIMITS", {"STREAMS": 9}, "progress_limits", ProgressLimits(streams=9)),
        ("PROGRESS_LIMITS", {"LIFETIME": timedelta(1)}, "progress_limits", ProgressLimits(lifetime=timedelta(1))),
        ("QUOTA", {"BYTES": 5}, "quota", Quota(bytes=5)),
        ("QUOTA", {"UPLOADS": 5}, "quota", Quota(uploads=5)),
        ("QUOTA", {"BYTES": 5, "FILES": 7}, "quota", Quota(bytes=5, files=7)),
        ("QUOTA", {}, "quota", Quota()),
        ("PROFILES", {"videos": {}}, "profiles", {"default": {}, "videos": {}}),
    ],
    ids=case,
)
def test_the_hosts_setting_is_read_at_each_use(key: str, value: object, name: str, read: object) -> None:
    before = getattr(largefiles_settings, name)
    with override_settings(LARGEFILES={key: value}):
        assert getattr(largefiles_settings, name) == read
    assert getattr(largefiles_settings, name) == before


RULE_VALUES = [
    ("MAX_UPLOAD_SIZE", 7, "max_upload_size", 7),
    ("ALLOWED_MIME_TYPES", ["Image/PNG", "video/*", "*/*"], "allowed_mime_types", ("image/png", "video/*", "*/*")),
    ("ALLOWED_MIME_TYPES", ("image/png",), "allowed_mime_types", ("image/png",)),
    ("ALLOWED_MIME_TYPES", {"image/png"}, "allowed_mime_types", ("image/png",)),
    ("ALLOWED_MIME_TYPES", [], "allowed_mime_types", ()),
    ("INLINE_TYPES", ["Image/PNG", "text/plain"], "inline_types", ("image/png", "text/plain")),
    ("INLINE_TYPES", [], "inline_types", ()),
    ("EXTENSION_MUST_MATCH", False, "extension_must_match", False),
    ("UPLOAD_EXPIRES_AFTER", timedelta(minutes=1), "upload_expires_after", timedelta(minutes=1)),
    ("EXTRACTORS", {"font/*": "a.B"}, "extractors", {**DEFAULT_EXTRACTORS, "font/*": "a.B"}),
    ("EXTRACTORS", {"Image/*": "a.B"}, "extractors", {**DEFAULT_EXTRACTORS, "image/*": "a.B"}),
    ("EXTRACTORS", dict.fromkeys(DEFAULT_EXTRACTORS), "extractors", {}),
    ("EXTRACTORS", {"font/*": None}, "extractors", DEFAULT_EXTRACTORS),
    ("EXTRACTION", {"WALL_SECONDS": 0.5}, "extraction", ExtractionLimits(wall_seconds=0.5)),
    ("EXTRACTION", {"CPU_SECONDS": 3, "READ_BYTES": 9}, "extraction", ExtractionLimits(cpu_seconds=3, read_bytes=9)),
    ("ARCHIVE_LIMITS", {"ENTRIES": 3, "NESTED": True}, "archive_limits", ArchiveLimits(entries=3, nested=True)),
    (
        "ARCHIVE_LIMITS",
        {"TOTAL_SIZE": 2**40, "RATIO": 0.5},
        "archive_limits",
        ArchiveLimits(total_size=2**40, ratio=0.5),
    ),
    ("ON_EXTRACTION_FAILURE", "reject", "reject_on_extraction_failure", True),
    ("SCANNERS", [{"BACKEND": "a.B"}], "scanners", (BackendChoice(backend="a.B"),)),
    (
        "SCANNERS",
        ({"BACKEND": "a.B", "OPTIONS": {"port": 1}}, {"BACKEND": "c.D"}),
        "scanners",
        (BackendChoice(backend="a.B", options={"port": 1}), BackendChoice(backend="c.D")),
    ),
    ("ON_UNSCANNABLE", "allow", "on_unscannable", "allow"),
]


@pytest.mark.parametrize(("key", "value", "name", "read"), RULE_VALUES, ids=case)
def test_the_hosts_rule_is_read_at_each_use(key: str, value: object, name: str, read: object) -> None:
    before = getattr(get_profile("default"), name)
    with override_settings(LARGEFILES={key: value}):
        assert getattr(get_profile("default"), name) == read
    assert getattr(get_profile("default"), name) == before


@pytest.mark.parametrize(("key", "value", "name", "read"), RULE_VALUES, ids=case)
def test_a_profiles_own_rule_is_its_alone(
    largefiles: Largefiles, key: str, value: object, name: str, read: object
) -> None:
    before = getattr(get_profile("default"), name)
    largefiles.set(PROFILES={"videos": {key: value}})
    assert getattr(get_profile("videos"), name) == read
    assert getattr(get_profile("default"), name) == before


def test_a_profile_goes_by_its_name(largefiles: Largefiles) -> None:
    largefiles.set(PROFILES={"videos": {}})
    assert get_profile("videos").name == "videos"


def test_a_profile_overrides_the_hosts_rule(largefiles: Largefiles) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=5, PROFILES={"videos": {"MAX_UPLOAD_SIZE": 9}, "pictures": {}})
    assert [get_profile(name).max_upload_size for name in ("default", "videos", "pictures")] == [5, 9, 5]


def test_the_default_profile_can_have_rules_of_its_own(largefiles: Largefiles) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=5, PROFILES={"default": {"MAX_UPLOAD_SIZE": 9}, "videos": {}})
    assert [get_profile(name).max_upload_size for name in ("default", "videos")] == [9, 5]


def test_a_profiles_list_of_types_replaces_the_hosts(largefiles: Largefiles) -> None:
    largefiles.set(ALLOWED_MIME_TYPES=["image/png"], PROFILES={"videos": {"ALLOWED_MIME_TYPES": ["video/mp4"]}})
    assert get_profile("videos").allowed_mime_types == ("video/mp4",)


@pytest.mark.parametrize(
    ("host", "own", "merged"),
    [
        pytest.param({"font/*": "a.B"}, {"text/*": "c.D"}, {"font/*": "a.B", "text/*": "c.D"}, id="added"),
        pytest.param({"font/*": "a.B"}, {"font/*": "c.D"}, {"font/*": "c.D"}, id="replaced"),
        pytest.param({"font/*": "a.B"}, {"font/*": None}, {}, id="the host's removed"),
        pytest.param({}, {"image/*": None}, {"image/*": None}, id="ours removed"),
        pytest.param({"image/*": None}, {"image/*": "c.D"}, {"image/*": "c.D"}, id="the removed restored"),
        pytest.param({"Font/*": "a.B"}, {"font/*": None}, {}, id="whatever the case"),
    ],
)
def test_a_profiles_extractors_are_laid_over_the_hosts(
    largefiles: Largefiles, host: dict[str, str | None], own: dict[str, str | None], merged: dict[str, str | None]
) -> None:
    largefiles.set(EXTRACTORS=host, PROFILES={"fonts": {"EXTRACTORS": own}})
    wanted = {pattern: path for pattern, path in {**DEFAULT_EXTRACTORS, **merged}.items() if path}
    assert get_profile("fonts").extractors == wanted


def test_a_profiles_limits_are_laid_over_the_hosts(largefiles: Largefiles) -> None:
    largefiles.set(
        EXTRACTION={"WALL_SECONDS": 2, "CPU_SECONDS": 2}, PROFILES={"videos": {"EXTRACTION": {"WALL_SECONDS": 9}}}
    )
    assert get_profile("videos").extraction == ExtractionLimits(wall_seconds=9, cpu_seconds=2)


def test_a_profiles_limits_of_archives_are_laid_over_the_hosts(largefiles: Largefiles) -> None:
    largefiles.set(ARCHIVE_LIMITS={"ENTRIES": 5, "LINKS": True}, PROFILES={"zips": {"ARCHIVE_LIMITS": {"ENTRIES": 9}}})
    assert get_profile("zips").archive_limits == ArchiveLimits(entries=9, links=True)


def test_an_unknown_profile_is_refused_with_those_there_are(largefiles: Largefiles) -> None:
    largefiles.set(PROFILES={"videos": {}})
    with pytest.raises(UnknownProfile) as raised:
        get_profile("songs")
    assert (raised.value.limit, raised.value.value) == ("default, videos", "songs")


@pytest.mark.parametrize(("key", "value"), BAD_RULES + BAD_OPTIONS, ids=case)
def test_a_bad_value_is_one_problem_that_names_the_key(largefiles: Largefiles, key: str, value: object) -> None:
    largefiles.set(**{key: value})
    assert the_problem().key == key


@pytest.mark.parametrize(("key", "value"), BAD_RULES, ids=case)
def test_a_bad_rule_is_raised_with_its_key(largefiles: Largefiles, key: str, value: object) -> None:
    largefiles.set(**{key: value})
    assert invalid().key == key


@pytest.mark.parametrize(("key", "value"), BAD_OPTIONS, ids=case)
def test_a_bad_setting_is_raised_with_its_key(largefiles: Largefiles, key: str, value: object) -> None:
    largefiles.set(**{key: value})
    with pytest.raises(InvalidSetting) as raised:
        getattr(largefiles_settings, PROPERTIES[key])
    assert raised.value.key == key


@pytest.mark.parametrize(("key", "value"), BAD_RULES, ids=case)
def test_a_bad_rule_of_a_profile_is_one_problem_that_names_both(
    largefiles: Largefiles, key: str, value: object
) -> None:
    largefiles.set(PROFILES={"videos": {key: value}})
    assert the_problem().key == f"PROFILES['videos'][{key!r}]"


@pytest.mark.parametrize(("key", "value"), BAD_RULES, ids=case)
def test_a_bad_rule_of_a_profile_is_raised_with_both_names(largefiles: Largefiles, key: str, value: object) -> None:
    largefiles.set(PROFILES={"videos": {key: value}})
    assert invalid("videos").key == f"PROFILES['videos'][{key!r}]"


@pytest.mark.parametrize(
    ("key", "general", "own"),
    [
        pytest.param("EXTRACTORS", ["a.B"], {"font/*": "c.D"}, id="extractors that are no dict"),
        pytest.param("EXTRACTORS", {"font": "a.B"}, {"font/*": "c.D"}, id="an extractor for no media type"),
        pytest.param("EXTRACTION", 20, {"CPU_SECONDS": 5}, id="limits that are no dict"),
        pytest.param("EXTRACTION", {"WALL": 20}, {"CPU_SECONDS": 5}, id="an unknown limit"),
    ],
)
def test_a_profile_is_not_blamed_for_what_it_is_laid_over(
    largefiles: Largefiles, key: str, general: object, own: object
) -> None:
    largefiles.set(**{key: general}, PROFILES={"videos": {key: own}})
    assert invalid("videos").key == key


@pytest.mark.parametrize("value", [[], "videos", None], ids=case)
def test_a_profile_that_is_no_dict_is_named(largefiles: Largefiles, value: object) -> None:
    largefiles.set(PROFILES={"videos": value})
    assert the_problem().key == invalid("videos").key == "PROFILES['videos']"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(7, id="no string"),
        pytest.param("", id="empty"),
        pytest.param("x" * 101, id="longer than its column"),
    ],
)
def test_a_profile_must_have_a_name_that_can_be_stored(largefiles: Largefiles, name: object) -> None:
    largefiles.set(PROFILES={name: {}})
    assert the_problem().key == "PROFILES"


@pytest.mark.parametrize("value", [None, [], "x"], ids=case)
def test_settings_that_are_no_dict_are_one_problem(settings: Settings, value: object) -> None:
    settings.LARGEFILES = value
    assert the_problem().key == invalid().key == "LARGEFILES"


@pytest.mark.parametrize(
    ("configured", "key", "known"),
    [
        pytest.param({"MAX_SIZE": 1}, "MAX_SIZE", OPTIONS, id="setting"),
        pytest.param({"max_upload_size": 1}, "max_upload_size", OPTIONS, id="lower case"),
        pytest.param({7: 1}, "7", OPTIONS, id="number"),
        pytest.param({"PROFILES": {"videos": {"MAX_SIZE": 1}}}, "PROFILES['videos']['MAX_SIZE']", RULES, id="rule"),
        pytest.param(
            {"PROFILES": {"videos": {"CHUNK_SIZE": 1}}},
            "PROFILES['videos']['CHUNK_SIZE']",
            RULES,
            id="setting that is no rule",
        ),
    ],
)
def test_an_unknown_key_is_named_with_those_there_are(
    settings: Settings, configured: dict[Any, object], key: str, known: dict[str, object]
) -> None:
    settings.LARGEFILES = configured
    assert the_problem().key == key
    assert the_problem().problem == f"unknown setting; known are {', '.join(known)}"


def test_every_problem_is_told(settings: Settings) -> None:
    settings.LARGEFILES = {
        "CHUNK_SIZE": 0,
        "COLOUR": "red",
        "PROFILES": {"a": {"MAX_UPLOAD_SIZE": 0, "COLOUR": "red"}, "b": None, "c": {"EXTENSION_MUST_MATCH": 0}},
    }
    assert [problem.key for problem in problems()] == [
        "CHUNK_SIZE",
        "COLOUR",
        "PROFILES['a']['MAX_UPLOAD_SIZE']",
        "PROFILES['a']['COLOUR']",
        "PROFILES['b']",
        "PROFILES['c']['EXTENSION_MUST_MATCH']",
    ]


def test_a_problem_tells_the_bad_value(largefiles: Largefiles) -> None:
    largefiles.set(CHUNK_SIZE="1 MiB")
    assert str(the_problem()) == "CHUNK_SIZE: must be a positive whole number, not '1 MiB'"
