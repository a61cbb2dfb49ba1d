"""Section "Integrity Digests"."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from django_largefiles.intake import progress
from django_largefiles.models import FileAsset, Upload
from django_largefiles.pipeline.processing import process
from django_largefiles.states import State
from tests.conftest import Largefiles, png
from tests.doors.resumable.ietf_client import append, asset_at, begun, create, kept, problem, retrieve

pytestmark = pytest.mark.django_db(transaction=True)

Stored = Callable[[], list[str]]
PICTURE = png(padding=200_000)
REST = PICTURE[1000:]


def field(content: bytes, *algorithms: str) -> str:
    """Of the digests of ``content``."""
    hashers = {algorithm: hashlib.new(algorithm.replace("-", ""), content) for algorithm in algorithms or ["sha-256"]}
    return ", ".join(f"{name}=:{base64.b64encode(hasher.digest()).decode()}:" for name, hasher in hashers.items())


@pytest.fixture
def client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


@pytest.fixture
def url(client: Client) -> str:
    return begun(client, PICTURE[:1000])


class TestReprDigest:
    """Of the whole file."""

    @pytest.mark.parametrize("promised", [PICTURE, None], ids=["promised", "not promised"])
    def test_the_final_answer_has_it(self, promised: bytes | None, client: Client) -> None:
        answer = create(client, PICTURE, repr_digest=promised and field(promised))
        assert (answer["Upload-Complete"], answer["Repr-Digest"]) == ("?1", field(PICTURE))

    @pytest.mark.parametrize("wanted", ["sha-256=10", "sha-512=10, sha-256=1", "md5=10", "nonsense=?", "sha-256=11"])
    def test_wanting_it_changes_nothing(self, wanted: str, client: Client) -> None:
        assert create(client, PICTURE, want_repr_digest=wanted)["Repr-Digest"] == field(PICTURE)

    def test_the_answer_to_the_last_part_has_it(self, client: Client, url: str) -> None:
        assert append(client, url, REST, at=1000)["Repr-Digest"] == field(PICTURE)

    @pytest.mark.each_storage
    def test_a_digest_that_could_not_be_taken_up_again_is_left_to_a_worker(self, client: Client, url: str) -> None:
        Upload.objects.update(digest_state=None)
        answer = append(client, url, REST, at=1000)
        assert answer["Upload-Complete"] == "?1"
        assert "Repr-Digest" not in answer

    def test_a_promise_is_held_against_all_parts(self, client: Client) -> None:
        url = begun(client, PICTURE[:1000], repr_digest=field(PICTURE))
        assert append(client, url, REST, at=1000)["Upload-Complete"] == "?1"

    @pytest.mark.each_storage
    def test_a_broken_promise_is_the_target_s_answer_and_leaves_nothing_behind(
        self, client: Client, stored: Stored
    ) -> None:
        url = begun(client, PICTURE[:1000], repr_digest=field(b"something else"))
        answer = append(client, url, REST, at=1000)
        assert (answer.status_code, answer.json()["code"], answer["Upload-Complete"]) == (422, "digest_mismatch", "?1")
        assert not FileAsset.objects.exists()
        assert stored() == []

    @pytest.mark.parametrize("promise", ["md5=:AAAA:", "sha-3=:AAAA:"], ids=["deprecated", "unknown"])
    def test_a_digest_that_is_not_computed_is_not_held_against_the_file(self, promise: str, client: Client) -> None:
        assert create(client, PICTURE, repr_digest=promise)["Upload-Complete"] == "?1"

    @pytest.mark.parametrize("algorithm", ["sha-256", "sha-512"])
    def test_a_promise_may_come_with_the_last_part(self, algorithm: str, client: Client, url: str) -> None:
        answer = append(client, url, REST, at=1000, repr_digest=field(PICTURE, algorithm))
        assert (answer.status_code, answer["Upload-Complete"]) == (201, "?1")

    @pytest.mark.each_storage
    def test_a_broken_promise_of_the_last_part_leaves_nothing_behind(
        self, client: Client, url: str, stored: Stored
    ) -> None:
        answer = append(client, url, REST, at=1000, repr_digest=field(b"something else"))
        assert (answer.status_code, answer.json()["code"], answer["Upload-Complete"]) == (422, "digest_mismatch", "?1")
        assert not FileAsset.objects.exists()
        assert stored() == []

    def test_a_promise_of_another_part_is_kept_for_the_last(self, client: Client, url: str) -> None:
        append(client, url, REST[:10], at=1000, upload_complete="?0", repr_digest=field(b"something else"))
        assert append(client, url, REST[10:], at=1010).json()["code"] == "digest_mismatch"

    def test_two_promises_that_contradict_each_other_are_refused(self, client: Client) -> None:
        url = begun(client, PICTURE[:1000], repr_digest=field(PICTURE))
        before = kept(url)
        answer = append(client, url, REST, at=1000, repr_digest=field(b"something else"))
        assert problem(answer) == (400, "malformed_request")
        assert kept(url) == before
        assert append(client, url, REST, at=1000, repr_digest=field(PICTURE))["Upload-Complete"] == "?1"

    def test_a_malformed_promise_of_the_last_part(self, client: Client, url: str) -> None:
        before = kept(url)
        assert problem(append(client, url, REST, at=1000, repr_digest="sha-256=1")) == (400, "malformed_header")
        assert kept(url) == before

    @pytest.mark.parametrize("split", [0, 1000, len(PICTURE)])
    @pytest.mark.parametrize("content", [PICTURE, b"something else"], ids=["right", "wrong"])
    def test_sha_512_is_held_against_all_parts(self, content: bytes, split: int, client: Client) -> None:
        url = begun(client, PICTURE[:split], repr_digest=field(content, "sha-512"))
        answer = append(client, url, PICTURE[split:], at=split)
        assert answer.status_code == (201 if content == PICTURE else 422)

    @pytest.mark.parametrize("content", [PICTURE, b"something else"], ids=["right", "wrong"])
    def test_sha_512_is_held_against_a_file_in_one_request(self, content: bytes, client: Client) -> None:
        answer = create(client, PICTURE, repr_digest=field(content, "sha-256", "sha-512"))
        assert answer.status_code == (201 if content == PICTURE else 422)

    @pytest.mark.parametrize(
        ("content", "state"), [(PICTURE, State.READY), (b"something else", State.REJECTED)], ids=["right", "wrong"]
    )
    def test_sha_512_that_comes_too_late_is_left_to_a_worker(
        self, content: bytes, state: State, client: Client, url: str
    ) -> None:
        assert append(client, url, REST, at=1000, repr_digest=field(content, "sha-512")).status_code == 201
        process(asset_at(url).pk)
        assert (asset_at(url).state, asset_at(url).sha256) == (state, hashlib.sha256(PICTURE).hexdigest())

    @pytest.mark.parametrize(
        ("wanted", "algorithms"),
        [
            (None, ["sha-256"]),
            ("sha-512=10, sha-256=1", ["sha-512"]),
            ("sha-512=1", ["sha-512"]),
            ("sha-256=3, sha-512=3", ["sha-256"]),
            ("sha-256=0", ["sha-512"]),
            ("sha-256=0, sha-512=0", []),
            ("md5=10", ["sha-256"]),
        ],
        ids=str,
    )
    def test_the_one_that_is_wanted_is_answered(
        self, wanted: str | None, algorithms: list[str], client: Client
    ) -> None:
        answer = create(client, PICTURE, repr_digest=field(PICTURE, "sha-512"), want_repr_digest=wanted)
        assert answer.get("Repr-Digest") == (field(PICTURE, *algorithms) if algorithms else None)


class TestContentDigest:
    """Of what one request carries."""

    ALGORITHMS = pytest.mark.parametrize("algorithms", [["sha-256"], ["sha-512"], ["sha-256", "sha-512"]], ids=str)

    @ALGORITHMS
    def test_content_that_has_it_counts(self, algorithms: list[str], client: Client, url: str) -> None:
        answer = append(client, url, REST, at=1000, content_digest=field(REST, *algorithms))
        assert answer["Upload-Complete"] == "?1"
        assert asset_at(url).sha256 == hashlib.sha256(PICTURE).hexdigest()

    @ALGORITHMS
    @pytest.mark.parametrize("complete", ["?0", "?1"])
    def test_content_that_has_another_is_not_appended(
        self, algorithms: list[str], complete: str, client: Client
    ) -> None:
        url = begun(client, PICTURE[:1000], upload_length=len(PICTURE))
        before = kept(url)
        digest = field(b"something else", *algorithms)
        answer = append(client, url, REST, at=1000, upload_complete=complete, content_digest=digest)
        assert problem(answer) == (422, "content_digest_mismatch")
        assert kept(url) == before

    def test_one_wrong_digest_of_two_is_enough(self, client: Client, url: str) -> None:
        digests = f"{field(REST, 'sha-256')}, {field(b'something else', 'sha-512')}"
        answer = append(client, url, REST, at=1000, content_digest=digests)
        assert problem(answer) == (422, "content_digest_mismatch")

    @pytest.mark.each_storage
    def test_damaged_content_may_be_sent_again(self, client: Client, url: str) -> None:
        damaged = REST[:-1] + b"!"
        assert append(client, url, damaged, at=1000, content_digest=field(REST)).status_code == 422
        assert append(client, url, REST, at=1000, content_digest=field(REST))["Upload-Complete"] == "?1"

    @pytest.mark.each_storage
    def test_nothing_of_it_counts_before_its_digest_is_known(
        self, client: Client, url: str, monkeypatch: pytest.MonkeyPatch, largefiles: Largefiles
    ) -> None:
        monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", -1.0)
        largefiles.set(CHUNK_SIZE=1000)
        before = kept(url)
        append(client, url, REST, at=1000, upload_complete="?0", content_digest=field(b"something else"))
        assert kept(url) == before

    @pytest.mark.each_storage
    def test_content_that_breaks_off_counts_though_nothing_can_be_said_of_its_digest(
        self, client: Client, url: str
    ) -> None:
        append(client, url, REST[:1000], at=1000, content_length=len(REST), content_digest=field(REST))
        assert retrieve(client, url)["Upload-Offset"] == "2000"

    @pytest.mark.each_storage
    def test_a_creation_whose_content_has_another_leaves_nothing_behind(self, client: Client, stored: Stored) -> None:
        answer: Any = create(client, PICTURE, content_digest=field(b"something else"))
        assert problem(answer) == (422, "content_digest_mismatch")
        assert not FileAsset.objects.exists()
        assert stored() == []

    def test_an_algorithm_that_nobody_knows_is_ignored(self, client: Client, url: str) -> None:
        answer = append(client, url, REST, at=1000, content_digest="sha-3=:AAAA:, md5=:AAAA:")
        assert answer["Upload-Complete"] == "?1"
