from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO
from unittest.mock import Mock

import pytest
from django.contrib.auth.models import User
from django.core.checks import CheckMessage, Error, Tags, Warning as CheckWarning, run_checks
from django.core.files.storage import FileSystemStorage
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import Error as DatabaseError
from django.db.models import Field
from django.urls import include, path
from django.utils import timezone
from pytest_django.fixtures import Settings

from django_largefiles.access import OwnerOrStaff
from django_largefiles.checks import extensions, maintenance, middleware, servers, urls
from django_largefiles.dispatch.automatic import CELERY, IMMEDIATE, Choice
from django_largefiles.extractors.base import Extractor, Metadata
from django_largefiles.media_types import sniffing
from django_largefiles.models import FileAsset, SweeperRun
from django_largefiles.options import DEFAULT_EXTRACTORS
from django_largefiles.sandbox.probe import Machine
from django_largefiles.sandbox.runner import ExtractionFailed
from django_largefiles.stores.filesystem import FilesystemStore
from tests.conftest import Largefiles
from tests.dispatchers import NobodyDispatcher
from tests.storages import RemoteStorage

# Those of the models ask it what it can.
pytestmark = pytest.mark.django_db

HERE = __name__
MEMORY = "django.core.files.storage.InMemoryStorage"
REMOTE = "tests.storages.RemoteStorage"


class Remote(FilesystemStore):
    """A store whose files are not those that it serves."""

    folder = None  # type: ignore[assignment]


CLAMD = "django_largefiles.scanners.clamav.ClamdScanner"
FILESYSTEM = "django.core.files.storage.FileSystemStorage"


class Unfinished(Extractor):
    """Without the method that makes an extractor."""


class Failing:
    def __init__(self) -> None:
        raise ValueError("out of order")


class FailingPolicy(Failing, OwnerOrStaff): ...


class FailingDispatcher(Failing, NobodyDispatcher): ...


class FailingStorage(Failing, FileSystemStorage): ...


class SpoolingStorage(RemoteStorage):
    """Reads into a temporary file, with the same option as those of django-storages."""

    def __init__(self, location: str, limit: int) -> None:
        super().__init__(location)
        self.max_memory_size = limit


class WarningDispatcher(NobodyDispatcher):
    def check(self) -> Sequence[CheckMessage]:
        return [CheckWarning("The broker is slow.", id="tests.W001")]


