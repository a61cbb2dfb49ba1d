"""Forms in views that are not decorated, with the middleware installed at any place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.test import AsyncClient, AsyncRequestFactory, Client
from pytest_django.fixtures import Settings

from django_largefiles.doors.body import FIRST_READ
from django_largefiles.doors.current import current_request
from django_largefiles.doors.form_files import UploadedAsset
from django_largefiles.middleware import LargeFilesMiddleware
from django_largefiles.models import FileAsset
from django_largefiles.options import MIB
from django_largefiles.states import Attachment
from tests.conftest import EXECUTABLE, Largefiles, png
from tests.films.models import Album, Film
from tests.forms.pages import Inputs
from tests.multipart import END, CountingBody, field, file, post_arguments

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.forms.views")]

Stored = Callable[[], list[str]]

OURS = "django_largefiles.middleware.LargeFilesMiddleware"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"
PICTURE = png(padding=3 * MIB)
PROGRAM = EXECUTABLE + bytes(8 * MIB)
TITLE = field("title", "Metropolis")


@pytest.fixture(params=["before", "after", "last"])
def place(request: pytest.FixtureRequest) -> str:
    """Where the middleware stands, seen from that of CSRF."""
    return str(request.param)


@pytest.fixture(autouse=True)
def _middleware(request: pytest.FixtureRequest, settings: Settings, largefiles: Largefiles) -> None:
    place = request.getfixturevalue("place") if "place" in request.fixturenames else "last"
    order = list(settings.MIDDLEWARE)
    at = {"before": order.index(CSRF), "after": order.index(CSRF) + 1, "last": len(order)}[place]
    settings.MIDDLEWARE = [*order[:at], OURS, *order[at:]]
    largefiles.set(PROFILES={"videos": {"ALLOWED_MIME_TYPES": ["image/png"]}})


@pytest.fixture
def client(owner: User) -> Client:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    return client


@pytest.fixture
def streamed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that went to the store while they arrived."""
    names = list[str]()
    accept = UploadedAsset.accept
    monkeypatch.setattr(
        UploadedAsset, "accept", lambda file, **options: names.append(str(file.name)) or accept(file, **options)
    )
    return names


def hidden(client: Client, url: str, *, but: str = "") -> bytes:
    """The hidden fields of a form, as a browser sends them: before the file."""
    fields = Inputs(client.get(url).content.decode()).hidden
    return b"".join(field(name, value) for name, value in fields.items() if name != but)


def post(client: Client, url: str, body: bytes | CountingBody, **environ: Any) -> Any:
    sent = CountingBody(body) if isinstance(body, bytes) else body
    return client.generic("POST", url, **{**post_arguments(sent), **environ})


def test_a_file_goes_from_the_socket_to_the_store(
    place: str, client: Client, streamed: list[str], stored: Stored
) -> None:
    answer = post(client, "/undecorated/", hidden(client, "/undecorated/") + TITLE + file(PICTURE, name="video") + END)
    assert answer.status_code == 302
    asset = Film.objects.get().video
    assert (asset.size, asset.attachment, streamed) == (len(PICTURE), Attachment.ATTACHED, ["picture.png"])
    assert stored() == [asset.file.name]


