"""The settings of a bucket, asked over the network, and whether it answers strangers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore import UNSIGNED, xform_name
from botocore.exceptions import BotoCoreError, ClientError

from ...exceptions import StoreUnavailable
from .client import own_client

_NOTHING_SET_CODES = {
    "MethodNotAllowed",
    "NoSuchBucketPolicy",
    "NoSuchCORSConfiguration",
    "NoSuchLifecycleConfiguration",
    "NotImplemented",
}


class Unreachable(StoreUnavailable):
    """The server did not answer."""


class Inspection:
    """Asks without retries. Raises ``Unreachable``, and ``StoreUnavailable`` if a request is not permitted."""

    def __init__(self, storage: Any) -> None:
        self._storage = storage
        self._client = own_client(storage)

    def told(self, operation: str) -> Mapping[str, Any]:
        """Return the answer to an operation; empty if nothing is set, or the server does not implement it."""
        try:
            return self._ask(self._client, operation)
        except ClientError as error:
            code = error.response["Error"].get("Code", "")
            if code in _NOTHING_SET_CODES:
                return {}
            raise StoreUnavailable(f"the storage refuses {operation}: {code}") from error

    def is_open_to_all(self) -> bool:
        """Return whether unsigned requests may list the objects, or read the first of them."""
        objects = self.told("ListObjectsV2").get("Contents", ())[:1]
        anonymous = own_client(self._storage, signature_version=UNSIGNED)
        return self._succeeds(anonymous, "ListObjectsV2") or any(
            self._succeeds(anonymous, "HeadObject", Key=found["Key"]) for found in objects
        )

    def _succeeds(self, client: Any, operation: str, **values: Any) -> bool:
        try:
            self._ask(client, operation, **values)
        except ClientError:
            return False
        return True

    def _ask(self, client: Any, operation: str, **values: Any) -> Mapping[str, Any]:
        method: Callable[..., Mapping[str, Any]] = getattr(client, xform_name(operation))
        try:
            return method(Bucket=self._storage.bucket_name, **values)
        except BotoCoreError as error:
            raise Unreachable(f"the storage does not answer: {type(error).__name__}") from error
