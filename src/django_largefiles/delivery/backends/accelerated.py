"""Web servers in front of Django that send files themselves, if the answer names one: nginx, Caddy, Apache."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar
from urllib.parse import quote

from django.http import HttpResponse, HttpResponseBase

from ...conf import largefiles_settings
from ...protocols.ranges import is_plain
from .base import Backend, Delivery


class Accelerated(Backend):
    """Files of a local file system. The web server applies ``Range`` to the named file."""

    header: ClassVar[str]
    adds_accept_ranges: ClassVar[bool] = False
    """Whether the web server adds ``Accept-Ranges`` to a whole file, although the answer has it."""

    @property
    def problem(self) -> str:
        return "" if self.store.folder else "the files of the storage are not in a local file system"

    def answers(self, delivery: Delivery) -> bool:
        """Return whether the web server answers as Django does.

        It compares ``If-Match`` and ``If-Unmodified-Since``, which hold here, with the file, which has another tag and
        date. Servers differ in what they make of dates in ``If-Range``, of several ranges, of ranges that overlap, and
        of bad grammar.
        """
        headers = delivery.request.headers
        if delivery.request.method != "GET" or "If-Match" in headers or "If-Unmodified-Since" in headers:
            return False
        if "Range" not in headers:
            return True
        by_tag = headers.get("If-Range", delivery.headers["ETag"]) == delivery.headers["ETag"]
        return by_tag and is_plain(headers["Range"]) and bool(delivery.ranges)

    def respond(self, delivery: Delivery) -> HttpResponseBase:
        name = str(delivery.asset.file)
        # A missing file is an error here, and not a page of the web server's.
        self.store.open_ranged(name).close()
        response = HttpResponse(headers={**delivery.headers, self.header: quote(self.target(name))})
        if self.adds_accept_ranges and not delivery.ranges:
            del response["Accept-Ranges"]
        return response

    @abstractmethod
    def target(self, name: str) -> str:
        """Return what the web server knows stored bytes by."""


class XAccel(Accelerated):
    """``X-Accel-Redirect``: the path of an internal location."""

    header = "X-Accel-Redirect"
    adds_accept_ranges = True

    @property
    def problem(self) -> str:
        unset = "" if self._prefix else f"DELIVERY_INTERNAL_PREFIX is not set for the storage {self.alias!r}"
        return super().problem or unset

    def target(self, name: str) -> str:
        return f"{self._prefix}{name}"

    @property
    def _prefix(self) -> str:
        prefix = largefiles_settings.delivery_internal_prefix
        if isinstance(prefix, str):
            # A single prefix leads to the storage of new assets, and not to an earlier one.
            return prefix if self.alias == largefiles_settings.storage else ""
        return prefix.get(self.alias, "")


class XSendfile(Accelerated):
    """``X-Sendfile``: the path in the file system."""

    header = "X-Sendfile"

    def target(self, name: str) -> str:
        return f"{self.store.folder}/{name}"