@pytest.mark.parametrize("missing", ["csrfmiddlewaretoken", "video-permit"])
def test_nothing_is_streamed_without_a_token_and_a_permit_before_it(
    missing: str, place: str, client: Client, streamed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = hidden(client, "/undecorated/", but=missing)
    answer = post(client, "/undecorated/", fields + TITLE + file(PICTURE, name="video") + END)
    assert streamed == []
    # Without the permit the file goes Django's way, and is accepted.
    assert answer.status_code == (403 if missing == "csrfmiddlewaretoken" else 302)
    assert FileAsset.objects.count() == (missing == "video-permit")


def test_a_token_behind_the_file_is_good_for_django_s_way(client: Client, streamed: list[str]) -> None:
    fields = Inputs(client.get("/undecorated/").content.decode()).hidden
    token = field("csrfmiddlewaretoken", fields["csrfmiddlewaretoken"])
    permit = field("video-permit", fields["video-permit"])
    body = permit + TITLE + file(PICTURE, name="video") + token + END
    assert post(client, "/undecorated/", body).status_code == 302
    assert (streamed, Film.objects.count()) == ([], 1)


def test_a_permit_is_for_its_own_field(client: Client, streamed: list[str]) -> None:
    body = hidden(client, "/undecorated/") + TITLE + file(PICTURE, name="video-permit") + END
    post(client, "/undecorated/", body)
    assert streamed == []


def test_a_refused_file_is_shown_in_the_form_and_its_rest_not_read(place: str, client: Client, stored: Stored) -> None:
    body = CountingBody(hidden(client, "/undecorated/") + TITLE + file(PROGRAM, name="video") + END)
    answer = post(client, "/undecorated/", body)
    page = answer.content.decode()
    assert answer.status_code == 415
    assert "This is a program, not an image. Allowed here: PNG." in page and "Metropolis" in page
    assert body.consumed == FIRST_READ
    assert stored() == []


def test_a_file_of_a_form_with_other_errors_survives(client: Client) -> None:
    answer = post(client, "/undecorated/", hidden(client, "/undecorated/") + file(PICTURE, name="video") + END)
    assert answer.status_code == 200
    token = field("video", Inputs(answer.content.decode()).hidden["video"])
    body = hidden(client, "/undecorated/", but="video") + TITLE + token + END
    assert post(client, "/undecorated/", body).status_code == 302
    assert Film.objects.get().video == FileAsset.objects.get()


def test_files_of_other_fields_are_django_s(client: Client, streamed: list[str]) -> None:
    poster = file(b"x" * 5000, name="poster", filename="poster.txt")
    body = hidden(client, "/poster/") + TITLE + poster + file(PICTURE, name="video") + END
    assert post(client, "/poster/", body).content == b"5000 bytes, picture.png"
    assert streamed == ["picture.png"]


def test_files_of_other_fields_can_be_read_though_a_later_one_is_refused(client: Client) -> None:
    poster = file(b"x" * 5000, name="poster", filename="poster.txt")
    body = hidden(client, "/poster/") + TITLE + poster + file(EXECUTABLE, name="video") + END
    answer = post(client, "/poster/", body)
    assert (answer.status_code, b"This is a program" in answer.content) == (415, True)


def test_several_files_are_streamed(client: Client, streamed: list[str]) -> None:
    files = b"".join(file(png(), name="files", filename=name) for name in ("a.png", "b.png", "c.png"))
    assert post(client, "/album/", hidden(client, "/album/") + TITLE + files + END).status_code == 302
    assert (Album.objects.get().files.count(), streamed) == (3, ["a.png", "b.png", "c.png"])


def test_the_files_before_a_refused_one_survive(client: Client) -> None:
    files = file(png(), name="files", filename="a.png") + file(EXECUTABLE, name="files", filename="b.png")
    answer = post(client, "/album/", hidden(client, "/album/") + TITLE + files + END)
    page = Inputs(answer.content.decode())
    assert answer.status_code == 415
    assert "b.png: This is a program" in page.page
    body = hidden(client, "/album/") + TITLE + field("files", page.hidden["files"]) + END
    assert post(client, "/album/", body).status_code == 302
    assert Album.objects.get().files.get().original_name == "a.png"


def test_a_view_that_is_exempt_needs_no_csrf_token(client: Client, streamed: list[str]) -> None:
    permit = field("video-permit", Inputs(client.get("/undecorated/").content.decode()).hidden["video-permit"])
    assert post(client, "/exempt/", permit + TITLE + file(PICTURE, name="video") + END).status_code == 302
    assert streamed == ["picture.png"]


def test_who_may_not_upload_is_told_in_the_form(client: Client, largefiles: Largefiles) -> None:
    fields = hidden(client, "/undecorated/")
    largefiles.set(ACCESS_POLICY="tests.policies.NoMoreUploads")
    answer = post(client, "/undecorated/", fields + TITLE + file(PICTURE, name="video") + END)
    assert (answer.status_code, b"You may not upload files here." in answer.content) == (403, True)


def test_a_user_who_is_not_known_yet_streams_nothing(client: Client, streamed: list[str], settings: Settings) -> None:
    body = hidden(client, "/undecorated/") + TITLE + file(PICTURE, name="video") + END
    settings.MIDDLEWARE = [OURS, f"{__name__}.read_early", *settings.MIDDLEWARE]
    again = Client(enforce_csrf_checks=True)
    again.cookies = client.cookies
    assert post(again, "/undecorated/", body).status_code == 302
    assert streamed == []


def read_early(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A middleware that reads forms."""

    def middleware(request: HttpRequest) -> HttpResponse:
        assert isinstance(request.POST.get("title", ""), str)
        return get_response(request)

    return middleware


def test_a_body_that_breaks_off_is_an_error_of_django_s(client: Client) -> None:
    body = CountingBody(hidden(client, "/undecorated/") + TITLE + file(PICTURE, name="video"))
    arguments = post_arguments(body, length=body.length + 1000)
    with pytest.raises(UnreadablePostError):
        client.generic("POST", "/exempt/", **arguments)
    assert not FileAsset.objects.exists()


def test_a_form_without_its_end_is_an_error(client: Client) -> None:
    permit = field("video-permit", Inputs(client.get("/undecorated/").content.decode()).hidden["video-permit"])
    with pytest.raises(UnreadablePostError):
        post(client, "/exempt/", permit + TITLE + file(PICTURE, name="video"))
    assert not FileAsset.objects.exists()


def test_a_plain_file_without_its_end_is_dropped_as_django_does(client: Client) -> None:
    assert b"This field is required" in post(client, "/exempt/", TITLE + file(PICTURE, name="video")).content


def test_a_malformed_form_is_answered_by_django(client: Client) -> None:
    fields = b"".join(field(str(number), "") for number in range(1010))
    assert post(client, "/exempt/", fields + END).status_code == 400


@pytest.mark.parametrize("length", ["-1", "1e3", "\N{SUPERSCRIPT TWO}"], ids=["negative", "a float", "no digit"])
def test_a_malformed_length_is_left_to_django(length: str, client: Client, streamed: list[str]) -> None:
    form = {"CONTENT_TYPE": "multipart/form-data; boundary=x", "CONTENT_LENGTH": length}
    assert client.generic("POST", "/exempt/", b"", **form).status_code in {200, 400}
    assert streamed == []


def test_other_requests_are_left_alone(client: Client) -> None:
    assert client.post("/exempt/", {}, content_type="application/json").status_code == 200
    assert client.post("/exempt/", "a=b", content_type="application/x-www-form-urlencoded").status_code == 200


def test_handlers_of_the_host_are_used(client: Client, settings: Settings) -> None:
    settings.FILE_UPLOAD_HANDLERS = [f"{__name__}.Counting"]
    body = (
        hidden(client, "/poster/")
        + TITLE
        + file(b"x" * 50, name="poster", filename="poster.txt")
        + file(png(), name="video")
        + END
    )
    assert post(client, "/poster/", body).content == b"50 bytes, picture.png"
    assert Counting.seen == ["poster.txt"]


class Counting(MemoryFileUploadHandler):
    seen: list[str] = []

    def new_file(self, field_name: str, file_name: str, *args: Any, **options: Any) -> None:
        self.seen.append(file_name)
        super().new_file(field_name, file_name, *args, **options)


def test_an_asynchronous_view_reads_its_form_in_django_s_way(client: Client, owner: User) -> None:
    permit = field("video-permit", Inputs(client.get("/undecorated/").content.decode()).hidden["video-permit"])
    body = permit + file(png(), name="video") + END
    asynchronous = AsyncClient()
    asynchronous.cookies = client.cookies

    async def send() -> bytes:
        answer = await asynchronous.generic(
            "POST", "/asynchronous/", body, content_type=post_arguments(CountingBody(b""))["CONTENT_TYPE"]
        )
        return bytes(answer.content)

    assert asyncio.run(send()) == b"InMemoryUploadedFile"


def test_the_middleware_is_asynchronous_among_asynchronous_ones() -> None:
    async def get_response(request: HttpRequest) -> HttpResponse:
        assert current_request() is request
        return HttpResponse("seen")

    async def handle() -> bytes:
        answer = await LargeFilesMiddleware(get_response)(AsyncRequestFactory().get("/"))  # type: ignore[misc]
        assert current_request() is None
        return bytes(answer.content)

    assert asyncio.run(handle()) == b"seen"
