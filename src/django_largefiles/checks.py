"""System checks: whatever is wrong with the settings is told before the first upload."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning as CheckWarning, register
from django.core.files.storage import FileSystemStorage, Storage

from .access import access_policy
from .conf import get_profile, largefiles_settings, problems
from .dispatch import current_dispatcher
from .exceptions import ConfigurationError
from .extractors.base import Extractor
from .media_types.matching import most_specific
from .media_types.sniffing import sniff_head
from .media_types.table import ARCHIVE_TYPES
from .options import ScannerChoice
from .registry import load_class
from .sandbox.probe import machine
from .sandbox.runner import ExtractionFailed
from .scanners import load_scanner
from .scanners.base import Scanner
from .scanners.selftest import small_canaries, try_out
from .stores import class_path, configured_store, store_for
from .stores.storage import (
    configured_alias,
    configured_storage,
    private_folder,
    replaced_private_folder,
    uses_private_folder,
)


@register(Tags.files)
def check_settings(**_: Any) -> list[CheckMessage]:
    wrong: list[CheckMessage] = [
        Error(f"LARGEFILES: {str(problem).removeprefix('LARGEFILES: ')}", id="django_largefiles.E001")
        for problem in problems()
    ]
    if wrong:
        # The other checks read the settings.
        return wrong
    return [
        *check_storage(),
        *check_pluggables(),
        *check_extractors(),
        *check_archives(),
        *check_scanners(),
        *check_libmagic(),
    ]


def check_storage() -> Iterator[CheckMessage]:
    try:
        storage = configured_storage()
        store = store_for(storage, class_path(configured_alias()))
    except ConfigurationError as error:
        yield Error(f"LARGEFILES: {error}", id="django_largefiles.E002")
        return
    except Exception as error:  # noqa: BLE001 - making it runs the host's code
        yield Error(f"LARGEFILES: STORAGE: {error}", id="django_largefiles.E002")
        return
    yield from store.check()
    if isinstance(storage, FileSystemStorage):
        yield from _check_location(storage)
    if largefiles_settings.staging_directory:
        yield from _check_served(
            largefiles_settings.staging_directory,
            "Let LARGEFILES['STAGING_DIRECTORY'] be outside what the web server serves.",
        )
    yield from _check_acl(storage)
    yield from _check_replaced_folder()
    if largefiles_settings.delivery == "redirect" and not store.gives_links:
        yield Error(
            "LARGEFILES: DELIVERY: the storage gives no links to redirect to.",
            hint="Set it to 'auto' or 'stream'.",
            id="django_largefiles.E020",
        )


@register(Tags.files, deploy=True)
def probe_storage(**_: Any) -> list[CheckMessage]:
    """Asks the storage itself, over the network."""
    if any(problems()) or any(message.id == "django_largefiles.E002" for message in check_storage()):
        # That is told without the network.
        return []
    return list(configured_store().probe(_origins()))


@register(Tags.files, deploy=True)
def check_private_folder(**_: Any) -> list[CheckMessage]:
    """Warn of the default storage, which is lost where a deployment replaces the project's folder."""
    if any(problems()) or not uses_private_folder() or any(_tried(private_folder, "")):
        return []
    return [
        CheckWarning(
            f"LARGEFILES['STORAGE'] is not set: files are stored in {private_folder()}.",
            hint="Make sure that no deployment replaces this folder and that all web servers and workers share it, "
            "or set LARGEFILES['STORAGE'] to an alias of STORAGES.",
            id="django_largefiles.W004",
        )
    ]


def _origins() -> list[str]:
    """Of the pages that may upload: the site's own, and those that it trusts."""
    hosts = [f"https://{host}" for host in settings.ALLOWED_HOSTS if not host.startswith((".", "*"))]
    named = [*settings.CSRF_TRUSTED_ORIGINS, *largefiles_settings.cors_allowed_origins]
    return sorted({*hosts, *(origin for origin in named if "*" not in origin)})


def _check_location(storage: FileSystemStorage) -> Iterator[CheckMessage]:
    if Path(storage.location) == Path.cwd() and not settings.MEDIA_ROOT:
        yield Error(
            "The storage writes into the current directory.",
            hint="Set MEDIA_ROOT, or give the storage a location.",
            id="django_largefiles.E003",
        )
    yield from _check_served(
        Path(storage.location),
        "Name a storage of their own in LARGEFILES['STORAGE'], outside what the web server serves.",
    )


def _check_served(folder: Path, hint: str) -> Iterator[CheckMessage]:
    if not (settings.MEDIA_ROOT and settings.MEDIA_URL.strip("/")):
        return
    if folder.resolve().is_relative_to(Path(settings.MEDIA_ROOT).resolve()):
        yield CheckWarning(
            f"Files are kept where {settings.MEDIA_URL} may be served from, past every check of ours.",
            hint=hint,
            id="django_largefiles.W001",
        )


