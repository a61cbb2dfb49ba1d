from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, models, transaction
from django.db.models import F
from django.db.models.signals import post_save, pre_save
from django.test.utils import CaptureQueriesContext, isolate_apps

from django_largefiles.doors.ingest import ingest
from django_largefiles.exceptions import NotAttachable
from django_largefiles.fields import AssetField
from django_largefiles.models import FileAsset
from django_largefiles.states import Attachment, Reason, State
from tests.conftest import png
from tests.films.assets import attachment_of, make_asset, make_expired, make_provisional
from tests.films.models import Documentary, Film, FormerFilm, Poster, Premiere, Reel, Still

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def video() -> FileAsset:
    return make_provisional("videos")


@pytest.fixture
def film(video: FileAsset) -> Film:
    return Film.objects.create(title="Metropolis", video=video)


def reread(row: Any) -> Any:
    """The row as another request has it."""
    return type(row).objects.get(pk=row.pk)


@pytest.mark.parametrize("make", [make_provisional, make_asset, make_expired], ids=lambda make: make.__name__)
def test_saving_the_row_attaches_its_asset(make: Callable[[str], FileAsset]) -> None:
    asset = make("videos")
    Film.objects.create(title="Metropolis", video=asset)
    assert list(FileAsset.objects.values_list("attachment", "expires_at")) == [(Attachment.ATTACHED, None)]


@pytest.mark.parametrize(
    "columns",
    [
        {"state": State.READY},
        {"state": State.PROCESSING},
        {"state": State.FAILED, "reason": Reason.GAVE_UP},
        {"state": State.REJECTED, "reason": Reason.TYPE_MISMATCH},
    ],
    ids=lambda columns: columns["state"],
)
def test_an_asset_that_has_arrived_may_be_attached_whatever_became_of_it(columns: dict[str, Any]) -> None:
    asset = make_provisional("videos", **columns)
    Film.objects.create(title="Metropolis", video=asset)
    assert attachment_of(asset) == Attachment.ATTACHED


def missing() -> FileAsset:
    return FileAsset(pk=uuid4())


def receiving() -> FileAsset:
    return make_provisional("videos", state=State.RECEIVING, size=None)


def of_another_profile() -> FileAsset:
    return make_provisional()


def of_another_row() -> FileAsset:
    return Film.objects.create(title="Nosferatu", video=make_asset("videos")).video


REFUSED = pytest.mark.parametrize(
    ("make", "limit", "value"),
    [
        (missing, None, "missing"),
        (receiving, State.RECEIVED, State.RECEIVING),
        (of_another_profile, "videos", "default"),
        (of_another_row, Attachment.PROVISIONAL, Attachment.ATTACHED),
    ],
    ids=["missing", "receiving", "another profile", "another row"],
)


@REFUSED
def test_an_asset_that_cannot_be_attached_is_refused_and_no_row_saved(
    make: Callable[[], FileAsset], limit: str | None, value: str
) -> None:
    asset = make()
    before = attachment_of(asset)
    with pytest.raises(NotAttachable) as caught:
        Film.objects.create(title="Metropolis", video_id=asset.pk)
    assert (caught.value.limit, caught.value.value) == (limit, value)
    assert not Film.objects.filter(title="Metropolis").exists()
    assert attachment_of(asset) == before


@REFUSED
def test_a_row_whose_new_asset_is_refused_keeps_the_old_one(
    make: Callable[[], FileAsset], limit: str | None, value: str, film: Film
) -> None:
    video, film.video_id, film.title = film.video_id, make().pk, "Another title"
    with pytest.raises(NotAttachable):
        film.save()
    assert (reread(film).video_id, reread(film).title) == (video, "Metropolis")
    assert FileAsset.objects.get(pk=video).attachment == Attachment.ATTACHED


def test_a_refusal_leaves_the_transaction_of_the_caller_usable(film: Film) -> None:
    with transaction.atomic():
        with pytest.raises(NotAttachable):
            Documentary.objects.create(title="Twice", video=make_asset("videos"), trailer=film.video)
        Film.objects.create(title="Once", video=make_asset("videos"))
    assert set(Film.objects.values_list("title", flat=True)) == {"Metropolis", "Once"}
    assert set(FileAsset.objects.values_list("attachment", flat=True)) == {"attached", "standalone"}


