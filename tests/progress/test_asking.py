from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from django_largefiles.exceptions import MalformedRequest
from django_largefiles.progress.asking import MOST_ASKED, asked_assets

ASSET = UUID("0a1b2c3d-4e5f-4678-9abc-def012345678")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(str(ASSET), id="as in URLs"),
        pytest.param(ASSET.hex, id="without hyphens"),
        pytest.param(str(ASSET).upper(), id="in capitals"),
    ],
)
def test_an_id_is_read(value: str) -> None:
    assert asked_assets([value]) == (ASSET,)


def test_ids_keep_their_order_and_are_read_once() -> None:
    others = [uuid4(), uuid4()]
    assert asked_assets(map(str, [others[1], ASSET, others[0], ASSET])) == (others[1], ASSET, others[0])


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([], id="none"),
        pytest.param([""], id="empty"),
        pytest.param(["1"], id="a number"),
        pytest.param([str(ASSET), "' OR 1=1 --"], id="no id among others"),
        pytest.param([f"{ASSET},{ASSET}"], id="two in one"),
        pytest.param(["\N{FULLWIDTH DIGIT ONE}\0" * 16], id="no hexadecimal digits"),
    ],
)
def test_what_names_no_asset_is_refused(values: list[str]) -> None:
    with pytest.raises(MalformedRequest):
        asked_assets(values)


def test_one_more_than_the_limit_is_refused() -> None:
    values = [UUID(int=number).hex for number in range(MOST_ASKED + 1)]
    assert len(asked_assets(values[1:])) == MOST_ASKED
    with pytest.raises(MalformedRequest) as raised:
        asked_assets(values)
    assert (raised.value.limit, raised.value.value) == (MOST_ASKED, MOST_ASKED + 1)
