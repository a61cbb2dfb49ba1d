"""A form with one asset: what it accepts and what not, and what it shows."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeAlias

import pytest
from django import forms
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ImproperlyConfigured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from django_largefiles import upload_tokens
from django_largefiles.forms import AssetFormField, AssetFormMixin, AssetInput
from django_largefiles.models import FileAsset, Upload
from django_largefiles.states import Attachment, Reason, State
from django_largefiles.stores.filesystem import FilesystemStore
from tests.conftest import EXECUTABLE, IMMEDIATE, Largefiles, png
from tests.doors.resumable.tus_client import needs_framework
from tests.films.models import Film, Still
from tests.forms.conftest import Visitor
from tests.forms.pages import Inputs, picture

pytestmark = pytest.mark.django_db(transaction=True)


class FilmForm(AssetFormMixin, forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Film
        fields = ("video", "title")


class VideoForm(AssetFormMixin, forms.Form):
    video = AssetFormField(profile="videos")


class StillForm(AssetFormMixin, forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Still
        fields = ("image",)


def film_form(visitor: Visitor, token: str = "", *, film: Film | None = None, **data: Any) -> FilmForm:
    """A form that was submitted with the token of a file."""
    data = {"title": "Metropolis", "video": token, **data}
    files = {"video": data.pop("file")} if "file" in data else {}
    return FilmForm(data, files, instance=film, request=visitor.request)


def film_of(visitor: Visitor, **columns: Any) -> Film:
    return Film.objects.create(title="Metropolis", video=visitor.upload(**columns))


def test_what_a_form_was_uploaded_for_is_attached(visitor: Visitor) -> None:
    asset = visitor.upload()
    form = film_form(visitor, visitor.token(asset))
    assert form.is_valid(), form.errors
    assert form.cleaned_data["video"] == asset
    film = form.save()
    asset.refresh_from_db()
    assert (film.video, asset.attachment) == (asset, Attachment.ATTACHED)


def test_anonymous_users_attach_what_their_session_has_uploaded(anonymous: Visitor) -> None:
    assert film_form(anonymous, anonymous.token()).is_valid()


# --- Each row of the table of issue 12 that a form can tell

Case: TypeAlias = Callable[[SimpleNamespace], "tuple[str, Visitor]"]


@pytest.fixture
def case(visitor: Visitor, stranger: User, anonymous: Visitor) -> SimpleNamespace:
    return SimpleNamespace(visitor=visitor, stranger=Visitor(stranger), anonymous=anonymous)


def attached(case: SimpleNamespace) -> tuple[str, Visitor]:
    film = film_of(case.visitor)
    return case.visitor.token(film.video), case.visitor


REFUSED: dict[str, tuple[Case, str]] = {
    "another user's": (
        lambda case: (case.stranger.token(), Visitor(case.visitor.user, case.stranger.session)),
        "upload_token_of_another_user",
    ),
    "another session's": (
        lambda case: (case.visitor.token(), Visitor(case.visitor.user)),
        "upload_token_of_another_session",
    ),
    "submitted after the logout": (
        lambda case: (case.visitor.token(), Visitor(AnonymousUser(), case.visitor.session)),
        "upload_token_of_another_user",
    ),
    "of another anonymous user": (
        lambda case: (case.anonymous.token(), Visitor(AnonymousUser())),
        "upload_token_of_another_session",
    ),
    "another profile's": (lambda case: (case.visitor.token(profile="default"), case.visitor), "profile"),
    "attached": (attached, "attached"),
    "still arriving": (lambda case: (case.visitor.token(state=State.RECEIVING), case.visitor), "receiving"),
    "rejected": (
        lambda case: (case.visitor.token(state=State.REJECTED, reason=Reason.INFECTED), case.visitor),
        "infected",
    ),
    "gone": (
        lambda case: (case.visitor.token(SimpleNamespace(pk=uuid.uuid4(), profile="videos")), case.visitor),
        "not_found",
    ),
    "changed": (lambda case: (f"{case.visitor.token()}x", case.visitor), "upload_token_invalid"),
    "a bare id": (lambda case: (str(case.visitor.upload().pk), case.visitor), "upload_token_invalid"),
}


@pytest.mark.parametrize(("make", "code"), REFUSED.values(), ids=REFUSED)
def test_other_files_are_refused_in_words(make: Case, code: str, case: SimpleNamespace) -> None:
    token, submitter = make(case)
    form = film_form(submitter, token)
    assert form.errors.keys() == {"video"}
    (error,) = form.errors.as_data()["video"]
    assert error.code == code
    assert error.messages[0].endswith(".")
    # What was refused is not shown as if it were there.
    assert "holiday.png" not in str(form)


def test_a_token_expires(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    token, later = visitor.token(), time.time() + 9 * 24 * 3600
    monkeypatch.setattr(upload_tokens, "time", SimpleNamespace(time=lambda: later))
    assert film_form(visitor, token).has_error("video", "upload_token_expired")


def test_a_file_that_was_processed_in_the_meantime_is_accepted(visitor: Visitor) -> None:
    for state in (State.PROCESSING, State.READY, State.FAILED):
        assert film_form(visitor, visitor.token(state=state)).is_valid()


def test_a_file_may_be_shared_where_the_field_says_so(visitor: Visitor) -> None:
    class PosterForm(AssetFormMixin, forms.Form):
        sheet = AssetFormField(profile="videos", shared=True)

    film = film_of(visitor)
    assert PosterForm({"sheet": visitor.token(film.video)}, request=visitor.request).is_valid()


# --- A row that has a file


def test_nothing_submitted_keeps_the_file(visitor: Visitor) -> None:
    film = film_of(visitor)
    form = film_form(visitor, film=film, title="M")
    assert form.is_valid()
    assert form.changed_data == ["title"]
    assert form.save().video == film.video


def test_another_file_replaces_it(visitor: Visitor) -> None:
    film, other = film_of(visitor), visitor.upload()
    former = film.video
    form = film_form(visitor, visitor.token(other), film=film)
    assert form.changed_data == ["video"]
    form.save()
    assert list(FileAsset.objects.all()) == [other]
    assert Film.objects.get().video == other
    assert former != other


def test_a_form_that_is_submitted_twice_changes_nothing_the_second_time(visitor: Visitor) -> None:
    film = film_of(visitor)
    form = film_form(visitor, visitor.token(film.video), film=film)
    assert form.is_valid()
    assert form.save().video == film.video


def test_a_file_that_need_not_be_there_is_cleared(visitor: Visitor) -> None:
    still = Still.objects.create(film=film_of(visitor), image=visitor.upload("default"))
    form = StillForm({"image": "", "image-clear": "on"}, instance=still, request=visitor.request)
    assert form.is_valid()
    form.save()
    assert Still.objects.get().image is None
    assert FileAsset.objects.count() == 1


def test_an_upload_is_cleared_too(visitor: Visitor) -> None:
    form = StillForm({"image": visitor.token(profile="default"), "image-clear": "on"}, request=visitor.request)
    assert form.fields["image"].clean(form["image"].data) is None


def test_to_clear_and_to_replace_is_a_contradiction(visitor: Visitor) -> None:
    form = StillForm({"image-clear": "on"}, {"image": picture()}, request=visitor.request)
    assert form.has_error("image", "contradiction")


def test_a_file_that_is_required_is_not_cleared(visitor: Visitor) -> None:
    film = film_of(visitor)
    form = film_form(visitor, film=film, **{"video-clear": "on"})
    assert form.is_valid()
    assert form.save().video == film.video


def test_a_file_is_required(visitor: Visitor) -> None:
    assert film_form(visitor).has_error("video", "required")


def test_a_disabled_field_keeps_the_file(visitor: Visitor) -> None:
    film = film_of(visitor)
    form = film_form(visitor, visitor.token(), film=film)
    form.fields["video"].disabled = True
    assert form.is_valid()
    assert (form.changed_data, form.save().video) == ([], film.video)


def test_the_initial_file_of_a_form_without_a_model_may_be_a_key(visitor: Visitor) -> None:
    asset = visitor.upload()
    for initial in (asset, asset.pk, str(asset.pk)):
        form = VideoForm({}, initial={"video": initial}, request=visitor.request)
        assert form.is_valid()
        assert form.cleaned_data == {"video": asset}


@pytest.mark.parametrize("initial", ["abc", 3, ["abc", None]], ids=str)
def test_what_is_no_key_is_no_initial_file(initial: Any, visitor: Visitor) -> None:
    assert VideoForm(initial={"video": initial}, request=visitor.request)["video"].initial == ()


def test_a_form_may_have_a_prefix(visitor: Visitor) -> None:
    data = {"a-title": "Metropolis", "a-video": visitor.token()}
    assert FilmForm(data, prefix="a", request=visitor.request).is_valid()


def test_a_file_that_was_read_with_the_row_is_not_read_again(visitor: Visitor, django_assert_num_queries: Any) -> None:
    film_of(visitor)
    film = Film.objects.select_related("video").get()
    with django_assert_num_queries(0):
        assert FilmForm(instance=film, request=visitor.request)["video"].initial == (film.video,)


# --- A file that comes with the form


def test_a_file_that_django_has_received_becomes_a_provisional_asset(visitor: Visitor) -> None:
    form = film_form(visitor, file=picture())
    assert form.is_valid(), form.errors
    asset = FileAsset.objects.get()
    assert (asset.attachment, asset.owner, asset.profile) == (Attachment.PROVISIONAL, visitor.user, "videos")
    assert (asset.original_name, asset.state, asset.expires_at is None) == ("a.png", State.RECEIVED, False)
    form.save()
    asset.refresh_from_db()
    assert asset.attachment == Attachment.ATTACHED


def test_a_file_of_two_forms_becomes_one_asset(visitor: Visitor) -> None:
    file = picture()
    assert film_form(visitor, file=file).is_valid() and film_form(visitor, file=file).is_valid()
    assert FileAsset.objects.count() == 1


def test_an_empty_file_is_judged_by_the_rules_of_the_profile(visitor: Visitor) -> None:
    assert film_form(visitor, file=picture(b"")).has_error("video", "type_not_allowed")


@pytest.mark.parametrize(
    ("file", "code", "words"),
    [
        (picture(EXECUTABLE), "type_not_allowed", "This is a program, not an image. Allowed here: PNG, videos."),
        (picture(png(padding=5000)), "too_large", "The file is larger than 2.0\xa0KB, the most that is allowed here."),
        (picture(name="a.mp4"), "type_mismatch", "“.mp4”"),
    ],
    ids=["type", "size", "name"],
)
def test_a_file_against_the_rules_is_refused(
    file: SimpleUploadedFile, code: str, words: str, visitor: Visitor, largefiles: Largefiles, files: Any
) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=2048 if code == "too_large" else 10**6)
    form = film_form(visitor, file=file)
    assert form.has_error("video", code)
    assert words in form.errors["video"][0]
    assert not FileAsset.objects.exists() and not Upload.objects.exists() and files() == []


def test_a_file_of_a_user_who_may_not_upload_is_refused(anonymous: Visitor) -> None:
    assert film_form(anonymous, file=picture()).has_error("video", "not_permitted")


def test_a_file_that_a_worker_has_rejected_already_is_refused(visitor: Visitor, largefiles: Largefiles) -> None:
    scanner = {"BACKEND": "django_largefiles.testing.scanners.FakeScanner", "OPTIONS": {"verdict": "infected"}}
    largefiles.set(DISPATCHER=IMMEDIATE, SCANNERS=[scanner])
    assert film_form(visitor, file=picture()).has_error("video", "infected")


# --- What is shown


def test_the_upload_survives_a_form_that_is_shown_again(visitor: Visitor) -> None:
    asset = visitor.upload()
    form = film_form(visitor, visitor.token(asset), title="")
    assert form.errors.keys() == {"title"}
    inputs = Inputs(form)
    assert "holiday.png" in inputs.page and "received</largefile-state>, not saved yet" in inputs.page
    (file,) = inputs.named("video", "file")
    assert "required" not in file
    again = film_form(visitor, inputs.hidden["video"])
    assert again.is_valid()
    assert again.save().video == asset


def test_a_file_that_came_with_the_form_survives_too(visitor: Visitor) -> None:
    form = film_form(visitor, title="", file=picture())
    assert form.errors.keys() == {"title"}
    again = film_form(visitor, Inputs(form).hidden["video"])
    assert again.save().video == FileAsset.objects.get()


@pytest.mark.parametrize("is_new", [True, False], ids=["new", "changed"])
def test_a_saved_form_that_is_shown_again_has_the_file_of_the_row(is_new: bool, visitor: Visitor) -> None:
    film = None if is_new else film_of(visitor)
    form = film_form(visitor, visitor.token(name="other.png"), film=film)
    saved = form.save()
    shown = form["video"].value()
    assert (shown.initial, shown.uploaded) == ((saved.video,), ())
    assert "other.png" in str(form) and "not saved yet" not in str(form) and "holiday.png" not in str(form)


def test_a_file_that_was_removed_by_a_saved_form_is_not_shown_again(visitor: Visitor) -> None:
    still = Still.objects.create(film=film_of(visitor), image=visitor.upload("default"))
    form = StillForm({"image-clear": "on"}, instance=still, request=visitor.request)
    form.save()
    assert form["image"].value().initial == ()


def test_a_form_without_a_model_shows_what_was_uploaded(visitor: Visitor) -> None:
    form = VideoForm({"video": visitor.token()}, request=visitor.request)
    assert form.is_valid()
    assert form["video"].value().uploaded == (form.cleaned_data["video"],)


def test_a_field_that_is_none_of_the_model_s_shows_what_was_uploaded(visitor: Visitor) -> None:
    class WithAnother(FilmForm):
        other = AssetFormField(profile="videos")

    film = film_of(visitor)
    form = WithAnother({"title": "Metropolis", "other": visitor.token()}, instance=film, request=visitor.request)
    form.save()
    assert form["other"].value().uploaded == (form.cleaned_data["other"],)


def test_a_new_form_asks_for_the_file(visitor: Visitor) -> None:
    inputs = Inputs(FilmForm(request=visitor.request))
    (file,) = inputs.named("video", "file")
    assert {"required", "accept"} <= file.keys()
    assert file["accept"] == "image/png,video/*,.apng,.png"
    assert inputs.hidden["video"] == ""
    permit = upload_tokens.permitted_profile(inputs.hidden["video-permit"], "video", visitor.request)
    assert permit == "videos"
    assert inputs.page.index("video-permit") < inputs.page.index('type="file"')
    assert inputs.page.index("title") < inputs.page.index("video-permit")


def test_the_element_has_what_the_script_needs(visitor: Visitor) -> None:
    page = Inputs(FilmForm(request=visitor.request)).page
    for attribute in (
        'data-url="/files/uploads/"',
        'data-events="/files/events/"',
        'data-download="/files/assets/00000000-0000-0000-0000-000000000000/download/"',
        f'data-user="{visitor.user.pk}"',
        'data-profile="videos"',
        'data-max-size="5368709120"',
        'data-accept="image/png,video/*,.apng,.png"',
        'data-allowed="PNG, videos"',
    ):
        assert attribute in page
    assert "data-direct" not in page and '<template data-part="tools">' in page


def test_the_script_and_its_style_come_with_the_form(visitor: Visitor) -> None:
    media = str(FilmForm(request=visitor.request).media)
    for path in ("upload.css", "vendor/tus-js-client/tus.min.js", "upload.js"):
        assert f"django_largefiles/{path}" in media
    assert 'type="module"' in media


@needs_framework
def test_files_go_to_a_storage_that_takes_them(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:  # needs_framework
    monkeypatch.setattr(FilesystemStore, "direct", object())
    page = Inputs(FilmForm(request=visitor.request)).page
    assert 'data-direct="/api/direct-uploads/"' in page


def test_a_project_without_the_urls_has_no_resumable_uploads(visitor: Visitor, settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.doors.views"
    film = film_of(visitor, state=State.READY)
    page = Inputs(FilmForm(instance=film, request=visitor.request)).page
    assert "data-url" not in page and "href" not in page and "holiday.png" in page


def test_the_file_of_a_row_is_shown_with_its_state(visitor: Visitor) -> None:
    film = film_of(visitor, state=State.READY)
    inputs = Inputs(FilmForm(instance=film, request=visitor.request))
    assert f'<a href="{film.video.url}">holiday.png</a>' in inputs.page
    assert "ready" in inputs.page
    assert inputs.hidden["video"] == ""
    assert inputs.named("video-clear", "checkbox") == []
    assert "required" not in inputs.named("video", "file")[0]


def test_a_rejected_file_is_shown_with_the_reason(visitor: Visitor) -> None:
    film = film_of(visitor)
    FileAsset.objects.update(state=State.REJECTED, reason=Reason.INFECTED)
    film.refresh_from_db()
    page = Inputs(FilmForm(instance=film, request=visitor.request)).page
    assert "The file is infected." in page and "href" not in page


def test_a_file_that_need_not_be_there_can_be_removed(visitor: Visitor) -> None:
    still = Still(image=visitor.upload("default"))
    inputs = Inputs(StillForm(instance=still, request=visitor.request))
    (checkbox,) = inputs.named("image-clear", "checkbox")
    assert checkbox["id"] == "image-clear_id"
    assert '<label for="image-clear_id">Remove</label>' in inputs.page


def test_a_disabled_field_is_only_shown(visitor: Visitor) -> None:
    form = StillForm({}, instance=Still(image=visitor.upload("default")), request=visitor.request)
    form.fields["image"].disabled = True
    inputs = Inputs(form)
    assert "holiday.png" in inputs.page
    assert inputs.named("image-clear", "checkbox") == [] and "image-permit" not in inputs.hidden
    assert "disabled" in inputs.named("image", "file")[0]


def test_names_of_files_are_escaped(visitor: Visitor) -> None:
    still = Still(image=visitor.upload("default", original_name="<b>&.png"))
    assert ">&lt;b&gt;&amp;.png</bdi> <" in Inputs(StillForm(instance=still, request=visitor.request)).page


def test_all_types_need_no_attribute(visitor: Visitor, largefiles: Largefiles) -> None:
    largefiles.set(PROFILES={"videos": {"ALLOWED_MIME_TYPES": ["*/*"]}})
    inputs = Inputs(FilmForm(request=visitor.request))
    assert "accept" not in inputs.named("video", "file")[0] and "data-accept" not in inputs.page


def test_a_widget_that_is_shown_without_a_form_has_no_permit() -> None:
    page = AssetInput().render("video", None, {"id": "id_video"})
    assert "permit" not in page and 'type="file" name="video"' in page


# --- Without a request


@pytest.mark.parametrize("act", [str, lambda form: form.is_valid()], ids=["shown", "submitted"])
def test_a_form_without_a_request_fails_and_names_what_gives_it_one(
    act: Callable[[forms.BaseForm], object], visitor: Visitor
) -> None:
    class PlainForm(forms.ModelForm):  # type: ignore[type-arg]
        class Meta:
            model = Film
            fields = ("title", "video")

    form = PlainForm({"title": "Metropolis", "video": visitor.token()})
    with pytest.raises(ImproperlyConfigured, match=r"AssetFormMixin.*AssetAdminMixin.*LargeFilesMiddleware"):
        act(form)


def test_a_form_in_which_nothing_was_submitted_needs_no_request(visitor: Visitor) -> None:
    class PlainForm(forms.ModelForm):  # type: ignore[type-arg]
        class Meta:
            model = Film
            fields = ("title", "video")

    assert PlainForm({"title": "M"}, instance=film_of(visitor)).is_valid()


def test_a_form_of_multi_value_data_is_the_same(visitor: Visitor) -> None:
    data = QueryDict(mutable=True)
    data.update({"title": "Metropolis"})
    data.setlist("video", ["", visitor.token()])
    assert FilmForm(data, MultiValueDict(), request=visitor.request).is_valid()
