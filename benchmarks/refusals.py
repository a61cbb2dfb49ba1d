"""Count the refusals that clients see of a file which is refused after its first bytes, while they send the rest.

Run from the root of a clone, with the dependencies of the tests: ``python -m benchmarks.refusals --times 100``.
README.md in this folder explains what is measured, and how.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import httpx
import requests
from playwright.sync_api import sync_playwright

from example_project.processes import SERVERS, Server, manage, raise_on_termination
from tests.integration.nginx import PROGRAM, Nginx

from .tables import table

MIB = 1024 * 1024
CLIENTS = Path(__file__).resolve().parent.parent / "tests" / "integration" / "clients"
PROGRAM_FILE = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\x3e\x00\x01\x00\x00\x00"
"""The head of an executable for Linux, which no profile allows by default."""

LOST = 0
TYPE_REFUSED, TOO_LARGE = 415, 413
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


def curl_form(url: str, file: Path) -> Sequence[str]:
    return "--form", f"file=@{file};type=image/png;filename=picture.png", f"{url}api/assets/"


def curl_patch(url: str, file: Path) -> Sequence[str]:
    headers = [part for name, value in PATCH.items() for part in ("--header", f"{name}: {value}")]
    return *headers, "--request", "PATCH", "--upload-file", str(file), created(url, file)


def requests_form(url: str, file: Path) -> int:
    return seen_by_requests("POST", f"{url}api/assets/", file, lambda body: {"files": {"file": named(body)}})


def requests_patch(url: str, file: Path) -> int:
    return seen_by_requests("PATCH", created(url, file), file, lambda body: {"data": body, "headers": PATCH})


def seen_by_requests(method: str, url: str, file: Path, content: Callable[[BinaryIO], dict[str, Any]]) -> int:
    with file.open("rb") as body:
        try:
            return requests.request(method, url, **content(body), timeout=60).status_code
        except requests.RequestException:
            return LOST


def httpx_form(url: str, file: Path) -> int:
    return seen_by_httpx("POST", f"{url}api/assets/", file, lambda body: {"files": {"file": named(body)}})


def httpx_patch(url: str, file: Path) -> int:
    headers = {**PATCH, "Content-Length": str(file.stat().st_size)}
    return seen_by_httpx("PATCH", created(url, file), file, lambda body: {"content": body, "headers": headers})


def seen_by_httpx(method: str, url: str, file: Path, content: Callable[[BinaryIO], dict[str, Any]]) -> int:
    with file.open("rb") as body:
        try:
            return httpx.request(method, url, **content(body), timeout=60).status_code
        except httpx.HTTPError:
            return LOST


def named(body: BinaryIO) -> tuple[str, BinaryIO, str]:
    return "picture.png", body, "image/png"


def one_by_one(client: Callable[[str, Path], int], url: str, file: Path, times: int) -> Iterator[int]:
    for _ in range(times):
        yield client(url, file)


def with_tus_js_client(url: str, file: Path, times: int, **more: str) -> Iterator[int]:
    options = json.dumps({"endpoint": f"{url}files/uploads/", "path": str(file), "times": times, **more})
    command = ["node", str(CLIENTS / "refused.mjs"), options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30 + 10 * times, check=True)
    yield from map(int, done.stdout.split())


FETCH = """async ({url, method, headers}) => {
    const file = document.querySelector("#program").files[0];
    let body = file;
    if (method === "POST") {
        body = new FormData();
        body.append("file", new File([file], "picture.png", {type: "image/png"}));
    }
    try {
        return (await fetch(url, {method, headers, body})).status;
    } catch {
        return 0;
    }
}"""


def with_chromium(method: str, url: str, file: Path, times: int) -> Iterator[int]:
    """Let a page of the site send the file by ``fetch``."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(url)
        page.evaluate("document.body.innerHTML = '<input type=file id=program>'")
        page.set_input_files("#program", file)
        for _ in range(times):
            is_form = method == "POST"
            target = f"{url}api/assets/" if is_form else created(url, file)
            headers = {} if is_form else PATCH
            yield page.evaluate(FETCH, {"url": target, "method": method, "headers": headers})
        browser.close()


Client = Callable[[str, Path, int], Iterator[int]]

FORMS: dict[str, Client] = {
    "curl, form": partial(one_by_one, partial(with_curl, curl_form)),
    "requests, form": partial(one_by_one, requests_form),
    "httpx, form": partial(one_by_one, httpx_form),
    "Chromium, form": partial(with_chromium, "POST"),
}
PIECES: dict[str, Client] = {
    "curl, tus": partial(one_by_one, partial(with_curl, curl_patch)),
    "requests, tus": partial(one_by_one, requests_patch),
    "httpx, tus": partial(one_by_one, httpx_patch),
    "Chromium, tus": partial(with_chromium, "PATCH"),
    "tus-js-client": with_tus_js_client,
    "tus-js, headers": partial(with_tus_js_client, filetype="application/x-executable"),
}
BY_NAME = {**FORMS, **PIECES}


def rows(options: argparse.Namespace, file: Path, folder: Path) -> Iterator[list[str]]:
    """Yield the refusals that each client saw: first from the server, and then through nginx, if that is installed."""
    env = {"EXAMPLE_ACCESS": "anyone"}
    if options.status == TOO_LARGE:
        env["EXAMPLE_MAX_UPLOAD_SIZE"] = str(MIB)
    for kind in options.servers:
        data = folder / kind
        data.mkdir()
        manage("migrate", "--verbosity", "0", data_dir=data)
        with ExitStack() as stack:
            server = stack.enter_context(Server(data_dir=data, kind=kind, env=env))
            urls = {kind: server.url}
            if PROGRAM:
                urls[f"nginx, {kind}"] = stack.enter_context(Nginx(server, data)).url
            for place, url in urls.items():
                counts = [counted(name, place, url, file, options.times) for name in options.clients]
                yield [place, *(str(found[options.status]) for found in counts)]


def counted(name: str, place: str, url: str, file: Path, times: int) -> Counter[int]:
    found = Counter(BY_NAME[name](url, file, times))
    print(f"{place}, {name}: {dict(found)}", file=sys.stderr, flush=True)
    return found


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.refusals", description=__doc__)
    parser.add_argument("--times", type=int, default=100, help="uploads of each client (%(default)s)")
    parser.add_argument("--size", type=int, default=64, help="MiB of the file (%(default)s)")
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    parser.add_argument("--clients", nargs="+", choices=BY_NAME, help="all; for 413 those that send forms")
    parser.add_argument("--status", type=int, choices=[TYPE_REFUSED, TOO_LARGE], default=TYPE_REFUSED)
    parser.add_argument("--output", type=Path, help="write the report to this file too")
    options = parser.parse_args(arguments)
    # The length of an upload by tus is refused before it has a body.
    options.clients = options.clients or list(BY_NAME if options.status == TYPE_REFUSED else FORMS)
    return options


def main(arguments: Sequence[str]) -> int:
    raise_on_termination()
    options = parse(arguments)
    with tempfile.TemporaryDirectory(prefix="largefiles-refusals-") as name:
        file = Path(name) / "program"
        file.write_bytes(PROGRAM_FILE)
        with file.open("r+b") as content:
            content.truncate(options.size * MIB)
        found = list(rows(options, file, Path(name)))
    text = f"Refusals ({options.status}) seen, of {options.times}; a file of {options.size} MiB.\n\n"
    text += table(("", *options.clients), found) + "\n"
    print(text)
    if options.output:
        options.output.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
