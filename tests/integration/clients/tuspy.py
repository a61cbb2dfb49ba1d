"""Uploads a file with tuspy as the JSON in its argument says, and prints the upload's URL.

It goes on where an earlier process stopped that kept its URL in the same file ``urls``. After ``dieAfter`` chunks it
kills itself.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from tusclient.client import TusClient
from tusclient.storage.filestorage import FileStorage

options = json.loads(sys.argv[1])
arguments: dict[str, Any] = {"retries": 3, "retry_delay": 0, "upload_checksum": options.get("checksum", False)}
if options.get("chunkSize"):
    arguments["chunk_size"] = options["chunkSize"]
if options.get("urls"):
    arguments |= {"store_url": True, "url_storage": FileStorage(options["urls"])}

uploader = TusClient(options["endpoint"]).uploader(options["path"], **arguments)
chunks = 0
while uploader.offset < uploader.get_file_size():
    uploader.upload_chunk()
    chunks += 1
    if chunks == options.get("dieAfter"):
        os.kill(os.getpid(), signal.SIGKILL)
print(uploader.url)
