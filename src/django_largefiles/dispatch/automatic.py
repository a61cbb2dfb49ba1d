"""Choose the dispatcher where ``DISPATCHER`` is ``"auto"``."""

from __future__ import annotations

from dataclasses import dataclass

from celery import current_app

AUTO = "auto"

CELERY = "django_largefiles.dispatch.celery.CeleryDispatcher"
IMMEDIATE = "django_largefiles.dispatch.immediate.ImmediateDispatcher"

PROCESS_TASK = "django_largefiles.tasks.process"


@dataclass(frozen=True, kw_only=True)
class Choice:
    path: str
    """The dotted path of the dispatcher."""
    reason: str = ""
    """Why it is not Celery, as the end of a sentence."""
    has_celery_app: bool = True
    """Whether the project has a Celery app, so that it may have meant to use it."""


def choose() -> Choice:
    """Choose Celery if the project's app has a broker and knows our task, else the request itself.

    Call this at each use, and not before the apps are loaded: ``current_app`` is the project's app only once the
    project has created one. Before that, Celery would make an app of its own, and keep it as that of other threads.
    """
    # Celery makes its own app this way; a project's app could not become the current one.
    if not getattr(current_app, "set_as_current", True):
        return Choice(path=IMMEDIATE, reason="the project has no Celery app", has_celery_app=False)
    if not (current_app.conf.broker_url or current_app.conf.task_always_eager):
        return Choice(path=IMMEDIATE, reason=f"the Celery app {current_app.main!r} has no broker_url")
    if PROCESS_TASK not in current_app.tasks:
        return Choice(path=IMMEDIATE, reason=f"the Celery app {current_app.main!r} has no task {PROCESS_TASK}")
    return Choice(path=CELERY)
