"""The snippets of the page about model fields, together, as a project has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import models
from django.test.utils import isolate_apps

from django_largefiles import tasks
from django_largefiles.doors.ingest import ingest
from django_largefiles.models import FileAsset
from django_largefiles.pipeline.processing import process
from django_largefiles.signals import attachment_ready
from django_largefiles.states import Attachment
from tests.conftest import IMMEDIATE, Largefiles
from tests.films.models import Album, Film
from tests.snippets.claims import claim
from tests.snippets.running import run

MODELS = claim("docs/fields.rst", "class Film(models.Model):")
RECEIVER = claim("docs/fields.rst", "@receiver(attachment_ready, sender=Film)")
LIFE = claim("docs/fields.rst", "└─last row gone (delete)─┘")


def described(model: type[models.Model]) -> list[Any]:
    """What tells whether two models are the same."""
    fields: list[Any] = [*model._meta.local_fields, *model._meta.local_many_to_many]
    return [(*field.deconstruct(), getattr(field, "terms", None)) for field in fields]


@pytest.mark.parametrize("model", [Film, Album])
def test_the_models_of_the_page_are_those_of_these_tests(model: type[models.Model]) -> None:
    with isolate_apps("tests.films"):
        made = run(MODELS, __name__="tests.films.models")[model.__name__]
    assert described(made) == described(model)


@pytest.fixture
def receiver() -> Iterator[Callable[..., None]]:
    """The page's, connected."""
    connected: Callable[..., None] = run(RECEIVER, Film=Film)["publish"]
    yield connected
    attachment_ready.disconnect(connected, sender=Film)


def save(asset: FileAsset) -> None:
    Film.objects.create(title="Metropolis", video=asset)


def work(asset: FileAsset) -> None:
    process(asset.pk)


def work_by_celery(asset: FileAsset) -> None:
    tasks.process.apply(args=[str(asset.pk)], throw=True)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "steps",
    [(work, save), (save, work), (work_by_celery, save), (save, work_by_celery)],
    ids=["faster", "slower", "faster by Celery", "slower by Celery"],
)
def test_a_film_is_published_whether_the_worker_is_faster_or_slower_than_the_form(
    steps: tuple[Callable[[FileAsset], None], ...], receiver: Callable[..., None], samples: Path
) -> None:
    asset = ingest(samples / "a.mp4", profile="videos")
    for step in steps:
        assert not Film.objects.filter(published=True).exists()
        step(asset)
    assert Film.objects.get().published


@pytest.mark.django_db(transaction=True)
def test_a_film_is_published_if_its_file_is_processed_at_once(
    receiver: Callable[..., None], samples: Path, largefiles: Largefiles
) -> None:
    largefiles.set(DISPATCHER=IMMEDIATE)
    save(ingest(samples / "a.mp4", profile="videos"))
    assert Film.objects.get().published


def test_the_diagram_names_all_attachments() -> None:
    assert [name for name in Attachment.values if name not in LIFE.text] == []
