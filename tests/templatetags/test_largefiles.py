from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import default_storage
from django.db.models import FileField
from django.db.models.fields.files import FieldFile
from django.http import HttpRequest
from django.template import Context, RequestContext, Template, TemplateSyntaxError
from django.test import Client, RequestFactory
from django.urls import include, path
from django.utils.safestring import mark_safe
from pytest_django.fixtures import Settings

from django_largefiles.models import FileAsset
from django_largefiles.states import Reason, State
from tests.conftest import Largefiles, create_asset

pytestmark = pytest.mark.django_db

PICTURE = '{% largefile_picture asset alt="A kite" %}'
PLAYER = "{% largefile_player asset %}"
LINK = "{% largefile_link asset %}"
TAGS = pytest.mark.parametrize("tag", [PICTURE, PLAYER, LINK], ids=["picture", "player", "link"])

ATTACK = """"'><script>alert(1)</script><img src=x onerror=alert(1)>"""


def render(tag: str, *, request: HttpRequest | None = None, **names: object) -> str:
    template = Template("{% load largefiles %}" + tag)
    return template.render(RequestContext(request, names) if request else Context(names))


def ready(media_type: str = "image/png", **values: Any) -> FileAsset:
    return create_asset(**{"state": State.READY, "media_type": media_type, **values})


