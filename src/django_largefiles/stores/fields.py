"""The model field of an asset's bytes: a ``FileField`` whose storage is that of each row."""

from __future__ import annotations

from typing import Any, NoReturn, Self

from django.core.files.base import File
from django.core.files.storage import Storage
from django.db import models
from django.db.models.fields.files import FieldFile

from ..routes import path_to
from . import store_of
from .storage import storage_at


class StoredFieldFile(FieldFile):
    """The bytes of one asset, to be read from the storage that its row names.

    It is read-only: bytes and state of an asset change together, by an upload, ``ingest``, the worker or ``delete``.
    """

    instance: Any
    _file: Any

    @property
    def storage(self) -> Storage:
        """The storage of the row; ``FileAsset.storage`` is its alias."""
        return storage_at(self.instance.storage)

    @storage.setter
    def storage(self, storage: Storage) -> None:
        # FieldFile assigns the storage of the field, which is that of new assets.
        pass

    def open(self, mode: str = "rb") -> Self:  # type: ignore[override]  # as in FieldFile
        """Open the bytes for reading, from their beginning; only what is read is fetched.

        Whether the file is verified is not checked. Raise ``StoreError``, and ``ValueError`` for any other mode.
        """
        name = self._required_name()
        if mode != "rb":
            raise ValueError(f"the file of an asset is opened for reading only, by mode 'rb', not {mode!r}")
        if self.closed:
            self._file = File(store_of(self.instance).open_ranged(name), name)
        self._file.seek(0)
        return self

    def _open_once(self) -> Any:
        if self._file is None:
            self.open()
        return self._file

    def _assign(self, file: Any) -> None:
        # FieldFile begins with None.
        if file is not None:
            raise _read_only(self.field, "assigned")
        self._file = None

    file = property(_open_once, _assign)

    def _required_name(self) -> str:
        if not self.name:
            raise ValueError(f"the asset {self.instance.pk} has no stored bytes: it is {self.instance.state}")
        return self.name

    @property
    def url(self) -> str:
        """The permanent URL of the download view, which checks who asks and whether the file is ready.

        Raise ``ConfigurationError`` if the package's URLs are not included.
        """
        self._required_name()
        return path_to("download", self.instance.pk)

    @property
    def size(self) -> int:
        """Bytes, as the row has them."""
        self._required_name()
        return self.instance.size or 0

    def save(self, name: str, content: File[Any], save: bool = True) -> NoReturn:
        raise _read_only(self.field, "saved")

    def delete(self, save: bool = True) -> NoReturn:
        raise _read_only(self.field, "deleted")


class StoredFileField(models.FileField):
    """A ``FileField`` of a model with columns ``storage``, the alias of ``STORAGES``, and ``size``."""

    attr_class = StoredFieldFile

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Refuse a new row that names a file: ``create``, ``bulk_create``, or ``save`` of a copy of a row.

        Its bytes would not be verified, or belong to two rows, of which each removes them. Fixtures pass, because they
        restore rows as they were.
        """
        file = super().pre_save(model_instance, add)
        if add and file:
            raise _read_only(self, "given to a new row")
        return file


def _read_only(field: models.FileField, act: str) -> NotImplementedError:
    name = f"{field.model._meta.object_name}.{field.name}"
    return NotImplementedError(
        f"{name} cannot be {act}: its bytes and its state change together; use FileAsset.objects.ingest() for new "
        "bytes, and asset.delete() to remove an asset with its bytes"
    )
