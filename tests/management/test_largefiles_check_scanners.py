from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from django_largefiles.scanners.base import Engine, Sample, ScanResult
from django_largefiles.states import ScanVerdict
from django_largefiles.testing.scanners import FakeScanner
from tests.conftest import Largefiles
from tests.scanners.clamd import Clamd, needs_clamd, running

MIB = 1024 * 1024
CLAMD = "django_largefiles.scanners.clamav.ClamdScanner"


class Thorough(FakeScanner):
    """Is suspicious of archives, and tells its age."""

    def engine(self) -> Engine:
        made = timezone.now() - timedelta(days=3, hours=1)
        return Engine(version="Thorough 1", signatures="27815", signatures_at=made)

    def scan(self, sample: Sample) -> ScanResult:
        result = super().scan(sample)
        if result.verdict == ScanVerdict.CLEAN and sample.size > 1000:
            return ScanResult(verdict=ScanVerdict.UNSCANNABLE)
        return result


THOROUGH = f"{__name__}.Thorough"
FAKE = "django_largefiles.testing.scanners.FakeScanner"


def use(largefiles: Largefiles, backend: str, **options: object) -> None:
    largefiles.set(SCANNERS=[{"BACKEND": backend, "OPTIONS": options}], MAX_UPLOAD_SIZE=3 * MIB)


def check(**options: str) -> str:
    stdout = StringIO()
    call_command("largefiles_check_scanners", stdout=stdout, **options)
    return stdout.getvalue()


def test_a_scanner_that_detects_is_told_to(largefiles: Largefiles) -> None:
    use(largefiles, THOROUGH)
    assert check().splitlines() == [
        "Thorough: Thorough 1, signatures 27815, 3 days old",
        "  ok      a harmless file: clean",
        "  ok      the test string: infected EICAR",
        "  ok      the test string at the end of 3145728 bytes: infected EICAR",
        "  ok      the test string in 200 layers: unscannable",
    ]


def test_the_largest_file_is_the_largest_that_it_takes(largefiles: Largefiles) -> None:
    use(largefiles, THOROUGH, max_size=100_000)
    assert "at the end of 100000 bytes: infected" in check()


def test_each_scanner_is_tried(largefiles: Largefiles) -> None:
    largefiles.set(SCANNERS=[{"BACKEND": THOROUGH}] * 2, MAX_UPLOAD_SIZE=MIB)
    assert check().count("Thorough: ") == 2


@pytest.mark.parametrize("verdict", ["clean", "error", "unscannable", "infected"])
def test_one_that_says_the_same_of_every_file_fails(largefiles: Largefiles, verdict: str) -> None:
    use(largefiles, FAKE, verdict=verdict)
    with pytest.raises(CommandError, match=f"FakeScanner, .*: {verdict} as it was told to\\. "):
        check()


def test_an_unknown_age_is_told(largefiles: Largefiles, capsys: pytest.CaptureFixture[str]) -> None:
    use(largefiles, FAKE, verdict="infected")
    with pytest.raises(CommandError, match="a harmless file"):
        call_command("largefiles_check_scanners")
    assert "FakeScanner: unknown engine, signatures unknown of unknown age" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("profile", "why"),
    [("default", "The profile 'default' has no scanners"), ("unheard of", "there is no profile 'unheard of'")],
)
def test_without_scanners_it_fails(profile: str, why: str) -> None:
    with pytest.raises(CommandError, match=why):
        check(profile=profile)


def test_scanners_are_those_of_the_profile(largefiles: Largefiles) -> None:
    largefiles.set(PROFILES={"videos": {"SCANNERS": [{"BACKEND": THOROUGH}], "MAX_UPLOAD_SIZE": MIB}})
    assert "infected EICAR" in check(profile="videos")


def use_clamd(largefiles: Largefiles, clamd: Clamd, **limits: int) -> None:  # needs_clamd
    known = {"stream_max_length": 3 * MIB, "max_file_size": 3 * MIB, "max_scan_size": 3 * MIB}
    use(largefiles, CLAMD, socket=clamd.socket, **{**known, **limits})
    largefiles.set(MAX_UPLOAD_SIZE=2**40)


@needs_clamd
class TestRealClamd:  # needs_clamd
    def test_one_that_is_set_up_well_passes(self, largefiles: Largefiles) -> None:
        with running() as clamd:
            use_clamd(largefiles, clamd)
            printed = check()
        assert printed.startswith("clamd: ClamAV ")
        assert "at the end of 3145728 bytes: infected Eicar-Test-Signature.UNOFFICIAL" in printed

    @pytest.mark.parametrize(
        ("limits", "failing"),
        [
            pytest.param({"AlertExceedsMax": "no"}, "200 layers: clean", id="no alert"),
            pytest.param(
                {"MaxFileSize": 2 * MIB, "AlertExceedsMax": "no"}, "3145728 bytes: clean", id="smaller files, no alert"
            ),
            pytest.param({"MaxFileSize": 2 * MIB}, "3145728 bytes: unscannable", id="smaller files"),
            pytest.param({"MaxScanSize": 2 * MIB}, "3145728 bytes: unscannable", id="less of them"),
            pytest.param({"StreamMaxLength": 2 * MIB}, "3145728 bytes: unscannable", id="shorter streams"),
            pytest.param({"MaxScanTime": 1}, "3145728 bytes: unscannable", id="no time"),
        ],
    )
    def test_limits_that_we_know_nothing_of_are_found(
        self, largefiles: Largefiles, limits: dict[str, str | int], failing: str
    ) -> None:
        with running(**limits) as clamd:
            use_clamd(largefiles, clamd)
            with pytest.raises(CommandError, match=failing):
                check()

    def test_one_that_is_gone_fails(self, largefiles: Largefiles) -> None:
        with running() as clamd:
            use_clamd(largefiles, clamd)
        with pytest.raises(CommandError, match="a harmless file: error FileNotFoundError"):
            check()