@pytest.fixture(autouse=True)
def confining_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the machine had all layers."""
    monkeypatch.setattr(extensions, "machine", lambda: Machine(lacking=(), possible=()))


@pytest.fixture(autouse=True)
def _swept(db: None) -> None:
    """A sweeper has just run."""
    SweeperRun.objects.create(ran_at=timezone.now())


def told(*, deployment: bool = False) -> list[CheckMessage]:
    """What the system checks say of us, but not of model fields, whose profiles a test may have replaced."""
    messages = run_checks(include_deployment_checks=deployment)
    ours = [message for message in messages if str(message.id).startswith(("django_largefiles.", "tests."))]
    return [message for message in ours if not isinstance(message.obj, Field)]


def the_message(check_id: str) -> str:
    (message,) = told()
    assert message.id == check_id
    return f"{message.msg} {message.hint or ''}"


def use_storage(settings: Settings, largefiles: Largefiles, backend: str, **options: Any) -> None:
    settings.STORAGES = {**settings.STORAGES, "private": {"BACKEND": backend, "OPTIONS": options}}
    largefiles.set(STORAGE="private")


@pytest.fixture
def forgotten_libmagic() -> Iterator[None]:
    """``sniffing`` looks for libmagic anew, in the test and after it."""
    sniffing._libmagic.cache_clear()
    yield
    sniffing._libmagic.cache_clear()


def test_a_sound_host_is_told_nothing() -> None:
    assert not told()


def test_the_checks_are_those_of_files(largefiles: Largefiles) -> None:
    largefiles.set(CHUNK_SIZE=0)
    assert [message.id for message in run_checks(tags=[Tags.files])] == ["django_largefiles.E001"]


def test_the_command_fails_on_a_bad_setting(largefiles: Largefiles) -> None:
    largefiles.set(CHUNK_SIZE=0)
    with pytest.raises(SystemCheckError, match=r"django_largefiles\.E001.*CHUNK_SIZE"):
        call_command("check")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("MAX_UPLOAD_SIZE", "5 GiB"),
        ("ALLOWED_MIME_TYPES", "image/png"),
        ("EXTENSION_MUST_MATCH", 1),
        ("UPLOAD_EXPIRES_AFTER", 3600),
        ("EXTRACTORS", []),
        ("EXTRACTION", {"WALL": 1}),
        ("ON_EXTRACTION_FAILURE", "ignore"),
        ("SCANNERS", ["a.B"]),
        ("ON_UNSCANNABLE", "ignore"),
        ("STORAGE", None),
        ("STORAGE", "a" * 101),
        ("STORE", {"default": None}),
        ("CHUNK_SIZE", 0),
        ("DURABILITY", "sync"),
        ("ACCESS_POLICY", None),
        ("DISPATCHER", None),
        ("PROFILES", []),
        ("COLOUR", "red"),
    ],
)
def test_a_bad_setting_is_an_error_with_its_key(largefiles: Largefiles, key: str, value: object) -> None:
    largefiles.set(**{key: value})
    assert the_message("django_largefiles.E001").startswith(f"LARGEFILES: {key}: ")


def test_settings_that_are_no_dict_are_an_error(settings: Settings) -> None:
    settings.LARGEFILES = []
    assert the_message("django_largefiles.E001").startswith("LARGEFILES: must be a dict, not []")


def test_a_bad_rule_of_a_profile_is_an_error_with_both_names(largefiles: Largefiles) -> None:
    largefiles.set(PROFILES={"videos": {"MAX_UPLOAD_SIZE": 0}})
    assert "PROFILES['videos']['MAX_UPLOAD_SIZE']" in the_message("django_largefiles.E001")


def test_every_bad_setting_is_told(largefiles: Largefiles) -> None:
    largefiles.set(CHUNK_SIZE=0, COLOUR="red")
    assert [message.id for message in told()] == ["django_largefiles.E001"] * 2


def test_what_cannot_be_read_is_not_checked_further(largefiles: Largefiles) -> None:
    largefiles.set(CHUNK_SIZE=0, STORAGE="nowhere")
    assert [message.id for message in told()] == ["django_largefiles.E001"]


def test_each_check_has_its_say(largefiles: Largefiles) -> None:
    largefiles.set(STORAGE="nowhere", ACCESS_POLICY="a.B", DISPATCHER="a.B", EXTRACTORS={"font/*": "a.B"})
    assert [(message.id, type(message)) for message in told()] == [
        (f"django_largefiles.E00{number}", Error) for number in (2, 4, 5, 6)
    ]


def test_an_unknown_storage_is_an_error(largefiles: Largefiles) -> None:
    largefiles.set(STORAGE="nowhere")
    message = the_message("django_largefiles.E002")
    assert "STORAGE" in message
    assert "'nowhere'" in message


@pytest.mark.parametrize(
    ("backend", "options", "why"),
    [
        pytest.param("nowhere.Storage", {}, "nowhere", id="not importable"),
        pytest.param(FILESYSTEM, {"colour": "red"}, "colour", id="bad options"),
        pytest.param(f"{HERE}.FailingStorage", {}, "out of order", id="raises"),
    ],
)
def test_a_storage_that_cannot_be_made_is_an_error(
    settings: Settings, largefiles: Largefiles, backend: str, options: dict[str, Any], why: str
) -> None:
    use_storage(settings, largefiles, backend, **options)
    message = the_message("django_largefiles.E002")
    assert "STORAGE" in message
    assert why in message


def test_a_storage_that_cannot_be_staged_is_an_error(settings: Settings, largefiles: Largefiles) -> None:
    use_storage(settings, largefiles, REMOTE, location="/remote")
    message = the_message("django_largefiles.E002")
    assert "STAGING_DIRECTORY: must be set for RemoteStorage" in message


def test_a_storage_in_memory_is_for_tests(settings: Settings, largefiles: Largefiles) -> None:
    use_storage(settings, largefiles, MEMORY)
    assert not told()
    assert [message.id for message in told(deployment=True)] == ["django_largefiles.W032"]


def test_a_store_that_is_none_is_an_error(largefiles: Largefiles) -> None:
    largefiles.set(STORE="nowhere.Store")
    assert "STORE: 'nowhere.Store' does not import" in the_message("django_largefiles.E002")


def test_a_staging_directory_that_is_yet_to_be_made_will_do(
    settings: Settings, largefiles: Largefiles, tmp_path: Path
) -> None:
    use_storage(settings, largefiles, REMOTE, location="/remote")
    largefiles.set(STAGING_DIRECTORY=tmp_path / "not" / "there")
    assert not told()


def test_a_staging_directory_that_cannot_be_written_to_is_an_error(
    settings: Settings, largefiles: Largefiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_storage(settings, largefiles, REMOTE, location="/remote")
    largefiles.set(STAGING_DIRECTORY=tmp_path / "not" / "there")
    # Whoever is root may write everywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    assert str(tmp_path) in the_message("django_largefiles.E010")


def test_a_staging_directory_that_may_be_served_is_a_warning(settings: Settings, largefiles: Largefiles) -> None:
    use_storage(settings, largefiles, REMOTE, location="/remote")
    largefiles.set(STAGING_DIRECTORY=Path(settings.MEDIA_ROOT) / "staging")
    assert not told()
    settings.MEDIA_URL = "/media/"
    assert "STAGING_DIRECTORY" in the_message("django_largefiles.W001")


@pytest.mark.parametrize(("limit", "ids"), [(0, ["django_largefiles.W013"]), (2**21, [])], ids=["none", "some"])
def test_a_storage_that_keeps_files_in_memory_is_a_warning(
    limit: int, ids: list[str], settings: Settings, largefiles: Largefiles, tmp_path: Path
) -> None:
    use_storage(settings, largefiles, f"{HERE}.SpoolingStorage", location="/remote", limit=limit)
    largefiles.set(STAGING_DIRECTORY=tmp_path)
    assert [message.id for message in told()] == ids


def test_an_empty_media_root_is_an_error(settings: Settings) -> None:
    settings.MEDIA_ROOT = ""
    assert "MEDIA_ROOT" in the_message("django_largefiles.E003")


@pytest.mark.parametrize("media_url", ["", "/media/"], ids=["no URL", "a URL"])
def test_a_storage_with_a_location_needs_no_media_root(
    settings: Settings, largefiles: Largefiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, media_url: str
) -> None:
    monkeypatch.chdir(tmp_path)
    settings.MEDIA_ROOT, settings.MEDIA_URL = "", media_url
    use_storage(settings, largefiles, FILESYSTEM, location=str(tmp_path / "private"))
    assert not told()


def test_the_current_directory_may_be_meant(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings.MEDIA_ROOT = str(tmp_path)
    assert not told()


def test_of_a_storage_without_a_location_none_is_asked(
    settings: Settings, largefiles: Largefiles, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = ""
    use_storage(settings, largefiles, REMOTE, location="/remote")
    largefiles.set(STAGING_DIRECTORY=tmp_path)
    assert not told()


@pytest.mark.parametrize("media_url", ["/media/", "https://cdn.example.com/media/"], ids=["path", "host"])
def test_files_that_may_be_served_are_a_warning(settings: Settings, media_url: str) -> None:
    settings.MEDIA_URL = media_url
    message = the_message("django_largefiles.W001")
    assert media_url in message
    assert "LARGEFILES['STORAGE']" in message


@pytest.mark.parametrize("options", [{}, {"base_url": "/elsewhere/"}], ids=["under its URL", "under another"])
def test_a_folder_of_what_is_served_is_served_too(
    settings: Settings, largefiles: Largefiles, options: dict[str, str]
) -> None:
    settings.MEDIA_URL = "/media/"
    use_storage(settings, largefiles, FILESYSTEM, location=f"{settings.MEDIA_ROOT}/private", **options)
    assert "/media/" in the_message("django_largefiles.W001")


def test_a_storage_outside_what_is_served_is_well(settings: Settings, largefiles: Largefiles, tmp_path: Path) -> None:
    settings.MEDIA_URL = "/media/"
    use_storage(settings, largefiles, FILESYSTEM, location=str(tmp_path / "private"))
    assert not told()


S3 = "storages.backends.s3.S3Storage"
OWN_BUCKET = {"bucket_name": "b", "region_name": "eu-central-1", "file_overwrite": False}


def test_a_bucket_that_everybody_may_read_is_a_warning(settings: Settings, largefiles: Largefiles) -> None:
    use_storage(settings, largefiles, S3, **OWN_BUCKET, default_acl="public-read")
    assert "public-read" in the_message("django_largefiles.W026")


@pytest.mark.parametrize("acl", [None, "private", "bucket-owner-full-control"])
def test_a_bucket_of_ones_own_is_well(acl: str | None, settings: Settings, largefiles: Largefiles) -> None:
    use_storage(settings, largefiles, S3, **OWN_BUCKET, default_acl=acl)
    assert not told()


@pytest.mark.parametrize(
    ("key", "check_id", "path"),
    [
        *[
            pytest.param("ACCESS_POLICY", "django_largefiles.E004", path, id=f"policy {case}")
            for case, path in (
                ("nowhere", "nowhere.Policy"),
                ("no such name", f"{HERE}.Policy"),
                ("not of the class", f"{HERE}.NobodyDispatcher"),
                ("no class", f"{HERE}.FILESYSTEM"),
                ("raises", f"{HERE}.FailingPolicy"),
                ("abstract", "django_largefiles.access.AccessPolicy"),
            )
        ],
        *[
            pytest.param("DISPATCHER", "django_largefiles.E005", path, id=f"dispatcher {case}")
            for case, path in (
                ("nowhere", "nowhere.Dispatcher"),
                ("no such name", f"{HERE}.Dispatcher"),
                ("not of the class", f"{HERE}.OwnerOrStaff"),
                ("no class", f"{HERE}.FILESYSTEM"),
                ("raises", f"{HERE}.FailingDispatcher"),
                ("abstract", "django_largefiles.dispatch.base.Dispatcher"),
            )
        ],
    ],
)
def test_a_pluggable_that_cannot_be_used_is_an_error(
    largefiles: Largefiles, key: str, check_id: str, path: str
) -> None:
    largefiles.set(**{key: path})
    assert the_message(check_id).startswith(f"LARGEFILES: {key}: {path!r} ")


def test_the_dispatcher_has_checks_of_its_own(largefiles: Largefiles) -> None:
    largefiles.set(DISPATCHER=f"{HERE}.WarningDispatcher")
    assert the_message("tests.W001").startswith("The broker is slow.")


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("nowhere.Extractor", id="nowhere"),
        pytest.param(f"{HERE}.NoSuchExtractor", id="no such name"),
        pytest.param(f"{HERE}.OwnerOrStaff", id="not of the class"),
        pytest.param(f"{HERE}.FILESYSTEM", id="no class"),
        pytest.param(f"{HERE}.Unfinished", id="abstract"),
    ],
)
@pytest.mark.parametrize("profile", [False, True], ids=["the host's", "a profile's"])
def test_an_extractor_that_cannot_be_used_is_an_error(largefiles: Largefiles, path: str, profile: bool) -> None:
    rule = {"EXTRACTORS": {"font/*": path}}
    largefiles.set(**({"PROFILES": {"fonts": rule}} if profile else rule))
    message = the_message("django_largefiles.E006")
    assert "EXTRACTORS" in message
    assert repr(path) in message


class Frugal(Extractor):
    optional_modules = {"json": "nothing", "no_such_module": "a-package[extra]"}

    def extract(self, file: BinaryIO, media_type: str) -> Metadata:
        return Metadata()  # pragma: no cover


def test_an_optional_module_that_is_missing_is_a_warning(largefiles: Largefiles) -> None:
    largefiles.set(EXTRACTORS={"image/*": f"{HERE}.Frugal"})
    message = the_message("django_largefiles.W012")
    assert "Frugal" in message and "'no_such_module'" in message and "a-package[extra]" in message


def test_an_extractor_that_no_profile_uses_is_not_looked_for(largefiles: Largefiles) -> None:
    rule = {"EXTRACTORS": {"font/*": None}}
    largefiles.set(EXTRACTORS={"font/*": "nowhere.Extractor"}, PROFILES={"default": rule})
    assert not told()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        pytest.param({"BACKEND": "nowhere.Scanner"}, "does not import", id="nowhere"),
        pytest.param({"BACKEND": f"{HERE}.OwnerOrStaff"}, "is not a subclass", id="not of the class"),
        pytest.param({"BACKEND": "tests.scanners.odd.Unfinished"}, "is abstract", id="abstract"),
        pytest.param({"BACKEND": CLAMD, "OPTIONS": {"colour": 1}}, "cannot be instantiated", id="unknown option"),
        pytest.param({"BACKEND": CLAMD, "OPTIONS": {"max_file_size": 0}}, "must be positive", id="bad option"),
        pytest.param({"BACKEND": CLAMD, "OPTIONS": {"max_file_size": "1M"}}, "cannot be inst", id="no number"),
    ],
)
@pytest.mark.parametrize("profile", [False, True], ids=["the host's", "a profile's"])
def test_a_scanner_that_cannot_be_used_is_an_error(
    largefiles: Largefiles, line: dict[str, Any], why: str, profile: bool
) -> None:
    rule = {"SCANNERS": [line]}
    largefiles.set(**({"PROFILES": {"fonts": rule}} if profile else rule))
    message = the_message("django_largefiles.E008")
    assert message.startswith(f"LARGEFILES: SCANNERS: {line['BACKEND']!r} ")
    assert why in message


def test_a_scanner_has_checks_of_its_own(largefiles: Largefiles) -> None:
    largefiles.set(SCANNERS=[{"BACKEND": CLAMD, "OPTIONS": {"host": "scanner.example.com"}}])
    assert "scanner.example.com" in the_message("django_largefiles.W003")


def test_scanners_are_asked_before_deployment_alone(largefiles: Largefiles, tmp_path: Path) -> None:
    nobody = {"BACKEND": CLAMD, "OPTIONS": {"socket": str(tmp_path / "nobody")}}
    largefiles.set(SCANNERS=[nobody], PROFILES={"videos": {"SCANNERS": [nobody]}})
    assert not told()
    messages = told(deployment=True)
    assert [message.id for message in messages] == ["django_largefiles.E009"] * 2
    assert "clamd answered 'error' for a harmless file. FileNotFoundError" in messages[0].msg


def test_a_scanner_that_detects_is_well(largefiles: Largefiles) -> None:
    largefiles.set(SCANNERS=[{"BACKEND": "django_largefiles.testing.scanners.FakeScanner"}])
    assert not told(deployment=True)


@pytest.mark.parametrize(
    ("lines", "check_id"),
    [(None, "django_largefiles.E001"), ([{"BACKEND": "nowhere.Scanner"}], "django_largefiles.E008")],
    ids=["no list", "not importable"],
)
def test_what_cannot_be_loaded_is_told_once(largefiles: Largefiles, lines: Any, check_id: str) -> None:
    largefiles.set(SCANNERS=lines)
    assert [message.id for message in told(deployment=True)] == [check_id]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        pytest.param(
            Machine(lacking=("landlock", "seccomp"), possible=("start processes", "open connections")),
            ["without these layers of confinement: landlock, seccomp.", "can start processes, open connections."],
            id="something possible",
        ),
        pytest.param(Machine(lacking=("no-capabilities",), possible=()), ["no-capabilities."], id="nothing possible"),
    ],
)
def test_layers_that_the_machine_lacks_are_a_warning(
    monkeypatch: pytest.MonkeyPatch, found: Machine, words: list[str]
) -> None:
    monkeypatch.setattr(extensions, "machine", lambda: found)
    message = the_message("django_largefiles.W010")
    assert all(each in message for each in words)
    assert bool(found.possible) == ("exploits a parser" in message)


def test_a_machine_on_which_no_child_can_be_run_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Machine:
        raise ExtractionFailed("could not start a child process")

    monkeypatch.setattr(extensions, "machine", fail)
    assert "could not start a child process" in the_message("django_largefiles.W011")


def test_where_nothing_is_extracted_nothing_need_be_confined(
    monkeypatch: pytest.MonkeyPatch, largefiles: Largefiles
) -> None:
    monkeypatch.setattr(extensions, "machine", lambda: Machine(lacking=("seccomp",), possible=()))
    largefiles.set(EXTRACTORS=dict.fromkeys(DEFAULT_EXTRACTORS))
    assert not told()


def a_foreign_magic() -> ModuleType:
    """The module of libmagic's own authors has the name and none of the contents."""
    return ModuleType("magic")


