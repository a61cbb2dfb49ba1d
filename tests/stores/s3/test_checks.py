from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from pytest_django.fixtures import Settings

from django_largefiles.checks import maintenance
from django_largefiles.exceptions import StoreUnavailable
from django_largefiles.stores import store_for
from django_largefiles.stores.s3.checks import check_options
from django_largefiles.stores.s3.inspection import Inspection
from example_project.processes import free_port
from tests.conftest import Largefiles
from tests.s3.servers import S3Bucket

# The checks of models ask the database, under Django 6.1 at each first time.
pytestmark = pytest.mark.django_db

SITE = "https://example.com"
GOOD: dict[str, Any] = {"file_overwrite": False}
LIFECYCLE: dict[str, Any] = {
    "ID": "unfinished",
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
}
CORS: dict[str, Any] = {"AllowedOrigins": [SITE], "AllowedMethods": ["PUT"], "ExposeHeaders": ["ETag"]}
ALL_USERS = {"URI": "http://acs.amazonaws.com/groups/global/AllUsers", "Type": "Group"}


def ids(messages: Iterable[CheckMessage]) -> list[str]:
    return [str(message.id).removeprefix("django_largefiles.") for message in messages]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, []),
        ({"file_overwrite": True}, ["W021"]),
        ({"querystring_auth": False}, ["W020"]),
        ({"signature_version": "s3"}, ["W022"]),
        ({"signature_version": "s3v4"}, []),
    ],
    ids=str,
)
def test_options(options: dict[str, Any], expected: list[str], bucket: S3Bucket) -> None:
    assert ids(check_options(bucket.storage(**GOOD | options))) == expected


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto answers everybody."""
    monkeypatch.setattr(Inspection, "is_open_to_all", lambda self: False)


def set_up(
    bucket: S3Bucket, *, lifecycle: dict[str, Any] | None = LIFECYCLE, cors: dict[str, Any] | None = CORS
) -> None:
    client, name = bucket.client, bucket.name
    if lifecycle:
        client.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [lifecycle]})
    if cors:
        client.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": [cors]})


def probed(bucket: S3Bucket, *, location: str = "") -> list[str]:
    return ids(store_for(bucket.storage(location=location)).probe([SITE]))


@pytest.mark.usefixtures("closed")
class TestProbe:
    def test_a_bucket_that_is_set_up(self, bucket: S3Bucket) -> None:
        set_up(bucket)
        assert probed(bucket) == []

    @pytest.mark.parametrize(
        ("rule", "location", "expected"),
        [
            (None, "", ["W024"]),
            ({**LIFECYCLE, "Status": "Disabled"}, "", ["W024"]),
            ({**LIFECYCLE, "Filter": {"Prefix": "other/"}}, "", ["W024"]),
            ({**LIFECYCLE, "Filter": {"Prefix": "largefiles/"}}, "", []),
            ({**LIFECYCLE, "Filter": {"Prefix": "media/"}}, "media", []),
            (
                {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 9}},
                "",
                ["W024"],
            ),
        ],
        ids=["none", "disabled", "another folder", "our folder", "our location", "of another kind"],
    )
    def test_lifecycle_rules(
        self, bucket: S3Bucket, rule: dict[str, Any] | None, location: str, expected: list[str]
    ) -> None:
        set_up(bucket, lifecycle=rule)
        assert probed(bucket, location=location) == expected

    @pytest.mark.parametrize(
        ("rule", "expected"),
        [
            (None, ["W025"]),
            ({**CORS, "AllowedOrigins": ["https://other.com"]}, ["W025"]),
            ({**CORS, "AllowedOrigins": ["https://*.com"]}, []),
            ({**CORS, "AllowedOrigins": ["*"]}, []),
            ({**CORS, "AllowedMethods": ["GET"]}, ["W025"]),
            ({**CORS, "ExposeHeaders": []}, ["W025"]),
            ({**CORS, "ExposeHeaders": ["etag", "x-amz-id"]}, []),
        ],
        ids=["none", "another origin", "a pattern", "all", "no PUT", "no ETag", "in lower case"],
    )
    def test_cors_rules(self, bucket: S3Bucket, rule: dict[str, Any] | None, expected: list[str]) -> None:
        set_up(bucket, cors=rule)
        assert probed(bucket) == expected

    def test_an_acl_for_everybody(self, bucket: S3Bucket) -> None:
        set_up(bucket)
        bucket.client.put_bucket_acl(Bucket=bucket.name, ACL="public-read")
        assert probed(bucket) == ["E021"]

    def test_a_policy_for_everybody(self, bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
        set_up(bucket)
        told = Inspection.told
        public = {"PolicyStatus": {"IsPublic": True}}
        monkeypatch.setattr(
            Inspection, "told", lambda self, asked: public if asked == "GetBucketPolicyStatus" else told(self, asked)
        )
        assert probed(bucket) == ["E021"]

    def test_a_question_that_may_not_be_asked(self, bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
        """The others are asked all the same."""
        told = Inspection.told

        def refused(self: Inspection, operation: str) -> Any:
            if operation == "GetBucketAcl":
                raise StoreUnavailable("the storage refuses GetBucketAcl: AccessDenied")
            return told(self, operation)

        monkeypatch.setattr(Inspection, "told", refused)
        assert probed(bucket) == ["W023", "W024", "W025"]


def test_a_bucket_that_answers_everybody(bucket: S3Bucket) -> None:
    set_up(bucket)
    bucket.client.put_object(Bucket=bucket.name, Key="one", Body=b"")
    assert probed(bucket) == ["E021"]


def test_a_storage_that_does_not_answer_is_one_warning(bucket: S3Bucket) -> None:
    (message,) = store_for(bucket.through(f"http://127.0.0.1:{free_port()}").storage()).probe([SITE])
    assert message.id == "django_largefiles.W023"
    assert "EndpointConnectionError" in message.msg


def test_a_bucket_that_is_not_there(bucket: S3Bucket) -> None:
    message, *_ = store_for(S3Bucket(bucket.endpoint, "another").storage()).probe([SITE])
    assert message.id == "django_largefiles.W023"
    assert "NoSuchBucket" in message.msg


@pytest.fixture
def told(settings: Settings, bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """The ids of our messages; no sweeper is missed."""
    monkeypatch.setattr(maintenance, "has_run", lambda **_: True)
    settings.STORAGES = {**settings.STORAGES, "default": bucket.setting}
    return lambda **options: ids(
        message for message in run_checks(**options) if str(message.id).startswith("django_largefiles.")
    )


def test_the_network_is_asked_only_before_a_deployment(told: Callable[..., list[str]], settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["example.com", ".example.org", "*"]
    assert told() == ["W021"]
    assert told(include_deployment_checks=True) == ["W021", "E021", "W024", "W025"]


def test_origins_are_those_of_the_site_and_of_whom_it_trusts(
    told: Callable[..., list[str]], settings: Settings, largefiles: Largefiles, bucket: S3Bucket
) -> None:
    settings.ALLOWED_HOSTS = ["example.com", ".example.org", "*"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://trusted.example.com", "https://*.example.net"]
    largefiles.set(CORS_ALLOWED_ORIGINS=["https://app.example.com", "*"])
    (message,) = (m for m in run_checks(include_deployment_checks=True) if m.id == "django_largefiles.W025")
    named = "https://app.example.com, https://example.com, https://trusted.example.com"
    assert message.msg.startswith(f"Pages of {named} cannot")


@pytest.mark.parametrize("wrong", [{"CHUNK_SIZE": 0}, {"STORAGE": "none"}], ids=["a setting", "the storage"])
def test_nothing_is_asked_while_the_settings_are_wrong(
    told: Callable[..., list[str]], largefiles: Largefiles, wrong: dict[str, Any]
) -> None:
    largefiles.set(**wrong)
    assert told(include_deployment_checks=True) in (["E001"], ["E002"])