def _check_replaced_folder() -> Iterator[CheckMessage]:
    folder = replaced_private_folder()
    if folder:
        yield CheckWarning(
            f"Files in {folder} are out of reach: they were stored there before STORAGES had the alias 'largefiles'.",
            hint="Give the alias another name and set LARGEFILES['STORAGE'] to it, or move the files and the folder.",
            id="django_largefiles.W005",
        )


def _check_acl(storage: Storage) -> Iterator[CheckMessage]:
    acl = getattr(storage, "default_acl", None) or ""
    if acl.startswith("public"):
        yield CheckWarning(
            f"The storage gives files the ACL {acl!r}: who learns a name can read them, past every check of ours.",
            hint="Name a storage with a private ACL, or with none, in LARGEFILES['STORAGE'].",
            id="django_largefiles.W026",
        )


def check_pluggables() -> Iterator[CheckMessage]:
    yield from _tried(access_policy, "django_largefiles.E004")
    failed = list(_tried(current_dispatcher, "django_largefiles.E005"))
    yield from failed or current_dispatcher().check()


def check_extractors() -> Iterator[CheckMessage]:
    paths = {path for name in largefiles_settings.profiles for path in get_profile(name).extractors.values()}
    for path in sorted(paths):
        failed = list(_tried(partial(load_class, path, Extractor, "EXTRACTORS"), "django_largefiles.E006"))
        yield from failed or _check_optional_modules(load_class(path, Extractor, "EXTRACTORS"))
    if paths:
        yield from _check_confinement()


def _check_optional_modules(extractor: type[Extractor]) -> Iterator[CheckMessage]:
    for module, source in extractor.optional_modules.items():
        if find_spec(module) is None:
            yield CheckWarning(
                f"{extractor.__qualname__} describes fewer types of files without the module {module!r}.",
                hint=f"Install {source}, or silence this check if you can do without.",
                id="django_largefiles.W012",
            )


def _check_confinement() -> Iterator[CheckMessage]:
    try:
        found = machine()
    except ExtractionFailed as failure:
        yield CheckWarning(f"No extractor can be run here: {failure.detail}.", id="django_largefiles.W011")
        return
    if found.lacking:
        acts = f" A file that takes its parser over can {', '.join(found.possible)}." if found.possible else ""
        yield CheckWarning(
            f"Files are described without these layers of confinement: {', '.join(found.lacking)}.{acts}",
            hint="See the page on confinement in the documentation: it tells what each layer needs.",
            id="django_largefiles.W010",
        )


def check_scanners() -> Iterator[CheckMessage]:
    for choice in _scanner_choices():
        failed = list(_tried(partial(load_scanner, choice), "django_largefiles.E008"))
        yield from failed or load_scanner(choice).check()


@register(Tags.files, deploy=True)
def check_scanners_at_work(**_: Any) -> list[CheckMessage]:
    """Asks each scanner, over the network; ``largefiles_check_scanners`` tries large files as well."""
    if any(problems()):
        return []
    # What cannot be loaded, ``check_scanners`` tells.
    choices = [choice for choice in _scanner_choices() if not any(_tried(partial(load_scanner, choice), ""))]
    return [message for choice in choices for message in _try_out(load_scanner(choice))]


def _scanner_choices() -> list[ScannerChoice]:
    """Those of all profiles, each once."""
    choices: list[ScannerChoice] = []
    for choice in (choice for name in largefiles_settings.profiles for choice in get_profile(name).scanners):
        if choice not in choices:
            choices.append(choice)
    return choices


def _try_out(scanner: Scanner) -> Iterator[CheckMessage]:
    for canary in small_canaries():
        result = try_out(scanner, canary).result
        if result.verdict not in canary.expected:
            yield Error(
                f"LARGEFILES: SCANNERS: {scanner.name} said {result.verdict.value!r} of {canary.name}. "
                f"{result.detail}".rstrip(),
                hint=f"As it is, {canary.otherwise}",
                id="django_largefiles.E009",
            )


def check_archives() -> Iterator[CheckMessage]:
    for name in largefiles_settings.profiles:
        profile = get_profile(name)
        unread = [
            kind
            for kind in profile.allowed_mime_types
            if kind in ARCHIVE_TYPES and most_specific(kind, profile.extractors) is None
        ]
        if unread and not profile.archive_limits.unreadable:
            yield CheckWarning(
                f"The profile {name!r} allows archives that no extractor reads, so all of them will be refused: "
                f"{', '.join(unread)}.",
                hint="Name an extractor in EXTRACTORS, or set UNREADABLE in ARCHIVE_LIMITS.",
                id="django_largefiles.W006",
            )


def check_libmagic() -> Iterator[CheckMessage]:
    yield from _tried(lambda: sniff_head(b"GIF89a"), "django_largefiles.E007")


def _tried(act: Callable[[], object], check_id: str) -> Iterator[CheckMessage]:
    try:
        act()
    except ConfigurationError as error:
        yield Error(f"LARGEFILES: {error}", id=check_id)
