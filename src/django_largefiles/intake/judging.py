"""The verdict on the type of a file by its first bytes, before any of them is stored."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from .. import rules
from ..conf import Profile
from ..media_types.sniffing import HEAD_LENGTH
from ..models import Upload
from ..rules import sniff_head


class HeadJudge:
    """Holds back the first bytes of a file until there are enough to judge its type, and judges it once.

    ``stored_head`` reads the bytes before the offset of an upload that was paused before it was judged. Partial
    uploads are not judged: only the file that is made of them has a type.
    """

    def __init__(self, upload: Upload, profile: Profile, stored_head: Callable[[], bytes]) -> None:
        self.media_type = upload.media_type
        self._judged = upload.kind == Upload.Kind.PARTIAL or bool(upload.media_type)
        self._name = upload.asset.original_name
        self._profile = profile
        self._read_stored_head = stored_head
        self._held_back = b""

    def admit(self, chunk: bytes) -> bytes:
        """Return the bytes that may be stored now: all that were held back and ``chunk``, or none yet.

        Raise ``TypeNotAllowed`` and ``TypeMismatch``.
        """
        if self._judged:
            return chunk
        self._held_back += chunk
        if len(self._stored_head) + len(self._held_back) < HEAD_LENGTH:
            return b""
        return self.conclude()

    def conclude(self) -> bytes:
        """Judge by what there is, as no more bytes come, and return those that were held back.

        Raise ``TypeNotAllowed`` and ``TypeMismatch``.
        """
        if not self._judged:
            self.judge(self._stored_head + self._held_back)
        return self.release()

    def release(self) -> bytes:
        """Return the bytes that were held back, judged or not."""
        held_back, self._held_back = self._held_back, b""
        return held_back

    def judge(self, head: bytes) -> None:
        """Judge a file by its first bytes. Raise ``TypeNotAllowed`` and ``TypeMismatch``."""
        self.media_type = sniff_head(head)
        rules.check_head(self.media_type, self._name, self._profile)
        self._judged = True

    @cached_property
    def _stored_head(self) -> bytes:
        # An upload that is not judged has less than HEAD_LENGTH bytes.
        return self._read_stored_head()
