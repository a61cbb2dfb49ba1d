from __future__ import annotations

import asyncio
from contextlib import aclosing
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from pytest_django import DjangoAssertNumQueries

from django_largefiles import progress
from django_largefiles.intake.creation import Declaration, create_trusted
from django_largefiles.models import FileAsset, Upload
from django_largefiles.progress.reading import read, read_visible
from django_largefiles.states import State
from tests.conftest import create_asset
from tests.progress.rows import Rows, gone, update
from tests.progress.test_hub import until_idle

FIRST, SECOND = UUID(int=1), UUID(int=2)
STRANGE = UUID(int=3)


def test_updates_come_until_all_assets_are_settled(rows: Rows) -> None:
    async def run() -> list[progress.Update]:
        told = []
        async for each in progress.watch([FIRST, SECOND, FIRST]):
            told.append(each)
            if each.asset_id == FIRST:
                rows.set(FIRST, state="ready")
                rows.set(SECOND, state="rejected")
        await until_idle()
        return told

    rows.set(FIRST, state="processing")
    rows.set(SECOND, state="rejected")
    told = asyncio.run(run())
    assert told == [update(FIRST, state="processing"), update(SECOND, state="rejected"), update(FIRST, state="ready")]


@pytest.mark.parametrize("asset_ids", [pytest.param([], id="none"), pytest.param([STRANGE], id="a deleted one")])
def test_there_is_nothing_to_wait_for(rows: Rows, asset_ids: list[UUID]) -> None:
    async def run() -> list[progress.Update]:
        return [each async for each in progress.watch(asset_ids)]

    assert asyncio.run(run()) == [gone(asset_id) for asset_id in asset_ids]


def test_a_caller_that_leaves_leaves_no_task(rows: Rows) -> None:
    async def run() -> None:
        async with aclosing(progress.watch([FIRST])) as updates:
            await anext(updates)
        await until_idle()

    rows.set(FIRST)
    asyncio.run(run())


@pytest.mark.django_db
def test_a_look_is_one_query(owner: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    assets = [create_asset(state=State.READY, owner=owner) for _ in range(100)]
    with django_assert_num_queries(1):
        updates = read([*(asset.pk for asset in assets), STRANGE])
        assert all(updates[asset.pk].data["state"] == "ready" for asset in assets)
    assert updates[STRANGE] == gone(STRANGE)


@pytest.mark.django_db
def test_the_bytes_that_have_arrived_are_those_of_the_upload(owner: User) -> None:
    upload = create_trusted(Declaration(name="picture.png", length=100, owner=owner))
    Upload.objects.filter(pk=upload.pk).update(offset=40)
    status = read([upload.pk])[upload.pk].status
    assert status
    assert (status.received, status.size, status.state) == (40, 100, "receiving")


@pytest.mark.django_db
def test_of_the_assets_of_others_is_told_what_is_told_of_none(
    owner: User, stranger: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    asset = create_asset(state=State.READY, owner=owner)
    # The permissions of a user are read once in a request.
    owner.has_perm("django_largefiles.view_fileasset")
    with django_assert_num_queries(1):
        assert read_visible(owner, [asset.pk])[asset.pk].event == "state"
    assert read_visible(stranger, [asset.pk, STRANGE]) == {asset.pk: gone(asset.pk), STRANGE: gone(STRANGE)}


@pytest.mark.django_db(transaction=True)
def test_rows_are_read_in_a_thread(ready: FileAsset) -> None:
    async def run() -> list[progress.Update]:
        return [each async for each in progress.watch([ready.pk])]

    (told,) = asyncio.run(run())
    assert told.data == progress.Status.of(ready).as_json()
