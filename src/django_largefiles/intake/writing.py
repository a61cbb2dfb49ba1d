"""Writing the bytes of an upload, for the time of one request."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any, Self
from uuid import UUID

from django.db import Error
from django.db.models import Q

from .. import lifecycle, rules
from ..conf import get_profile, largefiles_settings
from ..digests import ResumableDigest, UnusableState, parse_sha256
from ..exceptions import IncompleteBody, MalformedRequest
from ..media_types.sniffing import HEAD_LENGTH
from ..models import FileAsset, Upload
from ..outbox.removals import remove_if_rolled_back
from ..states import Attachment
from ..stores import store_of
from ..stores.base import check_not_lost
from .judging import HeadJudge
from .progress import Progress

logger = logging.getLogger(__name__)


class UploadWriter:
    """Takes the bytes of an upload, judges and hashes them, and puts them into the store.

    Leaving its ``with`` block only releases the store, as ``close`` does, and after an error gives up the room of the
    bytes that no saved offset counts; the upload is kept unless ``abort`` is called. Without ``checkpoints``, no byte
    counts until the upload is paused or finished.
    """

    def __init__(self, upload: Upload, *, checkpoints: bool = True) -> None:
        assert upload.lease_token
        self.upload = upload
        self.received = upload.offset
        self._token = upload.lease_token
        self._profile = get_profile(upload.asset.profile)
        self._store = store_of(upload.asset)
        self._digest = _restored_digest(upload)
        self._expected_sha256 = upload.asset.expected_sha256
        self._expected_sha512 = upload.asset.expected_sha512
        self._settled = False
        self._judge = HeadJudge(upload, self._profile, self._stored_head)
        self._store.check_room((upload.length or upload.offset) - upload.offset)
        self._appender = self._store.append(upload.store_state, upload.offset, self._token)
        self._progress = Progress(
            upload,
            self._store,
            self._appender,
            expires_after=self._profile.upload_expires_after,
            checkpoints=checkpoints,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: type[BaseException] | None, *details: object) -> None:
        if error and not self._settled:
            self._progress.roll_back()
        self.close()

    @property
    def asset_id(self) -> UUID:
        return self.upload.asset_id

    @property
    def token(self) -> UUID:
        """The lease under which this writer holds the upload."""
        return self._token

    @property
    def profile(self) -> str:
        return self._profile.name

    def expect(self, sha256: str) -> None:
        """Set the digest that the client declares, if it comes after the bytes. Raise ``MalformedRequest``."""
        self._expected_sha256 = expected_sha256(sha256)

    def write(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raise ``TooLarge`` beyond the limit and the declared length, ``TypeNotAllowed`` and ``TypeMismatch`` on the
        first bytes, before any is stored, ``TakenOver``, ``UploadGone`` and ``StoreError``.
        """
        self._check_length(self.received + len(chunk))
        self.received += len(chunk)
        self._take(self._judge.admit(chunk))

    def concatenate(self, parts: Sequence[Upload]) -> None:
        """Take the bytes of other uploads, which must be complete.

        Raise what ``write`` raises, and ``UploadGone`` if the store has lost bytes of one.
        """
        total, copies_from = sum(part.offset for part in parts), self._store.copies_from
        self._check_length(total)
        # A part from before a change of STORAGE is in another storage, which this one cannot copy from.
        near = all(part.asset.storage == self.upload.asset.storage for part in parts)
        if copies_from is None or total < copies_from or not near:
            for part in parts:
                for chunk in _content(part):
                    self.write(chunk)
            return
        self._judge.judge(_head(parts))
        # The storage copies the bytes, so that a worker has to make the digest.
        self._digest = None
        self._appender.concatenate([part.store_state for part in parts])
        self.received = total

    def judge(self) -> None:
        """Judge the type by the bytes that have arrived, as no more come. Raise what ``write`` raises."""
        self._take(self._judge.conclude())

    def pause(self) -> int:
        """Make the bytes safe at the end of a request that does not complete the file, and return the offset.

        Raise ``TakenOver``, ``UploadGone`` and ``StoreError``; then the offset has not changed.
        """
        self._take(self._judge.release())
        self._progress.save(self.received, self._digest, self._judge.media_type, lease_token=None)
        self._settled = True
        self.close()
        if self.upload.kind == Upload.Kind.PARTIAL and self.received == self.upload.length:
            lifecycle.close_part(self.upload)
        return self.received

    def finish(self, attachment: Attachment | None = None) -> FileAsset:
        """Complete the file: judge it, store it for good, and return the asset, now ``received``.

        ``attachment`` is what the asset's becomes, if that was not known when it was created.
        Raise what ``write`` raises, ``IncompleteBody`` and ``DigestMismatch``.
        """
        self.judge()
        length = self.upload.length
        if length is not None and self.received < length:
            raise IncompleteBody(f"{self.received} of {length} bytes arrived", limit=length, value=self.received)
        self._store_for_good(self._digests_made(), attachment)
        return self.upload.asset

    def abort(self) -> None:
        """Remove the upload with its bytes, unless it is finished, paused, aborted, or held by another writer."""
        if self._settled:
            return
        self._settled = True
        # On a full disk this may be the room that the removal needs.
        self._progress.roll_back()
        self.close()
        lifecycle.discard(self.asset_id, only=Q(upload__lease_token=self._token))

    def discard_if_rolled_back(self) -> None:
        """Remove the upload if the transaction of the caller's has failed in which it was created, or was finished."""
        try:
            if lifecycle.discard(self.asset_id, only=Q(upload__lease_token=self._token)):
                return
        except Error:
            logger.exception("Upload %s is left to the sweeper.", self.asset_id)
        remove_if_rolled_back(self.upload)

    def close(self) -> None:
        """Release the store. The upload is kept."""
        self._progress.close()
        self._appender.close()

    def _check_length(self, reached: int) -> None:
        rules.check_size(reached, self._profile)
        rules.check_length(reached, self.upload.length)

    def _stored_head(self) -> bytes:
        if not self.upload.offset:
            return b""
        store, state = self._store, self.upload.store_state
        with self._progress.failing_only_while_held(), closing(store.open_incoming(state)) as file:
            return file.read(self.upload.offset)

    def _take(self, chunk: bytes) -> None:
        if not chunk:
            return
        self._progress.keep(self._appender.write(chunk))
        if self._digest:
            self._digest.update(chunk)
        # Only ``finish`` records the last byte: a client that sees its offset at the end sends nothing more.
        if self.received != self.upload.length:
            self._progress.beat(self.received, self._digest, self._judge.media_type)

    def _digests_made(self) -> dict[str, Any]:
        """Return the columns of the digests; a worker makes those that are left out. Raise ``DigestMismatch``."""
        if self._digest is None:
            return {}
        sha256, sha512 = self._digest.sha256(), self._digest.sha512()
        rules.check_digest(self._expected_sha256, sha256)
        if sha512:
            rules.check_digest(self._expected_sha512, sha512, "SHA-512")
        return {"sha256": sha256, "sha512": sha512, "crc32": self._digest.crc32}

    def _store_for_good(self, digests: dict[str, Any], attachment: Attachment | None) -> None:
        self._progress.keep(self._appender.conclude())
        self.close()
        with self._progress.failing_only_while_held():
            name = self._store.finish(self.upload.store_state, self._token)
        self._settled = lifecycle.complete(
            self.upload,
            name=name,
            size=self.received,
            media_type=self._judge.media_type,
            attachment=attachment,
            **digests,
        )
        if not self._settled:
            raise self._progress.lost()