class Elements(HTMLParser):
    """The elements of a page, each a name with its attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), "an attribute occurs twice"
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def __getitem__(self, name: str) -> dict[str, str | None]:
        (attributes,) = [attributes for tag, attributes in self.found if tag == name]
        return attributes

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.found]


def elements(tag: str, **names: Any) -> Elements:
    return Elements(render(tag, **names))


def test_a_picture_has_all_that_a_browser_needs_to_know() -> None:
    asset = ready(width=1600, height=900)
    assert render(PICTURE, asset=asset) == (
        f'<img src="{asset.url}?disposition=inline" alt="A kite" width="1600" height="900"'
        ' loading="lazy" decoding="async">'
    )


@pytest.mark.parametrize(
    ("arguments", "size", "box"),
    [
        ("", (1600, 900), ("1600", "900")),
        ("width=320", (1600, 900), ("320", "180")),
        ("height=90", (1600, 900), ("160", "90")),
        ('width="320"', (1600, 900), ("320", "180")),
        ("width=100 height=100", (1600, 900), ("100", "100")),
        ("width=100", (3, 2), ("100", "67")),
        ("", (None, None), (None, None)),
        ("width=320", (None, None), ("320", None)),
        ("", (0, 0), (None, None)),
    ],
)
@pytest.mark.parametrize("kind", ["picture", "player"])
def test_the_page_does_not_move_when_the_file_arrives(
    kind: str, arguments: str, size: tuple[int | None, int | None], box: tuple[str | None, str | None]
) -> None:
    tag, name, media_type = {
        "picture": (f"{{% largefile_picture asset alt='' {arguments} %}}", "img", "image/png"),
        "player": (f"{{% largefile_player asset {arguments} %}}", "video", "video/mp4"),
    }[kind]
    shown = elements(tag, asset=ready(media_type, width=size[0], height=size[1]))[name]
    assert (shown.get("width"), shown.get("height")) == box


def test_figures_are_not_localized(settings: Settings) -> None:
    settings.USE_THOUSAND_SEPARATOR = True
    assert 'width="1600"' in render(PICTURE, asset=ready(width=1600, height=900))


@pytest.mark.parametrize(
    ("alt", "said"),
    [
        ('alt=""', ""),
        ("alt=None", ""),
        ('alt="A kite"', "A kite"),
        ("alt=unknown", ""),
        ("alt=caption", "Tom & “Jerry”"),
    ],
)
def test_a_picture_has_an_alternative_text(alt: str, said: str) -> None:
    shown = elements(f"{{% largefile_picture asset {alt} %}}", asset=ready(), caption="Tom & “Jerry”")
    assert shown["img"]["alt"] == said


def test_a_picture_without_an_alternative_text_is_an_error() -> None:
    with pytest.raises(TemplateSyntaxError, match=r"'largefile_picture' did not receive value.*: 'alt'"):
        render("{% largefile_picture asset %}", asset=ready())


def test_a_picture_may_be_a_link_to_its_file() -> None:
    asset = ready()
    shown = elements('{% largefile_picture asset alt="" link=True %}', asset=asset)
    assert shown.names == ["a", "img"]
    assert shown["a"] == {"href": f"{asset.url}?disposition=inline"}


def test_a_picture_above_the_fold_is_loaded_at_once() -> None:
    assert elements('{% largefile_picture asset alt="" loading="eager" %}', asset=ready())["img"]["loading"] == "eager"


def test_a_film_is_played() -> None:
    asset = ready("video/mp4", title="The kite", width=64, height=48)
    shown = elements(PLAYER, asset=asset)
    assert shown["video"] == {
        "src": f"{asset.url}?disposition=inline",
        "preload": "metadata",
        "aria-label": "The kite",
        "width": "64",
        "height": "48",
        "controls": None,
    }
    assert shown["a"] == {"href": asset.url}, "for what does not know the element"


def test_a_sound_is_played() -> None:
    asset = ready("audio/mpeg", original_name="kite.mp3", width=64, height=48)
    shown = elements('{% largefile_player asset poster="/poster.png" %}', asset=asset)
    assert shown["audio"] == {
        "src": f"{asset.url}?disposition=inline",
        "preload": "metadata",
        "aria-label": "kite.mp3",
        "controls": None,
    }


def test_a_film_may_be_loaded_when_it_is_asked_for() -> None:
    shown = elements('{% largefile_player asset preload="none" %}', asset=ready("video/mp4"))
    assert shown["video"]["preload"] == "none"


def test_a_film_may_play_by_itself() -> None:
    tag = "{% largefile_player asset controls=False autoplay=True muted=True loop=True playsinline=True %}"
    shown = elements(tag, asset=ready("video/mp4"))["video"]
    assert {name for name, value in shown.items() if value is None} == {"autoplay", "muted", "loop", "playsinline"}


def field_file(name: str) -> FieldFile:
    return FieldFile(SimpleNamespace(), FileField(storage=default_storage), name)


@pytest.mark.parametrize(
    ("poster", "url"),
    [
        ("/static/poster.png", "/static/poster.png"),
        (lambda: field_file("poster.png"), "/media/poster.png"),
        (lambda: field_file(""), None),
        (None, None),
        ("", None),
    ],
    ids=["a URL", "a field's", "an empty field's", "none", "empty"],
)
def test_a_film_has_a_poster(poster: object, url: str | None, settings: Settings) -> None:
    settings.MEDIA_URL = "/media/"
    file = poster() if callable(poster) else poster
    shown = elements("{% largefile_player asset poster=poster %}", asset=ready("video/mp4"), poster=file)
    assert shown["video"].get("poster") == url


@pytest.mark.parametrize("state", State)
def test_a_poster_may_be_an_asset_that_is_ready(state: State) -> None:
    poster = create_asset(state=state)
    shown = elements("{% largefile_player asset poster=poster %}", asset=ready("video/mp4"), poster=poster)
    expected = f"{poster.url}?disposition=inline" if state == State.READY else None
    assert shown["video"].get("poster") == expected


@pytest.mark.parametrize(
    ("arguments", "label", "language"),
    [('srclang="de"', "Deutsch", "de"), ('srclang="tlh"', "tlh", "tlh"), ("", None, None)],
    ids=["a language that Django knows", "another", "none"],
)
def test_a_film_has_captions(arguments: str, label: str | None, language: str | None) -> None:
    tag = f'{{% largefile_player asset captions="/static/kite.vtt" {arguments} %}}'
    shown = elements(tag, asset=ready("video/mp4"))["track"]
    assert (shown.get("label"), shown.get("srclang")) == (label, language)
    assert (shown["kind"], shown["src"], shown["default"]) == ("captions", "/static/kite.vtt", None)


def test_a_film_has_tracks_in_several_languages() -> None:
    french, missing = ready("text/vtt"), create_asset(state=State.REJECTED)
    tracks = [
        {"src": "/en.vtt", "srclang": "en", "default": True},
        {"src": french, "srclang": "fr", "label": "Français (Canada)", "kind": "subtitles"},
        {"src": missing, "srclang": "it"},
    ]
    shown = elements("{% largefile_player asset tracks=tracks %}", asset=ready("video/mp4"), tracks=tracks)
    assert [attributes for name, attributes in shown.found if name == "track"] == [
        {"kind": "captions", "src": "/en.vtt", "srclang": "en", "label": "English", "default": None},
        {
            "kind": "subtitles",
            "src": f"{french.url}?disposition=inline",
            "srclang": "fr",
            "label": "Français (Canada)",
        },
    ]


def test_a_file_is_downloaded_by_a_link() -> None:
    asset = ready(original_name="kite.png")
    assert render(LINK, asset=asset) == f'<a href="{asset.url}"><bdi>kite.png</bdi></a>'


def test_a_pdf_opens_in_a_tab() -> None:
    asset = ready("application/pdf")
    shown = elements('{% largefile_link asset tab=True text="The report" class="button" %}', asset=asset)
    assert shown["a"] == {
        "href": f"{asset.url}?disposition=inline",
        "target": "_blank",
        "rel": "noopener",
        "class": "button",
    }
    assert shown.text == "The report"


@pytest.mark.parametrize("media_type", ["image/svg+xml", "text/html", "application/zip", ""])
@pytest.mark.parametrize(
    "tag", [PICTURE, PLAYER, "{% largefile_link asset tab=True %}"], ids=["picture", "player", "link"]
)
def test_what_browsers_do_not_show_is_downloaded(tag: str, media_type: str) -> None:
    asset = ready(media_type)
    shown = elements(tag, asset=asset)
    assert shown.names == ["a", "bdi"]
    assert shown["a"] == {"href": asset.url}


@pytest.mark.parametrize(
    ("tag", "media_type"),
    [(PICTURE, "video/mp4"), (PICTURE, "application/pdf"), (PLAYER, "image/png")],
    ids=["a film as a picture", "a PDF as a picture", "a picture as a film"],
)
def test_what_the_element_does_not_show_is_downloaded(tag: str, media_type: str) -> None:
    assert elements(tag, asset=ready(media_type)).names == ["a", "bdi"]


def test_the_profile_says_what_is_shown(largefiles: Largefiles) -> None:
    largefiles.set(PROFILES={"scans": {"INLINE_TYPES": ["application/pdf"]}})
    assert elements(PICTURE, asset=ready(profile="scans")).names == ["a", "bdi"]
    assert elements(PICTURE, asset=ready(profile="gone")).names == ["a", "bdi"]


@TAGS
@pytest.mark.parametrize(
    ("state", "reason", "said"),
    [
        (State.RECEIVING, "", "kite.png is still being uploaded."),
        (State.RECEIVED, "", "kite.png is being checked."),
        (State.PROCESSING, "", "kite.png is being checked."),
        (State.REJECTED, Reason.INFECTED, "kite.png was refused. The file is infected."),
        (State.REJECTED, "", "kite.png was refused."),
        (State.FAILED, Reason.GAVE_UP, "kite.png could not be processed."),
    ],
    ids=["receiving", "received", "processing", "rejected", "rejected for no reason", "failed"],
)
def test_what_is_not_ready_is_said_in_words(tag: str, state: State, reason: str, said: str) -> None:
    shown = elements(tag, asset=create_asset(original_name="kite.png", state=state, reason=reason))
    assert shown.text == said
    assert shown.names == ["span", "bdi"]
    assert shown["span"] == {"class": f"largefile-state largefile-{state}"}


@TAGS
@pytest.mark.parametrize("nothing", [{}, {"asset": None}], ids=["unknown variable", "empty field"])
def test_of_no_file_nothing_is_shown(tag: str, nothing: dict[str, None]) -> None:
    assert render(tag, **nothing) == ""


@TAGS
def test_a_tag_shows_assets_alone(tag: str) -> None:
    with pytest.raises(TemplateSyntaxError, match=r"^largefile_\w+ needs a FileAsset, not StoredFieldFile: "):
        render(tag, asset=ready(file="a").file)


@TAGS
def test_links_may_work_without_a_session(tag: str, client: Client) -> None:
    asset = ready({PICTURE: "image/png", PLAYER: "video/mp4", LINK: "application/zip"}[tag])
    shown = elements(tag.replace(" %}", " signed=True %}"), asset=asset)
    links = {value for _, attributes in shown.found for name, value in attributes.items() if name in {"src", "href"}}
    disposition = {PICTURE: ["inline"], PLAYER: ["inline", "attachment"], LINK: ["attachment"]}[tag]
    assert links == {asset.signed_url(disposition=each) for each in disposition}  # type: ignore[arg-type]


def test_a_signed_link_may_live_for_an_hour() -> None:
    asset = ready()
    shown = elements('{% largefile_picture asset alt="" max_age=3600 %}', asset=asset)
    assert shown["img"]["src"] == asset.signed_url(max_age=3600, disposition="inline")


@pytest.mark.parametrize("argument", ["", "signed=True"])
@pytest.mark.parametrize(
    "place",
    [
        lambda request: setattr(request, "current_app", "intranet"),
        lambda request: setattr(request, "resolver_match", SimpleNamespace(namespace="intranet")),
    ],
    ids=["the application", "the page"],
)
def test_a_url_is_of_the_instance_of_the_page(
    place: Callable[[HttpRequest], None], argument: str, settings: Settings
) -> None:
    module: Any = ModuleType("urls")
    module.urlpatterns = [
        path("files/", include("django_largefiles.urls")),
        path("intranet/", include("django_largefiles.urls", namespace="intranet")),
    ]
    settings.ROOT_URLCONF = module
    request = RequestFactory().get("/")
    tag = f"{{% largefile_link asset {argument} %}}"
    assert '"/files/' in render(tag, asset=ready(), request=request)
    place(request)
    assert '"/intranet/' in render(tag, asset=ready(), request=request)


@TAGS
def test_without_our_urls_the_error_says_what_to_include(tag: str, settings: Settings) -> None:
    settings.ROOT_URLCONF = "django.contrib.auth.urls"
    with pytest.raises(ImproperlyConfigured, match=r'include\("django_largefiles\.urls"\)'):
        render(tag, asset=ready())


def test_attributes_are_passed_on() -> None:
    attributes = 'class="wide" id="kite" data_zoom=2 aria_hidden="true" title=None lang="en"'
    shown = elements(f"{{% largefile_picture asset alt='' {attributes} %}}", asset=ready())["img"]
    passed_on = {name: shown[name] for name in ("class", "id", "data-zoom", "aria-hidden", "lang")}
    assert passed_on == {"class": "wide", "id": "kite", "data-zoom": "2", "aria-hidden": "true", "lang": "en"}
    assert "title" not in shown


def test_the_label_of_a_player_may_be_another() -> None:
    tag = '{% largefile_player asset aria_label="A trailer" %}'
    assert elements(tag, asset=ready("video/mp4"))["video"]["aria-label"] == "A trailer"


@TAGS
@pytest.mark.parametrize("argument", ["widht=3", "onerror='alert(1)'", "style='color: red'", "src='/x'"])
def test_an_argument_that_no_tag_has_is_an_error(tag: str, argument: str) -> None:
    name = argument.partition("=")[0]
    with pytest.raises(TemplateSyntaxError, match=f"has no argument '{name}'; .* class, dir, id"):
        render(tag.replace(" %}", f" {argument} %}}"), asset=ready())


@pytest.mark.parametrize(
    ("tag", "values"),
    [
        ("{% largefile_picture asset alt=attack class=attack link=True %}", {"media_type": "image/png"}),
        (
            "{% largefile_player asset poster=attack captions=attack srclang=attack title=attack tracks=tracks %}",
            {"media_type": "video/mp4", "title": ATTACK},
        ),
        ("{% largefile_link asset text=attack title=attack %}", {"media_type": "application/pdf"}),
        (LINK, {}),
        (PICTURE, {"media_type": ATTACK}),
        *[(LINK, {"state": state, "detail": ATTACK}) for state in State],
    ],
    ids=["picture", "player", "link", "name", "type", *State],
)
@pytest.mark.parametrize("autoescape", ["on", "off"])
def test_no_name_and_no_text_breaks_out(tag: str, values: dict[str, Any], autoescape: str) -> None:
    asset = ready(**{"original_name": ATTACK, **values})
    tracks = [{"src": ATTACK, "label": ATTACK, "kind": ATTACK}]
    page = f"{{% autoescape {autoescape} %}}{tag}{{% endautoescape %}}"
    shown = elements(page, asset=asset, attack=ATTACK, tracks=tracks)
    assert not {"script"} & set(shown.names)
    assert not [name for _, attributes in shown.found for name in attributes if name.startswith("on")]
    assert shown.names.count("img") == ("picture asset alt=attack" in tag)


def test_text_that_is_safe_in_a_page_is_made_safe_in_an_attribute() -> None:
    text = mark_safe('<b>A "kite" &amp; more</b>" onload="alert(1)')
    shown = elements("{% largefile_picture asset alt=text %}", asset=ready(), text=text)
    assert shown["img"]["alt"] == '<b>A "kite" & more</b>" onload="alert(1)'
    assert "onload" not in shown["img"]


@pytest.mark.parametrize("tag", [PICTURE, PLAYER, LINK])
def test_no_element_has_a_style_or_a_script(tag: str) -> None:
    page = render(tag, asset=ready("video/mp4"))
    assert not re.search(r"\bstyle|<script|\bon\w+=|javascript:", page)


def test_a_project_may_replace_the_templates(settings: Settings) -> None:
    figure = "<figure><img{{ image }}><figcaption>{{ asset.original_name }}</figcaption></figure>"
    engine: dict[str, Any] = {**settings.TEMPLATES[0], "APP_DIRS": False}
    loaders = [
        ("django.template.loaders.locmem.Loader", {"django_largefiles/picture.html": figure}),
        "django.template.loaders.app_directories.Loader",
    ]
    settings.TEMPLATES = [{**engine, "OPTIONS": {**engine["OPTIONS"], "loaders": loaders}}]
    shown = elements(PICTURE, asset=ready(original_name="kite.png"))
    assert (shown.names, shown.text) == (["figure", "img", "figcaption"], "kite.png")


UPLOAD = '{% largefile_upload "video" required=True class="wide" aria_describedby="rules" %}'


@pytest.fixture
def request_of_a_session(client: Client) -> HttpRequest:
    request = RequestFactory().get("/")
    request.session, request.user = client.session, AnonymousUser()
    return request


def test_an_input_takes_files(request_of_a_session: HttpRequest) -> None:
    page = Elements(render(UPLOAD, request=request_of_a_session))
    element, field = page["largefile-upload"], dict(page.found)["input"]
    assert (element["data-profile"], element["data-url"]) == ("default", "/files/uploads/")
    assert "data-attachment" not in element
    found = {name: field[name] for name in ("type", "name", "id", "class", "aria-describedby")}
    assert found == {"type": "file", "name": "video", "id": "id_video", "class": "wide", "aria-describedby": "rules"}
    assert "required" in field
    assert "multiple" not in field


def test_an_input_takes_several_files_that_belong_to_no_form(request_of_a_session: HttpRequest) -> None:
    tag = '{% largefile_upload "files" id="files" multiple=True standalone=True %}'
    page = Elements(render(tag, request=request_of_a_session))
    assert page["largefile-upload"]["data-attachment"] == "standalone"
    field = dict(page.found)["input"]
    assert field["id"] == "files"
    assert "multiple" in field


def test_an_input_needs_the_request() -> None:
    with pytest.raises(TemplateSyntaxError, match="render the template with a RequestContext"):
        render(UPLOAD)


def test_an_input_has_no_other_attributes(request_of_a_session: HttpRequest) -> None:
    with pytest.raises(TemplateSyntaxError, match="largefile_upload has no argument 'onclick'"):
        render('{% largefile_upload "video" onclick="alert(1)" %}', request=request_of_a_session)
