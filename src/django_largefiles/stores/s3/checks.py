"""System checks of an ``S3Storage`` and, with ``--deploy``, of its bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from django.core.checks import CheckMessage, Error, Warning as CheckWarning

from ...exceptions import StoreUnavailable
from .inspection import Inspection, Unreachable

PUBLIC_GROUPS = ("/AllUsers", "/AuthenticatedUsers")


def check_options(storage: Any) -> Iterator[CheckMessage]:
    """Check the options, without the network."""
    if not storage.querystring_auth:
        yield CheckWarning(
            "The S3 storage signs no URLs (querystring_auth is False): they work for a public bucket only.",
            hint='Leave "querystring_auth" at True in OPTIONS, and the bucket private.',
            id="django_largefiles.W020",
        )
    if storage.file_overwrite:
        yield CheckWarning(
            "The S3 storage replaces files of the same name (file_overwrite is True).",
            hint='Set "file_overwrite" to False in OPTIONS. This package never uses a name twice; other apps may.',
            id="django_largefiles.W021",
        )
    version = storage.client_config.signature_version
    if version in {"s3", "s3-query"}:
        yield CheckWarning(
            f"The S3 storage signs with Signature Version 2 (signature_version is {version!r}), which is outdated.",
            hint='Set "signature_version" to "s3v4" in OPTIONS. The links of this package have version 4 in any case.',
            id="django_largefiles.W022",
        )


def probe(bucket: Inspection, folder: str, origins: Sequence[str]) -> Iterator[CheckMessage]:
    """Check the bucket over the network; warn if it cannot be asked. The objects of assets are in ``folder``."""
    questions: list[Callable[[], Iterable[CheckMessage]]] = [
        partial(_check_privacy, bucket),
        partial(_check_lifecycle, bucket, folder),
        partial(_check_cors, bucket, origins),
    ]
    for question in questions:
        try:
            yield from question()
        except StoreUnavailable as error:
            yield CheckWarning(
                f"The bucket could not be checked: {error.detail}",
                hint="Check that it can be reached, and that the credentials allow this request.",
                id="django_largefiles.W023",
            )
            if isinstance(error, Unreachable):
                # The other questions would wait for the same.
                return


def _check_privacy(bucket: Inspection) -> Iterator[CheckMessage]:
    if bucket.is_open_to_all():
        yield _public("it answers requests without a signature")
    elif any(_is_public(grant) for grant in bucket.told("GetBucketAcl").get("Grants", ())):
        yield _public("its ACL grants access to everyone")
    elif bucket.told("GetBucketPolicyStatus").get("PolicyStatus", {}).get("IsPublic"):
        yield _public("its policy is public")


def _public(evidence: str) -> Error:
    return Error(
        f"The S3 bucket lets everyone read files, past all access checks: {evidence}.",
        hint="Block public access to the bucket, and leave default_acl unset: downloads get signed links.",
        id="django_largefiles.E021",
    )


def _is_public(grant: Mapping[str, Any]) -> bool:
    return str(grant.get("Grantee", {}).get("URI", "")).endswith(PUBLIC_GROUPS)


def _check_lifecycle(bucket: Inspection, folder: str) -> Iterator[CheckMessage]:
    rules = bucket.told("GetBucketLifecycleConfiguration").get("Rules", ())
    if not any(_aborts_uploads(rule, folder) for rule in rules):
        yield CheckWarning(
            "The S3 bucket has no lifecycle rule that aborts unfinished multipart uploads.",
            hint="The sweeper aborts those it knows of; others are invisible and billed. "
            "Add a rule with AbortIncompleteMultipartUpload, some days after UPLOAD_EXPIRES_AFTER.",
            id="django_largefiles.W024",
        )


def _aborts_uploads(rule: Mapping[str, Any], folder: str) -> bool:
    if rule.get("Status") != "Enabled" or "AbortIncompleteMultipartUpload" not in rule:
        return False
    prefix = rule.get("Filter", {}).get("Prefix", rule.get("Prefix", ""))
    return folder.startswith(prefix)


def _check_cors(bucket: Inspection, origins: Sequence[str]) -> Iterator[CheckMessage]:
    rules = bucket.told("GetBucketCors").get("CORSRules", ())
    lacking = [origin for origin in origins if not any(_lets_upload(rule, origin) for rule in rules)]
    if lacking:
        yield CheckWarning(
            f"Pages of {', '.join(lacking)} cannot upload directly to the S3 bucket: "
            "its CORS rules do not allow them PUT, or do not expose ETag.",
            hint="Add a CORS rule for these origins, or silence this check if no page uploads directly.",
            id="django_largefiles.W025",
        )


def _lets_upload(rule: Mapping[str, Any], origin: str) -> bool:
    exposed = {header.lower() for header in rule.get("ExposeHeaders", ())}
    named = any(fnmatchcase(origin, pattern) for pattern in rule.get("AllowedOrigins", ()))
    return named and "PUT" in rule.get("AllowedMethods", ()) and "etag" in exposed
