"""A check of the URLs that model fields need."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.core.checks import CheckMessage, Warning as CheckWarning

from ..references import attaches
from ..routes import API, VIEWS, is_included


def check_urls() -> Iterator[CheckMessage]:
    """Warn if models attach assets, and no URL leads to a view that takes or sends the files.

    Other projects need no URLs of this package: they may serve files by ``deliver`` and take them in by views of their
    own. Those that include the REST API alone have made their choice.
    """
    fields = [str(field) for field in _attaching_fields()]
    if fields and not (is_included(VIEWS) or is_included(API)):
        yield CheckWarning(
            "No URL leads to the views of django_largefiles, by which the files of these fields are uploaded and "
            f"downloaded: {', '.join(fields)}.",
            hint='Add path("files/", include("django_largefiles.urls")) to the URLs of the project.',
            id="django_largefiles.W033",
        )


def _attaching_fields() -> Iterator[object]:
    for model in apps.get_models():
        for field in (*model._meta.local_fields, *model._meta.local_many_to_many):
            if attaches(field):
                yield field
