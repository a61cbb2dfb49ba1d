"""The one funnel behind every door: ``begin``, then write, then ``finish`` or ``abort``."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Any, Self
from uuid import UUID, uuid4

from django.db import connections, router, transaction
from django.utils import timezone

from . import lifecycle, policy
from .access import User, access_policy
from .conf import Profile, get_profile
from .digests import RunningSHA256, parse_sha256
from .exceptions import (
    DigestMismatch,
    IncompleteBody,
    MalformedRequest,
    NotPermitted,
    UploadGone,
)
from .media_types import is_pattern
from .models import FileAsset, Upload
from .names import sanitize, storage_key
from .options import DEFAULT_PROFILE, KIB
from .sniffing import HEAD_LENGTH, sniff_head
from .stores import current_store
from .stores.base import Appender, Store, StoreState

FIRST_READ = 64 * KIB
"""How much a door reads of a body before the first verdict: enough to sniff, little enough to refuse at once."""

HEARTBEAT_SECONDS = 10.0
"""How often arriving bytes put the expiry off, and look whether somebody has aborted the upload meanwhile."""


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What is said of a file before its bytes arrive. Nothing of it is believed.

    ``length`` is in bytes, ``None`` where it is not known; ``sha256`` is the digest that the client expects, in
    hexadecimal or Base64, or empty.
    """

    name: str
    owner: User | None = None
    profile: str = DEFAULT_PROFILE
    length: int | None = None
    media_type: str = ""
    sha256: str = ""


def authorize(user: User, profile_name: str) -> None:
    """Raises ``UnknownProfile`` and ``NotPermitted``."""
    get_profile(profile_name)
    if not access_policy().may_upload(user, profile_name):
        raise NotPermitted(f"uploading to the profile {profile_name!r} is not permitted", value=profile_name)


def expected_sha256(text: str) -> str:
    """The digest a client expects, as lower-case hexadecimal; raises ``MalformedRequest``."""
    try:
        return parse_sha256(text) if text else ""
    except ValueError as error:
        raise MalformedRequest(str(error), value=text[:100]) from error


def begin(declaration: Declaration) -> Arrival:
    """Make the records and the room for a file.

    Raises ``UnknownProfile``, ``TooLarge`` from the declared length alone, ``MalformedRequest`` and ``StoreError``.
    """
    rules = get_profile(declaration.profile)
    policy.check_size(declaration.length or 0, rules)
    # The rows come first: whatever a crash leaves in the store then has a row that expires.
    upload = _create_records(declaration, rules)
    store = current_store()
    try:
        state = store.begin(upload.store_state["name"])
        if state != upload.store_state:
            upload.store_state = state
            upload.save(update_fields=["store_state"])
        return Arrival(upload=upload, rules=rules, store=store, appender=store.append(state, 0))
    except BaseException:
        lifecycle.discard(upload.asset_id)
        raise


def _create_records(declaration: Declaration, rules: Profile) -> Upload:
    asset_id = uuid4()
    owner = declaration.owner
    with transaction.atomic(using=router.db_for_write(FileAsset)):
        asset = FileAsset.objects.create(
            pk=asset_id,
            owner_id=owner.pk if owner and owner.is_authenticated else None,
            profile=rules.name,
            original_name=sanitize(declaration.name),
            size=declaration.length,
            declared_type=declaration.media_type if is_pattern(declaration.media_type) else "",
            expected_sha256=expected_sha256(declaration.sha256),
        )
        return Upload.objects.create(
            asset=asset,
            length=declaration.length,
            store_state={"name": storage_key(asset_id)},
            expires_at=timezone.now() + rules.upload_expires_after,
        )


