"""System checks: whatever is wrong with the settings is told before the first upload."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
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
from .registry import load_class
from .sniffing import sniff_head
from .storage import current_storage
from .stores import current_store, store_for


@register(Tags.files)
def check_settings(**_: Any) -> list[CheckMessage]:
    wrong: list[CheckMessage] = [
        Error(f"LARGEFILES: {str(problem).removeprefix('LARGEFILES: ')}", id="django_largefiles.E001")
        for problem in problems()
    ]
    if wrong:
        # The other checks read the settings.
        return wrong
    return [*check_storage(), *check_pluggables(), *check_extractors(), *check_libmagic()]


def check_storage() -> Iterator[CheckMessage]:
    try:
        storage = current_storage()
        store = store_for(storage)
    except ConfigurationError as error:
        yield Error(f"LARGEFILES: {error}", id="django_largefiles.E002")
        return
    except Exception as error:  # noqa: BLE001 - making it runs the host's code
        yield Error(f"LARGEFILES: STORAGE: {error}", id="django_largefiles.E002")
        return
    if isinstance(storage, FileSystemStorage):
        yield from _check_location(storage)
    yield from _check_acl(storage)
    yield from store.check()
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
    return list(current_store().probe(_origins()))


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
    if _is_served(storage):
        yield CheckWarning(
            f"Files are kept where {settings.MEDIA_URL} may be served from, past every check of ours.",
            hint="Name a storage of their own in LARGEFILES['STORAGE'], outside what the web server serves.",
            id="django_largefiles.W001",
        )


def _check_acl(storage: Storage) -> Iterator[CheckMessage]:
    acl = getattr(storage, "default_acl", None) or ""
    if acl.startswith("public"):
        yield CheckWarning(
            f"The storage gives files the ACL {acl!r}: who learns a name can read them, past every check of ours.",
            hint="Name a storage with a private ACL, or with none, in LARGEFILES['STORAGE'].",
            id="django_largefiles.W010",
        )


def _is_served(storage: FileSystemStorage) -> bool:
    if not (settings.MEDIA_ROOT and settings.MEDIA_URL.strip("/")):
        return False
    return Path(storage.location).resolve().is_relative_to(Path(settings.MEDIA_ROOT).resolve())


def check_pluggables() -> Iterator[CheckMessage]:
    yield from _tried(access_policy, "django_largefiles.E004")
    failed = list(_tried(current_dispatcher, "django_largefiles.E005"))
    yield from failed or current_dispatcher().check()


def check_extractors() -> Iterator[CheckMessage]:
    paths = {path for name in largefiles_settings.profiles for path in get_profile(name).extractors.values()}
    for path in sorted(paths):
        yield from _tried(partial(load_class, path, Extractor, "EXTRACTORS"), "django_largefiles.E006")


def check_libmagic() -> Iterator[CheckMessage]:
    yield from _tried(lambda: sniff_head(b"GIF89a"), "django_largefiles.E007")


def _tried(act: Callable[[], object], check_id: str) -> Iterator[CheckMessage]:
    try:
        act()
    except ConfigurationError as error:
        yield Error(f"LARGEFILES: {error}", id=check_id)
