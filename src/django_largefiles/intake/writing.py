"""A file on its way in, for the time of one request."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from typing import Any, Self
from uuid import UUID

from django.db import connections, router
from django.db.models import Q
from django.utils import timezone

from .. import clock, lifecycle, rules
from ..conf import get_profile, largefiles_settings
from ..digests import RunningSHA256, UnusableState, parse_sha256
from ..exceptions import DigestMismatch, IncompleteBody, MalformedRequest, StoreError, TakenOver, UploadGone
from ..media_types.sniffing import HEAD_LENGTH, sniff_head
from ..models import FileAsset, Upload
from ..options import KIB
from ..stores import current_store
from ..stores.base import Store, StoreState

FIRST_READ = 64 * KIB
"""How much a door reads of a body before the first verdict: enough to sniff, little enough to refuse at once."""

HEARTBEAT_SECONDS = 2.0
"""How often arriving bytes are made safe against a crash, and their upload against its expiry."""


class UploadWriter:
    """Takes the bytes of an upload, judges and hashes them, and puts them into the store.

    As a context manager it is aborted unless it was finished or paused: for a request whose client would not learn of
    what stays. Without ``checkpoints`` nothing of it counts until it is paused or finished.
    """

    def __init__(self, upload: Upload, *, checkpoints: bool = True) -> None:
        assert upload.lease_token
        self.received = upload.offset
        self._upload = upload
        self._token = upload.lease_token
        self._profile = get_profile(upload.asset.profile)
        self._store = current_store()
        self._digest = _restored_digest(upload)
        self._expected_sha256 = upload.asset.expected_sha256
        self._media_type = upload.media_type
        self._judged = upload.kind == Upload.Kind.PARTIAL or bool(upload.media_type)
        self._pending = b""
        self._checkpoints = checkpoints
        self._last_heartbeat = time.monotonic()
        self._settled = False
        self._appender = self._store.append(upload.store_state, upload.offset, self._token)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.abort()

    @property
    def upload(self) -> Upload:
        return self._upload

    @property
    def asset_id(self) -> UUID:
        return self._upload.asset_id

    @property
    def profile(self) -> str:
        return self._profile.name

    def expect(self, sha256: str) -> None:
        """The digest that the client promises, where it comes after the bytes. Raises ``MalformedRequest``."""
        self._expected_sha256 = expected_sha256(sha256)

    def write(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises ``TooLarge`` at the limit, ``TypeNotAllowed`` and ``TypeMismatch`` on the first bytes, before any is
        stored, ``MalformedRequest`` beyond the declared length, ``TakenOver``, ``UploadGone`` and ``StoreError``.
        """
        self._check_length(self.received + len(chunk))
        self.received += len(chunk)
        if self._judged:
            self._take(chunk)
            return
        self._pending += chunk
        if len(self._stored_head) + len(self._pending) >= HEAD_LENGTH:
            self.judge()

    def concatenate(self, parts: Sequence[Upload]) -> None:
        """Take the bytes of other uploads, which have all of theirs. Raises what ``write`` raises."""
        total, copies_from = sum(part.offset for part in parts), self._store.copies_from
        self._check_length(total)
        if copies_from is None or total < copies_from:
            for chunk in _content(self._store, parts):
                self.write(chunk)
            return
        self._judge(_head(self._store, parts))
        # A worker makes the digest: these bytes are not seen here.
        self._digest = None
        self._appender.concatenate([part.store_state for part in parts])
        self.received = total

    def judge(self) -> None:
        """The early verdict, now: no further byte will come before it. Raises what ``write`` raises."""
        if not self._judged:
            self._judge(self._stored_head + self._pending)
            self._take_pending()

    def _judge(self, head: bytes) -> None:
        self._media_type = sniff_head(head)
        rules.check_head(self._media_type, self._upload.asset.original_name, self._profile)
        self._judged = True

    def pause(self) -> int:
        """The request ends before the file does: make safe what has come, and give the offset that is reached.

        Raises ``TakenOver``, ``UploadGone`` and ``StoreError``; then the offset is what it was.
        """
        self._take_pending()
        self._save_progress(lease_token=None)
        self._settled = True
        self.close()
        return self.received

    def finish(self) -> FileAsset:
        """All bytes are here: judge, store for good, and give the asset, now ``received``.

        Raises what ``write`` raises, ``IncompleteBody`` and ``DigestMismatch``.
        """
        self.judge()
        length = self._upload.length
        if length is not None and self.received < length:
            raise IncompleteBody(f"{self.received} of {length} bytes arrived", limit=length, value=self.received)
        sha256 = self._digest.hexdigest() if self._digest else ""
        if sha256 and self._expected_sha256 not in {"", sha256}:
            raise DigestMismatch(
                f"the SHA-256 is {sha256}, not the promised {self._expected_sha256}",
                limit=self._expected_sha256,
                value=sha256,
            )
        self._store_for_good(sha256)
        return self._upload.asset

    def abort(self) -> None:
        """Leave nothing behind. Does nothing once the file is finished, paused, aborted, or another writer's."""
        if self._settled:
            return
        self._settled = True
        self.close()
        lifecycle.discard(self.asset_id, only=Q(upload__lease_token=self._token))

    def close(self) -> None:
        """Let go of the store, whatever became of the bytes."""
        self._appender.close()

    def _check_length(self, reached: int) -> None:
        rules.check_size(reached, self._profile)
        length = self._upload.length
        if length is not None and reached > length:
            raise MalformedRequest(f"more bytes than the {length} declared", limit=length, value=reached)

    @cached_property
    def _stored_head(self) -> bytes:
        """The bytes before the offset, where they are too few to be judged: those of an unjudged upload always are."""
        if not self._upload.offset:
            return b""
        with self._failing_only_while_held(), closing(self._store.open_incoming(self._upload.store_state)) as file:
            return file.read(self._upload.offset)

    def _take_pending(self) -> None:
        pending, self._pending = self._pending, b""
        if pending:
            self._take(pending)

    def _take(self, chunk: bytes) -> None:
        state = self._appender.write(chunk)
        if state is not None:
            self._renew(**self._new_state(state))
        if self._digest:
            self._digest.update(chunk)
        # Of the last byte only ``finish`` tells: a client that has seen the offset at the end sends nothing more.
        unfinished = self.received != self._upload.length
        if unfinished and time.monotonic() - self._last_heartbeat > HEARTBEAT_SECONDS:
            self._beat()
            self._last_heartbeat = time.monotonic()
            _release_connection()

    def _beat(self) -> None:
        if self._checkpoints:
            self._save_progress()
        else:
            self._renew()

    def _save_progress(self, **changes: Any) -> None:
        state = self._appender.commit()
        self._renew(
            offset=self.received,
            digest_state=self._digest.state() if self._digest else None,
            media_type=self._media_type,
            **self._new_state(state),
            **changes,
        )

    def _new_state(self, state: StoreState | None) -> dict[str, Any]:
        """The column to save, if the store has anything new to tell."""
        if state is None:
            return {}
        self._upload.store_state = state
        return {"store_state": state}

    def _renew(self, **changes: Any) -> None:
        """Put the expiry off. Raises ``TakenOver`` and ``UploadGone``; then nothing has changed."""
        lifetime = self._profile.upload_expires_after
        held = Upload.objects.filter(pk=self.asset_id, lease_token=self._token)
        if not held.update(expires_at=clock.after(lifetime), **changes):
            self._reload()
            raise TakenOver("a later request has taken over the upload")
        # For headers alone: it agrees with the response's Date, which is of this machine too.
        self._upload.expires_at = timezone.now() + lifetime

    def _reload(self) -> Upload:
        """Raises what ``reload`` does; where the upload is gone, nothing of these late bytes stays."""
        try:
            return reload(self._upload)
        except UploadGone:
            self.close()
            self._store.abort(self._upload.store_state)
            raise

    def _store_for_good(self, sha256: str) -> None:
        state = self._appender.conclude()
        if state is not None:
            self._renew(**self._new_state(state))
        self.close()
        state = self._upload.store_state
        with self._failing_only_while_held():
            name = self._store.finish(state, self._token)
        self._settled = lifecycle.complete(
            self._upload, name=name, size=self.received, sha256=sha256, media_type=self._media_type
        )
        if not self._settled:
            self._reload()
            raise TakenOver("a later request has taken over the upload")

    @contextmanager
    def _failing_only_while_held(self) -> Iterator[None]:
        """Whoever has removed the upload, or has taken it over, may have moved its bytes: no failure of the store."""
        try:
            yield
        except StoreError:
            if self._reload().lease_token != self._token:
                raise TakenOver("a later request has taken over the upload") from None
            raise


