"""The store over the ``S3Storage`` of django-storages: multipart uploads, and objects read by range."""