@pytest.mark.parametrize("module", [None, a_foreign_magic()], ids=["missing", "another's"])
def test_a_missing_libmagic_is_an_error_that_tells_what_to_install(
    forgotten_libmagic: None, monkeypatch: pytest.MonkeyPatch, module: ModuleType | None
) -> None:
    monkeypatch.setitem(sys.modules, "magic", module)
    message = the_message("django_largefiles.E007")
    assert "libmagic" in message
    assert "django-largefiles[libmagic]" in message


RAR = "application/x-rar"


def test_an_archive_that_no_extractor_reads_is_warned_of(largefiles: Largefiles) -> None:
    largefiles.set(PROFILES={"archives": {"ALLOWED_MIME_TYPES": ["application/zip", RAR]}})
    message = the_message("django_largefiles.W006")
    assert "'archives'" in message and RAR in message and "application/zip" not in message


@pytest.mark.parametrize(
    "rules",
    [
        {"ALLOWED_MIME_TYPES": ["application/zip", "application/x-tar", "image/*"]},
        {"ALLOWED_MIME_TYPES": ["*/*"]},
        {"ALLOWED_MIME_TYPES": [RAR], "ARCHIVE_LIMITS": {"UNREADABLE": True}},
        {"ALLOWED_MIME_TYPES": [RAR], "EXTRACTORS": {"application/*": "tests.example_extractors.Describing"}},
    ],
    ids=["those that are read", "everything", "let pass", "an extractor of the host's"],
)
def test_of_other_archives_nothing_is_said(rules: dict[str, object], largefiles: Largefiles) -> None:
    largefiles.set(PROFILES={"archives": rules})
    assert told() == []


