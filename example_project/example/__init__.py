"""A host project of django-largefiles: SQLite, local disk, and Celery over a folder of messages."""

# Shared tasks bind to the current Celery app, so that it must be there before any of them is sent.
from .celery import app as celery_app

__all__ = ["celery_app"]
