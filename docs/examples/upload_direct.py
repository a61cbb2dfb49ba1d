"""Upload a file directly to the storage of a site, and continue an interrupted run.

    $ LARGEFILES_USER=ada LARGEFILES_PASSWORD=… python upload_direct.py https://example.org/api/ holiday.mp4

The URL of the upload is kept next to the file, in holiday.mp4.upload, until it is complete.
"""

import json
import os
import sys
import time
from pathlib import Path

import requests

SIGNED_AT_ONCE = 20
ATTEMPTS = 6


def arranged(site, api, path, note):
    """Return the upload that an earlier run created, or a new one."""
    if note.exists():
        answer = site.get(note.read_text())
        if answer.ok:
            return answer.json()
    answer = site.post(f"{api}direct-uploads/", json={"name": path.name, "size": path.stat().st_size})
    upload = accepted(answer)
    note.write_text(upload["urls"]["self"])
    return upload


def send_missing(site, upload, file):
    there = {part["number"] for part in upload["parts"]}
    missing = [number for number in range(1, upload["part_count"] + 1) if number not in there]
    print(f"sending {len(missing)} of {upload['part_count']} parts", flush=True)
    for first in range(0, len(missing), SIGNED_AT_ONCE):
        for part in signed(site, upload, missing[first : first + SIGNED_AT_ONCE]):
            send(site, upload, file, part)


def send(site, upload, file, part):
    file.seek((part["number"] - 1) * upload["part_size"])
    content = file.read(part["size"])
    for attempt in range(ATTEMPTS):
        if is_taken(part, content):
            return
        time.sleep(2**attempt)
        # The signature may have expired.
        [part] = signed(site, upload, [part["number"]])
    sys.exit(f"The storage did not accept part {part['number']}.")


def is_taken(part, content):
    try:
        # Not with the site's session, which would send the password to the storage.
        return requests.put(part["url"], data=content, headers=part["headers"], timeout=60).ok
    except requests.RequestException:
        return False


def signed(site, upload, numbers):
    return accepted(site.post(upload["urls"]["sign"], json={"parts": numbers}))


def accepted(answer):
    if not answer.ok:
        sys.exit(f"The site refused: {answer.status_code} {answer.text}")
    return answer.json()


def main(api, path):
    note = path.with_name(f"{path.name}.upload")
    with requests.Session() as site, path.open("rb") as file:
        site.auth = os.environ["LARGEFILES_USER"], os.environ["LARGEFILES_PASSWORD"]
        upload = arranged(site, api, path, note)
        if upload["state"] == "receiving":
            send_missing(site, upload, file)
            accepted(site.post(upload["urls"]["complete"]))
        note.unlink()
        print(json.dumps({"id": upload["id"]}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
