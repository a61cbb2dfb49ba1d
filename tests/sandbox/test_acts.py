"""What a taken-over parser cannot do. Each act is first seen to work in a child that is not confined."""

from __future__ import annotations

import json
import os
import secrets
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import pytest

from django_largefiles.options import ExtractionLimits
from django_largefiles.sandbox.probe import machine
from django_largefiles.sandbox.runner import ExtractionFailed, run
from tests.sandbox.acts import ACTS, Scene
from tests.sandbox.conftest import confine_with

ALONE = {
    "rlimits": "lambda spec: confinement._held(lambda: confinement._limit_resources(spec))",
    "landlock": (
        "lambda spec: confinement._held(confinement._gain_no_privileges,"
        " lambda: confinement._restrict_files(spec.readable))"
    ),
    "seccomp": "lambda spec: confinement._held(confinement._gain_no_privileges, confinement._filter_calls)",
}

HELD_BY = {
    "read_a_user_file": ["landlock"],
    "read_etc_passwd": ["landlock"],
    "read_the_parent_s_environment": ["landlock"],
    "list_a_folder": ["landlock"],
    "write_a_new_file": ["landlock", "seccomp", "rlimits"],
    "write_into_a_file": ["landlock", "seccomp", "rlimits"],
    "truncate_a_file": ["landlock", "seccomp"],
    "remove_a_file": ["landlock", "seccomp"],
    "rename_a_file": ["landlock", "seccomp"],
    "make_a_folder": ["landlock", "seccomp"],
    "make_a_link": ["landlock", "seccomp"],
    "change_a_mode": ["seccomp"],
    "change_a_time": ["seccomp"],
    "connect_by_tcp": ["landlock", "seccomp"],
    "listen_by_tcp": ["landlock", "seccomp"],
    "send_by_udp": ["seccomp"],
    "connect_to_a_unix_socket": ["seccomp"],
    "connect_to_an_abstract_socket": ["landlock", "seccomp"],
    "fork": ["seccomp"],
    "start_a_thread": ["seccomp"],
    "execute_a_program": ["landlock", "seccomp"],
    "spawn_a_program": ["landlock", "seccomp"],
    "trace": ["seccomp"],
    "signal_the_parent": ["landlock", "seccomp"],
    "have_the_kernel_signal_the_parent": ["seccomp"],
    "change_a_descriptor": ["seccomp"],
    "slow_the_parent_down": ["seccomp"],
    "outlive_the_parent": ["seccomp"],
    "change_its_limits": ["seccomp"],
    "keep_bytes_in_shared_memory": ["seccomp"],
    "keep_bytes_in_a_nameless_file": ["seccomp"],
    "allocate_a_gigabyte": ["rlimits"],
}

DENIALS = (
    "PermissionError: [Errno 1] ",
    "PermissionError: [Errno 13] ",
    "OSError: [Errno 27] File too large",
    "RuntimeError: can't start new thread",
    "ValueError: not allowed to raise maximum limit",
    "MemoryError",
)

Perform = Callable[[str], str]


def needs(*layers: str) -> None:
    """Skip where the machine lacks one."""
    missing = set(layers) & set(machine().lacking)
    if missing:  # needs_kernel
        pytest.skip(f"this kernel has no {' and no '.join(sorted(missing))}")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Callable[[], Scene]]:
    """Makes a scene in a folder of its own."""
    with ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        unix, abstract = (stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(2))
        # A path of a socket has at most 107 bytes.
        name = f"largefiles-{secrets.token_hex(8)}"
        path = Path(tempfile.gettempdir(), name)
        unix.bind(str(path))
        stack.callback(path.unlink)
        abstract.bind(f"\0{name}")
        unix.listen()
        abstract.listen()

        def make() -> Scene:
            folder = tmp_path / secrets.token_hex(8)
            folder.mkdir()
            (folder / "secret").write_bytes(b"secret")
            return Scene(
                folder=str(folder),
                tcp_port=tcp.getsockname()[1],
                udp_port=udp.getsockname()[1],
                unix_path=str(path),
                abstract_name=name,
                pid=os.getpid(),
            )

        yield make


@pytest.fixture
def perform(scene: Callable[[], Scene], tmp_path: Path) -> Perform:
    """Runs an act in a child, and gives what came of it: ``done``, or why not."""

    def perform(act: str) -> str:
        told = {"act": act, "scene": asdict(scene())}
        (tmp_path / "told").write_text(json.dumps(told))
        with (tmp_path / "told").open("rb") as file:
            try:
                return run("tests.sandbox.acts.Acting", file, "test/act", ExtractionLimits()).metadata.title
            except ExtractionFailed as failure:
                return failure.detail

    return perform


@pytest.fixture
def works_unconfined(perform: Perform, act: str) -> None:
    with pytest.MonkeyPatch.context() as patched:
        confine_with(patched, "lambda spec: []")
        outcome = perform(act)
    # A program that replaced the child has no metadata to tell.
    assert outcome in {"done", "sent an invalid answer: it is not JSON"}


def test_every_act_is_tried() -> None:
    assert HELD_BY.keys() == ACTS.keys()


@pytest.mark.parametrize("act", ACTS)
def test_a_confined_parser_cannot(act: str, works_unconfined: None, perform: Perform) -> None:
    needs("landlock", "seccomp", "rlimits")
    assert perform(act).startswith(DENIALS)


@pytest.mark.parametrize(("act", "layer"), [(act, layer) for act, layers in HELD_BY.items() for layer in layers])
def test_one_layer_alone_prevents(act: str, layer: str, perform: Perform, monkeypatch: pytest.MonkeyPatch) -> None:
    needs(layer)
    confine_with(monkeypatch, ALONE[layer])
    assert perform(act).startswith(DENIALS)
