"""The request that is being handled, for forms that were not given it: ``LargeFilesMiddleware`` sets it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.http import HttpRequest

_current: ContextVar[HttpRequest | None] = ContextVar("django_largefiles_request", default=None)


def current_request() -> HttpRequest | None:
    """Return the request that this thread or task handles; ``None`` without the middleware."""
    return _current.get()


@contextmanager
def handling(request: HttpRequest) -> Iterator[None]:
    """Make ``request`` the current one for the time of the block."""
    token = _current.set(request)
    try:
        yield
    finally:
        _current.reset(token)
