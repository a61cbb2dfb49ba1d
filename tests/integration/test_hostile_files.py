"""One worker process and hostile files, one after the other, under the limits as they are by default.

``tests/test_hostile_files.py`` has all of them, under limits that take less time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import psutil
import pytest

from django_largefiles.options import MIB
from example_project.memory import MemoryWatch
from example_project.processes import Worker, manage
from tests.hostile import FURTHER, TABLE
from tests.integration.conftest import Example

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform != "linux", reason="the limit on memory and /proc are Linux's"),
]

SAMPLE = [*TABLE, *FURTHER[::3]]
PLANT = """
from tests.conftest import png
from tests.hostile import Hostile, plant
from tests.integration.test_hostile_files import SAMPLE
for file in [*SAMPLE, Hostile(name="harmless", media_type="image/png", content=png)]:
    plant(file)
"""


def pool(worker: Worker) -> set[int]:
    """Its processes, apart from those that read a file's metadata."""
    children = psutil.Process(worker.pid).children(recursive=True)
    return {child.pid for child in children if "-I" not in child.cmdline()}


@pytest.mark.timeout(600)
def test_a_worker_process_outlives_them_all(
    example: Example, wait_for: Callable[..., None], record_property: Callable[[str, object], None]
) -> None:
    worker = example.worker(concurrency=1)
    processes = pool(worker)
    with MemoryWatch(worker.pid) as memory:
        manage("shell", "--verbosity", "0", "-c", PLANT, data_dir=example.data_dir, env=example.env)
        # The sweeper finds them.
        count = len(SAMPLE) + 1
        wait_for(lambda: example.column("state") == ["ready"] * count, patience=500)
    found = {
        name: (width, error)
        for name, width, error in example.rows(
            "SELECT original_name, width, extraction_error FROM django_largefiles_fileasset"
        )
    }
    record_property("rise of the worker, MiB", memory.rise / MIB)
    record_property("largest child, MiB", memory.short_lived / MIB)
    record_property("errors", {name: error for name, (_, error) in found.items()})
    assert pool(worker) == processes
    assert found["harmless"] == (3, "")
    assert memory.rise < 64 * MIB
    assert memory.short_lived < 512 * MIB
    assert set(example.column("attempts")) == {1}
