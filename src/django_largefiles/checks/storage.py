"""Checks of the storage, and of the folders in which files are kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning as CheckWarning
from django.core.files.storage import FileSystemStorage, Storage

from ..conf import largefiles_settings
from ..delivery.backends import configured_backend, problem_of
from ..exceptions import ConfigurationError
from ..stores import class_path, configured_store, store_for
from ..stores.base import Store
from ..stores.storage import (
    configured_alias,
    configured_storage,
    private_folder,
    replaced_private_folder,
    uses_private_folder,
)
from .loading import errors_of


def check_storage() -> Iterator[CheckMessage]:
    try:
        storage = configured_storage()
        store = store_for(storage, class_path(configured_alias()))
    except ConfigurationError as error:
        yield Error(f"LARGEFILES: {error}", id="django_largefiles.E002")
        return
    except Exception as error:  # noqa: BLE001 - creating the storage runs the host's code
        yield Error(f"LARGEFILES: STORAGE: {error}", id="django_largefiles.E002")
        return
    yield from store.check()
    if isinstance(storage, FileSystemStorage):
        yield from _check_location(storage)
    if largefiles_settings.staging_directory:
        yield from _check_served(
            largefiles_settings.staging_directory,
            "Set LARGEFILES['STAGING_DIRECTORY'] to a folder that the web server does not serve.",
        )
    yield from _check_acl(storage)
    yield from _check_replaced_folder()
    yield from _check_delivery(store)


def probe_storage() -> list[CheckMessage]:
    """Check the storage itself, over the network, unless the settings already show that it cannot be used."""
    if any(message.id == "django_largefiles.E002" for message in check_storage()):
        return []
    return list(configured_store().probe(_origins()))


def check_private_folder() -> Iterator[CheckMessage]:
    """Warn of the default storage, which is lost where a deployment replaces the project's folder."""
    if not uses_private_folder() or any(errors_of(private_folder, "")):
        return
    yield CheckWarning(
        f"LARGEFILES['STORAGE'] is not set: files are stored in {private_folder()}.",
        hint="Make sure that no deployment replaces this folder and that all web servers and workers share it, "
        "or set LARGEFILES['STORAGE'] to an alias of STORAGES.",
        id="django_largefiles.W004",
    )


def _check_delivery(store: Store) -> Iterator[CheckMessage]:
    backend = configured_backend(store, configured_alias())
    if backend.problem and largefiles_settings.delivery != "auto":
        yield Error(
            f"LARGEFILES: DELIVERY: {problem_of(backend)}.",
            hint="Set what is missing, or set DELIVERY to 'auto' or 'stream'.",
            id="django_largefiles.E020",
        )


def _origins() -> list[str]:
    """Return the origins of the pages that may upload: those of the site, and those that it trusts."""
    hosts = [f"https://{host}" for host in settings.ALLOWED_HOSTS if not host.startswith((".", "*"))]
    named = [*settings.CSRF_TRUSTED_ORIGINS, *largefiles_settings.cors_allowed_origins]
    return sorted({*hosts, *(origin for origin in named if "*" not in origin)})


def _check_location(storage: FileSystemStorage) -> Iterator[CheckMessage]:
    if Path(storage.location) == Path.cwd() and not settings.MEDIA_ROOT:
        yield Error(
            f"The storage writes into the current directory, {storage.location}.",
            hint="Set MEDIA_ROOT, or give the storage a location.",
            id="django_largefiles.E003",
        )
    yield from _check_served(
        Path(storage.location),
        "Set LARGEFILES['STORAGE'] to a storage of its own, in a folder that the web server does not serve.",
    )


def _check_served(folder: Path, hint: str) -> Iterator[CheckMessage]:
    if not (settings.MEDIA_ROOT and settings.MEDIA_URL.strip("/")):
        return
    if folder.resolve().is_relative_to(Path(settings.MEDIA_ROOT).resolve()):
        yield CheckWarning(
            f"Files are kept in {folder}, which may be served under {settings.MEDIA_URL} without any check of access.",
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
            f"The storage gives files the ACL {acl!r}: anyone who knows a name can read the file without any check "
            "of access.",
            hint="Set LARGEFILES['STORAGE'] to a storage with a private ACL, or with none.",
            id="django_largefiles.W026",
        )
