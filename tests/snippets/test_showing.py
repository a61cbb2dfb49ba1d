"""The templates and views of the page about showing files."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core import mail
from django.shortcuts import get_object_or_404, render
from django.template import Context, Template
from django.test import Client, RequestFactory, override_settings
from django.utils.html import strip_tags
from pytest_django.fixtures import Settings

from django_largefiles.models import FileAsset
from django_largefiles.states import Reason, State
from tests.conftest import create_asset, png
from tests.snippets.blocks import ROOT, Block
from tests.snippets.claims import claim
from tests.snippets.running import run

GALLERY = claim("docs/showing.rst", "{% for photo in photos %}")
FILM = claim(
    "docs/showing.rst", '{% largefile_player film.file poster=film.poster captions=film.captions srclang="en" %}'
)
WATCH = claim("docs/showing.rst", "def watch(request, number):")
WATCH_TEMPLATE = claim("docs/showing.rst", '{% largefile_player film.file tracks=tracks preload="none" %}')
REPORT = claim("docs/showing.rst", '{% largefile_link report.file text="The annual report" tab=True %}')
SIGNED = claim("docs/showing.rst", "{% largefile_player film.file max_age=86400 %}")
MAIL = claim("docs/showing.rst", "def send_film(request, film, address):")
FIGURE = claim("docs/showing.rst", "<figure><img{{ image }}><figcaption>{{ asset.title }}</figcaption></figure>")

pytestmark = pytest.mark.django_db(transaction=True)


def shown(block: Block, **names: object) -> str:
    return Template(block.text).render(Context(names)).strip()


def replace_templates(settings: Settings, templates: dict[str, str]) -> None:
    engine: dict[str, Any] = {**settings.TEMPLATES[0], "APP_DIRS": False}
    loaders = [
        ("django.template.loaders.locmem.Loader", templates),
        "django.template.loaders.app_directories.Loader",
    ]
    settings.TEMPLATES = [{**engine, "OPTIONS": {**engine["OPTIONS"], "loaders": loaders}}]


def film(**values: Any) -> SimpleNamespace:
    asset = create_asset(**{"state": State.READY, "media_type": "video/mp4", "width": 64, "height": 48, **values})
    return SimpleNamespace(file=asset, poster="/poster.png", captions="/kite.vtt")


def test_a_gallery_shows_its_photographs(ready: FileAsset) -> None:
    page = shown(GALLERY, photos=[SimpleNamespace(file=ready, caption="A kite")] * 2)
    source = f"{ready.url}?disposition=inline"
    size = 'width="320" height="213"'
    picture = f'<a href="{source}"><img src="{source}" alt="A kite" {size} loading="lazy" decoding="async"></a>'
    assert page.count(f"<li>{picture}</li>") == 2


def test_a_film_has_a_poster_and_captions() -> None:
    page = shown(FILM, film=film())
    assert 'poster="/poster.png"' in page
    assert '<track kind="captions" src="/kite.vtt" srclang="en" label="English" default>' in page


def test_a_view_names_captions_in_several_languages(settings: Settings) -> None:
    replace_templates(settings, {"watch.html": WATCH_TEMPLATE.text})
    subtitles = [SimpleNamespace(file=SimpleNamespace(url=f"/{code}.vtt"), language=code) for code in ("de", "fr")]
    found = film()
    found.subtitles = SimpleNamespace(all=lambda: subtitles)
    films = Mock()
    films.get.return_value = found
    model = SimpleNamespace(_default_manager=SimpleNamespace(all=lambda: films))
    names = run(WATCH, Film=model, get_object_or_404=get_object_or_404, render=render)
    page = names["watch"](RequestFactory().get("/"), 7).content.decode()
    films.get.assert_called_once_with(number=7)
    assert 'preload="none"' in page
    assert '<track kind="captions" src="/de.vtt" srclang="de" label="Deutsch">' in page
    assert '<track kind="captions" src="/fr.vtt" srclang="fr" label="français">' in page


def test_a_report_opens_in_a_tab() -> None:
    asset = create_asset(state=State.READY, media_type="application/pdf")
    page = shown(REPORT, report=SimpleNamespace(file=asset))
    url = f"{asset.url}?disposition=inline"
    assert page == f'<a href="{url}" target="_blank" rel="noopener">The annual report</a>'


def test_a_visitor_without_a_session_sees_the_files(ready: FileAsset, client: Client) -> None:
    page = shown(SIGNED, photo=SimpleNamespace(file=ready, caption="A kite"), film=film())
    assert page.count('src="/files/links/') == 2
    answer = client.get(page.partition('src="')[2].partition('"')[0])
    assert (answer.getvalue(), answer["Content-Disposition"]) == (png(), 'inline; filename="picture.png"')


def test_a_mail_has_a_link(ready: FileAsset, client: Client) -> None:
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    run(MAIL)["send_film"](request, SimpleNamespace(file=ready), "ada@example.com")
    link = mail.outbox[0].body.split()[-1]
    assert client.get(link.removeprefix("http://testserver")).getvalue() == png()


@pytest.mark.parametrize("state", [State.READY, State.RECEIVED])
def test_a_figure_replaces_the_template(state: State, settings: Settings) -> None:
    replace_templates(settings, {"django_largefiles/picture.html": FIGURE.text})
    asset = create_asset(state=state, media_type="image/png", title="A kite")
    page = Template('{% load largefiles %}{% largefile_picture asset alt="" %}').render(Context({"asset": asset}))
    assert ("<figcaption>A kite</figcaption>" in page) == (state == State.READY)
    assert ("is being checked." in page) == (state == State.RECEIVED)


@pytest.mark.parametrize("state", State)
def test_the_page_says_what_is_shown_of_each_state(state: State) -> None:
    page = (ROOT / "docs" / "showing.rst").read_text()
    found = film(
        state=state,
        original_name="holiday.mp4",
        media_type="application/x-executable",
        profile="films",
        reason=Reason.TYPE_NOT_ALLOWED if state == State.REJECTED else "",
    )
    with override_settings(LARGEFILES={"PROFILES": {"films": {"ALLOWED_MIME_TYPES": ["video/*"]}}}):
        text = strip_tags(shown(FILM, film=found))
    assert state == State.READY or f"     - {text}\n" in page
