"""Code of the documentation that is neither a view nor a class with a contract test of its own."""

from __future__ import annotations

import doctest
import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from textwrap import dedent
from unittest.mock import Mock, call
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.test import RequestFactory
from django.utils import timezone

from django_largefiles.access import AccessPolicy
from django_largefiles.containers.facts import ArchiveFacts
from django_largefiles.doors.ingest import ingest
from django_largefiles.extractors.archive import archive_attributes
from django_largefiles.models import FileAsset
from django_largefiles.options import GIB, MIB, Quota
from django_largefiles.pipeline.processing import TryAgain, process
from django_largefiles.signals import asset_ready
from django_largefiles.states import Reason, State
from tests.conftest import Largefiles, create_asset, png
from tests.snippets.blocks import Block
from tests.snippets.claims import claim
from tests.snippets.running import run
from tests.worked_example import SqliteExtractor

POLICY = claim("docs/extending/access.rst", "class TeamPolicy(AccessPolicy):")
QUOTA = claim("docs/extending/access.rst", "def quota(self, user):")
DISPATCHER = claim("docs/extending/dispatchers.rst", "class QueueDispatcher(Dispatcher):")
UNPACKING = claim("docs/extending/scanners.rst", "from django_largefiles.scanners.base import Unpacking")
QUEUE_WORKER = claim("docs/extending/dispatchers.rst", "def process_asset(id):")
EXTRACTOR_TRIED = claim(
    "docs/extending/extractors.rst", '...     SqliteExtractor().extract(file, "application/vnd.sqlite3")'
)
TYPE_DETECTED = claim("docs/extending/extractors.rst", "...     sniff_file(file)")
ARCHIVE_FACTS = claim("docs/extending/extractors.rst", "from django_largefiles.containers.facts import ArchiveFacts")
RECEIVER = claim("docs/lifecycle.rst", "@receiver(asset_ready, sender=FileAsset)")
BLOCK_AND_REPROCESS = claim("docs/lifecycle.rst", "from django_largefiles import lifecycle")
HEALTH = claim("docs/operation.rst", "def health(request):")
LOGGING = claim("docs/operation.rst", "LOGGING = {")
TROUBLE = claim("docs/troubleshooting.rst", 'asset = FileAsset.objects.get(pk="0b5d3f3e-6a3c-4c0e-9a53-0d7c4f1f2b11")')
READING = claim("docs/storages.rst", "with asset.open() as file:")
INGEST = claim("docs/uploads.rst", "from django_largefiles.models import FileAsset")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def policy() -> AccessPolicy:
    made: AccessPolicy = run(POLICY)["TeamPolicy"]()
    return made


def test_a_team_shares_its_files_and_its_members_keep_their_own(
    policy: AccessPolicy, received: FileAsset, owner: User, stranger: User
) -> None:
    assets = FileAsset.objects.all()
    assert [policy.may_view(user, received) for user in (owner, stranger, AnonymousUser())] == [True, False, False]
    for name in ("one", "two"):
        Group.objects.create(name=name).user_set.set([owner, stranger])
    assert policy.may_view(stranger, received)
    assert [list(policy.visible(user, assets)) for user in (owner, stranger)] == [[received], [received]]
    assert [policy.may_delete(user, received) for user in (owner, stranger)] == [True, False]


def test_videos_are_for_editors(policy: AccessPolicy, owner: User, stranger: User) -> None:
    content_type = ContentType.objects.create(app_label="media", model="video")
    owner.user_permissions.add(Permission.objects.create(content_type=content_type, codename="add_video"))
    assert [policy.may_upload(user, "videos") for user in (owner, stranger)] == [True, False]
    assert [policy.may_upload(user, "default") for user in (stranger, AnonymousUser())] == [True, False]


@pytest.mark.parametrize(("is_staff", "limit"), [(True, 100 * GIB), (False, 5 * GIB)], ids=["staff", "others"])
def test_a_quota_may_differ_between_users(is_staff: bool, limit: int) -> None:
    assert run(QUOTA)["quota"](None, User(is_staff=is_staff)) == Quota(bytes=limit, files=1000, uploads=20)


def test_a_queue_brings_the_id_to_a_worker(received: FileAsset) -> None:
    queue = Mock()
    run(DISPATCHER, queue=queue)["QueueDispatcher"]().dispatch(received.pk)
    queue.send.assert_called_once_with("process-asset", id=str(received.pk))
    run(QUEUE_WORKER, queue=queue)["process_asset"](queue.send.call_args.kwargs["id"])
    received.refresh_from_db()
    assert received.state == State.READY


def test_a_scanner_states_what_it_unpacks() -> None:
    stated = run(UNPACKING)["unpacking"]
    assert (stated.member_size, stated.members) == (100 * MIB, 10_000)


