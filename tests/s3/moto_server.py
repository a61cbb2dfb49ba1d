"""moto's server, which holds all objects in memory. Prints its address, and ends with its input."""

from __future__ import annotations

import logging
import sys

from moto.s3.exceptions import NoSuchUpload
from moto.s3.models import MultipartDict
from moto.server import ThreadedMotoServer


def _no_such_upload(uploads: MultipartDict, upload_id: str) -> None:
    raise NoSuchUpload(upload_id)


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    # Of a multipart upload that is not there moto says 404 to some requests, and 500, with a traceback, to others.
    MultipartDict.__missing__ = _no_such_upload  # type: ignore[attr-defined]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    print(f"http://{host}:{port}", flush=True)
    sys.stdin.read()
    server.stop()
