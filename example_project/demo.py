"""``make demo``: start the example, upload files that it must accept or refuse, and show the results."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any, NoReturn

from tqdm import tqdm

from . import samples
from .client import Answer, Client, ClientError
from .memory import MemoryWatch
from .processes import MIB, ROOT, Process, ProcessError, Server, Worker, manage, raise_on_termination
from .samples import Sample
from .table import table

ENVIRONMENT = {"EXAMPLE_ACCESS": "anyone"}
PATIENCE = 120
NEEDED_SPACE = 3 * 1024 * MIB
ALLOWED_RISE = 32 * MIB
EXPECTED_ERRORS = (ProcessError, ClientError, OSError, HTTPException, CalledProcessError)
DIGEST_COLUMN = 32
COLUMNS = ("title", "width", "height", "duration", "page_count")


@dataclass(kw_only=True)
class Outcome:
    """The result for one sample: the asset, or the problem details of the refusal."""

    sample: Sample
    sha256: str
    status: int
    body: dict[str, Any]

    @property
    def asset_id(self) -> str:
        return str(self.body["id"])

    def row(self) -> list[str]:
        name = self.sample.path.name
        if self.status != 201:
            found, detail = str(self.body.get("value")), str(self.body.get("detail"))
            return [name, f"refused {self.status}", found, "", detail]
        state, media_type, digest = self.body["state"], self.body["media_type"], self.body["sha256"]
        return [name, state, media_type, textwrap.fill(digest, DIGEST_COLUMN), _describe(self.body)]

    def problems(self) -> Iterator[str]:
        found = self._refusal_problems() if self.sample.refusal else self._acceptance_problems()
        return (f"{self.sample.path.name}: {problem}" for problem in found)

    def _refusal_problems(self) -> Iterator[str]:
        if (self.status, self.body.get("code")) != (415, self.sample.refusal):
            yield f"answered {self.status} {self.body}, not 415 {self.sample.refusal}"

    def _acceptance_problems(self) -> Iterator[str]:
        if self.status != 201 or self.body["state"] != "ready":
            yield f"answered {self.status} {self.body}, and is not ready"
            return
        expected = {"media_type": self.sample.media_type, "sha256": self.sha256, "size": self.sample.size}
        for key, value in (expected | self.sample.metadata).items():
            if not _same(self.body[key], value):
                yield f"{key} is {self.body[key]!r}, not {value!r}"
        for key in self.sample.attributes:
            if key not in self.body["extra_attributes"]:
                yield f"extra_attributes lack {key!r}"


@dataclass(kw_only=True)
class Demonstration:
    """The processes, a client, and the results."""

    folder: Path
    server: Server
    worker: Worker
    outcomes: list[Outcome] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def client(self) -> Client:
        return Client(host=self.server.host, port=self.server.port)

    def upload_small(self) -> None:
        for sample in samples.make_small(self.folder):
            tell(f"Uploading {sample.path.name}, {sample.size:,} bytes")
            self._follow(sample, self._send(sample))

    def upload_large(self) -> Outcome:
        """Upload 2 GiB with a progress bar, and report how much the memory of the processes grew."""
        sample = samples.film(self.folder)
        with MemoryWatch(self.server.pid) as server, MemoryWatch(self.worker.pid) as worker:
            with _bar(sample) as bar:
                answer = self._send(sample, on_sent=bar.update)
            outcome = self._follow(sample, answer)
        for name, rise in {"server": server.rise, "worker": worker.rise}.items():
            tell(f"The {name} grew by {rise / MIB:.1f} MiB for these {sample.size / MIB:.0f} MiB")
            if rise >= ALLOWED_RISE:
                self.problems.append(f"the {name} grew by {rise / MIB:.1f} MiB for one upload")
        return outcome

    def download(self, outcome: Outcome) -> None:
        started = time.monotonic()
        sha256 = self.client.download_sha256(outcome.asset_id)
        verdict = "same" if sha256 == outcome.sha256 else "different"
        seconds = time.monotonic() - started
        tell(f"Downloaded {outcome.sample.path.name} in {seconds:.1f} s: {verdict} digest, {sha256[:16]}…")
        if sha256 != outcome.sha256:
            self.problems.append(f"{outcome.sample.path.name} came back with the digest {sha256}")

    def _send(self, sample: Sample, *, on_sent: Callable[[int], object] | None = None) -> Answer:
        return self.client.upload(sample.path, media_type=sample.media_type, on_sent=on_sent)

    def _follow(self, sample: Sample, answer: Answer) -> Outcome:
        """Wait for the result, and compare it with the expected one."""
        body = answer.body
        if answer.status == 201:
            body = self.client.wait_until_settled(body["id"], patience=PATIENCE)
        outcome = Outcome(sample=sample, sha256=sample.sha256(), status=answer.status, body=body)
        self.outcomes.append(outcome)
        self.problems.extend(outcome.problems())
        return outcome


def run(folder: Path) -> list[str]:
    """Run the demonstration with its data in ``folder``. Return the problems."""
    tell("Preparing the database")
    manage("migrate", "--verbosity", "0", data_dir=folder, env=ENVIRONMENT)
    with ExitStack() as stack:
        tell("Starting the web server and the worker")
        server = stack.enter_context(Server(data_dir=folder, env=ENVIRONMENT))
        worker = stack.enter_context(Worker(data_dir=folder, env=ENVIRONMENT))
        show = Demonstration(folder=folder, server=server, worker=worker)
        server_memory = MemoryWatch(server.pid)
        worker_memory = MemoryWatch(worker.pid)
        with server_memory, worker_memory, blaming(server, worker):
            show.upload_small()
            large = show.upload_large()
            show.download(large)
        tell(_results(show.outcomes))
        tell(_memory({"web server": server_memory, "worker": worker_memory}))
    return show.problems


def _bar(sample: Sample) -> tqdm[NoReturn]:
    return tqdm(total=sample.size, desc=sample.path.name, unit="B", unit_scale=True, unit_divisor=1024)


def _results(outcomes: list[Outcome]) -> str:
    head = ("file", "state", "type", "SHA-256", "metadata")
    return "\n" + table(head, [outcome.row() for outcome in outcomes]) + "\n"


def _memory(watches: dict[str, MemoryWatch]) -> str:
    rows = [
        [name, *(f"{count / MIB:.1f}" for count in (watch.idle, watch.peak, watch.rise, watch.short_lived))]
        for name, watch in watches.items()
    ]
    return table(("MiB of memory", "idle", "peak", "over idle", "largest short-lived child"), rows) + "\n"


def _describe(asset: dict[str, Any]) -> str:
    columns = {name: asset[name] for name in COLUMNS if asset[name] not in (None, "")}
    return ", ".join(f"{name} {value}" for name, value in (columns | asset["extra_attributes"]).items())


def _same(found: Any, expected: object) -> bool:
    if isinstance(expected, int) and isinstance(found, float):
        return abs(found - expected) < 0.5
    return bool(found == expected)


def tell(words: str) -> None:
    print(words, flush=True)


@contextlib.contextmanager
def blaming(*processes: Process) -> Iterator[None]:
    """Report the end of a process instead of the errors that it causes."""
    try:
        yield
    except EXPECTED_ERRORS as error:
        for process in processes:
            if not process.is_running():
                raise process.failure("stopped") from error
        raise


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Create a folder in the project, because the system's temporary folder is often in memory."""
    parent = ROOT / "var"
    parent.mkdir(exist_ok=True)
    free = shutil.disk_usage(parent).free
    if free < NEEDED_SPACE:
        raise ProcessError(f"{parent} has {free // MIB} MiB free; {NEEDED_SPACE // MIB} are needed")
    with tempfile.TemporaryDirectory(prefix="demo-", dir=parent) as folder:
        yield Path(folder)


def main() -> int:
    raise_on_termination()
    started = time.monotonic()
    try:
        with temporary_folder() as folder:
            problems = run(folder)
    except EXPECTED_ERRORS as error:
        problems = [str(error) or type(error).__name__]
    for problem in problems:
        print(f"FAILED: {problem}", file=sys.stderr)
    if not problems:
        tell(f"All as expected, in {time.monotonic() - started:.0f} s.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
