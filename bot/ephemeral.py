"""Disks that do not last: on some platforms a file is gone with the next restart, and a database must not be on one."""

import os
from collections.abc import Mapping

from bot.errors import SettingsError
from bot.settings import Settings
from bot.store import opening

PLATFORMS = {
    "DYNO": "Heroku erases every file when a dyno restarts, at least once a day",
    "K_SERVICE": "Cloud Run keeps files in memory, and loses them with each instance",
}
"""By the variable that the platform sets in everything it runs, and nobody else does."""


def check(settings: Settings, environment: Mapping[str, str] = os.environ) -> None:
    """Refuse a SQLite file where it would be lost, unless ALLOW_EPHEMERAL_DISK says that it is meant so.

    Raises:
        SettingsError: what was learned would be gone with the next restart.
    """
    if settings.allow_ephemeral_disk or opening.is_postgres(settings.database_url.get_secret_value()):
        return
    for name, why in PLATFORMS.items():
        if environment.get(name):
            raise SettingsError(
                f"DATABASE_URL: it names a SQLite file, and {why} (it sets {name}); set DATABASE_URL=postgresql://…"
                " and PERSONA_KEY, or ALLOW_EPHEMERAL_DISK=true if the file is on a volume that lasts, or may be lost"
            )
