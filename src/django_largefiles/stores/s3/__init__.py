"""Uploads as multipart uploads, and objects read by range, over the ``S3Storage`` of django-storages."""
