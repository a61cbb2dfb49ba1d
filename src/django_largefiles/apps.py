from __future__ import annotations

from django.apps import AppConfig
from django.core.signals import request_finished
from django.db.models.signals import post_save, pre_delete
from django.utils.translation import gettext_lazy as _


class LargeFilesConfig(AppConfig):
    name = "django_largefiles"
    verbose_name = _("Large files")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Models, and modules that use them, cannot be imported before. The tasks are registered with the project's
        # Celery app, in its workers too, whether or not it discovers tasks.
        from . import checks, housekeeping, tasks  # noqa: F401
        from .dispatch import on_waiting
        from .lifecycle import asset_waiting
        from .models import FileAsset
        from .outbox.removals import remove_bytes
        from .progress.notifiers import on_change
        from .signals import asset_failed, asset_ready, asset_received, asset_rejected
        from .usage import release

        asset_waiting.connect(on_waiting, sender=FileAsset, dispatch_uid="django_largefiles.dispatch")
        asset_waiting.connect(
            housekeeping.on_waiting, sender=FileAsset, dispatch_uid="django_largefiles.housekeeping.waiting"
        )
        for signal in (asset_received, asset_ready, asset_rejected, asset_failed):
            signal.connect(on_change, sender=FileAsset, dispatch_uid="django_largefiles.progress")
        post_save.connect(housekeeping.on_save, sender=FileAsset, dispatch_uid="django_largefiles.housekeeping.saved")
        request_finished.connect(housekeeping.on_request_finished, dispatch_uid="django_largefiles.housekeeping")
        # The first receiver: the owner's usage is locked before any other row is touched.
        pre_delete.connect(release, sender=FileAsset, dispatch_uid="django_largefiles.usage")
        pre_delete.connect(remove_bytes, sender=FileAsset, dispatch_uid="django_largefiles.outbox.removals")
