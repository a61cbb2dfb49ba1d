from __future__ import annotations

from django import forms

from django_largefiles.forms import AssetFormMixin

from .models import Film


class FilmForm(AssetFormMixin, forms.ModelForm):
    class Meta:
        model = Film
        fields = ("title", "video", "stills")
