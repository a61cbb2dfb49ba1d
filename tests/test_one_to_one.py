"""The example of ``docs/models.rst``."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import isolate_apps

from django_largefiles.models import FileAsset
from django_largefiles.states import State

EXAMPLE = Path(__file__).parents[1] / "docs" / "examples" / "one_to_one.py"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def example() -> Iterator[dict[str, Any]]:
    """The names of the example, with the table of its model."""
    with isolate_apps("django_largefiles"):
        names = runpy.run_path(str(EXAMPLE))
        with connection.schema_editor() as editor:
            editor.create_model(names["Video"])
        yield names
        with connection.schema_editor() as editor:
            editor.delete_model(names["Video"])


def create_asset(media_type: str) -> FileAsset:
    return FileAsset.objects.create(
        original_name="holiday.mp4", state=State.READY, size=1, media_type=media_type, title="Holiday"
    )


def test_the_receiver_creates_one_row_for_each_video(example: dict[str, Any]) -> None:
    video, _ = create_asset("video/mp4"), create_asset("image/png")
    for asset in FileAsset.objects.all():
        for _ in range(2):
            example["create_video"](sender=FileAsset, asset=asset)
    found = example["Video"].objects.select_related("asset").get(asset__state="ready")
    assert (found.pk, found.asset, str(found)) == (video.pk, video, "Holiday")
