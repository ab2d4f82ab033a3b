"""Backups: a copy of everything but the keys, made while Rapport runs, and put back while it does not."""

import asyncio
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bot.settings import Settings
from bot.store import erasing, opening
from persona import schema, special


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What came of putting a copy back."""

    erased: int
    """Members who were erased after the copy was made, and were erased again."""
    replaced: Path | None
    """Where the file is that was there before; on PostgreSQL nothing of it is left."""


async def make(settings: Settings, target: Path, *, keys: Path | None) -> None:
    """Copy the database to a file, then its keys to another one, if they are wanted.

    In this order: whatever is sealed in the copy has its key in the other, unless it was destroyed in between.

    Raises:
        StoreError: there is no copy; the message says why.
        SettingsError: PostgreSQL's programs, or its driver, are not installed.
    """
    url = settings.database_url.get_secret_value()
    if opening.is_postgres(url):
        opening.check_driver()
        from bot.store import postgres_copies  # noqa: PLC0415 - its driver may be missing

        await postgres_copies.copy(url, target)
        if keys is not None:
            await postgres_copies.copy_keys(url, keys)
        return
    from bot.store import sqlite_copies  # noqa: PLC0415

    await asyncio.to_thread(sqlite_copies.copy, settings.database_path, target)
    if keys is not None:
        await asyncio.to_thread(sqlite_copies.copy_keys, settings.database_path, keys)


async def restore(settings: Settings, source: Path) -> Restored:
    """Put a copy in the place of the database, bring it up to date, and erase again who was erased since.

    The keys stay as they are: only the newest know of those erasures.

    Raises:
        StoreError: the copy could not be put back; the message says why.
        SettingsError: PostgreSQL's programs, or its driver, are not installed.
    """
    url, replaced = settings.database_url.get_secret_value(), None
    if opening.is_postgres(url):
        opening.check_driver()
        from bot.store import postgres_copies  # noqa: PLC0415

        await postgres_copies.put_back(source, url)
    else:
        from bot.store import sqlite_copies  # noqa: PLC0415

        replaced = await asyncio.to_thread(sqlite_copies.put_back, source, settings.database_path)
    return Restored(erased=await _caught_up(settings, url), replaced=replaced)


async def _caught_up(settings: Settings, url: str) -> int:
    """Do before anybody is served what a start does as well. Returns how many members were erased again."""
    fields = special.with_fields(schema.load(settings.persona_schema), settings.allowed_categories)
    await opening.migrate(url)
    store = await opening.opened(url, key=settings.master_key)
    try:
        erased = await store.write(partial(erasing.catch_up, schema=fields))
        if erased:
            await store.scrub()
        return erased
    finally:
        await store.close()