def test_a_storage_that_gives_no_links_to_redirect_to(largefiles: Largefiles) -> None:
    largefiles.set(DELIVERY="redirect")
    assert "gives no links" in the_message("django_largefiles.E020")


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"DELIVERY": "x-accel"}, "it is 'x-accel', but DELIVERY_INTERNAL_PREFIX is not set for the storage 'def"),
        (
            {"DELIVERY": "x-accel", "DELIVERY_INTERNAL_PREFIX": {"other": "/x/"}},
            "DELIVERY_INTERNAL_PREFIX is not set for the storage 'default'",
        ),
        *[
            ({"DELIVERY": delivery, "STORE": f"{HERE}.Remote"}, "not in a local file system")
            for delivery in ("x-accel", "x-sendfile")
        ],
    ],
    ids=["no prefix", "a prefix of another", "x-accel elsewhere", "x-sendfile elsewhere"],
)
def test_a_storage_whose_files_a_web_server_cannot_send(
    values: dict[str, object], problem: str, largefiles: Largefiles
) -> None:
    largefiles.set(**values)
    assert problem in the_message("django_largefiles.E020")


@pytest.mark.parametrize(
    "values",
    [
        {"DELIVERY": "x-accel", "DELIVERY_INTERNAL_PREFIX": "/files/"},
        {"DELIVERY": "x-accel", "DELIVERY_INTERNAL_PREFIX": {"default": "/files/"}},
        {"DELIVERY": "x-sendfile"},
    ],
)
def test_a_storage_whose_files_a_web_server_sends(values: dict[str, object], largefiles: Largefiles) -> None:
    largefiles.set(**values)
    assert not told()


