"""Views that read their request's body as it arrives say so by an attribute, which the ASGI handler looks for.

``functools.wraps`` copies attributes, so that a claim survives the decorators of the host project.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

_View = TypeVar("_View", bound=Callable[..., Any])

_ATTRIBUTE = "largefiles_streams_body"


def streams_body(view: _View) -> _View:
    """Claim the bodies of a view's requests: it reads them by ``request.read(n)``, in a thread, and only once."""
    setattr(view, _ATTRIBUTE, True)
    return view


def is_claimed(view: Callable[..., Any]) -> bool:
    return bool(getattr(view, _ATTRIBUTE, False))
