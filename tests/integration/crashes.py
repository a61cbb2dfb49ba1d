"""Processing that is cut off at random moments; every asset must come to its end all the same, as if nothing had been.

The assets of a round are uploaded, something is killed while they are processed, and the sweeper and the broker are
left to do the rest.
"""

from __future__ import annotations

import logging
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle, islice
from random import Random
from typing import TypeAlias

import psutil

from django_largefiles.options import MIB
from example_project.processes import Server, Worker, manage
from tests.conftest import png
from tests.hostile import picture
from tests.integration.brokers import Broker
from tests.integration.conftest import Example, client_of

logger = logging.getLogger(__name__)

LONGEST_WAIT = 2.0
PATIENCE = 90.0
GIF = picture("GIF")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A file and what must come of it. ``padding`` bytes are a hole behind the ``head``."""

    name: str
    head: bytes
    media_type: str = "image/png"
    padding: int = 0
    sha256: str = ""
    ends_as: tuple[str, str] = ("ready", "")


SAMPLES = (
    Sample(name="quick.png", head=png(1, 1)),
    Sample(name="slow.png", head=png(60, 1)),
    Sample(name="slower.png", head=png(120, 1)),
    Sample(name="hostile.png", head=png(30, 13)),
    Sample(name="endless.png", head=png(1000, 1)),
    Sample(name="large.png", head=png(10, 1), padding=24 * MIB),
    Sample(name="banned.gif", head=GIF, media_type="image/gif", ends_as=("rejected", "type_not_allowed")),
    Sample(name="promised.png", head=png(40, 1), sha256="0" * 64, ends_as=("rejected", "digest_mismatch")),
)


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One call of a receiver."""

    name: str
    process: int
    at: float
    is_last: bool
    """Whether its process heard nothing after it."""


class Site:
    """The processes that work together, and what was done to them."""

    def __init__(self, example: Example, broker: Broker, env: Mapping[str, str]) -> None:
        self.example, self.broker = example, broker
        self.env = {**env, **broker.env, "DJANGO_SETTINGS_MODULE": "tests.integration.hurried_settings"}
        self.env["TMPDIR"] = str(example.data_dir / "tmp")
        (example.data_dir / "tmp").mkdir()
        # What the server lets in and the worker does not is rejected after its arrival.
        lax = {"EXAMPLE_ALLOWED_MIME_TYPES": "image/png,image/gif", "HURRY_WITHOUT_DIGEST": "1"}
        self.server: Server = example.server(env={**self.env, **lax})
        self.worker: Worker = example.worker(beat=False, env={**self.env, "EXAMPLE_ALLOWED_MIME_TYPES": "image/png"})
        self.beat = example.beat(env=self.env)
        self.client = client_of(self.server)
        self.deaths: dict[int, float] = {}

    def close(self) -> None:
        """Before the broker and the database go: a worker that still ran would have its queue made anew."""
        for process in (self.beat, self.worker, self.server):
            process.kill()

    def upload(self, sample: Sample) -> str:
        """The id of the new asset."""
        path = self.example.data_dir / sample.name
        with path.open("wb") as file:
            file.write(sample.head)
            file.truncate(len(sample.head) + sample.padding)
        fields = {"sha256": sample.sha256} if sample.sha256 else {}
        answer = self.client.upload(path, media_type=sample.media_type, fields=fields)
        assert answer.status == 201, answer
        return str(answer.body["id"])

    def heard(self) -> Mapping[str, list[Heard]]:
        """The signals that receivers were called with, by asset."""
        heard = defaultdict(list)
        calls = [line.split() for line in (self.example.data_dir / "signals.log").read_text().splitlines()]
        last = {process: number for number, (_, _, process, _) in enumerate(calls)}
        for number, (name, asset_id, process, at) in enumerate(calls):
            call = Heard(name=name, process=int(process), at=float(at), is_last=last[process] == number)
            heard[asset_id].append(call)
        return heard

    def executions(self) -> Mapping[str, int]:
        """How often the task was begun, by asset."""
        return Counter((self.example.data_dir / "executions.log").read_text().splitlines())

    def rows(self) -> dict[str, int]:
        """How many there are of each model but the asset."""
        models = ("Upload", "PendingSignal", "PendingRemoval")
        code = f"from django_largefiles import models as m; print(*(getattr(m, n).objects.count() for n in {models}))"
        printed = manage("shell", "-v", "0", "-c", code, data_dir=self.example.data_dir, env=self._manage_env())
        return dict(zip(models, map(int, printed.split()), strict=True))

    def kill(self, victim: psutil.Process) -> None:
        """With all that it has started, which must not outlive it."""
        kin = descendants(victim)
        with suppress(psutil.NoSuchProcess):
            victim.send_signal(signal.SIGKILL)
        self.deaths[victim.pid] = time.time()
        assert not psutil.wait_procs(kin, timeout=10)[1]

    def kill_worker(self) -> None:
        """The whole group at once, and start another in its place."""
        kin = descendants(psutil.Process(self.worker.pid))
        self.worker.kill()
        self.deaths.update({process.pid: time.time() for process in kin})
        assert not psutil.wait_procs(kin, timeout=10)[1]
        self.worker.start()

    def _manage_env(self) -> dict[str, str]:
        return {**self.example.env, **self.env}


