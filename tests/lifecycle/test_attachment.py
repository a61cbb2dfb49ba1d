from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection
from django.db.models.signals import pre_delete
from django.utils import timezone

from django_largefiles import clock, lifecycle, signals, sweeper
from django_largefiles.exceptions import Attached
from django_largefiles.intake.creation import Declaration, begin_trusted
from django_largefiles.lifecycle import attachment
from django_largefiles.models import FileAsset, PendingSignal, SweeperRun, Usage
from django_largefiles.outbox import signals as outbox
from django_largefiles.pipeline.processing import process
from django_largefiles.references import Terms
from django_largefiles.states import Attachment, State
from tests.conftest import Largefiles, png
from tests.films.assets import attachment_of, make_asset, make_expired, make_provisional
from tests.films.models import Album, Citation, Documentary, Film, Poster, Reel

pytestmark = pytest.mark.django_db(transaction=True)

USING = "default"
ATTACHED, PROVISIONAL, STANDALONE = Attachment.ATTACHED, Attachment.PROVISIONAL, Attachment.STANDALONE


def reconcile(asset: FileAsset) -> str | None:
    return lifecycle.reconcile(asset.pk, USING)


def without_signals(row: Any) -> None:
    """Store a row as ``bulk_create`` does."""
    type(row).objects.bulk_create([row])


def test_the_time_for_the_form_begins_with_the_last_byte(largefiles: Largefiles) -> None:
    largefiles.set(UNATTACHED_EXPIRES_AFTER=timedelta(hours=1))
    with begin_trusted(Declaration(name="a.png", attachment=PROVISIONAL)) as writer:
        FileAsset.objects.update(expires_at=clock.now())
        writer.write(png())
        asset = writer.finish()
    assert asset.expires_at == pytest.approx(timezone.now() + timedelta(hours=1), abs=timedelta(minutes=1))
    stored = FileAsset.objects.get(expires_at__gt=clock.after(timedelta(minutes=59)))
    assert stored.attachment == PROVISIONAL


def test_an_asset_of_its_own_has_no_time() -> None:
    with begin_trusted(Declaration(name="a.png")) as writer:
        writer.write(png())
        assert writer.finish().expires_at is None


@pytest.mark.parametrize(
    ("before", "after"), [(PROVISIONAL, STANDALONE), (STANDALONE, STANDALONE), (ATTACHED, ATTACHED)]
)
def test_only_a_provisional_asset_is_kept_without_a_row(before: Attachment, after: Attachment) -> None:
    asset = make_provisional() if before == PROVISIONAL else make_asset(attachment=before)
    assert lifecycle.keep(asset.pk, USING) == (before == PROVISIONAL)
    asset.refresh_from_db()
    assert (asset.attachment, asset.expires_at) == (after, None)


# What becomes of an asset when the sweeper looks at it.


def test_an_expired_asset_is_deleted() -> None:
    asset = make_expired()
    assert reconcile(asset) == "deleted"
    assert attachment_of(asset) is None


@pytest.mark.parametrize(
    "make",
    [make_asset, make_provisional, lambda: make_expired(state=State.RECEIVING, size=None)],
    ids=["standalone", "not expired", "receiving"],
)
def test_others_are_left_alone(make: Callable[[], FileAsset]) -> None:
    asset = make()
    assert reconcile(asset) is None
    assert attachment_of(asset) == asset.attachment


def test_an_asset_that_is_gone_is_left_alone() -> None:
    assert lifecycle.reconcile(uuid4(), USING) is None


@pytest.mark.parametrize("make", [make_asset, make_provisional, make_expired], ids=lambda make: make.__name__)
def test_an_asset_to_which_a_row_refers_becomes_attached(make: Callable[[], FileAsset]) -> None:
    asset = make()
    without_signals(Poster(sheet=asset))
    assert reconcile(asset) == "attached"
    assert list(FileAsset.objects.values_list("attachment", "expires_at")) == [(ATTACHED, None)]
    assert reconcile(asset) is None


