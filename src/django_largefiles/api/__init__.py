"""The REST API, for hosts that have Django REST framework: ``include("django_largefiles.api.urls")``."""
