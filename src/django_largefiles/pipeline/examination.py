"""The examination of one file: size, type, digest, scanners, metadata, archive limits, in this order."""

from __future__ import annotations

from dataclasses import replace
from io import SEEK_END
from typing import Any, BinaryIO

from .. import lifecycle, rules
from ..conf import Profile, largefiles_settings
from ..exceptions import MetadataUnreadable
from ..lifecycle import Claim
from ..media_types.families import ARCHIVE_TYPES
from ..models import FileAsset
from ..rules import sniff_file
from ..scanners import load_scanners, verdicts
from ..scanners.members import with_members
from ..scanners.read_pass import Reading, read_through
from ..states import Stage
from .extraction import describe
from .findings import Description, Findings


class Examination:
    """Examines the bytes of an asset that a worker has claimed.

    ``findings`` are what is known so far. They also go to the asset's row if the file is refused, or if the
    examination fails: the results of the steps before it are valid.
    """

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.findings = Findings()

    def run(self, file: BinaryIO, asset: FileAsset, profile: Profile) -> None:
        """Examine ``file``, the bytes of the asset.

        Raises the ``Refusal`` of a bad file, ``ScannerUnavailable``, ``ClaimLost`` and ``StoreError``.
        """
        rules.check_size(asset.size or 0, profile)
        rules.check_stored_size(file.seek(0, SEEK_END), asset.size or 0)
        # Before all of it is read: a wrong type shows in a few KiB.
        media_type = self._sniff(file, asset, profile)
        self._read(file, asset, profile)
        description = self._describe(file, media_type, profile)
        rules.check_archive(media_type, dict(description.metadata.attributes), profile)
        if media_type in ARCHIVE_TYPES:
            self._judge_members(asset, description, profile)

    def _sniff(self, file: BinaryIO, asset: FileAsset, profile: Profile) -> str:
        lifecycle.renew(self.claim, Stage.SNIFFING)
        sniffed = sniff_file(file)
        self._found(media_type=sniffed)
        media_type = rules.check_type(sniffed, asset.original_name, profile)
        self._found(media_type=media_type)
        return media_type

    def _read(self, file: BinaryIO, asset: FileAsset, profile: Profile) -> None:
        reading = self._read_through(file, asset, profile)
        sha512 = asset.sha512 or reading.sha512
        self._found(sha256=reading.sha256, sha512=sha512, crc32=reading.crc32, scans=reading.scans)
        rules.check_digest(asset.expected_sha256, reading.sha256)
        rules.check_digest(asset.expected_sha512, sha512, "SHA-512")
        verdicts.check(reading.scans, profile)

    def _read_through(self, file: BinaryIO, asset: FileAsset, profile: Profile) -> Reading:
        return read_through(
            file,
            size=asset.size or 0,
            sha256=asset.sha256,
            sha512=bool(asset.expected_sha512 and not asset.sha512),
            scanners=load_scanners(profile.scanners),
            chunk_size=largefiles_settings.chunk_size,
            tell=lambda stage, done: lifecycle.renew(self.claim, stage, done=done),
        )

    def _describe(self, file: BinaryIO, media_type: str, profile: Profile) -> Description:
        description = describe(self.claim, file, media_type, profile)
        self._found(description=description)
        if description.error is not None and profile.reject_on_extraction_failure:
            raise MetadataUnreadable(f"the metadata could not be read: {description.error}")
        return description

    def _judge_members(self, asset: FileAsset, description: Description, profile: Profile) -> None:
        """Compare what the scanners are known to read with what the archive holds. Raises ``Unscannable``."""
        facts = rules.archive_facts(description.metadata.attributes)
        scans = with_members(self.findings.scans or (), facts, asset.size or 0)
        self._found(scans=scans)
        verdicts.check(scans, profile)

    def _found(self, **findings: Any) -> None:
        self.findings = replace(self.findings, **findings)
