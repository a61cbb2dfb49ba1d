"""Presigned URLs: requests that anyone may send with the rights of the project.

(https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html)
"""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError

from ...exceptions import StoreUnavailable
from ..base import ServedAs
from .client import own_client


class Signer:
    """Signs with Signature Version 4 even if the storage does not: version 2 signs no headers."""

    def __init__(self, storage: Any) -> None:
        self._storage = storage

    @property
    def can_sign(self) -> bool:
        """Whether URLs suffice: with a customer's encryption key, the key would have to go with the request."""
        return not any(name.startswith("SSEC") for name in self._storage.get_object_parameters(""))

    def part(self, key: str, upload_id: str, number: int, size: int, lifetime: timedelta) -> str:
        """Return a URL for a ``PUT`` of one part of exactly ``size`` bytes."""
        values = {"UploadId": upload_id, "PartNumber": number, "ContentLength": size}
        return self._signed("UploadPart", lifetime, Key=key, **values)

    def download(self, key: str, lifetime: timedelta, served_as: ServedAs) -> str:
        """Return a URL for a ``GET``."""
        return self._signed(
            "GetObject",
            lifetime,
            Key=key,
            ResponseContentType=served_as.media_type,
            ResponseContentDisposition=served_as.disposition,
            ResponseCacheControl=served_as.cache_control,
        )

    def _signed(self, operation: str, lifetime: timedelta, **values: Any) -> str:
        try:
            url = self._client.generate_presigned_url(
                xform_name(operation),
                Params={"Bucket": self._storage.bucket_name, **values},
                ExpiresIn=int(lifetime.total_seconds()),
            )
        except BotoCoreError as error:
            raise StoreUnavailable(f"no URL can be signed for the storage: {type(error).__name__}") from error
        return str(url)

    @cached_property
    def _client(self) -> Any:
        # By default boto3 would sign a checksum of the empty body that it sees.
        return own_client(self._storage, signature_version="s3v4", request_checksum_calculation="when_required")