def test_a_replaced_asset_goes_with_its_bytes_after_the_commit(stored: Callable[[], list[str]]) -> None:
    reel = Poster.objects.create(sheet=ingest(BytesIO(png()), name="old.png"))
    assert len(stored()) == 1
    with transaction.atomic():
        reel.sheet = None
        reel.save()
        assert len(stored()) == 1
    assert stored() == []
    assert not FileAsset.objects.exists()


def test_a_replaced_asset_is_another_one(film: Film, video: FileAsset) -> None:
    film.video = make_provisional("videos")
    film.save()
    assert attachment_of(film.video) == Attachment.ATTACHED
    assert attachment_of(video) is None


def test_what_is_rolled_back_has_changed_nothing(film: Film, video: FileAsset) -> None:
    other = make_provisional("videos")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        film.video = other
        film.save()
        Film.objects.create(title="Nosferatu", video=make_asset("videos")).delete()
        raise ZeroDivisionError
    assert [attachment_of(video), attachment_of(other)] == [Attachment.ATTACHED, Attachment.PROVISIONAL]
    assert reread(film).video == video


def test_a_savepoint_that_is_rolled_back_has_changed_nothing(film: Film, video: FileAsset) -> None:
    other = make_provisional("videos")
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            film.video = other
            film.save()
            raise ZeroDivisionError
        film.title, film.video = "Nosferatu", video
        film.save()
    assert [attachment_of(video), attachment_of(other)] == [Attachment.ATTACHED, Attachment.PROVISIONAL]


def test_an_asset_moves_from_row_to_row_in_one_transaction() -> None:
    asset = make_provisional()
    first, second = Reel.objects.create(file=asset), Poster.objects.create()
    with transaction.atomic():
        first.file, second.sheet = None, asset
        first.save()
        second.save()
    assert attachment_of(asset) == Attachment.ATTACHED


def test_a_kept_asset_stands_alone() -> None:
    reel = Reel.objects.create(file=make_provisional())
    asset, reel.file = reel.file, None
    reel.save()
    assert attachment_of(asset) == Attachment.STANDALONE
    Poster.objects.create(sheet=asset).delete()
    assert attachment_of(asset) is None


def test_a_shared_asset_goes_with_the_last_row() -> None:
    asset = make_provisional()
    posters = [Poster.objects.create(sheet=asset) for _ in range(2)]
    for poster, left in zip(posters, [Attachment.ATTACHED, None], strict=True):
        poster.sheet = None
        poster.save()
        assert attachment_of(asset) == left


def test_a_shared_field_may_take_what_another_field_has(film: Film) -> None:
    reel = Reel.objects.create(file=make_asset())
    poster = Poster.objects.create(sheet=reel.file)
    reel.delete()
    poster.delete()
    assert attachment_of(reel.file) is None


def test_two_fields_of_a_row_may_exchange_their_assets() -> None:
    video, trailer = make_asset("videos"), make_asset("videos")
    film = Documentary.objects.create(title="Nanook", video=video, trailer=trailer)
    film.video, film.trailer = film.trailer, film.video
    film.save()
    found = Documentary.objects.get()
    assert (found.video, found.trailer) == (trailer, video)
    assert set(FileAsset.objects.values_list("attachment", flat=True)) == {Attachment.ATTACHED}


def test_exchanged_assets_must_be_of_the_profile_too() -> None:
    film = Documentary.objects.create(title="Nanook", video=make_asset("videos"), transcript=make_asset())
    film.trailer, film.transcript = film.transcript, None
    with pytest.raises(NotAttachable):
        film.save()


