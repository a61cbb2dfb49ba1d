"""Views as a host would write them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.http import require_POST

from django_largefiles.decorators import receive_files


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


urlpatterns = [
    path("accept/", accept),
    path("asynchronous/", asynchronous),
    path("accept-two/", accept_two),
    path("ignore/", ignore),
    path("crash/", crash),
    path("videos/", videos),
    path("unknown/", receive_files(profile="unknown")(accept)),
]
