"""What the tests of privacy stand on."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def other_database(migrated: Path, tmp_path: Path) -> Path:
    """The path of a second database, which knows nothing of the first."""
    path = tmp_path / "other.db"
    shutil.copy(migrated, path)
    return path
