"""Ten rounds of chaos: ``LARGEFILES_CHAOS_ROUNDS`` makes it more, ``LARGEFILES_CHAOS_SEED`` the same ones again."""

from __future__ import annotations

import os
from random import randrange

import pytest

from tests.integration.chaos import Chaos
from tests.integration.conftest import Example

pytestmark = pytest.mark.integration

ROUNDS = int(os.environ.get("LARGEFILES_CHAOS_ROUNDS", "10"))


@pytest.mark.timeout(120 + 10 * ROUNDS)
def test_nothing_is_lost_and_nothing_is_left_whatever_goes_wrong(example: Example) -> None:
    chaos = Chaos(example, seed=int(os.environ.get("LARGEFILES_CHAOS_SEED") or randrange(2**32)))
    chaos.run(ROUNDS)
    chaos.leave_behind()
    chaos.check_that_nothing_is_left()