def test_an_asset_of_a_row_that_is_gone_is_deleted() -> None:
    poster = Poster.objects.create(sheet=make_asset())
    Poster.objects.all()._raw_delete(USING)
    assert reconcile(poster.sheet) == "deleted"


@pytest.mark.parametrize("saved", [True, False], ids=["saved", "without signals"])
def test_an_asset_of_a_row_that_is_gone_is_kept_where_the_field_says_so(saved: bool) -> None:
    asset = make_asset()
    if saved:
        Reel.objects.create(file=asset)
    else:
        without_signals(Reel(file=asset))
        assert reconcile(asset) == "attached"
    Reel.objects.all()._raw_delete(USING)
    assert reconcile(asset) == "kept"
    assert attachment_of(asset) == STANDALONE
    # It is as any other standalone asset afterwards.
    Poster.objects.create(sheet=asset)
    Poster.objects.all()._raw_delete(USING)
    assert reconcile(asset) == "deleted"


def test_any_foreign_key_holds_an_expired_asset_and_no_row_is_deleted() -> None:
    asset = make_expired()
    Citation.objects.create(asset=asset)
    assert reconcile(asset) == "attached"
    assert Citation.objects.exists()


def test_any_foreign_key_holds_an_attached_asset_and_no_row_is_deleted() -> None:
    poster = Poster.objects.create(sheet=make_asset())
    Citation.objects.create(asset=poster.sheet)
    Poster.objects.all()._raw_delete(USING)
    assert reconcile(poster.sheet) is None
    assert Citation.objects.exists()


def test_any_foreign_key_does_not_attach_an_asset_that_has_not_expired() -> None:
    asset = make_provisional()
    Citation.objects.create(asset=asset)
    assert reconcile(asset) is None
    assert attachment_of(asset) == PROVISIONAL


def test_the_database_has_the_last_word(caplog: pytest.LogCaptureFixture) -> None:
    asset = make_expired()

    def refuse(**_: Any) -> None:
        raise IntegrityError("a foreign key refers to it")

    pre_delete.connect(refuse, sender=FileAsset)
    try:
        with caplog.at_level("INFO", "django_largefiles"):
            assert reconcile(asset) is None
    finally:
        pre_delete.disconnect(refuse, sender=FileAsset)
    assert attachment_of(asset) == PROVISIONAL
    assert f"Asset {asset.pk} is not deleted, because a row refers to it." in caplog.text


def test_what_an_owner_keeps_becomes_less(received: FileAsset) -> None:
    Poster.objects.create(sheet=received).delete()
    assert (Usage.objects.get().files, Usage.objects.get().bytes) == (0, 0)


# The two sweeps.


def test_the_sweeper_deletes_what_has_expired() -> None:
    make_expired()
    make_provisional()
    make_asset()
    assert sweeper.expire_provisional(10) == 1
    assert set(FileAsset.objects.values_list("attachment", flat=True)) == {PROVISIONAL, STANDALONE}


def test_a_process_that_dies_after_its_commit_leaves_the_asset_to_the_sweeper(monkeypatch: pytest.MonkeyPatch) -> None:
    poster = Poster.objects.create(sheet=make_asset())
    monkeypatch.setattr(attachment, "reconcile", lambda *_: None)
    poster.delete()
    assert attachment_of(poster.sheet) == PROVISIONAL
    monkeypatch.undo()
    assert sweeper.expire_provisional(10) == 1
    assert attachment_of(poster.sheet) is None


def test_an_asset_that_was_let_go_may_be_attached_before_it_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    poster = Poster.objects.create(sheet=make_asset())
    monkeypatch.setattr(attachment, "reconcile", lambda *_: None)
    poster.delete()
    monkeypatch.undo()
    reel = Reel.objects.create(file=poster.sheet)
    assert sweeper.expire_provisional(10) == 0
    assert attachment_of(reel.file) == ATTACHED


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachment, "ASSETS_AT_ONCE", 3)


def position() -> UUID | None:
    return SweeperRun.objects.values_list("attachments_until", flat=True).first()


