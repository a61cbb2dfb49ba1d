"""Templates of docs/widget.rst."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.staticfiles.finders import find
from django.template import Context, RequestContext, Template
from django.test import Client, RequestFactory

from django_largefiles.models import FileAsset
from tests.conftest import Largefiles
from tests.snippets.claims import claim

STATIC_FILES = claim("docs/widget.rst", "{% load static %}")
STATE = claim("docs/widget.rst", "{{ asset.get_state_display }}")

WORDS = claim("docs/widget.rst", '{% include "django_largefiles/forms/parts.html" %}')

BY_HAND = claim("docs/widget.rst", '{% largefile_upload "video" profile="videos" required=True %}')


@pytest.mark.parametrize("path", re.findall(r"{% static '(\S+)' %}", STATIC_FILES.text))
def test_static_files_are_there(path: str) -> None:
    assert find(path)


@pytest.mark.django_db
def test_an_input_is_rendered_by_hand(rf: RequestFactory, client: Client, largefiles: Largefiles) -> None:
    largefiles.set(PROFILES={"videos": {"ALLOWED_MIME_TYPES": ["video/*"]}})
    request = rf.get("/")
    request.session, request.user = client.session, AnonymousUser()
    form = Template(BY_HAND.text).render(RequestContext(request))
    assert 'data-profile="videos"' in form
    assert re.search(r'<input type="file" name="video" [^>]*id="id_video"', form)


@pytest.mark.django_db(transaction=True)
def test_a_state_is_rendered(ready: FileAsset) -> None:
    element = Template(STATE.text).render(Context({"asset": ready}))
    assert f'data-asset="{ready.pk}" data-state="ready" data-events="/files/events/"' in element


def test_the_words_of_states_are_included() -> None:
    assert '<p data-text="state-ready">ready</p>' in Template(WORDS.text).render(Context())
