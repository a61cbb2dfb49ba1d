from __future__ import annotations

from django.db import models

from django_largefiles.fields import AssetField, AssetsField
from django_largefiles.models import FileAsset


class Film(models.Model):
    title = models.CharField(max_length=100)
    video = AssetField(profile="videos")
    published = models.BooleanField(default=False)


class Premiere(Film):
    class Meta:
        proxy = True


class Documentary(Film):
    """A model that inherits from another, in a table of its own."""

    trailer = AssetField(profile="videos", null=True, blank=True, related_name="+")
    transcript = AssetField(null=True, blank=True)


class Still(models.Model):
    film = models.ForeignKey(Film, on_delete=models.CASCADE)
    image = AssetField(null=True, blank=True)


class Printed(models.Model):
    sheet = AssetField(null=True, blank=True, shared=True)

    class Meta:
        abstract = True


class Poster(Printed):
    pass


class Reel(models.Model):
    file = AssetField(null=True, blank=True, orphans="keep")


class Album(models.Model):
    title = models.CharField(max_length=100)
    files = AssetsField(blank=True)


class Collection(models.Model):
    files = AssetsField(blank=True, shared=True, orphans="keep")


class Citation(models.Model):
    """Refers to an asset by a foreign key that does not attach it."""

    asset = models.ForeignKey(FileAsset, on_delete=models.CASCADE, related_name="+")


class FormerFilm(models.Model):
    """What a film was before, with a copy of its field as django-simple-history makes it, and a field of its own."""

    title = models.CharField(max_length=100)
    video = AssetField(null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    script = AssetField(null=True, related_name="+")
