"""Compare Django's upload handlers with django-largefiles, using real gunicorn processes on 127.0.0.1.

Run from the root of a clone: ``make audit``, or ``python -m benchmarks.audit --size 1024 --rounds 5``. Linux only.
README.md in this folder explains what is measured, and how.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from example_project.processes import ALLOCATOR, Server, raise_on_termination

from . import proc
from .client import Answer, post
from .tables import table

ROOT = Path(__file__).resolve().parent.parent
KIB = 1024
MIB = 1024 * KIB
BASELINE = "Django's default handlers"
OURS = "django-largefiles"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x10\x00\x00\x00\x10\x08\x06\x00\x00\x00\x1f\xf3\xffa"
HEAD = 4 * KIB


class AuditError(Exception):
    """A contender did not behave as the measurement requires."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A way to receive an upload: the path to post to, and the environment variables that configure it."""

    name: str
    path: str
    refuses_at: str = ""
    """The prefix of the paths for refusals; empty if they are not measured."""
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Upload:
    seconds: float
    peak: int
    """Bytes of memory above those before the upload."""
    written: int


@dataclass(frozen=True, kw_only=True)
class Round:
    """The figures of one contender in one round."""

    upload: Upload
    wrong_type: Answer | None
    too_large: Answer | None


@dataclass(frozen=True, kw_only=True)
class Files:
    good: Path
    program: Path
    small: Path


def contenders(size: int, elsewhere: Path | None) -> Iterator[Contender]:
    yield Contender(
        name="MemoryFileUploadHandler",
        path="/django/",
        refuses_at="/django/",
        env={"AUDIT_MEMORY_THRESHOLD": str(2 * size)},
    )
    yield Contender(name=BASELINE, path="/django/", refuses_at="/django/")
    if elsewhere:
        yield Contender(
            name=f"{BASELINE}, temporary folder elsewhere",
            path="/django/",
            env={"AUDIT_TEMPORARY_FOLDER": str(elsewhere)},
        )
    yield Contender(name=f"{BASELINE}, SHA-256 in the view", path="/django/digest/")
    yield Contender(name=OURS, path="/largefiles/", refuses_at="/largefiles/")


class AuditServer(Server):
    """gunicorn with one worker process, serving ``audit_site``."""

    def __init__(self, folder: Path, env: Mapping[str, str], *, allocator: bool) -> None:
        super().__init__(data_dir=folder, env={**env, "PYTHONPATH": str(ROOT)})
        if not allocator:
            # glibc does not treat an empty variable as unset.
            self._env = {name: value for name, value in self._env.items() if name not in ALLOCATOR}
        self._command = [
            *(sys.executable, "-m", "gunicorn", "django.core.wsgi:get_wsgi_application()"),
            *("--bind", f"{self.host}:{self.port}", "--no-control-socket", "--timeout", "600"),
            *("--worker-class", "gthread", "--threads", "4", "--graceful-timeout", "5"),
        ]

    @property
    def worker_pid(self) -> int:
        (worker,) = proc.children(self.pid)
        return worker


def measure(contender: Contender, files: Files, folder: Path, env: Mapping[str, str], *, allocator: bool) -> Round:
    with AuditServer(folder, {**env, **contender.env}, allocator=allocator) as server:
        # The first request imports modules and connects; the second finds everything loaded.
        _expect(post(server.port, contender.path, files.small, name="small.png"), 200)
        upload = _measure_upload(server, contender, files.good)
        _empty(folder / "media")
        if not contender.refuses_at:
            return Round(upload=upload, wrong_type=None, too_large=None)
        wrong_type = post(server.port, contender.refuses_at, files.program, name="program.png")
        too_large = post(server.port, f"{contender.refuses_at}small/", files.good, name="good.png")
    return Round(upload=upload, wrong_type=_expect(wrong_type, 415), too_large=_expect(too_large, 413))


def _measure_upload(server: AuditServer, contender: Contender, file: Path) -> Upload:
    os.sync()
    pid = server.worker_pid
    proc.reset_peak(pid)
    idle, written = proc.resident(pid), proc.written(pid)
    answer = _expect(post(server.port, contender.path, file, name="good.png"), 200)
    if answer.body["size"] != file.stat().st_size:
        raise AuditError(f"{contender.name} kept {answer.body['size']} bytes")
    return Upload(seconds=answer.seconds, peak=proc.peak_resident(pid) - idle, written=proc.written(pid) - written)


def _expect(answer: Answer, status: int) -> Answer:
    if answer.status != status:
        raise AuditError(f"answered {answer.status}, not {status}: {answer.body}")
    return answer


def _empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def run(size: int, rounds: int, folder: Path, elsewhere: Path | None, *, allocator: bool) -> dict[str, list[Round]]:
    files = _make_files(folder / "files", size)
    env = {
        "DJANGO_SETTINGS_MODULE": "benchmarks.audit_site.settings",
        "AUDIT_FOLDER": str(folder),
        "AUDIT_LARGEST": str(size),
        "AUDIT_TEMPORARY_FOLDER": str(_made(folder / "temporary")),
    }
    _made(folder / "media")
    _migrate(env)
    all_of_them = list(contenders(size, elsewhere))
    results: dict[str, list[Round]] = {contender.name: [] for contender in all_of_them}
    for number in range(rounds):
        first = number % len(all_of_them)
        for contender in all_of_them[first:] + all_of_them[:first]:
            print(f"round {number + 1} of {rounds}: {contender.name}", file=sys.stderr, flush=True)
            results[contender.name].append(measure(contender, files, folder, env, allocator=allocator))
    return results


