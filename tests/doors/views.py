"""Views as a host would write them."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import path
from django.views.decorators.http import require_POST

from django_largefiles.decorators import UploadedAsset, receive_files
from django_largefiles.exceptions import LargeFilesError
from django_largefiles.states import Attachment


@require_POST
@receive_files()
def accept(request: HttpRequest) -> JsonResponse:
    assets = [file.accept() for file in request.FILES.getlist("file")]
    return JsonResponse({"ids": [asset.pk for asset in assets], "fields": request.POST.dict()})


@receive_files(max_files=2)
def accept_two(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"states": [file.accept().state for file in request.FILES.getlist("file")]})


@receive_files()
async def asynchronous(request: HttpRequest) -> JsonResponse:
    asset = await request.FILES["file"].aaccept()
    return JsonResponse({"state": asset.state})


@receive_files()
def ignore(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"ignored {len(request.FILES)}")


@receive_files()
def crash(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("the host's own mistake")


@receive_files(profile="videos")
def videos(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"profile": request.FILES["file"].accept().profile})


class PictureForm(forms.Form):
    title = forms.CharField()
    file = forms.FileField()
    note = forms.CharField(required=False)


@receive_files(max_files=2)
def form(request: HttpRequest) -> HttpResponse:
    """Show a form again, and keep what came of it before a refusal."""
    form = PictureForm(request.POST or None, request.FILES or None)
    arrived = [file for file in request.FILES.getlist("file") if isinstance(file, UploadedAsset)]
    kept = [file.accept(attachment=Attachment.PROVISIONAL) for file in arrived]
    return HttpResponse(f"{len(kept)} kept, title {request.POST.get('title')}, {form.as_p()}")


@receive_files()
async def asynchronous_form(request: HttpRequest) -> HttpResponse:
    return HttpResponse(PictureForm(request.POST, request.FILES).as_p())


@receive_files()
def redirecting(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/")


def plain_form(request: HttpRequest) -> HttpResponse:
    return HttpResponse(PictureForm(request.POST, request.FILES).as_p())


def explain_with_teapots(request: HttpRequest, error: LargeFilesError) -> HttpResponse | None:
    return HttpResponse(error.code, status=418) if error.code != "too_large" else None


urlpatterns = [
    path("form/", form),
    path("form-asynchronous/", asynchronous_form),
    path("redirect/", redirecting),
    path("teapot/", receive_files(on_refusal=explain_with_teapots)(plain_form)),
    path("accept/", accept),
    path("asynchronous/", asynchronous),
    path("accept-two/", accept_two),
    path("ignore/", ignore),
    path("crash/", crash),
    path("videos/", videos),
    path("unknown/", receive_files(profile="unknown")(accept)),
]
