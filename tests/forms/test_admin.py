"""Fields of assets in the admin, without JavaScript and with what the script submits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_largefiles.models import FileAsset, Upload
from django_largefiles.sweeper import sweep
from django_largefiles.testing import upload_token
from tests.conftest import EXECUTABLE, png
from tests.films.models import Album, Film, Reel, Still
from tests.forms.conftest import Visitor
from tests.forms.pages import Inputs, picture
from tests.forms.views import FilmAdmin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.forms.views")]


@pytest.fixture
def superuser(db: None) -> User:
    return User.objects.create_superuser("superuser")


@pytest.fixture
def client(client: Client, superuser: User) -> Client:
    client.force_login(superuser)
    return client


@pytest.fixture
def visitor(superuser: User) -> Visitor:
    return Visitor(superuser)


@pytest.fixture
def film(visitor: Visitor) -> Film:
    film = Film.objects.create(title="Metropolis", video=visitor.upload())
    Still.objects.create(film=film, image=visitor.upload("default", name="a.png"))
    return film


def data(stills: int = 0, **changes: Any) -> dict[str, Any]:
    """A form of a film, with an inline of its stills and one row for another."""
    management = {"still_set-TOTAL_FORMS": str(stills + 1), "still_set-INITIAL_FORMS": str(stills)}
    return {"title": "Metropolis", **management, **changes}


def with_rows(film: Film, **changes: Any) -> dict[str, Any]:
    pks = film.still_set.values_list("pk", flat=True)
    rows = {f"still_set-{number}-id": pk for number, pk in enumerate(pks)}
    rows |= {f"still_set-{number}-film": film.pk for number in range(len(pks) + 1)}
    return data(len(pks), **rows, **changes)


def test_a_film_is_added_with_files_that_were_uploaded_before(client: Client, visitor: Visitor) -> None:
    video, still = visitor.upload(), visitor.upload("default")
    tokens = {"video": upload_token(client, video), "still_set-0-image": upload_token(client, still)}
    assert client.post("/admin/films/film/add/", data(**tokens)).status_code == 302
    assert (Film.objects.get().video, Still.objects.get().image) == (video, still)


def test_a_film_is_added_without_javascript(client: Client, superuser: User) -> None:
    sent = {"video": picture(), "still_set-0-image": picture(png(5, 5), name="still.png")}
    assert client.post("/admin/films/film/add/", data(**sent)).status_code == 302
    film = Film.objects.get()
    assert (film.video.original_name, film.still_set.get().image.original_name) == ("a.png", "still.png")
    assert film.video.owner == superuser


def test_a_film_is_changed(client: Client, film: Film, visitor: Visitor) -> None:
    former, other = film.video, visitor.upload()
    url = f"/admin/films/film/{film.pk}/change/"
    page = Inputs(client.get(url).content.decode())
    assert "holiday.png" in page.page and "a.png" in page.page
    changes = {"video": upload_token(client, other), "still_set-0-DELETE": "on"}
    assert client.post(url, with_rows(film, **changes)).status_code == 302
    assert Film.objects.get().video == other
    assert list(FileAsset.objects.all()) == [other]
    assert former != other


def test_a_film_is_saved_without_a_change(client: Client, film: Film) -> None:
    assert client.post(f"/admin/films/film/{film.pk}/change/", with_rows(film)).status_code == 302
    assert (Film.objects.get().video, Still.objects.get().image) == (film.video, film.still_set.get().image)


def test_uploads_survive_a_form_that_is_shown_again(client: Client, visitor: Visitor) -> None:
    tokens = {"video": upload_token(client, visitor.upload()), "still_set-0-image": "forged"}
    answer = client.post("/admin/films/film/add/", data(title="", **tokens))
    page = Inputs(answer.content.decode())
    assert "not saved yet" in page.page and "cannot be found" in page.page
    client.post("/admin/films/film/add/", data(video=page.hidden["video"]))
    assert Film.objects.get().video == FileAsset.objects.get()


def test_another_user_s_upload_is_refused(client: Client, owner: User) -> None:
    strange = Client()
    strange.force_login(owner)
    token = upload_token(strange, Visitor(owner).upload())
    answer = client.post("/admin/films/film/add/", data(video=token))
    assert "uploaded by another user" in answer.content.decode()
    assert not Film.objects.exists()


def test_no_other_file_can_be_chosen_nor_added_by_a_popup(client: Client, film: Film, visitor: Visitor) -> None:
    visitor.upload(name="secret.png")
    page = client.get(f"/admin/films/film/{film.pk}/change/").content.decode()
    assert "related-widget-wrapper" not in page and "secret.png" not in page


def test_the_query_of_the_page_names_no_file(client: Client, owner: User) -> None:
    asset = Visitor(owner).upload(name="secret.png")
    for query in (f"video={asset.pk}", "video=abc&title=Metropolis"):
        answer = client.get(f"/admin/films/film/add/?{query}")
        assert (answer.status_code, b"secret.png" in answer.content) == (200, False)
    assert b"Metropolis" in answer.content


def test_fields_of_assets_come_last_unless_the_admin_orders_them(client: Client) -> None:
    page = client.get("/admin/films/film/add/").content.decode()
    assert page.index("id_title") < page.index("id_published") < page.index("id_video")
    page = client.get("/admin/films/album/add/").content.decode()
    assert page.index("id_files") < page.index("id_title")


def test_an_album_takes_several_files(client: Client, visitor: Visitor) -> None:
    token = upload_token(client, visitor.upload("default", name="b.png"))
    client.post("/admin/films/album/add/", {"title": "Summer", "files": [token, picture(), picture(png(5, 5))]})
    assert Album.objects.get().files.count() == 3


def test_the_assets_of_an_inline_are_read_with_its_rows(client: Client, film: Film, visitor: Visitor) -> None:
    for number in range(10):
        Still.objects.create(film=film, image=visitor.upload("default", name=f"{number}.png"))
    with CaptureQueriesContext(connection) as queries:
        page = client.get(f"/admin/films/film/{film.pk}/change/").content.decode()
    assert "9.png" in page
    # That of the film itself, and that of its stills.
    assert len([query for query in queries if "django_largefiles_fileasset" in query["sql"]]) == 2


@pytest.mark.parametrize("middleware", [False, True], ids=["Django's way", "streamed"])
def test_a_view_that_fails_leaves_nothing_behind(
    middleware: bool, client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch, stored: Callable[[], list[str]]
) -> None:
    def fail(*arguments: Any) -> None:
        raise RuntimeError("the host's own mistake")

    if middleware:
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django_largefiles.middleware.LargeFilesMiddleware"]
    fields = Inputs(client.get("/admin/films/film/add/").content.decode()).hidden
    monkeypatch.setattr(FilmAdmin, "save_related", fail)
    sent = data(**{"video-permit": fields["video-permit"], "video": picture()})
    with pytest.raises(RuntimeError):
        client.post("/admin/films/film/add/", sent)
    # What was streamed is an upload again, which expires.
    Upload.objects.update(expires_at=timezone.now() - timedelta(days=2))
    sweep()
    assert (stored(), FileAsset.objects.count()) == ([], 0)


class TestRefusedWhileItArrives:
    @pytest.fixture(autouse=True)
    def _middleware(self, settings: Any) -> None:
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django_largefiles.middleware.LargeFilesMiddleware"]

    def test_an_inline_that_did_not_arrive_is_shown_as_it_is_stored(self, client: Client, film: Film) -> None:
        url = f"/admin/films/film/{film.pk}/change/"
        fields = Inputs(client.get(url).content.decode()).hidden
        sent = {"title": "M", "video-permit": fields["video-permit"], "video": picture(EXECUTABLE)}
        answer = client.post(url, {**sent, **with_rows(film, title="M")})
        page = answer.content.decode()
        assert answer.status_code == 415
        assert "This is a program, not an image." in page
        assert "a.png" in page and "ManagementForm" not in page
        assert Film.objects.get().title == "Metropolis"

    def test_fields_that_did_not_arrive_are_marked(self, client: Client) -> None:
        fields = Inputs(client.get("/admin/films/film/add/").content.decode()).hidden
        sent = {"video-permit": fields["video-permit"], "video": picture(EXECUTABLE), "title": "Metropolis"}
        page = client.post("/admin/films/film/add/", sent).content.decode()
        assert "This field was not received" in page


def test_an_admin_that_asks_for_raw_ids_has_them(client: Client, owner: User) -> None:
    asset = Visitor(owner).upload("default")
    assert client.post("/admin/films/reel/add/", {"file": asset.pk}).status_code == 302
    assert Reel.objects.get().file == asset


def test_without_the_mixin_the_admin_fails_and_names_it(client: Client) -> None:
    with pytest.raises(ImproperlyConfigured, match="AssetAdminMixin"):
        client.get("/admin/films/still/add/")


def test_with_the_middleware_the_admin_works_without_the_mixin(client: Client, film: Film, settings: Any) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django_largefiles.middleware.LargeFilesMiddleware"]
    assert client.post("/admin/films/still/add/", {"film": film.pk, "image": picture()}).status_code == 302
    assert Still.objects.filter(image__original_name="a.png").count() == 2