class TestAProjectThatHasNotChosenAStorage:
    @pytest.fixture(autouse=True)
    def _nothing_chosen(self, settings: Settings, largefiles: Largefiles, tmp_path: Path) -> None:
        settings.BASE_DIR = tmp_path
        settings.MEDIA_ROOT = ""
        largefiles.set(STORAGE="largefiles")

    def test_it_is_told_nothing(self) -> None:
        assert not told()

    def test_a_deployment_is_told_where_files_are(self, tmp_path: Path) -> None:
        (message,) = told(deployment=True)
        assert message.id == "django_largefiles.W004"
        assert str(tmp_path / "largefiles") in message.msg
        assert "LARGEFILES['STORAGE']" in str(message.hint)

    def test_without_a_base_it_is_told_what_to_set(self, settings: Settings) -> None:
        del settings.BASE_DIR
        (message,) = told(deployment=True)
        assert message.id == "django_largefiles.E002"
        assert message.msg.startswith("LARGEFILES: STORAGE: ")
        assert "BASE_DIR" in message.msg

    @pytest.mark.parametrize("files", [[], ["x"]], ids=["none", "some"])
    def test_files_that_an_alias_of_the_same_name_hides_are_a_warning(
        self, settings: Settings, tmp_path: Path, files: list[str]
    ) -> None:
        (tmp_path / "largefiles").mkdir()
        for name in files:
            (tmp_path / "largefiles" / name).touch()
        options = {"location": str(tmp_path / "elsewhere")}
        settings.STORAGES = {**settings.STORAGES, "largefiles": {"BACKEND": FILESYSTEM, "OPTIONS": options}}
        assert [message.id for message in told()] == ["django_largefiles.W005"] * len(files)

    def test_an_alias_of_the_same_name_may_be_the_same_folder(self, settings: Settings, tmp_path: Path) -> None:
        (tmp_path / "largefiles" / "x").mkdir(parents=True)
        options = {"location": str(tmp_path / "largefiles")}
        settings.STORAGES = {**settings.STORAGES, "largefiles": {"BACKEND": FILESYSTEM, "OPTIONS": options}}
        assert not told()

    def test_an_alias_of_the_same_name_needs_no_base(self, settings: Settings, tmp_path: Path) -> None:
        del settings.BASE_DIR
        options = {"location": str(tmp_path / "elsewhere")}
        settings.STORAGES = {**settings.STORAGES, "largefiles": {"BACKEND": FILESYSTEM, "OPTIONS": options}}
        assert not told()

    def test_a_folder_that_may_be_served_is_a_warning(self, settings: Settings, tmp_path: Path) -> None:
        settings.MEDIA_ROOT, settings.MEDIA_URL = str(tmp_path), "/media/"
        assert "LARGEFILES['STORAGE']" in the_message("django_largefiles.W001")


