from __future__ import annotations

from django.db import models


class Document(models.Model):
    file = models.FileField(upload_to="documents")

    def __str__(self) -> str:
        return str(self.file)
