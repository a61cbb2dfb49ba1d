"""System checks: report errors in the settings before the first upload."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from ..conf import problems
from . import extensions, maintenance, media_types, middleware, scanners, servers, storage, urls


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
        *storage.check_storage(),
        *extensions.check_access_policy(),
        *extensions.check_dispatcher(),
        *extensions.check_throttles(),
        *extensions.check_notifier(),
        *extensions.check_extractors(),
        *media_types.check_archives(),
        *scanners.check_scanners(),
        *media_types.check_libmagic(),
        *urls.check_urls(),
        *middleware.check_middleware(),
    ]


@register(Tags.files, deploy=True)
def check_deployment(**_: Any) -> list[CheckMessage]:
    """Check what takes the network, or matters in production only."""
    if any(problems()):
        return []
    return [
        *storage.probe_storage(),
        *storage.check_private_folder(),
        *extensions.check_dispatcher_in_production(),
        *extensions.check_throttles_in_production(),
        *scanners.try_scanners(),
        *maintenance.check_sweeper(),
        *servers.check_server(),
    ]
