"""Files in every state, and a film, for the pages of the admin: made by a process that has the site's settings."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client, override_settings
from django.utils import timezone
from PIL import Image

from django_largefiles.models import FileAsset, SweeperRun, Upload
from django_largefiles.options import GIB, MIB
from django_largefiles.scanners.selftest import eicar
from django_largefiles.states import Reason, Stage, State
from tests.films.models import Film, Still

PICTURE = "A picture with a long name, from the top of the mountain.png"
VIDEO = "lecture.mp4"
INFECTED = "invoice.png"
UNBROKEN = "interview_with_the_director_and_the_whole_crew_final_version.mp4"
USER = "A user with a long name, which is in the breadcrumbs of the page"

IMMEDIATE = "django_largefiles.dispatch.immediate.ImmediateDispatcher"


def fill(samples: str) -> None:
    """Make the tables, the rows, and the session of a superuser."""
    call_command("migrate", verbosity=0)
    user = User.objects.create_superuser("Ada", "ada@example.org", "secret")
    User.objects.create_user(USER)
    SweeperRun.objects.update_or_create(defaults={"ran_at": timezone.now()})
    make_unsettled(user)
    with override_settings(LARGEFILES={**settings.LARGEFILES, "DISPATCHER": IMMEDIATE}):
        make_settled(user, (Path(samples) / "a.mp4").read_bytes())
    Client().force_login(user)


def make_settled(owner: User, video: bytes) -> None:
    ingest("notes.png", photograph()[:200], owner)
    ingest(INFECTED, photograph() + eicar(), owner)
    ingest("صورة من الجبل.png", photograph(), owner)
    ingest(VIDEO, video, owner)
    ingest(PICTURE, photograph(), owner)
    film = Film.objects.create(title="Evening at the lake", video=ingest("evening.mp4", video, owner, "videos"))
    Still.objects.create(film=film, image=ingest("still.png", photograph(), owner))


def ingest(name: str, content: bytes, owner: User, profile: str = "default") -> FileAsset:
    return FileAsset.objects.ingest(BytesIO(content), name=name, owner=owner, profile=profile)


def photograph() -> bytes:
    picture = BytesIO()
    Image.effect_mandelbrot((400, 300), (-2, -1.2, 1, 1.2), 60).save(picture, "PNG")
    return picture.getvalue()


def make_unsettled(owner: User) -> None:
    """Rows without bytes, which look as if others were at work, and will be for an hour."""
    later = timezone.now() + timedelta(hours=1)
    arriving = make("interview.mov", owner, state=State.RECEIVING, size=6 * GIB)
    Upload.objects.create(asset=arriving, length=6 * GIB, offset=2 * GIB, store_state={}, expires_at=later)
    make("concert.mp4", owner, state=State.RECEIVED, size=3 * GIB, lease_expires_at=later)
    reading = {"stage": Stage.READING, "stage_done": 5 * GIB // 8, "lease_expires_at": later}
    make(UNBROKEN, owner, state=State.PROCESSING, size=GIB, **reading)
    make("archive.pdf", owner, state=State.FAILED, size=3 * MIB, reason=Reason.STORE_UNAVAILABLE)


def make(name: str, owner: User, **columns: Any) -> FileAsset:
    return FileAsset.objects.create(original_name=name, owner=owner, **columns)