def test_the_search_goes_through_all_assets_and_begins_anew(few_at_once: None) -> None:
    for _ in range(7):
        make_asset()
    # Databases order ids differently.
    ids = list(FileAsset.objects.order_by("pk").values_list("pk", flat=True))
    positions = [position() for _ in range(4) if sweeper.correct_attachments(10) == 0]
    assert positions == [ids[2], ids[5], None, ids[2]]


def test_the_search_finds_what_changed_without_signals(few_at_once: None) -> None:
    assets = [make_asset() for _ in range(8)]
    for asset in assets[:4]:
        without_signals(Poster(sheet=asset))
    for asset in assets[4:]:
        Reel.objects.create(file=asset)
    Reel.objects.all()._raw_delete(USING)
    assert sum(sweeper.correct_attachments(10) for _ in range(3)) == 8
    assert [attachment_of(asset) for asset in assets] == [ATTACHED] * 4 + [STANDALONE] * 4
    assert sum(sweeper.correct_attachments(10) for _ in range(3)) == 0


def test_the_search_goes_on_where_its_limit_was_reached(few_at_once: None) -> None:
    for _ in range(3):
        without_signals(Poster(sheet=make_asset()))
    assert [sweeper.correct_attachments(1) for _ in range(3)] == [1, 1, 1]
    assert FileAsset.objects.filter(attachment=ATTACHED).count() == 3