def _make_files(folder: Path, size: int) -> Files:
    """Create sparse files: the audit compares how files are received, not how fast the disk is."""
    _made(folder)
    program = Path(sys.executable).resolve().read_bytes()[:HEAD]
    return Files(
        good=_sparse(folder / "good", PNG, size),
        program=_sparse(folder / "program", program, size),
        small=_sparse(folder / "small", PNG, 64 * KIB),
    )


def _sparse(path: Path, head: bytes, size: int) -> Path:
    path.write_bytes(head)
    os.truncate(path, size)
    return path


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _migrate(env: Mapping[str, str]) -> None:
    subprocess.run(
        [sys.executable, "-m", "django", "migrate", "--run-syncdb", "--verbosity", "0"],
        env={**os.environ, **env},
        cwd=ROOT,
        check=True,
    )


def upload_table(results: Mapping[str, Sequence[Round]], size: int) -> str:
    uploads = {name: [done.upload for done in rounds] for name, rounds in results.items()}
    baseline = [upload.seconds for upload in uploads[BASELINE]]
    rows = [
        (
            name,
            f"{_median(upload.peak for upload in measured) / MIB:,.0f} MiB",
            f"{_median(upload.written for upload in measured) / size:.2f}",
            f"{_median(upload.seconds for upload in measured):.2f} s",
            f"{_median(size / MIB / upload.seconds for upload in measured):,.0f} MiB/s",
            f"{_median(upload.seconds / base for upload, base in zip(measured, baseline, strict=True)):.2f}",
        )
        for name, measured in uploads.items()
    ]
    return table(("", "memory", "written", "time", "rate", "time ratio"), rows)


def refusal_table(results: Mapping[str, Sequence[Round]]) -> str:
    rows = [
        (name, *_refusal([done.wrong_type for done in rounds]), *_refusal([done.too_large for done in rounds]))
        for name, rounds in results.items()
        if rounds[0].wrong_type
    ]
    return table(("", "wrong type", "sent", "too large", "sent"), rows)


def _refusal(answers: Sequence[Answer | None]) -> tuple[str, str]:
    measured = [answer for answer in answers if answer]
    seconds = _median(answer.seconds for answer in measured)
    return f"{seconds * 1000:,.0f} ms", _amount(_median(answer.sent for answer in measured))


def _amount(count: float) -> str:
    return f"{count / MIB:,.0f} MiB" if count >= MIB else f"{count / KIB:,.0f} KiB"


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


def report(results: Mapping[str, Sequence[Round]], size: int, rounds: int, *, allocator: bool) -> str:
    """Return the report as plain text that is also valid reStructuredText."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("Django", "gunicorn", "django-largefiles"))
    return "\n".join(
        (
            f"One file of {size / MIB:,.0f} MiB, medians of {rounds} rounds, {os.cpu_count()} processor cores, "
            f"{platform.system()} {platform.release().partition('-')[0]}, Python {platform.python_version()}, "
            f"{versions}, allocator variables {'set' if allocator else 'not set'}.",
            "",
            "Uploads:",
            "",
            upload_table(results, size),
            "",
            "Refusals, time and bytes of the body sent until the answer was read:",
            "",
            refusal_table(results),
            "",
        )
    )


@contextmanager
def _other_file_system(candidate: Path, folder: Path, size: int) -> Iterator[Path | None]:
    """Yield a temporary folder in ``candidate`` if that is on another file system and has room for two files."""
    if not _is_other_file_system(candidate, folder) or shutil.disk_usage(candidate).free < 2 * size:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="largefiles-audit-", dir=candidate) as elsewhere:
        yield Path(elsewhere)


def _is_other_file_system(candidate: Path, folder: Path) -> bool:
    return candidate.is_dir() and candidate.stat().st_dev != folder.stat().st_dev


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.audit", description=__doc__)
    parser.add_argument("--size", type=int, default=1024, help="MiB of the file (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="(%(default)s)")
    parser.add_argument("--folder", type=Path, help="where to work, instead of the system's temporary folder")
    parser.add_argument(
        "--elsewhere",
        type=Path,
        default=Path("/dev/shm"),
        help="a folder on another file system, for one of the rows (%(default)s)",
    )
    parser.add_argument("--no-allocator", dest="allocator", action="store_false", help="glibc's own settings")
    parser.add_argument("--output", type=Path, help="write the report to this file too")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    raise_on_termination()
    options = parse(arguments)
    size = options.size * MIB
    with tempfile.TemporaryDirectory(prefix="largefiles-audit-", dir=options.folder) as name:
        folder = Path(name)
        with _other_file_system(options.elsewhere, folder, size) as elsewhere:
            results = run(size, options.rounds, folder, elsewhere, allocator=options.allocator)
    text = report(results, size, options.rounds, allocator=options.allocator)
    print(text)
    if options.output:
        options.output.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
