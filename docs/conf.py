from __future__ import annotations

import django
from django.conf import settings

import django_largefiles

# autodoc imports models, which need settings; no database is touched.
settings.configure(
    SECRET_KEY="only-for-the-documentation",  # noqa: S106
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "django_largefiles"],
    MEDIA_ROOT="media",
)
django.setup()

project = "django-largefiles"
author = "The django-largefiles authors"
project_copyright = author
version = release = django_largefiles.__version__

extensions = ["sphinx.ext.autodoc"]
exclude_patterns = ["_build", "*-figures*.txt"]
html_theme = "furo"
html_title = f"{project} {release}"

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
python_use_unqualified_type_names = True

nitpicky = True
# Other projects' names: there is no inventory of theirs to link to without a network.
nitpick_ignore_regex = [
    ("py:.*", r"(django|rest_framework|uuid|pathlib|datetime|collections|typing|decimal|_io|io)\..*"),
    (
        "py:.*",
        r"(UUID|Path|IO|BinaryIO|Any|Callable|Mapping|Sequence|ClassVar|CheckMessage|HttpRequest|HttpResponseBase)",
    ),
    (
        "py:.*",
        r"(AbstractBaseUser|AnonymousUser|TextChoices|Signal|UploadedFile|ABC|ASGIHandler|JsonResponse|timedelta|dataclass)",
    ),
    ("py:.*", r"(User|FileAssetQuerySet|StoreState|JSON|JSON_SCALAR)"),
]
