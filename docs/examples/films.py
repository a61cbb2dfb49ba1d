from pathlib import Path

from django_largefiles.access import User
from django_largefiles.models import FileAsset, FileAssetQuerySet


def films_for(user: User) -> FileAssetQuerySet:
    """Return the films that a user may watch, newest first."""
    return FileAsset.objects.ready().visible_to(user).of_type("video/*").order_by("-created_at")


def tag_of(film: FileAsset) -> bytes:
    """Return the last 128 bytes, without fetching those before them."""
    with film.open() as file:
        file.seek(-128, 2)
        return file.read()


async def take_in(path: Path, owner: User) -> FileAsset:
    """Copy a film into the storage; a worker verifies it."""
    return await FileAsset.objects.aingest(path, owner=owner, profile="videos")


async def remove(film: FileAsset) -> None:
    """Delete a film and its bytes."""
    await film.adelete()
