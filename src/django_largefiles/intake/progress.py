"""How far an upload is, saved while this request holds its lease."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from django.db import OperationalError
from django.utils import timezone

from .. import clock, lifecycle
from ..digests import ResumableDigest
from ..exceptions import StoreError, TakenOver, UploadGone
from ..models import FileAsset, Upload
from ..stores.base import Appender, Store, StoreState
from ..transactions import is_full

HEARTBEAT_SECONDS = 2.0
"""How often arriving bytes are made safe against a crash, and the expiry of their upload is put off."""

UPLOADS_AT_FULL_RATE = 50
"""Above so many uploads of a process, the heartbeats of each are rarer, so that those of all together are not more."""

_arriving = set["Progress"]()
"""The uploads that this process receives."""


def heartbeat_seconds() -> float:
    """Return the seconds between two heartbeats of an upload, with as many uploads as there are now."""
    return HEARTBEAT_SECONDS * max(1.0, len(_arriving) / UPLOADS_AT_FULL_RATE)


class Progress:
    """Saves the offset of an upload, puts off its expiry, and notices when its lease was lost.

    Without ``checkpoints``, only ``save`` records an offset. ``close`` it in the end.
    """

    def __init__(
        self, upload: Upload, store: Store, appender: Appender, *, expires_after: timedelta, checkpoints: bool
    ) -> None:
        self._upload = upload
        self._token = upload.lease_token
        self._store = store
        self._appender = appender
        self._expires_after = expires_after
        self._checkpoints = checkpoints
        self._kept = upload.offset
        self._last_heartbeat = time.monotonic()
        _arriving.add(self)

    def close(self) -> None:
        _arriving.discard(self)

    def beat(self, offset: int, digest: ResumableDigest | None, media_type: str) -> None:
        """Save a checkpoint if one is due. Raise ``TakenOver``, ``UploadGone`` and ``StoreError``."""
        # The lease of a final upload is short.
        is_final = self._upload.kind == Upload.Kind.FINAL
        interval = HEARTBEAT_SECONDS if is_final else heartbeat_seconds()
        if time.monotonic() - self._last_heartbeat <= interval:
            return
        if self._checkpoints:
            self.save(offset, digest, media_type)
        else:
            self._renew()
        self._last_heartbeat = time.monotonic()

    def save(self, offset: int, digest: ResumableDigest | None, media_type: str, **changes: Any) -> None:
        """Make the bytes before ``offset`` safe, and record it. Raise what ``beat`` raises."""
        state = self._appender.commit()
        digest_state = digest.state() if digest else None
        with self._keeping(offset):
            self._renew(
                offset=offset,
                digest_state=digest_state,
                media_type=media_type,
                **self._new_state(state),
                **changes,
            )

    def roll_back(self) -> None:
        """Give up the room of the bytes that no saved offset counts, since the request has failed."""
        # A later request drops them itself, and so does the removal of the upload.
        with suppress(StoreError, TakenOver):
            self._appender.roll_back(self._kept)

    def keep(self, state: StoreState | None) -> None:
        """Save the state of the store, if it has changed. Raise ``TakenOver`` and ``UploadGone``."""
        if state is not None:
            self._renew(**self._new_state(state))

    def reload(self) -> Upload:
        """Return the upload as it is stored. Raise ``TakenOver`` and ``UploadGone``.

        If the upload is gone, the bytes that arrived after its removal are removed too.
        """
        try:
            return reload(self._upload)
        except UploadGone:
            self._appender.close()
            self._store.abort(self._upload.store_state)
            raise

    def lost(self) -> TakenOver:
        """Return the error for an upload that another request holds. Raise ``TakenOver`` and ``UploadGone``."""
        self.reload()
        return TakenOver()

    @contextmanager
    def failing_only_while_held(self) -> Iterator[None]:
        """Raise the failures of the store only while the lease is held.

        A request that has removed the upload or taken it over may have moved its bytes, which is no failure.
        """
        try:
            yield
        except StoreError:
            if self.reload().lease_token != self._token:
                raise TakenOver from None
            raise

    @contextmanager
    def _keeping(self, offset: int) -> Iterator[None]:
        """Keep the bytes before ``offset`` while it is saved, and from then on.

        If the answer of the database is lost, the offset may have been saved all the same.
        """
        before, self._kept = self._kept, offset
        try:
            yield
        except OperationalError as error:
            if is_full(error):
                self._kept = before
            raise

    def _renew(self, **changes: Any) -> None:
        """Put the expiry off. Raise ``TakenOver`` and ``UploadGone``; then nothing has changed."""
        held = Upload.objects.filter(pk=self._upload.pk, lease_token=self._token)
        if self._upload.kind == Upload.Kind.FINAL:
            changes["lease_expires_at"] = lifecycle.final_lease()
        if not held.update(expires_at=clock.after(self._expires_after), **changes):
            raise self.lost()
        # For headers alone: it agrees with the response's Date, which is of this machine too.
        self._upload.expires_at = timezone.now() + self._expires_after

    def _new_state(self, state: StoreState | None) -> dict[str, Any]:
        if state is None:
            return {}
        self._upload.store_state = state
        return {"store_state": state}


def reload(upload: Upload) -> Upload:
    """Return the upload as it is stored.

    Raise ``UploadGone``, and ``TakenOver`` if another request has completed it.
    """
    current = Upload.objects.select_related("asset").filter(pk=upload.pk).first()
    if current is None:
        if FileAsset.objects.filter(pk=upload.pk).exists():
            raise TakenOver("another request has completed the upload")
        raise UploadGone
    return current
