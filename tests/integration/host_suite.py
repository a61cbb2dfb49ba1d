"""Tests of a project, to be run in it."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.db.models import ProtectedError
from django.test import TestCase

from django_largefiles.models import FileAsset
from django_largefiles.signals import asset_ready, attachment_ready
from django_largefiles.testing import LargeFilesTestMixin, make_asset, override_largefiles, upload

from .models import Video

FILM = b"\x00\x00\x00\x18ftypmp42" + bytes(5000)


class VideoTestCase(LargeFilesTestMixin, TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.user = get_user_model().objects.create_user("ada")
        cls.stranger = get_user_model().objects.create_user("bob")
        cls.asset = make_asset(content=FILM, name="talk.mp4", profile="videos", owner=cls.user)
        cls.video = Video.objects.create(title="A talk", file=cls.asset)

    def setUp(self):
        self.client.force_login(self.user)

    def upload(self, content=FILM, **options):
        return upload(self.client, content, **{"name": "talk.mp4", "profile": "videos", **options})


class PageTests(VideoTestCase):
    def page_of(self, state, **columns):
        video = Video.objects.create(title="A lesson", file=make_asset(state, profile="videos", **columns))
        return self.client.get(f"/videos/{video.pk}/")

    def test_received(self):
        self.assertContains(self.page_of("received"), "A lesson is received.")

    def test_processing(self):
        self.assertContains(self.page_of("processing", stage="scanning"), "A lesson is processing.")

    def test_rejected(self):
        self.assertContains(self.page_of("rejected", reason="infected"), "A lesson is rejected.")

    def test_failed(self):
        self.assertContains(self.page_of("failed"), "A lesson is failed.")

    def test_ready(self):
        self.assertContains(self.page_of("ready", width=640, height=480), "640 × 480")

    def test_it_costs_one_query(self):
        with self.assertNumQueries(1):
            self.client.get(f"/videos/{self.video.pk}/")


class DownloadTests(VideoTestCase):
    def test_the_owner_gets_the_file(self):
        answer = self.client.get(self.asset.url)
        self.assertEqual((answer.status_code, b"".join(answer)), (200, FILM))

    def test_a_range_is_sent(self):
        answer = self.client.get(self.asset.url, headers={"Range": "bytes=4-7"})
        self.assertEqual((answer.status_code, b"".join(answer)), (206, b"ftyp"))

    def test_a_stranger_gets_nothing(self):
        self.client.force_login(self.stranger)
        self.assertEqual(self.client.get(self.asset.url).status_code, 404)

    def test_a_blocked_file_is_not_sent(self):
        blocked = make_asset("rejected", reason="blocked", owner=self.user)
        self.assertEqual(self.client.get(blocked.url).status_code, 409)


class UploadTests(VideoTestCase):
    def test_a_film_is_ready(self):
        self.assertEqual(self.upload(chunk_size=2000).asset.state, "ready")

    @override_largefiles(MAX_UPLOAD_SIZE=1000)
    def test_a_large_film_is_refused(self):
        self.assertEqual(self.upload().response.status_code, 413)

    def test_a_program_is_refused(self):
        self.assertEqual(self.upload(b"\x7fELF" + bytes(5000)).response.status_code, 415)

    @override_largefiles(QUOTA={"FILES": 1})
    def test_a_quota_is_kept(self):
        make_asset(owner=self.user)
        self.assertEqual(self.upload().response.json()["code"], "quota_exceeded")

    def test_receivers_are_called(self):
        ready = []
        receiver = lambda asset, **_: ready.append(asset.pk)  # noqa: E731
        asset_ready.connect(receiver)
        self.addCleanup(asset_ready.disconnect, receiver)
        asset = self.upload().asset
        self.assertEqual(ready, [asset.pk])


class AttachmentTests(VideoTestCase):
    def test_a_row_is_told_of_its_file(self):
        told = []
        receiver = lambda instance, **_: told.append(instance)  # noqa: E731
        attachment_ready.connect(receiver)
        self.addCleanup(attachment_ready.disconnect, receiver)
        video = Video.objects.create(title="A lesson", file=self.upload().asset)
        self.assertEqual(told, [video])

    def test_a_file_goes_with_its_row(self):
        with self.assertRaises(ProtectedError):
            self.asset.delete()
        self.video.delete()
        self.assertFalse(FileAsset.objects.filter(pk=self.asset.pk).exists())
