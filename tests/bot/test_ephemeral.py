"""A SQLite file is not begun where it would be lost with the next restart."""

from typing import Any

import pytest

from bot import ephemeral, settings
from bot.errors import SettingsError

POSTGRES = {"database_url": "postgresql://me@host/db", "persona_key": "A" * 43 + "="}


@pytest.mark.parametrize("name", ["DYNO", "K_SERVICE"])
def test_a_file_that_would_be_lost_is_refused(name: str) -> None:
    """Where a platform says that its disk does not last, the start ends with the setting and both ways out."""
    with pytest.raises(SettingsError) as refused:
        ephemeral.check(settings.load(), {name: "web.1"})

    for words in (name, "DATABASE_URL=postgresql://", "ALLOW_EPHEMERAL_DISK=true"):
        assert words in str(refused.value)


@pytest.mark.parametrize(
    ("values", "environment"),
    [
        ({}, {}),
        ({}, {"DYNO": ""}),
        ({"allow_ephemeral_disk": True}, {"DYNO": "web.1"}),
        (POSTGRES, {"DYNO": "web.1", "K_SERVICE": "rapport"}),
    ],
    ids=["elsewhere", "empty", "allowed", "postgres"],
)
def test_what_lasts_is_not_refused(values: dict[str, Any], environment: dict[str, str]) -> None:
    """Elsewhere, with PostgreSQL, or if it is meant so, nothing stands in the way."""
    ephemeral.check(settings.load(**values), environment)
