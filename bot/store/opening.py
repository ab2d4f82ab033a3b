"""The database that DATABASE_URL names, whichever engine keeps it. An engine is imported only where it is used."""

import asyncio
from pathlib import Path

from bot import errors
from bot.store.engine import Store

SQLITE = "sqlite:///"
POSTGRES = ("postgresql://", "postgres://")


def is_postgres(url: str) -> bool:
    """Whether PostgreSQL keeps it, and not SQLite."""
    return url.startswith(POSTGRES)


async def migrate(url: str) -> bool:
    """Bring a database up to this version's tables. Returns whether anything had to be done.

    Raises:
        StoreError: it cannot be used, or a newer version wrote it.
        SettingsError: the driver is not installed.
    """
    if is_postgres(url):
        check_driver()
        from bot.store import postgres_migrate  # noqa: PLC0415

        return await postgres_migrate.migrate(url)
    from bot.store import migrate as sqlite_migrate  # noqa: PLC0415

    return await asyncio.to_thread(sqlite_migrate.migrate, _file(url))


async def opened(url: str, *, key: bytes | None) -> Store:
    """Open a database that was migrated. PostgreSQL has no place for a `key` of its own, so one has to be given.

    Raises:
        StoreError: it cannot be used, or is in use.
        SettingsError: the driver is not installed, or there is no key.
    """
    if not is_postgres(url):
        from bot.store.sqlite import SqliteStore  # noqa: PLC0415

        return await SqliteStore.open(_file(url), key=key)
    check_driver()
    if key is None:
        raise errors.SettingsError("PERSONA_KEY is missing: with PostgreSQL it has to be set")
    from bot.store.postgres import PostgresStore  # noqa: PLC0415

    return await PostgresStore.open(url, key=key)


def _file(url: str) -> Path:
    return Path(url.removeprefix(SQLITE))


def check_driver() -> None:
    """See that PostgreSQL's driver is installed.

    Raises:
        SettingsError: it is not.
    """
    try:
        import asyncpg  # noqa: F401, PLC0415
    except ImportError:
        raise errors.SettingsError(
            "DATABASE_URL names PostgreSQL, whose driver is not installed; run: pip install 'rapport-bot[postgres]'"
        ) from None
