from __future__ import annotations

import copy
import inspect
import pickle
import re
from collections.abc import Callable

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_largefiles import exceptions
from django_largefiles.exceptions import (
    ChecksumMismatch,
    ConfigurationError,
    DigestMismatch,
    InvalidSetting,
    LargeFilesError,
    MalformedHeader,
    MetadataUnreadable,
    NotAuthenticated,
    OffsetMismatch,
    Refusal,
    StoreError,
    StoreUnavailable,
    TooLarge,
    TypeMismatch,
    TypeNotAllowed,
)
from django_largefiles.states import Reason

CLASSES = [
    found for _, found in inspect.getmembers(exceptions, inspect.isclass) if found.__module__ == exceptions.__name__
]
LEAVES = [found for found in CLASSES if not set(found.__subclasses__()) & set(CLASSES)]
LINE = re.compile(r"^ {4}(?P<indent>[│├└─ \xa0]*)(?P<name>[A-Z]\w+) *(?P<answer>\d{3} \w+)?.*$", re.MULTILINE)


def tree() -> list[tuple[str, str, str | None]]:
    """Of each line of the docstring's tree the class, the class it hangs on, and status and code."""
    found, above = [], {-1: ""}
    for line in LINE.finditer(exceptions.__doc__ or ""):
        depth = len(line["indent"]) // 4
        above[depth] = line["name"]
        found.append((line["name"], above[depth - 1], line["answer"]))
    return found


def test_the_tree_in_the_docstring_has_every_class_on_its_base() -> None:
    bases = {found.__name__: found.__bases__[0].__name__ for found in CLASSES} | {"LargeFilesError": ""}
    assert {name: base for name, base, _ in tree()} == bases


def test_the_tree_in_the_docstring_tells_status_and_code() -> None:
    # Settings are mended before anybody is answered.
    answered = {found.__name__: found for found in LEAVES if not issubclass(found, ConfigurationError)}
    told = {name: answer for name, _, answer in tree() if answer}
    assert told == {name: f"{found.status} {found.code}" for name, found in answered.items()}


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.__name__)
def test_a_leaf_has_a_code_of_its_own(leaf: type[LargeFilesError]) -> None:
    assert [other for other in CLASSES if other.code == leaf.code] == [leaf]


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.__name__)
def test_a_code_is_one_word_in_lower_case(leaf: type[LargeFilesError]) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", leaf.code)


@pytest.mark.parametrize("found", CLASSES, ids=lambda found: found.__name__)
def test_a_status_tells_whose_doing_it_is(found: type[LargeFilesError]) -> None:
    wanted = range(400, 500) if issubclass(found, Refusal) else range(500, 600)
    assert found.status in wanted


@pytest.mark.parametrize(
    "refusal",
    [TooLarge, TypeNotAllowed, TypeMismatch, DigestMismatch, MetadataUnreadable, StoreUnavailable],
    ids=lambda refusal: refusal.__name__,
)
def test_what_a_worker_finds_has_the_code_of_a_reason(refusal: type[LargeFilesError]) -> None:
    assert refusal.code in Reason.values


def test_an_error_carries_what_is_wrong_the_limit_and_the_value() -> None:
    error = TooLarge("9 bytes are too many", limit=5, value=9)
    assert (str(error), error.detail, error.limit, error.value) == (error.detail, "9 bytes are too many", 5, 9)


def test_without_a_detail_the_message_of_the_class_is_composed() -> None:
    assert TooLarge(limit=5, value=9).detail == "9 bytes are more than the 5 allowed"


@pytest.mark.parametrize("found", CLASSES, ids=lambda found: found.__name__)
def test_every_message_can_be_composed(found: type[LargeFilesError]) -> None:
    assert "{" not in found.message.format(limit=1, value="a")


def test_an_error_keeps_little_of_a_value() -> None:
    assert MalformedHeader(value="a" * 5000).value == "a" * 200


@pytest.mark.parametrize(
    "error",
    [OffsetMismatch(limit=70, value=71), NotAuthenticated("who are you?", challenge="Basic")],
    ids=lambda error: error.code,
)
@pytest.mark.parametrize(
    "copied", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))], ids=["copy", "pickle"]
)
def test_an_error_crosses_process_boundaries(
    copied: Callable[[LargeFilesError], LargeFilesError], error: LargeFilesError
) -> None:
    assert (vars(copied(error)), str(copied(error))) == (vars(error), str(error))


def test_an_error_has_the_phrase_of_its_status() -> None:
    assert OffsetMismatch(limit=1, value=2).phrase == "Conflict"


def test_a_status_that_is_not_registered_has_the_phrase_of_its_protocol() -> None:
    assert ChecksumMismatch(limit="a", value="b").phrase == "Checksum Mismatch"


def test_limit_and_value_may_be_missing() -> None:
    error = StoreError("the disk is gone")
    assert (error.limit, error.value) == (None, None)


def test_who_is_not_known_is_told_how_to_be() -> None:
    error = NotAuthenticated("who are you?", challenge="Basic")
    assert (error.detail, error.challenge) == ("who are you?", "Basic")


def test_a_configuration_error_is_one_of_django_too() -> None:
    assert issubclass(ConfigurationError, ImproperlyConfigured)


def test_an_invalid_setting_begins_with_its_key() -> None:
    error = InvalidSetting("CHUNK_SIZE", "must be positive")
    assert (str(error), error.key, error.problem) == (
        "CHUNK_SIZE: must be positive",
        "CHUNK_SIZE",
        "must be positive",
    )


def test_an_invalid_setting_crosses_process_boundaries() -> None:
    error = pickle.loads(pickle.dumps(exceptions.InvalidSetting("CHUNK_SIZE", "must be positive")))
    assert (error.key, error.problem, str(error)) == ("CHUNK_SIZE", "must be positive", "CHUNK_SIZE: must be positive")
