"""Bring a database to this version's tables. Alembic is imported only when something is to be done."""

import contextlib
import sqlite3
from pathlib import Path

from bot import errors
from bot.store.sqlite_errors import translated

BUSY_TIMEOUT_S = 5.0
"""How long is waited for another program that holds the database."""

HERE = Path(__file__).parent / "migrations"

VERSIONS = tuple(sorted(path.name.split("_")[0] for path in (HERE / "versions").glob("[0-9]*.py")))
"""The migrations this version knows, oldest first."""


def migrate(path: Path) -> bool:
    """Run the migrations that are missing from the SQLite file at `path`, all or none. Returns whether any was.

    Blocks; safe to repeat, and to interrupt at any moment.

    Raises:
        StoreNewerError: the database has a migration this version does not know.
        StoreDamagedError: the file is not a database.
    """
    found = _version(path)
    if found == VERSIONS[-1]:
        return False
    if found is not None and found not in VERSIONS:
        raise errors.StoreNewerError(
            f"{str(path)!r} has tables of version {found}, this Rapport knows up to {VERSIONS[-1]}."
            f" {errors.StoreNewerError.__doc__}"
        )
    _upgrade(path)
    return True


def _version(path: Path) -> str | None:
    """The migration the file is at; None for a file that is new or empty."""
    if not path.exists():
        return None
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)) as connection:
            return _read_version(connection)
    except sqlite3.Error as error:
        raise translated(error, path) from error


def _read_version(connection: sqlite3.Connection) -> str | None:
    has_table = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if has_table else None
    return None if row is None else str(row[0])


def _upgrade(path: Path) -> None:
    from alembic import command  # noqa: PLC0415 - half a second nobody should wait for at an ordinary start
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy import URL, create_engine, event, exc  # noqa: PLC0415

    with contextlib.suppress(OSError):  # what cannot be written is said better by SQLite
        path.touch(mode=0o600)  # nobody else's to read: ids, times and fields stand in it unsealed
    engine = create_engine(
        URL.create("sqlite", database=str(path)), connect_args={"isolation_level": None, "timeout": BUSY_TIMEOUT_S}
    )
    # The driver is in autocommit mode, so this BEGIN is the only one: the tables come all together or not at all.
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except exc.DBAPIError as error:
        raise translated(error.orig or error, path) from error
    finally:
        engine.dispose()
