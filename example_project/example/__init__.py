"""An example project that uses django-largefiles, with SQLite, local disk, and Celery with a folder as its broker."""

# Shared tasks use the current Celery app, so it must exist before a task is sent.
from .celery import app as celery_app

__all__ = ["celery_app"]