def test_an_upload_whose_asset_a_row_refers_to_does_not_end_the_sweep(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with begin_trusted(Declaration(name="a.png", attachment=PROVISIONAL)) as writer:
        writer.write(b"text")
        writer.pause()
    without_signals(Reel(file_id=writer.asset_id))
    writer.upload.expires_at = "2000-01-01T00:00Z"
    writer.upload.save(update_fields=["expires_at"])
    assert sweeper.expire_uploads(10) == 0
    assert f"Upload {writer.asset_id} has expired and is kept, because a row refers to its file." in caplog.text


# Deletion by people.


def test_an_asset_of_a_row_cannot_be_deleted() -> None:
    poster = Poster.objects.create(sheet=make_asset())
    assert poster.sheet_id
    with pytest.raises(Attached):
        lifecycle.delete(poster.sheet_id, USING)
    assert attachment_of(poster.sheet) == ATTACHED


def test_an_asset_that_another_foreign_key_protects_cannot_be_deleted() -> None:
    asset = make_asset()
    without_signals(Reel(file=asset))
    with pytest.raises(Attached):
        lifecycle.delete(asset.pk, USING)


@pytest.mark.parametrize("make", [make_asset, make_provisional], ids=lambda make: make.__name__)
def test_another_asset_can_be_deleted_once(make: Callable[[], FileAsset]) -> None:
    asset = make()
    for _ in range(2):
        lifecycle.delete(asset.pk, USING)
    assert attachment_of(asset) is None


# The signal.


@pytest.fixture
def heard() -> Iterator[list[tuple[Any, ...]]]:
    """The model, the asset, the row and the field of each signal."""
    heard: list[tuple[Any, ...]] = []

    def hear(sender: Any, asset: FileAsset, instance: Any, field: str, **_: Any) -> None:
        heard.append((sender, asset.state, instance.pk, field))

    signals.attachment_ready.connect(hear)
    yield heard
    signals.attachment_ready.disconnect(hear)


def test_it_is_sent_when_a_ready_asset_is_attached(heard: list[Any]) -> None:
    film = Film.objects.create(title="Metropolis", video=make_asset("videos", state=State.READY))
    assert heard == [(Film, State.READY, film.pk, "video")]
    film.save()
    assert len(heard) == 1
    assert not PendingSignal.objects.exists()


def test_it_is_sent_when_an_attached_asset_becomes_ready(received: FileAsset, heard: list[Any]) -> None:
    poster = Poster.objects.create(sheet=received)
    assert heard == []
    process(received.pk)
    assert heard == [(Poster, State.READY, poster.pk, "sheet")]
    lifecycle.reprocess(received.pk)
    process(received.pk)
    assert len(heard) == 2


def test_it_is_not_sent_for_an_asset_without_a_row(received: FileAsset, heard: list[Any]) -> None:
    process(received.pk)
    assert heard == []


def test_it_is_sent_for_each_row_once(heard: list[Any]) -> None:
    asset = make_asset(state=State.READY)
    posters = [Poster.objects.create(sheet=asset) for _ in range(2)]
    assert [row for _, _, row, _ in heard] == [poster.pk for poster in posters]


def test_it_is_sent_for_each_asset_of_a_field_for_several(heard: list[Any]) -> None:
    album = Album.objects.create(title="Berlin")
    album.files.add(make_asset(state=State.READY), make_asset(), make_asset(state=State.READY))
    assert heard == [(Album, State.READY, album.pk, "files")] * 2


def test_it_is_sent_with_the_model_that_has_the_field(heard: list[Any]) -> None:
    video, transcript = make_asset("videos", state=State.READY), make_asset(state=State.READY)
    film = Documentary.objects.create(title="Nanook", video=video, transcript=transcript)
    assert heard == [(Film, State.READY, film.pk, "video"), (Documentary, State.READY, film.pk, "transcript")]


def test_it_is_sent_for_rows_that_the_sweeper_finds(heard: list[Any]) -> None:
    ready, other = make_asset(state=State.READY), make_asset()
    for asset in (ready, other):
        without_signals(Poster(sheet=asset))
    assert sweeper.correct_attachments(10) == 2
    assert heard == [(Poster, State.READY, Poster.objects.get(sheet=ready).pk, "sheet")]


def test_it_is_not_sent_for_a_row_that_is_gone_or_refers_to_another(
    heard: list[Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(outbox, "_send", lambda *_: None)
    posters = [Poster.objects.create(sheet=make_asset(state=State.READY)) for _ in range(4)]
    monkeypatch.undo()
    posters[0].delete()
    posters[1].sheet = None
    posters[1].save()
    PendingSignal.objects.filter(asset_id=posters[2].sheet_id).update(
        reference={"model": "films.Gone", "pk": "1", "field": "sheet"}
    )
    PendingSignal.objects.update(due_at="2000-01-01T00:00Z")
    sweeper.sweep()
    assert (
        f"Sending the signal that asset {posters[3].sheet_id} of films.Poster {posters[3].pk} is ready" in caplog.text
    )
    assert heard == [(Poster, State.READY, posters[3].pk, "sheet")]
    assert not PendingSignal.objects.exists()


def test_the_rows_of_assets_are_locked_before_they_are_asked_about() -> None:
    """Otherwise a row that is saved at the same time would lose its asset."""
    asset = make_expired()
    with connection.execute_wrapper(recorder := Recorder()):
        reconcile(asset)
    asked = next(number for number, sql in enumerate(recorder.statements) if "films_poster" in sql)
    assert any("FOR UPDATE" in sql or sql.startswith("UPDATE") for sql in recorder.statements[:asked])


@pytest.mark.parametrize(
    ("columns", "shared", "found"),
    [
        (None, False, "missing"),
        ({"state": State.RECEIVING}, True, "receiving"),
        ({"profile": "videos"}, True, "profile"),
        ({"attachment": ATTACHED}, False, "attached"),
        ({"attachment": ATTACHED}, True, None),
        ({}, False, None),
    ],
    ids=["missing", "receiving", "profile", "attached", "shared", "free"],
)
def test_what_hinders_a_row_is_told_before(columns: dict[str, Any] | None, shared: bool, found: str | None) -> None:
    asset = None if columns is None else FileAsset(**{"state": State.RECEIVED, **columns})
    assert lifecycle.obstacle(asset, Terms(profile="default", shared=shared)) == found


class Recorder:
    def __init__(self) -> None:
        self.statements: list[str] = []

    def __call__(self, execute: Any, sql: str, *rest: Any) -> Any:
        self.statements.append(sql)
        return execute(sql, *rest)