def test_a_folder_has_nothing_to_be_asked_over_the_network() -> None:
    asked = [str(message.id) for message in run_checks(include_deployment_checks=True)]
    assert not [found for found in asked if found.startswith("django_largefiles.")]


@pytest.fixture
def choose_automatically(largefiles: Largefiles, monkeypatch: pytest.MonkeyPatch) -> Callable[[Choice], None]:
    largefiles.set(DISPATCHER="auto")
    return lambda choice: monkeypatch.setattr(extensions, "choose", lambda: choice)


NO_APP = Choice(path=IMMEDIATE, reason="the project has no Celery app", has_celery_app=False)
NO_BROKER = Choice(path=IMMEDIATE, reason="the Celery app 'host' has no broker_url")


@pytest.mark.parametrize(
    ("choice", "debug", "deployment", "warned"),
    [
        pytest.param(NO_APP, True, False, False, id="in development"),
        pytest.param(NO_APP, False, False, False, id="in production"),
        pytest.param(NO_APP, False, True, True, id="before deployment"),
        pytest.param(NO_APP, True, True, False, id="before a deployment with DEBUG"),
        pytest.param(NO_BROKER, True, False, True, id="Celery app without a broker"),
        pytest.param(NO_BROKER, False, True, True, id="Celery app without a broker, before deployment"),
        pytest.param(Choice(path=CELERY), False, True, False, id="Celery"),
    ],
)
def test_automatic_choice_of_the_dispatcher(
    choose_automatically: Callable[[Choice], None],
    settings: Settings,
    choice: Choice,
    debug: bool,
    deployment: bool,
    warned: bool,
) -> None:
    settings.DEBUG = debug
    choose_automatically(choice)
    messages = [message for message in told(deployment=deployment) if message.id == "django_largefiles.W027"]
    assert [choice.reason in message.msg for message in messages] == [True] * warned


