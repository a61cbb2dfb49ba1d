"""The paths of the package's views."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from django.conf import settings
from django.urls import NoReverseMatch, URLResolver, get_resolver, get_urlconf, reverse

from .exceptions import ConfigurationError

VIEWS = "largefiles:uploads"
API = "largefiles-api:asset-list"
DIRECT = "largefiles-api:direct-upload-list"


def is_included(view: str) -> bool:
    """Return whether the project includes the URLs that one of the views without arguments belongs to."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return False
    try:
        reverse_view(view)
    except NoReverseMatch:
        return False
    return True


def path_to(view: str, *args: object, current_app: str | None = None) -> str:
    """Return the path of a view. Raise ``ConfigurationError`` if the package's URLs are not included.

    ``current_app`` is the instance namespace to prefer if the project includes the URLs several times.
    """
    try:
        return reverse_view(f"largefiles:{view}", *args, current_app=current_app)
    except NoReverseMatch as error:
        raise ConfigurationError(
            f"the URL of an asset's file is that of the view {view!r} of the package, which no URL leads to: add "
            'path("files/", include("django_largefiles.urls")) to your URLs, under a prefix without arguments, or '
            "serve the file by django_largefiles.delivery.responses.deliver(request, asset) in a view of your own"
        ) from error


def reverse_view(view: str, *args: object, current_app: str | None = None) -> str:
    """Return the path of a view, also if its URLs are included by those of another app. Raise ``NoReverseMatch``."""
    outer = _outer_namespaces(get_resolver(get_urlconf()), view.partition(":")[0])
    return reverse(":".join((*outer, view)), args=args, current_app=current_app)


@lru_cache(maxsize=32)
def _outer_namespaces(resolver: URLResolver, app_name: str) -> tuple[str, ...]:
    """Return the namespaces around that of an app, of the inclusion that has fewest; none if it is not included."""
    return min(_inclusions(resolver, app_name), key=len, default=())


def _inclusions(resolver: URLResolver, app_name: str) -> Iterator[tuple[str, ...]]:
    for pattern in resolver.url_patterns:
        if not isinstance(pattern, URLResolver):
            continue
        if pattern.app_name == app_name:
            yield ()
        else:
            outer = (pattern.namespace,) if pattern.namespace else ()
            yield from ((*outer, *inner) for inner in _inclusions(pattern, app_name))
