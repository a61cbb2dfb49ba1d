"""A form in a decorated view and in one that is not, which tell how much of a body was read."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import include, path

from django_largefiles.decorators import receive_files
from django_largefiles.doors import multipart
from django_largefiles.doors.body import Body
from django_largefiles.forms import AssetFormField, AssetFormMixin

PAGE = """
{{ form.media }}
<form method="post" enctype="multipart/form-data">{% csrf_token %}{{ form.as_p }}<button>Save</button></form>
"""


class Counted(Body):
    """Remembers itself as the last one."""

    last: Body

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        Counted.last = self


class VideoForm(AssetFormMixin, forms.Form):
    video = AssetFormField()
    title = forms.CharField()

    def clean_title(self) -> str:
        title: str = self.cleaned_data["title"]
        if title == "Wrong":
            raise forms.ValidationError("Another title, please.")
        return title


def show(request: HttpRequest) -> HttpResponse:
    form = VideoForm(request.POST or None, request.FILES or None, request=request)
    if form.is_valid():
        return HttpResponse(str(form.cleaned_data["video"].pk))
    response = HttpResponse(engines["django"].from_string(PAGE).render({"form": form}, request))
    if request.method == "POST":
        response["Read"] = str(Counted.last.received)
    return response


multipart.Body = Counted  # type: ignore[misc]

urlpatterns = [
    path("decorated/", receive_files()(show)),
    path("undecorated/", show),
    path("files/", include("django_largefiles.urls")),
]
