from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.middleware.common import CommonMiddleware
from django.test import RequestFactory

from django_largefiles.delivery.bodiless import BodilessResponse


@pytest.mark.parametrize("status", [204, 304])
def test_no_header_describes_content(status: int) -> None:
    answer = BodilessResponse(status=status, headers={"ETag": '"tag"'})
    answer["Upload-Offset"] = "5"
    processed = CommonMiddleware(lambda _: HttpResponse()).process_response(RequestFactory().get("/"), answer)
    assert processed.status_code == status
    assert dict(processed.headers) == {"ETag": '"tag"', "Upload-Offset": "5"}
