from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

from django_largefiles.stores.storage import asset_storage, configured_alias


@pytest.mark.django_db
def test_no_migration_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("makemigrations", "django_largefiles", check=True, dry_run=True)
    assert "No changes detected" in capsys.readouterr().out


def test_no_hosts_storage_is_written_into_the_migrations() -> None:
    state = MigrationLoader(None).project_state()
    field = state.models["django_largefiles", "fileasset"].fields["file"]
    assert field.deconstruct()[1] == "django_largefiles.stores.fields.StoredFileField"
    assert field.deconstruct()[3]["storage"] is asset_storage
    assert state.models["django_largefiles", "fileasset"].fields["storage"].default is configured_alias
