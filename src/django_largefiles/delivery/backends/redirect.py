"""Storages that serve the bytes themselves, by links that live for minutes."""

from __future__ import annotations

from django.http import HttpResponseBase, HttpResponseRedirect

from ...conf import largefiles_settings
from ...stores.base import ServedAs
from ..headers import RESOURCE_POLICY
from .base import Backend, Delivery


class Redirect(Backend):
    @property
    def problem(self) -> str:
        return "" if self.store.gives_links else "the storage gives no links to redirect to"

    def answers(self, delivery: Delivery) -> bool:
        """Return whether the storage, whose validators differ, answers as Django does.

        A ``HEAD`` asks for the digest. A precondition that holds here would fail there. ``If-Range`` may name a
        validator of either: if ``Range`` is left of it, it is one of this site.
        """
        headers = delivery.request.headers
        if delivery.request.method != "GET" or "If-Match" in headers or "If-Unmodified-Since" in headers:
            return False
        return not ("If-Range" in headers and delivery.ranges)

    def respond(self, delivery: Delivery) -> HttpResponseBase:
        served_as = ServedAs(
            media_type=delivery.headers["Content-Type"],
            disposition=delivery.headers["Content-Disposition"],
            cache_control=delivery.headers["Cache-Control"],
        )
        link = self.store.link(str(delivery.asset.file), largefiles_settings.redirect_expires_after, served_as)
        # The policy of each answer on the way counts, and the storage's own answer has none.
        headers = {"Cache-Control": "no-store", "Cross-Origin-Resource-Policy": RESOURCE_POLICY}
        return HttpResponseRedirect(link, headers=headers)