def _content(store: Store, parts: Iterable[Upload]) -> Iterator[bytes]:
    for part in parts:
        with closing(store.open_incoming(part.store_state)) as file:
            while chunk := file.read(largefiles_settings.chunk_size):
                yield chunk


def _head(store: Store, parts: Iterable[Upload]) -> bytes:
    head = b""
    for part in parts:
        if len(head) >= HEAD_LENGTH:
            break
        with closing(store.open_incoming(part.store_state)) as file:
            head += file.read(HEAD_LENGTH)
    return head


def expected_sha256(text: str) -> str:
    """The digest a client expects, as lower-case hexadecimal; raises ``MalformedRequest``."""
    try:
        return parse_sha256(text) if text else ""
    except ValueError as error:
        raise MalformedRequest(str(error), value=text[:100]) from error


def reload(upload: Upload) -> Upload:
    """Raises ``UploadGone``, and ``TakenOver`` where another request has completed it."""
    current = Upload.objects.select_related("asset").filter(pk=upload.pk).first()
    if current is None:
        if FileAsset.objects.filter(pk=upload.pk).exists():
            raise TakenOver("another request has completed the upload")
        raise UploadGone("the upload was aborted or has expired")
    return current


def _restored_digest(upload: Upload) -> RunningSHA256 | None:
    """That of the bytes before the offset; ``None`` where it cannot be had, and a worker will have to read them."""
    if not upload.offset:
        return RunningSHA256()
    try:
        return RunningSHA256.restore(bytes(upload.digest_state)) if upload.digest_state else None
    except UnusableState:
        return None


def _release_connection() -> None:
    """Give the database connection back while bytes stream; the next query takes one again."""
    connection = connections[router.db_for_write(Upload)]
    if not connection.in_atomic_block:
        connection.close()
