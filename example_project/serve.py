"""``make serve``: the example's web server and worker, until they are stopped."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from .processes import (
    LOOPBACK,
    ROOT,
    SERVERS,
    Process,
    ProcessError,
    Server,
    Worker,
    manage,
    raise_on_termination,
)

WATCH_SECONDS = 0.5


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", choices=SERVERS, default="uvicorn")
    parser.add_argument("--host", default=LOOPBACK)
    parser.add_argument("--port", type=int, default=8000)
    data_dir = os.environ.get("EXAMPLE_DATA_DIR") or ROOT / "var"
    parser.add_argument("--data-dir", type=Path, default=data_dir)
    return parser.parse_args(arguments)


def serve(options: argparse.Namespace) -> None:
    """Run until interrupted. Raise ``ProcessError`` if the server or the worker stops by itself."""
    data_dir: Path = options.data_dir
    data_dir.mkdir(parents=True, exist_ok=True)
    manage("migrate", "--verbosity", "0", data_dir=data_dir)
    print(manage("create_demo_user", data_dir=data_dir), end="", flush=True)
    server = Server(data_dir=data_dir, kind=options.server, host=options.host, port=options.port)
    with server, Worker(data_dir=data_dir) as worker:
        print(
            f"Serving {server.url} with {options.server}, logs in {data_dir / 'logs'}. Ctrl-C stops.",
            flush=True,
        )
        watch(server, worker)


def watch(*processes: Process) -> None:
    while True:
        for process in processes:
            if not process.is_running():
                raise process.failure("stopped")
        time.sleep(WATCH_SECONDS)


def main() -> int:
    raise_on_termination()
    try:
        serve(parse(sys.argv[1:]))
    except ProcessError as error:
        print(f"FAILED: {error}", file=sys.stderr)
    except SystemExit:
        # The usual end: the process was asked to stop.
        print("Stopped.", flush=True)
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
