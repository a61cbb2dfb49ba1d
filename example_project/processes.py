"""Run the example's web server and worker as child processes that are always stopped.

::

    with Server(data_dir=folder, env={"EXAMPLE_ACCESS": "anyone"}) as server, Worker(data_dir=folder):
        urllib.request.urlopen(server.url)

Each process is the leader of its own process group, and writes its output to ``logs/`` in the data folder.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import IO, Self

ROOT = Path(__file__).resolve().parent
MIB = 1024 * 1024
LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.05
RELEASE_SECONDS = 5.0
LOG_TAIL = 4000

ALLOCATOR = {
    # glibc returns large buffers to the kernel and requests them again for each chunk of an upload.
    "MALLOC_TRIM_THRESHOLD_": str(64 * MIB),
    "MALLOC_MMAP_THRESHOLD_": str(16 * MIB),
    "MALLOC_TOP_PAD_": str(4 * MIB),
}


class ProcessError(Exception):
    """A process did not start, or stopped by itself. The message contains the end of its log."""


def environment(data_dir: Path, env: Mapping[str, str]) -> dict[str, str]:
    """Return the caller's environment with the example's settings and ``data_dir``, overridden by ``env``."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "example.settings",
        "EXAMPLE_DATA_DIR": str(data_dir.resolve()),
        "PYTHONUNBUFFERED": "1",
        **env,
    }