def sweeper_warnings(*, deployment: bool) -> list[CheckMessage]:
    return [message for message in told(deployment=deployment) if message.id == "django_largefiles.W029"]


def test_a_site_that_no_sweeper_serves_is_told_before_deployment() -> None:
    SweeperRun.objects.update(ran_at=timezone.now() - timedelta(minutes=61))
    assert not sweeper_warnings(deployment=False)
    (message,) = sweeper_warnings(deployment=True)
    assert message.msg == "No sweeper has run in the last 1:00:00."


def test_a_database_without_tables_is_not_asked_for_the_sweeper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "has_run", Mock(side_effect=DatabaseError))
    assert not sweeper_warnings(deployment=True)


CREATION_THROTTLE = "django_largefiles.throttling.CreationThrottle"


def test_a_throttle_that_cannot_be_made(largefiles: Largefiles) -> None:
    largefiles.set(THROTTLES=[{"BACKEND": CREATION_THROTTLE}])
    assert [message.id for message in told(deployment=True)] == ["django_largefiles.E011"]


@pytest.mark.parametrize(
    ("cache", "deployment", "ids"),
    [
        ("locmem.LocMemCache", False, []),
        ("locmem.LocMemCache", True, ["django_largefiles.W030"]),
        ("dummy.DummyCache", True, ["django_largefiles.W030"]),
        ("db.DatabaseCache", True, []),
    ],
)
def test_a_throttle_whose_cache_does_not_count_over_all_processes(
    cache: str, deployment: bool, ids: list[str], settings: Settings, largefiles: Largefiles
) -> None:
    settings.CACHES = {"default": {"BACKEND": f"django.core.cache.backends.{cache}", "LOCATION": "counters"}}
    largefiles.set(THROTTLES=[{"BACKEND": CREATION_THROTTLE, "OPTIONS": {"per_minute": 5}}])
    assert [message.id for message in told(deployment=deployment)] == ids


