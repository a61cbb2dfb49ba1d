"""Count the refusals that clients see of a file which is refused after its first bytes, while they send the rest.

Run from the root of a clone, with the dependencies of the tests: ``python -m benchmarks.refusals --times 100``.
README.md in this folder explains what is measured, and how.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import requests

from example_project.processes import SERVERS, Server, manage, raise_on_termination
from tests.integration.nginx import PROGRAM, Nginx

from .tables import table

MIB = 1024 * 1024
CLIENTS = Path(__file__).resolve().parent.parent / "tests" / "integration" / "clients"
PROGRAM_FILE = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\x3e\x00\x01\x00\x00\x00"
"""The head of an executable for Linux, which no profile allows by default."""

LOST = 0
WANTED = 415
TUS = {"Tus-Resumable": "1.0.0"}
PATCH = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}


def created(url: str, file: Path) -> str:
    """Return the URL of a new upload."""
    headers = {**TUS, "Upload-Length": str(file.stat().st_size)}
    answer = requests.post(f"{url}files/uploads/", headers=headers, timeout=60)
    answer.raise_for_status()
    return answer.headers["Location"]


def with_curl(arguments: Callable[[str, Path], Sequence[str]], url: str, file: Path) -> int:
    command = ["curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", *arguments(url, file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return int(done.stdout) if done.returncode == 0 else LOST


def form(url: str, file: Path) -> Sequence[str]:
    return "--form", f"file=@{file};type=image/png;filename=picture.png", f"{url}api/assets/"


def patch(url: str, file: Path) -> Sequence[str]:
    headers = [part for name, value in PATCH.items() for part in ("--header", f"{name}: {value}")]
    return *headers, "--request", "PATCH", "--upload-file", str(file), created(url, file)


def with_requests(url: str, file: Path) -> int:
    location = created(url, file)
    with file.open("rb") as body:
        try:
            return requests.patch(location, data=body, headers=PATCH, timeout=60).status_code
        except requests.RequestException:
            return LOST


def one_by_one(client: Callable[[str, Path], int], url: str, file: Path, times: int) -> Iterator[int]:
    for _ in range(times):
        yield client(url, file)


def with_tus_js_client(url: str, file: Path, times: int, **more: str) -> Iterator[int]:
    options = json.dumps({"endpoint": f"{url}files/uploads/", "path": str(file), "times": times, **more})
    command = ["node", str(CLIENTS / "refused.mjs"), options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30 + 10 * times, check=True)
    yield from map(int, done.stdout.split())


Client = Callable[[str, Path, int], Iterator[int]]

BY_NAME: dict[str, Client] = {
    "curl, form": partial(one_by_one, partial(with_curl, form)),
    "curl, tus": partial(one_by_one, partial(with_curl, patch)),
    "requests": partial(one_by_one, with_requests),
    "tus-js-client": with_tus_js_client,
    "tus-js, headers": partial(with_tus_js_client, filetype="application/x-executable"),
}


def rows(kinds: Sequence[str], names: Sequence[str], file: Path, times: int, folder: Path) -> Iterator[list[str]]:
    """Yield the refusals that each client saw: first from the server, and then through nginx, if that is installed."""
    for kind in kinds:
        data = folder / kind
        data.mkdir()
        manage("migrate", "--verbosity", "0", data_dir=data)
        with ExitStack() as stack:
            server = stack.enter_context(Server(data_dir=data, kind=kind, env={"EXAMPLE_ACCESS": "anyone"}))
            urls = {kind: server.url}
            if PROGRAM:
                urls[f"nginx, {kind}"] = stack.enter_context(Nginx(server, data)).url
            for place, url in urls.items():
                yield [place, *(seen(BY_NAME[name](url, file, times), f"{place}, {name}") for name in names)]


def seen(statuses: Iterator[int], what: str) -> str:
    found = Counter(statuses)
    print(what, dict(found), file=sys.stderr, flush=True)
    return str(found[WANTED])


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.refusals", description=__doc__)
    parser.add_argument("--times", type=int, default=100, help="uploads of each client (%(default)s)")
    parser.add_argument("--size", type=int, default=64, help="MiB of the file (%(default)s)")
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    parser.add_argument("--clients", nargs="+", choices=BY_NAME, default=list(BY_NAME))
    parser.add_argument("--output", type=Path, help="write the report to this file too")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    raise_on_termination()
    options = parse(arguments)
    with tempfile.TemporaryDirectory(prefix="largefiles-refusals-") as name:
        file = Path(name) / "program"
        file.write_bytes(PROGRAM_FILE)
        with file.open("r+b") as content:
            content.truncate(options.size * MIB)
        found = list(rows(options.servers, options.clients, file, options.times, Path(name)))
    text = f"Refusals seen, of {options.times}; a file of {options.size} MiB.\n\n"
    text += table(("", *options.clients), found) + "\n"
    print(text)
    if options.output:
        options.output.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
