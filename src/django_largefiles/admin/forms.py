"""The forms that add and that block files."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from .. import lifecycle
from ..access import access_policy
from ..conf import largefiles_settings
from ..forms import AssetFormField, AssetFormMixin
from ..models import FileAsset
from ..options import DEFAULT_PROFILE


class UploadForm(AssetFormMixin, forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """Takes one file, which becomes a provisional asset, and returns it to be kept."""

    class Meta:
        model = FileAsset
        fields = ()

    def save(self, commit: bool = True) -> FileAsset:
        asset: FileAsset = self.cleaned_data["uploaded_file"]
        self.instance = asset
        return asset

    def save_m2m(self) -> None:
        """Do nothing: there are no relations, and the admin calls it after ``save(commit=False)``."""


def upload_form(request: HttpRequest) -> type[UploadForm]:
    """Return a form for uploads by the user of ``request``, under the rules of the profile that its query names."""
    field = AssetFormField(profile=asked_profile(request), label=_("File"))
    field.request = request
    return type("UploadForm", (UploadForm,), {"uploaded_file": field})


def asked_profile(request: HttpRequest) -> str:
    """Return the profile of the query, or the first that the user may upload to."""
    profiles = profiles_of(request)
    asked = request.GET.get("profile", DEFAULT_PROFILE)
    return asked if asked in profiles else next(iter(profiles), DEFAULT_PROFILE)


def profiles_of(request: HttpRequest) -> list[str]:
    """Return the profiles that the user may upload to."""
    return [name for name in largefiles_settings.profiles if access_policy().may_upload(request.user, name)]


class BlockForm(forms.Form):
    """Asks why files are blocked."""

    required_css_class = "required"

    reason = forms.CharField(
        label=_("Reason"),
        max_length=lifecycle.MAX_DETAIL,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The owners of the files can read it. Who blocked them is in the history of the admin."),
    )