def descendants(process: psutil.Process) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        found = process.children(recursive=True)
    return found


def pool_processes(site: Site) -> list[psutil.Process]:
    return psutil.Process(site.worker.pid).children()


def sandboxes(site: Site) -> list[psutil.Process]:
    return [process for pool in pool_processes(site) for process in descendants(pool)]


Crash: TypeAlias = Callable[[Site, Random], None]


def pool_process_killed(site: Site, random: Random) -> None:  # needs_server
    site.kill(random.choice(pool_processes(site)))


def worker_killed(site: Site, random: Random) -> None:
    site.kill_worker()


def sandbox_killed(site: Site, random: Random) -> None:
    with suppress(IndexError):
        site.kill(sandboxes(site)[0])


def everything_in_the_pool_killed(site: Site, random: Random) -> None:  # needs_server
    for process in pool_processes(site):
        site.kill(process)


OUTSIDE_THE_POOL: Sequence[Crash] = (worker_killed, sandbox_killed)
CRASHES: Sequence[Crash] = (pool_process_killed, *OUTSIDE_THE_POOL, everything_in_the_pool_killed)


class Crashes:
    """The same ``seed`` makes the same rounds; what the processes make of them differs all the same."""

    def __init__(self, site: Site, *, seed: int) -> None:
        logger.warning("The seed is %s.", seed)
        self._site, self._random = site, Random(seed)
        self._sent: dict[str, Sample] = {}

    def run(self, rounds: int) -> None:
        crashes = CRASHES if self._site.broker.outlives_its_pool else OUTSIDE_THE_POOL
        for number, crash in enumerate(islice(cycle(crashes), rounds)):
            moment = self._random.uniform(0, LONGEST_WAIT)
            logger.warning("Round %s: %s after %.3f s", number, crash.__name__, moment)
            sent = {self._site.upload(sample): sample for sample in self._random.sample(SAMPLES, k=4)}
            self._sent |= sent
            # The moment itself is what varies.
            time.sleep(moment)
            crash(self._site, self._random)
            for asset_id, sample in sent.items():
                self._check_end(asset_id, sample)

    def check_the_signals(self, wait_for: Callable[..., None]) -> int:
        """Each was sent, and once: unless it was the last that a process did. How many were sent twice."""
        wait_for(lambda: self._site.rows()["PendingSignal"] == 0, patience=PATIENCE)
        heard, twice = self._site.heard(), 0
        for asset_id, sample in self._sent.items():
            expected = ["received", sample.ends_as[0]]
            calls = [call for call in heard[asset_id] if not self._was_last(call, heard[asset_id])]
            assert [call.name for call in calls] == expected, (asset_id, sample.name, heard[asset_id])
            twice += len(heard[asset_id]) - len(calls)
        return twice

    def check_that_nothing_is_left(self, wait_for: Callable[..., None]) -> None:
        for asset_id in self._sent:
            self._delete(asset_id)
        nothing = {"Upload": 0, "PendingSignal": 0, "PendingRemoval": 0}
        wait_for(lambda: self._site.rows() == nothing, patience=PATIENCE)
        kin = descendants(psutil.Process(self._site.worker.pid))
        self._site.beat.stop()
        wait_for(lambda: self._site.broker.messages() == 0, patience=PATIENCE)
        self._site.worker.stop(grace=30)
        assert not psutil.wait_procs(kin, timeout=10)[1]
        assert self._site.broker.messages() == 0
        assert self._site.example.stored() == []
        # A pool of Celery's that is killed leaves an empty folder.
        temporary = [path for path in (self._site.example.data_dir / "tmp").rglob("*") if not path.is_dir()]
        assert temporary == [], temporary

    def executions(self) -> Mapping[int, int]:
        """How many assets took so many executions of the task, those that found nothing to do among them."""
        return Counter(self._site.executions()[asset_id] for asset_id in self._sent)

    def _check_end(self, asset_id: str, sample: Sample) -> None:
        asset = self._site.client.wait_until_settled(asset_id, patience=PATIENCE)
        assert (asset["state"], asset["reason"]) == sample.ends_as, (sample.name, asset)

    def _delete(self, asset_id: str) -> None:
        answer = self._site.client.delete(f"/api/assets/{asset_id}/")
        assert answer == 204, (asset_id, answer)

    def _was_last(self, call: Heard, calls: Sequence[Heard]) -> bool:
        """Whether who heard this was killed before it could tell, so that somebody else had to hear it again."""
        again = any(other.name == call.name and other.at > call.at for other in calls)
        return again and call.is_last and call.at <= self._site.deaths.get(call.process, 0.0)
