"""SQLite's settings: set, and read back, since SQLite says nothing of one that it does not take."""

import sqlite3
from collections.abc import Mapping

from bot import errors


def set_up(connection: sqlite3.Connection, pragmas: Mapping[str, str | int], *, busy_timeout_ms: int) -> None:
    """Give a connection its settings; first of all, how long it waits for a lock that another program holds.

    Raises:
        StoreError: SQLite refuses one of them; the message names it, and what it is instead.
    """
    for name, wanted in {"busy_timeout": busy_timeout_ms, **pragmas}.items():
        connection.execute(f"PRAGMA {name} = {wanted}")
        row = connection.execute(f"PRAGMA {name}").fetchone()
        if row is not None and row[0] != wanted:
            raise errors.StoreError(f"SQLite refuses PRAGMA {name} = {wanted} (it says {row[0]!r})")