def manage(*arguments: str, data_dir: Path, env: Mapping[str, str] | None = None) -> str:
    """Run a management command of the example, and return its output. Raise ``ProcessError`` if it fails."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(data_dir, env or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ProcessError(f"manage.py {' '.join(arguments)} failed:\n{(done.stdout + done.stderr).rstrip()}")
    return done.stdout


def free_port(host: str = LOOPBACK) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def raise_on_termination() -> None:
    """Raise ``SystemExit`` on the signals that end a process, so that its children are stopped."""

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, leave)


class Process:
    """A child in its own process group. The context manager starts and stops it."""

    def __init__(self, name: str, command: Sequence[str], *, data_dir: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self.data_dir = data_dir
        self._command = command
        self._env = environment(data_dir, env)
        self._child: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def pid(self) -> int:
        assert self._child, f"{self.name} was not started"
        return self._child.pid

    @property
    def log_path(self) -> Path:
        return self.data_dir / "logs" / f"{self.name}.log"

    def log(self) -> str:
        """Return the output since the last start."""
        with self.log_path.open(errors="replace") as log:
            log.seek(self._log_start)
            return log.read()

    def is_running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def start(self, *, patience: float = 60) -> Self:
        """Start the process and wait until it is ready. Raise ``ProcessError`` after ``patience`` seconds."""
        with self._open_log() as log:
            self._log_start = log.tell()
            self._child = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_ready(time.monotonic() + patience)
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self, *, grace: float = 15) -> None:
        """Ask the process to end. When it has, or after ``grace`` seconds, kill the rest of its group.

        An idle worker needs six to eight seconds, because Celery waits for the supervisor of its pool.
        """
        if self._child is None:
            return
        try:
            self._child.terminate()
            self._child.wait(grace)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self.kill()

    def kill(self) -> None:
        """Send ``SIGKILL`` to the whole group, to simulate a crash."""
        if self._child is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()

    def failure(self, problem: str) -> ProcessError:
        return ProcessError(f"{self.name} {problem}; {self.log_path} ends:\n{self.log()[-LOG_TAIL:]}")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _open_log(self) -> IO[bytes]:
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        return self.log_path.open("ab")

    def _wait_until_ready(self, deadline: float) -> None:
        while not self._is_ready():
            if not self.is_running():
                raise self.failure("stopped while it started")
            if time.monotonic() > deadline:
                raise self.failure("did not get ready in time")
            time.sleep(POLL_SECONDS)

    def _is_ready(self) -> bool:
        raise NotImplementedError


class Server(Process):
    """The web server. ``kind`` is a key of ``SERVERS``; port 0 selects a free port.

    ``options`` are added to its command line.
    """

    def __init__(
        self,
        *,
        data_dir: Path,
        kind: str = "gunicorn",
        host: str = LOOPBACK,
        port: int = 0,
        options: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.host = host
        self.port = port or free_port(host)
        module = kind.partition("-")[0]
        command = [sys.executable, "-m", module, *SERVERS[kind](host, self.port), *options]
        super().__init__(f"server-{self.port}", command, data_dir=data_dir, env={**ALLOCATOR, **(env or {})})

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/"

    def start(self, *, patience: float = 60) -> Self:
        # Otherwise another server on this port would answer.
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                problem = f"port {self.port} of {self.host} cannot be used: {error.strerror}"
                raise ProcessError(problem) from error
        return super().start(patience=patience)

    def kill(self) -> None:
        """Kill the server and wait until its port is free, which its workers may use for a moment longer."""
        super().kill()
        deadline = time.monotonic() + RELEASE_SECONDS
        while self._is_listening() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)

    def _is_listening(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((self.host, self.port)) == 0

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        try:
            connection.request("GET", "/")
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        if status >= http.client.INTERNAL_SERVER_ERROR:
            raise self.failure(f"answered {status}")
        return True


class Worker(Process):
    """A Celery worker, including the scheduler of periodic tasks unless ``beat`` is false."""

    def __init__(
        self,
        *,
        data_dir: Path,
        name: str = "worker",
        concurrency: int = 2,
        beat: bool = True,
        env: Mapping[str, str] | None = None,
    ) -> None:
        schedule = ["-B", "-s", str(data_dir.resolve() / f"beat-schedule-{name}")] if beat else []
        command = [
            *(sys.executable, "-m", "celery", "-A", "example", "worker", *schedule),
            *("--pool", "prefork", "--concurrency", str(concurrency), "--hostname", f"{name}@%h"),
            *("--loglevel", "INFO", "--without-gossip", "--without-mingle"),
        ]
        super().__init__(name, command, data_dir=data_dir, env=env or {})

    def _is_ready(self) -> bool:
        return " ready." in self.log()


class Beat(Process):
    """The scheduler of periodic tasks as a separate process."""

    def __init__(self, *, data_dir: Path, env: Mapping[str, str] | None = None) -> None:
        schedule = str(data_dir.resolve() / "beat-schedule")
        command = [sys.executable, "-m", "celery", "-A", "example", "beat", "-s", schedule, "--pidfile", ""]
        super().__init__("beat", [*command, "--loglevel", "INFO"], data_dir=data_dir, env=env or {})

    def _is_ready(self) -> bool:
        return "beat: Starting" in self.log()


WSGI = "example.wsgi:application"
ASGI = "example.asgi:application"


def _gunicorn(host: str, port: int, application: str = WSGI) -> list[str]:
    return [
        *(application, "--bind", f"{host}:{port}", "--no-control-socket"),
        *("--worker-class", "gthread", "--threads", "8", "--graceful-timeout", "5"),
    ]


def _gunicorn_asgi(host: str, port: int, application: str = ASGI) -> list[str]:
    return [
        *(application, "--bind", f"{host}:{port}", "--no-control-socket"),
        *("--worker-class", "asgi", "--asgi-lifespan", "off", "--graceful-timeout", "5"),
    ]


def _uvicorn(host: str, port: int, application: str = ASGI) -> list[str]:
    return [
        *(application, "--host", host, "--port", str(port)),
        *("--lifespan", "off", "--timeout-graceful-shutdown", "5"),
    ]


def _granian(host: str, port: int, application: str = ASGI) -> list[str]:
    return [
        *(application, "--interface", "asginl", "--host", host, "--port", str(port)),
        *("--workers-kill-timeout", "5"),
    ]


def _granian_wsgi(host: str, port: int, application: str = WSGI) -> list[str]:
    return [
        *(application, "--interface", "wsgi", "--host", host, "--port", str(port)),
        *("--blocking-threads", "8", "--workers-kill-timeout", "5"),
    ]


def _hypercorn(host: str, port: int, application: str = ASGI) -> list[str]:
    return [application, "--bind", f"{host}:{port}", "--graceful-timeout", "5"]


SERVERS = {
    "gunicorn": _gunicorn,
    "gunicorn-asgi": _gunicorn_asgi,
    "uvicorn": _uvicorn,
    "granian": _granian,
    "granian-wsgi": _granian_wsgi,
    "hypercorn": _hypercorn,
}
"""The arguments of each server; before a hyphen in its name is the module that runs."""
