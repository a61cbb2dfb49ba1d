from __future__ import annotations

import json
import random
import re
import time
import unicodedata
import uuid
from collections.abc import Iterator
from email.message import Message
from urllib.parse import quote

import pytest

from django_largefiles.names import extension, sanitize, storage_key

PERSIAN = "\u0645\u06cc\u200c\u0631\u0648\u0645.pdf"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
THUMB = "\U0001f44d\U0001f3fd"
HEART = "\u2764\ufe0f"
FLAG = "\U0001f1e9\U0001f1ea"
WALES = "\U0001f3f4" + "".join(chr(0xE0000 + ord(c)) for c in "gbwls") + "\U000e007f"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("holiday.mp4", "holiday.mp4", id="plain"),
        pytest.param("Straße 7, été.pdf", "Straße 7, été.pdf", id="not-ascii"),
        pytest.param("e\u0301te\u0301.pdf", "été.pdf", id="decomposed"),
        pytest.param("e\u200b\u0301.pdf", "é.pdf", id="composed-only-once-cleaned"),
        pytest.param("100% done.txt", "100% done.txt", id="percent-of-its-own"),
        pytest.param("a%20b.txt", "a b.txt", id="escaped"),
        pytest.param("a%252520b.txt", "a b.txt", id="escaped-three-times"),
        pytest.param("a%252500b.txt", "ab.txt", id="nul-escaped-three-times"),
        pytest.param("a%25252520b.txt", "a_20b.txt", id="escaped-four-times"),
        pytest.param("%ff.txt", "\ufffd.txt", id="escaped-not-utf-8"),
        pytest.param("%ED%A0%80.txt", "\ufffd\ufffd\ufffd.txt", id="escaped-surrogate"),
        pytest.param("%\x0041.txt", "A.txt", id="escape-split-by-nul"),
        pytest.param("../../etc/x", "x", id="dot-dot-slash"),
        pytest.param("..\\x", "x", id="dot-dot-backslash"),
        pytest.param("%2e%2e%2fx", "x", id="dot-dot-slash-escaped"),
        pytest.param("%252e%252e%255cx", "x", id="dot-dot-backslash-escaped-twice"),
        pytest.param("/etc/passwd", "passwd", id="absolute"),
        pytest.param("C:\\fakepath\\a.jpg", "a.jpg", id="old-browser"),
        pytest.param("C:x", "x", id="drive"),
        pytest.param("C:D:x", "x", id="two-drives"),
        pytest.param("a.asp::$DATA", "a.asp", id="ntfs-stream"),
        pytest.param("a.asp:b:$DATA", "a.asp", id="named-ntfs-stream"),
        pytest.param("a.jpg:b.exe", "a.jpg_b.exe", id="colon"),
        pytest.param('a<b>c"d|e?f*g.txt', "a_b_c_d_e_f_g.txt", id="windows-reserved-characters"),
        pytest.param('";filename=x', "_;filename=x", id="quote"),
        pytest.param("a\r\nSet-Cookie: b", "aSet-Cookie_ b", id="header-injection"),
        pytest.param("a\0\x1f\x7f\x85b", "ab", id="controls"),
        pytest.param("a.php\0.jpg", "a.php.jpg", id="nul"),
        pytest.param("a.php%00.jpg", "a.php.jpg", id="nul-escaped"),
        pytest.param("photo\u202egpj.exe", "photogpj.exe", id="right-to-left-override"),
        pytest.param("a\u2066b\u2069\u200e\u061cc", "abc", id="bidi-isolates-and-marks"),
        pytest.param("a\u2028b\u2029c", "abc", id="line-and-paragraph-separators"),
        pytest.param("\ufeffa.txt", "a.txt", id="byte-order-mark"),
        pytest.param("a\ud800b\udfff.txt", "ab.txt", id="lone-surrogates"),
        pytest.param("a\uffff\ufdd0b", "ab", id="noncharacters"),
        pytest.param(PERSIAN, PERSIAN, id="joiner-that-persian-needs"),
        pytest.param(f"{FAMILY}{HEART}.png", f"{FAMILY}{HEART}.png", id="emoji"),
        pytest.param("  a.txt \t", "a.txt", id="white-space-around"),
        pytest.param("\u3000a.txt\xa0", "a.txt", id="wide-white-space-around"),
        pytest.param("a.txt. . .", "a.txt", id="trailing-dots-and-spaces"),
        pytest.param("a\u200d", "a", id="dangling-joiner"),
        pytest.param(".htaccess", "htaccess", id="leading-dot"),
        pytest.param(". .x", "x", id="leading-dots-and-spaces"),
        pytest.param("CON", "_CON", id="device"),
        pytest.param("nul.tar.gz", "_nul.tar.gz", id="device-with-extensions"),
        pytest.param("Com1 .txt", "_Com1 .txt", id="device-with-space"),
        pytest.param("LPT².txt", "_LPT².txt", id="device-with-superscript"),
        pytest.param("CONSOLE.txt", "CONSOLE.txt", id="not-a-device"),
        pytest.param("", "unnamed", id="empty"),
        pytest.param(".", "unnamed", id="dot"),
        pytest.param("..", "unnamed", id="dot-dot"),
        pytest.param("a/", "unnamed", id="folder"),
        pytest.param("\0\u202e ", "unnamed", id="nothing-left"),
    ],
)
def test_sanitize(name: str, expected: str) -> None:
    assert sanitize(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("a" * 255, "a" * 255, id="255-bytes"),
        pytest.param("a" * 256, "a" * 255, id="256-bytes"),
        pytest.param("a" * 300 + ".jpeg", "a" * 250 + ".jpeg", id="keeps-the-extension"),
        pytest.param("é" * 200, "é" * 127, id="not-inside-a-code-point"),
        pytest.param("a" * 249 + HEART + ".png", "a" * 249 + ".png", id="code-point-that-does-not-fit"),
        pytest.param("a" * 244 + FAMILY + ".png", "a" * 244 + FAMILY[0] + ".png", id="inside-a-joined-emoji"),
        pytest.param("a" * 247 + THUMB + ".png", "a" * 247 + THUMB[0] + ".png", id="between-emoji-and-skin-tone"),
        pytest.param("a" * 243 + FLAG * 2 + ".png", "a" * 243 + FLAG + ".png", id="between-flags"),
        pytest.param("x" + "\u0323" * 300, "x" + "\u0323" * 127, id="endless-combining-marks"),
        pytest.param("a" * 250 + " . b" * 9, "a" * 250 + " . b", id="no-space-or-dot-left-at-the-cut"),
        pytest.param("a" * 250 + " " * 9 + ".png", "a" * 250 + ".png", id="no-space-left-before-the-extension"),
        pytest.param("a" * 250 + "." + "b" * 33, "a" * 250 + ".bbbb", id="extension-too-long-to-be-one"),
    ],
)
def test_sanitize_shortens(name: str, expected: str) -> None:
    assert sanitize(name) == expected


