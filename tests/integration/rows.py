"""Processes that upload files, save rows that refer to them, change and delete these, and are killed at it.

Run with the number of rounds and a seed. In each round some processes begin anew, one of which sweeps, and all are
killed by SIGKILL at random moments. Then no row may have lost its asset or its file; and after sweeps, as if time had
passed, there may be no other asset, row of an outbox, or file.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from uuid import UUID

import django

django.setup()

from django.conf import settings
from django.db import IntegrityError, OperationalError, connections

from django_largefiles import lifecycle, signals, sweeper
from django_largefiles.exceptions import Refusal
from django_largefiles.intake.creation import Declaration, begin_trusted
from django_largefiles.models import FileAsset, PendingRemoval, PendingSignal, Upload
from django_largefiles.states import Attachment, State
from tests.conftest import png
from tests.films.models import Album, Collection, Film, Poster, Reel

PROCESSES = 3
LONGEST = 1.0
"""Seconds, at most, that a process lives."""

PATIENCE = 150.0
"""Seconds, for ten rounds or fewer, after which a hang is shown by where it is."""

KILLER = os.getpid()

PICTURE = png(padding=3000)


def publish(instance: Film, **_: object) -> None:
    Film.objects.filter(pk=instance.pk).update(published=True)


signals.attachment_ready.connect(publish, sender=Film)


def upload(random: Random, profile: str = "default") -> UUID:
    """As a form does. A worker may be faster than the form is saved."""
    declaration = Declaration(name="a.png", profile=profile, attachment=Attachment.PROVISIONAL)
    with begin_trusted(declaration) as writer:
        for piece in (PICTURE[:1000], PICTURE[1000:]):
            writer.write(piece)
        writer.finish()
    if random.random() < 0.5:
        work(writer.asset_id)
    return writer.asset_id


def work(asset_id: UUID) -> None:
    claim = lifecycle.claim(asset_id)
    if claim:
        lifecycle.accept(claim)


def save_a_film(random: Random) -> None:
    film = Film.objects.create(title="Metropolis", video_id=upload(random, "videos"))
    work(film.video_id)


def replace_a_film(random: Random) -> None:
    for film in some(Film, random):
        film.video_id = upload(random, "videos")
        film.save()


def delete_a_film(random: Random) -> None:
    for film in some(Film, random):
        film.delete()


def share_a_sheet(random: Random) -> None:
    asset_id = upload(random)
    for _ in range(2):
        Poster.objects.create(sheet_id=asset_id)


def clear_a_sheet(random: Random) -> None:
    for poster in some(Poster, random):
        poster.sheet = None
        poster.save()


def delete_posters(random: Random) -> None:
    Poster.objects.filter(pk__in=[poster.pk for poster in some(Poster, random, 3)]).delete()


def clear_sheets_without_signals(random: Random) -> None:
    Poster.objects.filter(pk__in=[poster.pk for poster in some(Poster, random)]).update(sheet=None)


def insert_posters_without_signals(random: Random) -> None:
    Poster.objects.bulk_create([Poster(sheet_id=upload(random)), Poster(sheet_id=upload(random))])


def keep_a_reel(random: Random) -> None:
    reel = Reel.objects.create(file_id=upload(random))
    reel.file = None
    reel.save()


def fill_an_album(random: Random) -> None:
    album = Album.objects.create(title="Berlin")
    album.files.add(upload(random), upload(random))


def change_an_album(random: Random) -> None:
    for album in some(Album, random):
        album.files.set([*album.files.all()[:1], upload(random)])


def empty_an_album(random: Random) -> None:
    for album in some(Album, random):
        album.files.clear()
        album.delete()


def collect(random: Random) -> None:
    for asset in some(FileAsset, random):
        Collection.objects.create().files.add(asset)


def delete_an_asset(random: Random) -> None:
    for asset in some(FileAsset, random):
        lifecycle.delete(asset.pk, "default")


ACTS: Sequence[Callable[[Random], None]] = (
    save_a_film,
    save_a_film,
    replace_a_film,
    delete_a_film,
    share_a_sheet,
    clear_a_sheet,
    delete_posters,
    clear_sheets_without_signals,
    insert_posters_without_signals,
    keep_a_reel,
    fill_an_album,
    change_an_album,
    empty_an_album,
    collect,
    delete_an_asset,
)


def some(model: type, random: Random, count: int = 1) -> list:  # type: ignore[type-arg]
    found = list(model.objects.order_by("pk")[:50])
    return random.sample(found, min(count, len(found)))


def live(random: Random) -> None:
    """Until it is killed, or nobody is left to kill it."""
    while os.getppid() == KILLER:
        try:
            random.choice(ACTS)(random)
        except (Refusal, IntegrityError, OperationalError):
            # Another process was faster: at a row, at an asset, or the database has ended a transaction.
            continue


def sweep(_: Random) -> None:
    while os.getppid() == KILLER:
        sweeper.sweep()


def begin(act: Callable[[Random], None], random: Random) -> tuple[int, float]:
    """Return the process, and when it is to die."""
    seed, life = random.getrandbits(32), random.uniform(0, LONGEST)
    pid = os.fork()
    if not pid:
        try:
            act(Random(seed))
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            sys.stderr.flush()
            os._exit(1)
    return pid, time.monotonic() + life


def kill(processes: list[tuple[int, float]]) -> None:
    ended = list[int]()
    for pid, due in sorted(processes, key=lambda process: process[1]):
        time.sleep(max(0, due - time.monotonic()))
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        if not os.WIFSIGNALED(status):
            ended.append(pid)
    assert not ended, f"processes {ended} ended by themselves"


def referenced() -> set[UUID]:
    rows = [Film.objects.values_list("video"), Poster.objects.values_list("sheet"), Reel.objects.values_list("file")]
    rows += [model.files.through.objects.values_list("fileasset") for model in (Album, Collection)]
    return {asset_id for found in rows for (asset_id,) in found if asset_id}


def check_that_no_row_lost_its_file() -> None:
    found = {asset.pk: asset for asset in FileAsset.objects.filter(pk__in=referenced())}
    assert found.keys() == referenced(), "a row refers to an asset that is gone"
    lost = [asset for asset in found.values() if not asset.file.storage.exists(asset.file.name)]
    assert not lost, f"the files of {lost} are gone"


def let_time_pass() -> None:
    long_ago = "2000-01-01T00:00Z"
    for model, column in ((Upload, "expires_at"), (PendingSignal, "due_at"), (PendingRemoval, "due_at")):
        model.objects.update(**{column: long_ago})
    FileAsset.objects.filter(attachment=Attachment.PROVISIONAL).update(expires_at=long_ago)
    FileAsset.objects.filter(lease_expires_at__isnull=False).update(lease_expires_at=long_ago)


def check_that_nothing_is_left() -> None:
    for _ in range(3):
        let_time_pass()
        sweeper.sweep()
    for asset in FileAsset.objects.filter(state=State.RECEIVED):
        work(asset.pk)
    attached = set(FileAsset.objects.filter(attachment=Attachment.ATTACHED).values_list("pk", flat=True))
    assert attached == referenced(), "an asset that is attached has no row, or a row has an asset that is not"
    assert not FileAsset.objects.filter(attachment=Attachment.PROVISIONAL).exists(), "a provisional asset is left"
    assert not Upload.objects.exists() and not PendingSignal.objects.exists() and not PendingRemoval.objects.exists()
    names = set(FileAsset.objects.values_list("file", flat=True))
    root = Path(settings.MEDIA_ROOT)
    files = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    assert files == names, f"left over or lost: {files ^ names}"
    unpublished = Film.objects.filter(published=False, video__state=State.READY)
    assert not unpublished.exists(), "a signal was lost"


def run(rounds: int, seed: int) -> None:
    random = Random(seed)
    faulthandler.dump_traceback_later(PATIENCE * max(1, rounds / 10), exit=True)
    for _ in range(rounds):
        connections.close_all()
        kill([begin(act, random) for act in (sweep, *[live] * PROCESSES)])
        check_that_no_row_lost_its_file()
        check_that_nothing_is_left()
    left = dict(Counter(FileAsset.objects.values_list("attachment", flat=True)))
    rows = {model.__name__: model.objects.count() for model in (Film, Poster, Reel, Album, Collection)}
    sys.stdout.write(f"{rounds} rounds, after which there are {rows} and, of assets, {left}\n")


if __name__ == "__main__":
    run(*map(int, sys.argv[1:]))