def test_a_row_cannot_take_one_asset_twice(video: FileAsset) -> None:
    with pytest.raises(NotAttachable):
        Documentary.objects.create(title="Nanook", video=video, trailer=video)
    assert attachment_of(video) == Attachment.PROVISIONAL


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements of the block, without those that begin and end transactions and savepoints."""
    found: list[str] = []
    with CaptureQueriesContext(connection) as context:
        yield found
    words = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    found += [query["sql"] for query in context.captured_queries if not query["sql"].startswith(words)]


LOCK = 1 if connection.features.has_select_for_update else 2
"""How many statements lock a row and read it: SQLite is locked by a write."""


def test_a_save_that_changes_no_asset_costs_one_query(film: Film) -> None:
    with statements() as found:
        film.save()
    assert len(found) == 1 + LOCK


@pytest.mark.parametrize("written", ["title", "video", "video_id"])
def test_a_save_of_other_columns_costs_no_query(film: Film, written: str) -> None:
    with statements() as found:
        film.save(update_fields=[written])
    assert len(found) == 1 + (LOCK if written != "title" else 0)


def test_a_deferred_field_is_not_read(film: Film) -> None:
    film = Film.objects.defer("video").get()
    film.title = "Another title"
    with statements() as found:
        film.save()
    assert len(found) == 1


@pytest.mark.parametrize("written", ["video", "video_id"])
def test_a_column_that_is_written_alone_is_attached(film: Film, written: str) -> None:
    film.video = make_provisional("videos")
    film.save(update_fields=["title"])
    assert attachment_of(film.video) == Attachment.PROVISIONAL
    film.save(update_fields=[written])
    assert attachment_of(film.video) == Attachment.ATTACHED


def test_an_instance_that_was_not_read_is_compared_to_its_row(film: Film, video: FileAsset) -> None:
    Film(pk=film.pk, title="Nosferatu", video=video).save()
    other = make_provisional("videos")
    Film(pk=film.pk, title="Nosferatu", video=other).save()
    assert [attachment_of(video), attachment_of(other)] == [None, Attachment.ATTACHED]


def test_an_instance_with_a_key_of_its_own_is_inserted(video: FileAsset) -> None:
    Film(pk=1000, title="Metropolis", video=video).save()
    assert attachment_of(video) == Attachment.ATTACHED


def test_a_stale_instance_lets_go_what_is_stored(film: Film, video: FileAsset) -> None:
    stale, third = reread(film), make_provisional("videos")
    film.video = make_provisional("videos")
    film.save()
    stale.video = third
    stale.save()
    assert [attachment_of(film.video), attachment_of(third)] == [None, Attachment.ATTACHED]


def test_the_asset_in_memory_says_what_the_database_does(film: Film, video: FileAsset) -> None:
    assert (video.attachment, video.expires_at) == (Attachment.ATTACHED, None)
    video.save()
    assert attachment_of(video) == Attachment.ATTACHED


def test_the_id_of_an_asset_may_be_text(video: FileAsset) -> None:
    film = Film.objects.create(title="Metropolis", video_id=str(video.pk))
    film.save()
    assert attachment_of(video) == Attachment.ATTACHED


def test_an_expression_is_left_to_the_sweeper(film: Film) -> None:
    film.video_id = F("video_id")
    film.save()
    assert attachment_of(reread(film).video) == Attachment.ATTACHED


def test_rows_that_are_got_or_created_are_attached(video: FileAsset) -> None:
    for _ in range(2):
        Film.objects.get_or_create(title="Metropolis", defaults={"video": video})
    other = make_provisional("videos")
    film, _ = Film.objects.update_or_create(title="Metropolis", defaults={"video": other})
    assert film.video == other
    assert [attachment_of(video), attachment_of(other)] == [None, Attachment.ATTACHED]


def test_a_row_that_is_read_again_is_as_any_other(film: Film, video: FileAsset) -> None:
    film.video = make_provisional("videos")
    film.refresh_from_db()
    film.save(using="default")
    assert (film.video, attachment_of(video)) == (video, Attachment.ATTACHED)


def test_relations_are_those_of_a_foreign_key(film: Film, video: FileAsset) -> None:
    with statements() as found:
        assert Film.objects.select_related("video").get().video.profile == "videos"
    assert len(found) == 1
    assert video.film_set.get() == film
    assert FileAsset.objects.get(film__title="Metropolis") == video


@contextmanager
def table_of(model: type[models.Model]) -> Iterator[None]:
    with connection.schema_editor() as editor:
        editor.create_model(model)
    yield
    with connection.schema_editor() as editor:
        editor.delete_model(model)


@contextmanager
def receiving_signal(signal: Any, receiver: Callable[..., None]) -> Iterator[None]:
    signal.connect(receiver, sender=Film)
    yield
    signal.disconnect(receiver, sender=Film)


def test_what_a_receiver_changes_before_the_save_is_attached(video: FileAsset) -> None:
    other = make_provisional("videos")

    def change(instance: Film, **_: Any) -> None:
        instance.video = other

    with receiving_signal(pre_save, change):
        Film.objects.create(title="Metropolis", video=video)
    assert [attachment_of(video), attachment_of(other)] == [Attachment.PROVISIONAL, Attachment.ATTACHED]


def test_what_a_receiver_changes_after_the_save_is_attached(video: FileAsset) -> None:
    other = make_provisional("videos")

    def change(instance: Film, created: bool, **_: Any) -> None:
        if created:
            instance.video = other
            instance.save()

    with receiving_signal(post_save, change):
        Film.objects.create(title="Metropolis", video=video)
    assert [attachment_of(video), attachment_of(other)] == [None, Attachment.ATTACHED]


@pytest.mark.parametrize("model", [Film, Premiere, Documentary])
def test_rows_of_proxies_and_children_are_saved_with_their_attachments(model: type[Film], video: FileAsset) -> None:
    film = model.objects.create(title="Metropolis", video=video)
    film.video = make_provisional("videos")
    film.save()
    assert [attachment_of(video), attachment_of(film.video)] == [None, Attachment.ATTACHED]
    film.delete()
    assert not FileAsset.objects.exists()


def test_a_row_with_a_parent_that_exists_lets_go_what_that_refers_to(film: Film, video: FileAsset) -> None:
    other = make_provisional("videos")
    Documentary(film_ptr=film, title="Nanook", video=other).save()
    assert [attachment_of(video), attachment_of(other)] == [None, Attachment.ATTACHED]


def test_a_copy_of_a_field_attaches_nothing_and_keeps_nothing(film: Film, video: FileAsset) -> None:
    former = FormerFilm.objects.create(title=film.title, video=video, script=make_provisional())
    assert attachment_of(former.script) == Attachment.ATTACHED
    film.delete()
    assert attachment_of(video) is None
    former = FormerFilm.objects.get()
    former.delete()
    assert not FileAsset.objects.exists()


def test_a_deleted_copy_lets_nothing_go(film: Film, video: FileAsset) -> None:
    FormerFilm.objects.create(title=film.title, video=video).delete()
    assert attachment_of(video) == Attachment.ATTACHED


@isolate_apps("tests.films")
def test_a_save_of_the_models_own_is_called(video: FileAsset) -> None:
    called: list[str] = []

    class Base(models.Model):
        title = models.CharField(max_length=100)

        class Meta:
            abstract = True

        def save_base(self, *args: Any, **kwargs: Any) -> None:
            called.append("base")
            super().save_base(*args, **kwargs)

    class Mixin:
        def save_base(self, *args: Any, **kwargs: Any) -> None:
            called.append("mixin")
            super().save_base(*args, **kwargs)  # type: ignore[misc]

    class Own(Mixin, Base):
        video = AssetField(profile="videos")

        class Meta:
            app_label = "films"

        def save_base(self, *args: Any, **kwargs: Any) -> None:
            called.append("own")
            super().save_base(*args, **kwargs)

    with table_of(Own):
        Own(title="Metropolis", video=video).save()
        assert called == ["own", "mixin", "base"]
        assert attachment_of(video) == Attachment.ATTACHED


def test_a_row_that_was_deleted_meanwhile_is_stored_again(film: Film, video: FileAsset) -> None:
    stale = reread(film)
    Film.objects.all()._raw_delete("default")
    stale.video = make_provisional("videos")
    stale.save()
    assert attachment_of(stale.video) == Attachment.ATTACHED


def test_only_a_database_without_locks_is_locked_by_a_write(film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection.features, "has_select_for_update", True)
    monkeypatch.setattr(connection.ops, "for_update_sql", lambda **_: "/* locked */")
    with statements() as found:
        film.save()
    assert [sql.split()[0] for sql in found] == ["SELECT", "UPDATE"]
    assert found[0].endswith("/* locked */")


def test_a_row_may_have_a_composite_key(video: FileAsset) -> None:
    with isolate_apps("tests.films"):

        class Screening(models.Model):
            pk = models.CompositePrimaryKey("cinema", "day")
            cinema = models.IntegerField()
            day = models.IntegerField()
            video = AssetField(profile="videos")

            class Meta:
                app_label = "films"

    with table_of(Screening):
        Screening.objects.create(cinema=1, day=2, video=video)
        screening = Screening.objects.get()
        screening.video = other = make_provisional("videos")
        screening.save()
        assert (screening.pk, attachment_of(other)) == ((1, 2), Attachment.ATTACHED)
        screening.delete()
    assert not FileAsset.objects.exists()


def test_a_field_that_may_be_empty_attaches_nothing(film: Film) -> None:
    still = Still.objects.create(film=film)
    still.image = make_provisional()
    still.save()
    assert attachment_of(still.image) == Attachment.ATTACHED