def test_daphne_is_named_as_a_server_that_receives_whole_bodies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers.apps, "is_installed", lambda name: name == "daphne")
    assert [message.id for message in told(deployment=True)] == ["django_largefiles.W031"]
    assert told() == []


def urls_of(*included: str) -> ModuleType:
    """The URLs of a project that includes these modules."""
    module: Any = ModuleType("urls")
    module.urlpatterns = [path(f"{number}/", include(name)) for number, name in enumerate(included)]
    return module  # type: ignore[no-any-return]


def test_fields_to_which_no_view_uploads_are_named(settings: Settings) -> None:
    settings.ROOT_URLCONF = urls_of()
    said = the_message("django_largefiles.W033")
    assert all(field in said for field in ("films.Film.video", "films.Still.image", "films.Album.files"))
    assert 'include("django_largefiles.urls")' in said


def test_a_project_without_urls_is_told_so(settings: Settings) -> None:
    del settings.ROOT_URLCONF
    assert [message.id for message in told()] == ["django_largefiles.W033"]


@pytest.mark.parametrize("included", ["django_largefiles.urls", "django_largefiles.api.urls"])
def test_urls_of_the_package_are_enough(included: str, settings: Settings) -> None:
    if "api" in included:
        pytest.importorskip("rest_framework", reason="Django REST framework is not installed")
    settings.ROOT_URLCONF = urls_of(included)
    assert told() == []


def test_without_fields_that_attach_no_urls_are_needed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ROOT_URLCONF = urls_of()
    monkeypatch.setattr(urls, "apps", Mock(get_models=lambda: [FileAsset, User]))
    assert told() == []


@pytest.mark.parametrize(
    ("order", "named"),
    [
        ("session auth ours", None),
        ("session auth", None),
        ("ours session auth", "SessionMiddleware and django.contrib.auth.middleware.AuthenticationMiddleware"),
        ("session ours auth", "AuthenticationMiddleware"),
    ],
)
def test_the_middleware_belongs_below_those_that_know_the_user(
    order: str, named: str | None, settings: Settings
) -> None:
    paths = {"session": middleware.ABOVE[0], "auth": middleware.ABOVE[1], "ours": middleware.OURS}
    settings.MIDDLEWARE = [paths[name] for name in order.split()]
    found = list(middleware.check_middleware())
    assert [message.id for message in found] == (["django_largefiles.W034"] if named else [])
    assert all(named in message.msg for message in found if named)
