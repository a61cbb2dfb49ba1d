from django.db import models

from django_largefiles.models import FileAsset


class Video(models.Model):
    asset = models.OneToOneField(FileAsset, on_delete=models.CASCADE, primary_key=True, related_name="video")
    caption = models.CharField(max_length=200, blank=True)

    class Meta:
        app_label = "media"

    def __str__(self):
        return self.caption


def create_video(sender, asset, **kwargs):
    """Receive ``django_largefiles.signals.asset_ready``."""
    if asset.media_type.startswith("video/"):
        Video.objects.get_or_create(asset=asset, defaults={"caption": asset.title})