def expected_sha256(text: str) -> str:
    """Return the digest that a client declares as lower-case hexadecimal. Raise ``MalformedRequest``."""
    try:
        return parse_sha256(text) if text else ""
    except ValueError as error:
        raise MalformedRequest(str(error), value=text) from error


def _content(part: Upload) -> Iterator[bytes]:
    """Yield the bytes of a complete part. Raise ``UploadGone`` if some have been lost."""
    size = 0
    with closing(store_of(part.asset).open_incoming(part.store_state)) as file:
        while chunk := file.read(largefiles_settings.chunk_size):
            size += len(chunk)
            yield chunk
    check_not_lost(size, part.offset)


def _head(parts: Iterable[Upload]) -> bytes:
    head = b""
    for part in parts:
        if len(head) >= HEAD_LENGTH:
            break
        with closing(store_of(part.asset).open_incoming(part.store_state)) as file:
            head += file.read(HEAD_LENGTH)
    return head


def _restored_digest(upload: Upload) -> ResumableDigest | None:
    """Return the digest of the bytes before the offset; ``None`` if it is lost, and a worker has to read them."""
    if not upload.offset:
        return ResumableDigest(sha512=bool(upload.asset.expected_sha512))
    try:
        return ResumableDigest.restore(bytes(upload.digest_state)) if upload.digest_state else None
    except UnusableState:
        return None
