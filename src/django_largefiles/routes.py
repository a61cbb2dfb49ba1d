"""The paths of the package's views."""

from __future__ import annotations

from django.conf import settings
from django.urls import NoReverseMatch, reverse

from .exceptions import ConfigurationError

VIEWS = "largefiles:uploads"
API = "largefiles-api:asset-list"
DIRECT = "largefiles-api:direct-upload-list"


def is_included(view: str) -> bool:
    """Return whether the project includes the URLs that one of the views without arguments belongs to."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return False
    try:
        reverse(view)
    except NoReverseMatch:
        return False
    return True


def path_to(view: str, *args: object, current_app: str | None = None) -> str:
    """Return the path of a view. Raise ``ConfigurationError`` if the package's URLs are not included.

    ``current_app`` is the instance namespace to prefer if the project includes the URLs several times.
    """
    try:
        return reverse(f"largefiles:{view}", args=args, current_app=current_app)
    except NoReverseMatch as error:
        raise ConfigurationError(
            f"the URL of an asset's file is that of the view {view!r} of the package, which no URL leads to: add "
            'path("files/", include("django_largefiles.urls")) to your URLs, or serve the file by '
            "django_largefiles.delivery.responses.deliver(request, asset) in a view of your own"
        ) from error
