"""Two at once: ``integration/test_attachments.py`` runs these over each database, and over SQLite in a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, connections

from django_largefiles import lifecycle
from django_largefiles.exceptions import Attached, NotAttachable
from django_largefiles.models import FileAsset, PendingRemoval, PendingSignal
from django_largefiles.signals import attachment_ready
from django_largefiles.states import Attachment, State
from tests.films.assets import make_expired, make_provisional
from tests.films.models import Film, Poster
from tests.test_usage import ISOLATION, needs_threads

pytestmark = [pytest.mark.django_db(transaction=True), needs_threads]

USING = "default"
FORMS = 200
"""How often two forms submit one asset, at the level of isolation that Django sets up."""

ROUNDS = 10

Act = Callable[[], object]


class Pair:
    """Two threads, each with a connection of its own, that begin their acts at the same moment."""

    def __init__(self, isolation: Any) -> None:
        self.isolation = isolation
        self._threads = [ThreadPoolExecutor(max_workers=1) for _ in range(2)]
        self._together = Barrier(2)

    def race(self, *acts: Act) -> list[str]:
        """What became of each act: the name of its error, or ``done``."""
        begun = [thread.submit(self._attempt, act) for thread, act in zip(self._threads, acts, strict=True)]
        return [attempt.result() for attempt in begun]

    def close(self) -> None:
        for thread in self._threads:
            thread.submit(connections.close_all).result()
            thread.shutdown()

    def _attempt(self, act: Act) -> str:
        self._together.wait()
        try:
            act()
        except (Attached, NotAttachable, IntegrityError, OperationalError) as error:
            return type(error).__name__
        return "done"


@pytest.fixture(params=ISOLATION[connection.vendor], ids=str)
def pair(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """At each level of isolation: at the higher ones a database may end one of two transactions of the host's."""
    if request.param is not None:
        monkeypatch.setitem(connection.settings_dict["OPTIONS"], "isolation_level", request.param)
    with closing(Pair(request.param)) as pair:
        yield pair


def check_that_nothing_is_left() -> None:
    """Every asset has a row, and every row its asset."""
    assert set(FileAsset.objects.values_list("attachment", flat=True)) <= {Attachment.ATTACHED}
    rows = {*Film.objects.values_list("video", flat=True), *Poster.objects.values_list("sheet", flat=True)} - {None}
    assert rows == set(FileAsset.objects.values_list("pk", flat=True))
    assert not PendingSignal.objects.exists()
    assert not PendingRemoval.objects.exists()


def saving(asset: FileAsset) -> Act:
    return lambda: Film.objects.create(title="Metropolis", video_id=asset.pk)


def deleting(asset: FileAsset) -> Act:
    return lambda: lifecycle.delete(asset.pk, USING)


def accepting(claim: lifecycle.Claim | None) -> Act:
    assert claim
    return lambda: lifecycle.accept(claim)


def reconciling(asset: FileAsset) -> Act:
    return lambda: lifecycle.reconcile(asset.pk, USING)


def test_of_two_forms_that_submit_one_asset_one_is_saved(pair: Pair) -> None:
    races = FORMS if pair.isolation == ISOLATION[connection.vendor][0] else ROUNDS
    outcomes = Counter(
        outcome
        for asset in [make_provisional("videos") for _ in range(races)]
        for outcome in pair.race(saving(asset), saving(asset))
    )
    assert outcomes["done"] == races == Film.objects.count()
    assert outcomes.keys() <= {"done", "NotAttachable", "OperationalError"}
    check_that_nothing_is_left()


def test_of_two_saves_of_a_row_the_later_one_stays(pair: Pair) -> None:
    for _ in range(ROUNDS):
        film = Film.objects.create(title="Metropolis", video=make_provisional("videos"))

        def replace(film: Film = film) -> None:
            own = Film.objects.get(pk=film.pk)
            own.video = make_provisional("videos")
            try:
                own.save()
            except OperationalError:
                lifecycle.delete(own.video.pk, USING)
                raise

        assert "done" in pair.race(replace, replace)
    check_that_nothing_is_left()


def test_a_row_that_is_saved_and_one_that_is_deleted_leave_nothing(pair: Pair) -> None:
    for _ in range(ROUNDS):
        asset = make_provisional()
        poster = Poster.objects.create(sheet=asset)

        def share(asset: FileAsset = asset) -> None:
            Poster.objects.create(sheet_id=asset.pk)

        pair.race(share, poster.delete)
        for left in Poster.objects.filter(pk=poster.pk):
            left.delete()
    check_that_nothing_is_left()


def test_the_last_of_two_rows_that_are_deleted_takes_the_asset_along(pair: Pair) -> None:
    for _ in range(ROUNDS):
        asset = make_provisional()
        posters = [Poster.objects.create(sheet=asset) for _ in range(2)]
        pair.race(*(poster.delete for poster in posters))
        for left in Poster.objects.all():
            left.delete()
    assert not FileAsset.objects.exists()


@pytest.mark.parametrize("make", [make_provisional, make_expired], ids=lambda make: make.__name__)
def test_an_asset_is_either_attached_or_deleted(make: Callable[[str], FileAsset], pair: Pair) -> None:
    for _ in range(ROUNDS):
        asset = make("videos")
        pair.race(saving(asset), reconciling(asset) if make is make_expired else deleting(asset))
    for asset in FileAsset.objects.exclude(attachment=Attachment.ATTACHED):
        lifecycle.delete(asset.pk, USING)
    check_that_nothing_is_left()


def test_an_asset_that_rows_without_signals_come_to_refer_to_is_not_deleted(pair: Pair) -> None:
    for _ in range(ROUNDS):
        asset = make_expired()

        def insert(asset: FileAsset = asset) -> None:
            Poster.objects.bulk_create([Poster(sheet_id=asset.pk)])

        pair.race(insert, reconciling(asset))
        lifecycle.reconcile(asset.pk, USING)
    check_that_nothing_is_left()


def test_the_signal_is_sent_once_whether_the_worker_or_the_form_is_first(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Any] = []

    def hear(instance: Film, **_: Any) -> None:
        heard.append(instance.pk)

    attachment_ready.connect(hear, sender=Film)
    try:
        for _ in range(ROUNDS):
            asset = make_provisional("videos")
            pair.race(saving(asset), accepting(lifecycle.claim(asset.pk)))
            assert FileAsset.objects.get(pk=asset.pk).state == State.READY
    finally:
        attachment_ready.disconnect(hear, sender=Film)
    assert sorted(heard) == sorted(Film.objects.values_list("pk", flat=True))
