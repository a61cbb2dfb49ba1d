from __future__ import annotations

from django.db import models
from django.urls import reverse

from django_largefiles.fields import AssetField, AssetsField


class Film(models.Model):
    """A row with a file of its own, and some more. Its files are deleted with it."""

    title = models.CharField(max_length=100)
    video = AssetField(profile="films")
    stills = AssetsField(profile="stills", blank=True, related_name="+", help_text="Shown below the film.")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("film", args=[self.pk])