def test_a_worker_of_a_queue_tries_again_later() -> None:
    queue, asset_id = Mock(), str(uuid4())
    names = run(QUEUE_WORKER, queue=queue)
    names["process"] = Mock(side_effect=TryAgain(timedelta(seconds=5)))
    names["process_asset"](asset_id)
    assert queue.mock_calls == [call.send("process-asset", id=asset_id, delay=5)]


@pytest.mark.parametrize("block", [EXTRACTOR_TRIED, TYPE_DETECTED], ids=str)
def test_a_session_of_python_shows_what_the_page_shows(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("a.sqlite3")) as connection:
        connection.executescript("PRAGMA page_size = 4096; PRAGMA user_version = 7; CREATE TABLE a (b);")
    names = {"SqliteExtractor": SqliteExtractor}
    session = doctest.DocTestParser().get_doctest(block.text, names, str(block), block.page, block.line)
    report: list[str] = []
    assert doctest.DocTestRunner().run(session, out=report.append).failed == 0, "".join(report)


def test_an_extractor_returns_the_figures_of_an_archive() -> None:
    attributes = run(ARCHIVE_FACTS)["extract"](None, BytesIO(), "application/x-7z-compressed").attributes
    facts = ArchiveFacts(entries=3, total_size=70_000, ratio=3.5, links=1)
    assert attributes == {"format": "7z", **archive_attributes(facts)}


def test_a_receiver_is_called_with_the_asset(received: FileAsset, caplog: pytest.LogCaptureFixture) -> None:
    receiver = run(RECEIVER)["announce"]
    with caplog.at_level("INFO", "snippet"):
        process(received.pk)
    assert asset_ready.disconnect(receiver, sender=FileAsset)
    assert caplog.messages == ["picture.png is ready."]


def test_a_file_is_blocked_for_good(ready: FileAsset) -> None:
    run(BLOCK_AND_REPROCESS, asset=ready)
    ready.refresh_from_db()
    assert (ready.state, ready.reason, ready.detail) == (State.REJECTED, Reason.BLOCKED, "court order 4711")


def test_figures_count_what_waits(received: FileAsset, rf: RequestFactory) -> None:
    health = run(HEALTH)["health"]
    answer = health(rf.get("/health/"))
    figures = json.loads(answer.content)
    assert answer.status_code == 200
    assert figures.pop("waiting since")[:19] == received.created_at.isoformat()[:19]
    assert figures.pop("waiting") == 1
    assert set(figures.values()) == {0}
    FileAsset.objects.update(lease_expires_at=timezone.now() - timedelta(hours=1))
    answer = health(rf.get("/health/"))
    assert (answer.status_code, json.loads(answer.content)["overdue assets"]) == (503, 1)


def test_messages_are_printed_with_time_and_logger() -> None:
    """In a process of its own, whose loggers it may set."""
    messages = """
        logging.config.dictConfig(LOGGING)
        logging.getLogger("django_largefiles.sweeper").info("swept")
        logging.getLogger("django.request").warning("refused")
    """
    source = f"import logging.config\n{LOGGING.text}{dedent(messages)}"
    done = subprocess.run([sys.executable, "-I", "-c", source], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"\S+ \S+ INFO django_largefiles\.sweeper: swept\n", done.stderr)


def test_a_file_says_what_happened_to_it(capsys: pytest.CaptureFixture[str]) -> None:
    asset_id = TROUBLE.text.partition('pk="')[2].partition('"')[0]
    create_asset(id=asset_id, state=State.REJECTED, reason=Reason.INFECTED, detail="Eicar", attempts=1)
    run(TROUBLE)
    assert capsys.readouterr().out.startswith("rejected infected Eicar  1 ")


def test_the_end_of_a_file_is_read(owner: User) -> None:
    asset = ingest(BytesIO(png(padding=2000)), name="picture.png", owner=owner)
    process(asset.pk)
    asset.refresh_from_db()
    assert run(READING, asset=asset)["end"] == bytes(1024)


def test_a_file_is_taken_in(owner: User, largefiles: Largefiles, tmp_path: Path) -> None:
    largefiles.set(PROFILES={"videos": {"ALLOWED_MIME_TYPES": ["*/*"], "EXTENSION_MUST_MATCH": False}})
    (tmp_path / "holiday.mp4").write_bytes(png())
    elsewhere = Block(**{**vars(INGEST), "text": INGEST.text.replace("/srv/import", str(tmp_path))})
    asset = run(elsewhere, user=owner)["asset"]
    assert (asset.owner, asset.profile, asset.original_name) == (owner, "videos", "holiday.mp4")
