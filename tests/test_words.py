from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation

from django_largefiles import exceptions, words
from django_largefiles.exceptions import (
    AssetNotFound,
    Infected,
    LargeFilesError,
    MalformedRequest,
    NotPermitted,
    StoreFull,
    Throttled,
    TooLarge,
    TooManyFiles,
    TypeMismatch,
    TypeNotAllowed,
)
from django_largefiles.media_types.kinds import Kind
from django_largefiles.models import FileAsset
from django_largefiles.options import GIB
from django_largefiles.states import Reason
from django_largefiles.words import KINDS, allowed_names, explain, explain_rejection
from tests.conftest import Largefiles

PICTURES = "image/jpeg, image/png, application/pdf"

SAID: list[tuple[LargeFilesError, str]] = [
    (NotPermitted(), "You may not upload files here."),
    (NotPermitted(on_file=True), "You may not do this with the file."),
    (
        TypeNotAllowed(limit=PICTURES, value="application/x-executable", name="a.png"),
        "This is a program, not an image. Allowed here: JPEG, PNG, PDF.",
    ),
    (
        TypeNotAllowed(limit="image/*, video/*", value="audio/mpeg", name="a.mp4"),
        "This is an audio file (MP3), not a video. Allowed here: images, videos.",
    ),
    (
        TypeNotAllowed(limit=PICTURES, value="image/gif", name="a.gif"),
        "This is an image (GIF). Allowed here: JPEG, PNG, PDF.",
    ),
    (TypeNotAllowed(limit=PICTURES, value="text/html"), "This is a web page. Allowed here: JPEG, PNG, PDF."),
    (
        TypeNotAllowed(limit=PICTURES, value="application/octet-stream", name="a.bin"),
        "This is a file of an unknown type. Allowed here: JPEG, PNG, PDF.",
    ),
    (
        TypeNotAllowed(limit=PICTURES, value="image/vnd.unheard-of", name="a"),
        "This is an image. Allowed here: JPEG, PNG, PDF.",
    ),
    (
        TypeMismatch(limit=".png", value="image/jpeg"),
        "This is an image (JPEG), but its name ends in “.png”. Rename it, or choose another file.",
    ),
    (
        TooLarge(limit=5 * GIB, value=6 * GIB),
        "The file is larger than 5.0\xa0GB, the most that is allowed here.",
    ),
    (TooLarge(limit=5, value=7, declared=True), "The file was changed on its way. Send it again."),
    (TooManyFiles(limit=1, value=2), "Send no more than 1 file at once."),
    (TooManyFiles(limit=3, value=4), "Send no more than 3 files at once."),
    (Throttled(limit=3, retry_after=20), "Too many files in a short time. Try again in 20 seconds."),
    (Infected(value="Eicar"), "The file is infected: Eicar."),
    (Infected("infected"), "The file is infected."),
    (AssetNotFound(), "The uploaded file is not there any more. Choose it again."),
    (StoreFull("/var: 3 bytes free"), "The file cannot be stored at the moment. Try again later."),
    (MalformedRequest("sha256 is odd"), "The file was refused: sha256 is odd"),
]


@pytest.mark.parametrize(("error", "said"), SAID, ids=[f"{error.code} {error.value}" for error, _ in SAID])
def test_a_refusal_in_words(error: LargeFilesError, said: str) -> None:
    assert explain(error) == said


def test_the_table_has_errors_that_exist() -> None:
    assert all(getattr(exceptions, kind.__name__) is kind for kind in words._TEXTS)


def test_every_kind_has_words() -> None:
    assert set(KINDS) == set(Kind)


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        ("*/*", "all files"),
        ("audio/*, video/mp4", "audio, MP4"),
        ("application/zip, application/x-zip", "ZIP"),
        ("model/gltf-binary", "model/gltf-binary"),
        ("font/*", "font/*"),
    ],
)
def test_allowed_types_have_names(patterns: str, names: str) -> None:
    assert allowed_names(patterns) == names


def rejected(reason: str, **columns: Any) -> str:
    return explain_rejection(FileAsset(original_name="a.png", reason=reason, **columns))


@pytest.mark.parametrize("reason", Reason.values)
def test_every_reason_has_words(reason: str) -> None:
    assert rejected(reason, media_type="image/jpeg").endswith(".")


def test_the_words_of_a_reason_are_those_of_the_refusal(largefiles: Largefiles) -> None:
    largefiles.set(ALLOWED_MIME_TYPES=["image/png"])
    said = rejected(Reason.TYPE_NOT_ALLOWED, media_type="text/html")
    assert said == "This is a web page, not an image. Allowed here: PNG."


def test_a_profile_may_be_gone() -> None:
    assert rejected(Reason.TOO_LARGE, profile="former") == "The file could not be processed."


def test_a_good_file_needs_no_words() -> None:
    assert rejected("") == ""


def test_words_are_of_the_language_of_the_request() -> None:
    with translation.override("de"):
        assert "5,0\xa0GB" in explain(TooLarge(limit=5 * GIB))