def random_names() -> Iterator[str]:
    source = random.Random(20261122)
    pieces = [*'<>:"|?*/\\.%; \t\r\n\0', "%2e", "%2F", "%25", "%00", "%C3%A9", "::$DATA", "CON", ".jpg", ".php"]
    pieces += ["\u202e", "\u200d", "\ufe0f", "\u0301", "\ufeff", "\ud83d", FAMILY, THUMB, FLAG, WALES, "é", "Å"]
    for _ in range(1000):
        length = source.choice((1, 3, 10, 60, 400))
        yield "".join(
            source.choice(pieces) if source.random() < 0.6 else chr(source.randrange(0x110000)) for _ in range(length)
        )


def test_every_name_comes_out_safe() -> None:
    forbidden = re.compile('[<>:"|?*/\\\\\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]')
    for name in random_names():
        clean = sanitize(name)
        assert 1 <= len(clean.encode()) <= 255, ascii(name)
        assert not forbidden.search(clean), ascii(name)
        assert clean == clean.strip() == clean.strip("."), ascii(name)
        assert unicodedata.is_normalized("NFC", clean), ascii(name)


def test_a_second_pass_changes_nothing() -> None:
    for name in random_names():
        clean = sanitize(name)
        assert sanitize(clean) == clean, ascii(name)
        assert extension(clean) == extension(name), ascii(name)


def test_every_name_survives_json_and_a_header() -> None:
    for name in random_names():
        clean = sanitize(name)
        header = Message()
        header["Content-Disposition"] = f"attachment; filename*=utf-8''{quote(clean)}"
        assert json.loads(json.dumps(clean)) == clean
        assert header.get_filename() == clean


@pytest.mark.parametrize(
    "unit",
    [
        pytest.param("\u0301\u0316", id="combining-marks"),
        pytest.param("%25", id="escapes"),
        pytest.param(" ", id="spaces"),
        pytest.param(":", id="colons"),
        pytest.param("\U0001f1e9", id="regional-indicators"),
    ],
)
def test_a_very_long_name_costs_little(unit: str) -> None:
    started = time.process_time()
    sanitize("a" + unit * 50_000 + "b")
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("a.JPG", ".jpg", id="lower-case"),
        pytest.param("a.jpg.php", ".php", id="final-one"),
        pytest.param("a.php%00.jpg", ".jpg", id="behind-nul"),
        pytest.param("a.jpg:b.exe", ".exe", id="stream-with-extension"),
        pytest.param("a.asp::$DATA", ".asp", id="before-the-stream"),
        pytest.param("a.php. .", ".php", id="before-trailing-dots"),
        pytest.param("a.p\u200bhp", ".php", id="invisible-character-inside"),
        pytest.param("photo\u202egpj.exe", ".exe", id="right-to-left-override"),
        pytest.param("a%252525252ephp", "", id="escaped-deeper-than-anyone-decodes"),
        pytest.param("a\N{FULLWIDTH FULL STOP}php", ".php", id="full-width-dot"),
        pytest.param("a.jpg\N{FULLWIDTH FULL STOP}php", ".php", id="full-width-dot-behind-an-extension"),
        pytest.param("a\N{ONE DOT LEADER}php", ".php", id="one-dot-leader"),
        pytest.param("a\N{SMALL FULL STOP}php", ".php", id="small-dot"),
        pytest.param("a.\N{FULLWIDTH LATIN SMALL LETTER P}hp", ".php", id="full-width-letter"),
        pytest.param("a.php\N{HORIZONTAL ELLIPSIS}", ".php", id="before-an-ellipsis"),
        pytest.param("a%EF%BC%8Ephp", ".php", id="escaped-full-width-dot"),
        pytest.param("README", "", id="none"),
        pytest.param(".htaccess", "", id="only-a-leading-dot"),
        pytest.param("a.", "", id="trailing-dot"),
        pytest.param("v1.2/README", "", id="dot-in-the-folder"),
        pytest.param("Minutes of 3. May", "", id="white-space"),
        pytest.param("a." + "b" * 33, "", id="too-long"),
        pytest.param("", "", id="empty"),
    ],
)
def test_extension(name: str, expected: str) -> None:
    assert extension(name) == expected


def test_storage_key() -> None:
    asset_id = uuid.UUID("abcdef01-2345-4789-8abc-def012345678")
    assert storage_key(asset_id) == "largefiles/ab/cd/abcdef01234547898abcdef012345678"
