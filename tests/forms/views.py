"""Views and a site of the admin as a host would write them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template import engines
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import CreateView

from django_largefiles.admin import AssetAdminMixin
from django_largefiles.decorators import receive_files
from django_largefiles.forms import AssetFormMixin
from tests.films.models import Album, Film, Reel, Still

PAGE = '<form method="post" enctype="multipart/form-data">{% csrf_token %}{{ form.as_p }}<button>Save</button></form>'


class FilmForm(AssetFormMixin, forms.ModelForm):  # type: ignore[type-arg]
    notes = forms.CharField()

    class Meta:
        model = Film
        fields = ("title", "video", "published")


class PlainFilmForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Film
        fields = ("title", "video")


class AttachedForm(PlainFilmForm):
    poster = forms.FileField(required=False)

    field_order = ("title", "poster", "video")


def page(request: HttpRequest, form: forms.BaseForm) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(PAGE).render({"form": form}, request))


def answer(request: HttpRequest, form: Any) -> HttpResponse:
    if form.is_valid():
        form.save()
        return HttpResponseRedirect("/done/")
    return page(request, form)


@receive_files(profile="videos")
def decorated(request: HttpRequest) -> HttpResponse:
    return answer(request, FilmForm(request.POST or None, request.FILES or None, request=request))


@receive_files(max_files=2)
def default_profile(request: HttpRequest) -> HttpResponse:
    """Names no profile: that of the field is in its permit. The form is made twice, as by a careless view."""
    FilmForm(request.POST or None, request.FILES or None, request=request).is_valid()
    return answer(request, FilmForm(request.POST or None, request.FILES or None, request=request))


def undecorated(request: HttpRequest) -> HttpResponse:
    return answer(request, PlainFilmForm(request.POST or None, request.FILES or None))


def with_poster(request: HttpRequest) -> HttpResponse:
    form = AttachedForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        return HttpResponse(f"{len(form.cleaned_data['poster'].read())} bytes, {form.save().video.original_name}")
    return page(request, form)


@receive_files(profile="videos")
def failing(request: HttpRequest) -> HttpResponse:
    """Fails after it has saved the form, in the same transaction."""
    with transaction.atomic():
        answer(request, FilmForm(request.POST or None, request.FILES or None, request=request))
        raise RuntimeError("out of order")


@csrf_exempt
def exempt(request: HttpRequest) -> HttpResponse:
    return undecorated(request)


@csrf_exempt
async def asynchronous(request: HttpRequest) -> HttpResponse:
    return HttpResponse(type(request.FILES["video"]).__name__)


class CreateAlbum(CreateView):  # type: ignore[type-arg]
    model = Album
    fields = ("title", "files")
    success_url = "/done/"

    def render_to_response(self, context: dict[str, Any], **options: Any) -> HttpResponse:
        return page(self.request, context["form"])


class StillInline(AssetAdminMixin, admin.TabularInline):  # type: ignore[type-arg]
    model = Still
    extra = 1


class FilmAdmin(AssetAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    inlines = (StillInline,)


class AlbumAdmin(AssetAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    fields = ("files", "title")


class PlainAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Without the mixin."""


class ReelAdmin(AssetAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    raw_id_fields = ("file",)


site = admin.AdminSite("films")
site.register(Reel, ReelAdmin)
site.register(Film, FilmAdmin)
site.register(Album, AlbumAdmin)
site.register(Still, PlainAdmin)

urlpatterns = [
    path("admin/", site.urls),
    path("files/", include("django_largefiles.urls")),
    path("decorated/", decorated),
    path("default-profile/", default_profile),
    path("undecorated/", undecorated),
    path("poster/", with_poster),
    path("failing/", failing),
    path("exempt/", exempt),
    path("asynchronous/", asynchronous),
    path("album/", CreateAlbum.as_view()),
]
