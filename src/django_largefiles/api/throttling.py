"""REST framework's throttles, as its settings name them, for the resumable door."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from ..exceptions import Throttled


def admit_creation(request: Request) -> None:
    """Count a creation. Raise ``Throttled``. A throttle by scope has nothing to do: the view has none."""
    classes: Sequence[type[BaseThrottle]] = api_settings.DEFAULT_THROTTLE_CLASSES  # type: ignore[assignment]
    view = APIView()
    refusing = [throttle for throttle in (make() for make in classes) if not throttle.allow_request(request, view)]
    if refusing:
        waits = [ceil(throttle.wait() or 1) for throttle in refusing]
        raise Throttled("too many uploads were created", retry_after=max(waits))
