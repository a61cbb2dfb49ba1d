"""The time of twenty tests of a project that use ``django_largefiles.testing``, by pytest and by Django's runner."""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import django

from benchmarks.tables import table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    # Their modules need the settings.
    from tests.integration.test_host import TWENTY, Ran, made, run_django, run_pytest

    def row(name: str, run: Callable[[], Ran]) -> tuple[str, ...]:
        run()
        ran = [run() for _ in range(rounds)]
        of_tests = statistics.median(each.seconds for each in ran)
        in_all = statistics.median(each.in_all for each in ran)
        return name, str(ran[0].tests), f"{of_tests:.1f} s", f"{in_all:.1f} s"

    with tempfile.TemporaryDirectory() as folder:
        project = made(Path(folder))
        rows = [
            row("pytest", partial(run_pytest, project, *TWENTY)),
            row("manage.py test", partial(run_django, project)),
        ]
    print(table(("", "tests", "tests and database", "whole process"), rows))


if __name__ == "__main__":
    main()
