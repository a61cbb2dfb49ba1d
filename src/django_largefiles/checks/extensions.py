"""Checks of the classes that the settings name: access policy, dispatcher, extractors."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec

from django.conf import settings
from django.core.checks import CheckMessage, Warning as CheckWarning

from ..access import access_policy
from ..conf import get_profile, largefiles_settings
from ..dispatch import current_dispatcher
from ..dispatch.automatic import AUTO, CELERY, IMMEDIATE, Choice, choose
from ..extractors.base import Extractor
from ..progress.notifiers import current_notifier
from ..registry import load_class
from ..sandbox.probe import machine
from ..sandbox.runner import ExtractionFailed
from ..throttling import throttles
from .loading import errors_of


def check_access_policy() -> Iterator[CheckMessage]:
    return errors_of(access_policy, "django_largefiles.E004")


def check_dispatcher() -> Iterator[CheckMessage]:
    failed = list(errors_of(current_dispatcher, "django_largefiles.E005"))
    yield from failed or current_dispatcher().check()
    choice = _automatic_choice()
    if choice and choice.reason and choice.has_celery_app:
        # The project has a Celery app, and may have meant to use it.
        yield _processed_immediately(choice)


def check_dispatcher_in_production() -> Iterator[CheckMessage]:
    choice = _automatic_choice()
    if choice and choice.reason and not choice.has_celery_app and not settings.DEBUG:
        yield _processed_immediately(choice)


def _automatic_choice() -> Choice | None:
    return choose() if largefiles_settings.dispatcher == AUTO else None


def _processed_immediately(choice: Choice) -> CheckMessage:
    return CheckWarning(
        f"LARGEFILES: DISPATCHER: it is 'auto', and files are processed inside the request, because {choice.reason}.",
        hint=f"Set up a Celery app with a broker in the project's __init__, or set DISPATCHER to {IMMEDIATE!r} or "
        f"{CELERY!r} to make the choice.",
        id="django_largefiles.W027",
    )


def check_throttles() -> Iterator[CheckMessage]:
    return errors_of(throttles, "django_largefiles.E011")


def check_throttles_in_production() -> Iterator[CheckMessage]:
    if not any(check_throttles()):
        yield from (message for throttle in throttles() for message in throttle.check())


def check_notifier() -> Iterator[CheckMessage]:
    failed = list(errors_of(current_notifier, "django_largefiles.E012"))
    notifier = None if failed else current_notifier()
    yield from notifier.check() if notifier else failed


def check_extractors() -> Iterator[CheckMessage]:
    paths = {path for name in largefiles_settings.profiles for path in get_profile(name).extractors.values()}
    for path in sorted(paths):
        failed = list(errors_of(partial(load_class, path, Extractor, "EXTRACTORS"), "django_largefiles.E006"))
        yield from failed or _check_optional_modules(load_class(path, Extractor, "EXTRACTORS"))
    if paths:
        yield from _check_confinement()


def _check_optional_modules(extractor: type[Extractor]) -> Iterator[CheckMessage]:
    for module, source in extractor.optional_modules.items():
        if find_spec(module) is None:
            yield CheckWarning(
                f"{extractor.__qualname__} describes fewer types of files without the module {module!r}.",
                hint=f"Install {source}, or silence this check if you do not need these types.",
                id="django_largefiles.W012",
            )


def _check_confinement() -> Iterator[CheckMessage]:
    try:
        found = machine()
    except ExtractionFailed as failure:
        yield CheckWarning(
            f"No extractor can be run on this machine: {failure.detail}.",
            hint="Files will have no metadata. Allow this user to start processes.",
            id="django_largefiles.W011",
        )
        return
    if found.lacking:
        acts = f" A file that exploits a parser can {', '.join(found.possible)}." if found.possible else ""
        yield CheckWarning(
            f"Extractors run without these layers of confinement: {', '.join(found.lacking)}.{acts}",
            hint="The documentation's page on confinement describes what each layer needs.",
            id="django_largefiles.W010",
        )
