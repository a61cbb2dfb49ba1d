"""Whether a browser stores a file or shows it (RFC 6266): the one place that decides."""

from __future__ import annotations

from django.http import HttpRequest

from ..conf import get_profile
from ..exceptions import UnknownProfile
from ..links import Disposition as Disposition
from ..media_types.matching import matches
from ..models import FileAsset


def asked_disposition(request: HttpRequest) -> Disposition:
    """Return the disposition that the query of a request asks for: ``?disposition=inline``, or else an attachment."""
    return "inline" if request.GET.get("disposition") == "inline" else "attachment"


def disposition_of(asset: FileAsset, asked: Disposition) -> Disposition:
    """Return ``"inline"`` if that is asked for and the asset's profile lists its sniffed type in ``INLINE_TYPES``."""
    return "inline" if asked == "inline" and _may_be_shown(asset) else "attachment"


def _may_be_shown(asset: FileAsset) -> bool:
    try:
        return matches(asset.media_type, get_profile(asset.profile).inline_types)
    except UnknownProfile:
        # Files outlive profiles that are removed from the settings.
        return False