class Arrival:
    """A file on its way in. Used as a context manager, it is aborted unless it was finished."""

    def __init__(self, *, upload: Upload, rules: Profile, store: Store, appender: Appender) -> None:
        self.received = 0
        self._upload = upload
        self._rules = rules
        self._store = store
        self._appender = appender
        self._digest = RunningSHA256()
        self._expected_sha256 = upload.asset.expected_sha256
        self._head: bytes | None = b""
        self._media_type = ""
        self._last_heartbeat = time.monotonic()
        self._settled = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.abort()

    @property
    def asset_id(self) -> UUID:
        return self._upload.asset_id

    @property
    def profile(self) -> str:
        return self._rules.name

    def expect(self, sha256: str) -> None:
        """The digest that the client promises, where it comes after the bytes. Raises ``MalformedRequest``."""
        self._expected_sha256 = expected_sha256(sha256)

    def write(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises ``TooLarge`` at the limit, ``TypeNotAllowed`` and ``TypeMismatch`` on the first bytes, before any is
        stored, ``MalformedRequest`` beyond the declared length, ``UploadGone`` and ``StoreError``.
        """
        self._check_length(self.received + len(chunk))
        self.received += len(chunk)
        if self._head is not None:
            self._head += chunk
            if len(self._head) >= HEAD_LENGTH:
                self.judge()
        else:
            self._take(chunk)

    def judge(self) -> None:
        """The early verdict, now: no further byte will come before it. Raises what ``write`` raises."""
        if self._head is None:
            return
        head, self._head = self._head, None
        self._media_type = sniff_head(head)
        policy.check_head(self._media_type, self._upload.asset.original_name, self._rules)
        self._take(head)

    def finish(self) -> FileAsset:
        """All bytes are here: judge, store for good, and give the asset, now ``received``.

        Raises what ``write`` raises, ``IncompleteBody`` and ``DigestMismatch``.
        """
        self.judge()
        length = self._upload.length
        if length is not None and self.received < length:
            raise IncompleteBody(f"{self.received} of {length} bytes arrived", limit=length, value=self.received)
        sha256 = self._digest.hexdigest()
        if self._expected_sha256 not in {"", sha256}:
            raise DigestMismatch(
                f"the SHA-256 is {sha256}, not the promised {self._expected_sha256}",
                limit=self._expected_sha256,
                value=sha256,
            )
        self._store_for_good(sha256)
        return FileAsset.objects.get(pk=self.asset_id)

    def abort(self) -> None:
        """Leave nothing behind. Does nothing once the file is finished or aborted."""
        if self._settled:
            return
        self._settled = True
        self._appender.close()
        lifecycle.discard(self.asset_id)

    def _check_length(self, reached: int) -> None:
        policy.check_size(reached, self._rules)
        length = self._upload.length
        if length is not None and reached > length:
            raise MalformedRequest(f"more bytes than the {length} declared", limit=length, value=reached)

    def _take(self, chunk: bytes) -> None:
        self._appender.write(chunk)
        self._digest.update(chunk)
        if time.monotonic() - self._last_heartbeat > HEARTBEAT_SECONDS:
            self._beat()

    def _beat(self) -> None:
        self._last_heartbeat = time.monotonic()
        alive = Upload.objects.filter(pk=self.asset_id).update(
            offset=self.received, expires_at=timezone.now() + self._rules.upload_expires_after
        )
        if not alive:
            raise UploadGone("the upload was aborted or has expired")
        _release_connection()

    def _store_for_good(self, sha256: str) -> None:
        self._appender.commit()
        self._appender.close()
        name = self._store.finish(self._upload.store_state)
        self._settled = lifecycle.complete(
            self.asset_id, name=name, size=self.received, sha256=sha256, media_type=self._media_type
        )
        if not self._settled:
            self._store.abort(self._upload.store_state)
            raise UploadGone("the upload was aborted or has expired")


def _release_connection() -> None:
    """Give the database connection back while bytes stream; the next query takes one again."""
    connection = connections[router.db_for_write(Upload)]
    if not connection.in_atomic_block:
        connection.close()


def remove_bytes(sender: type[FileAsset], instance: FileAsset, using: str, **_: Any) -> None:
    """Receiver of ``pre_delete``: however an asset is deleted, its bytes go once the deletion is committed."""
    upload = Upload.objects.using(using).filter(pk=instance.pk).first()
    state = upload.store_state if upload else {"name": instance.file.name}
    if state["name"]:
        transaction.on_commit(partial(_remove_from_store, state), using=using, robust=True)


def _remove_from_store(state: StoreState) -> None:
    current_store().abort(state)
