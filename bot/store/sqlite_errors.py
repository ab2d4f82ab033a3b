"""SQLite's errors as ours: one place that knows its words."""

import sqlite3
from pathlib import Path

from bot import errors

_BY_WORDS = {
    "locked": errors.StoreBusyError,
    "readonly": errors.StoreReadOnlyError,
    "unable to open": errors.StoreReadOnlyError,
    "full": errors.StoreFullError,
    "not a database": errors.StoreDamagedError,
    "malformed": errors.StoreDamagedError,
}


def translated(error: BaseException, path: Path | None = None) -> BaseException:
    """The error to raise for `error`: one of ours if SQLite raised it, else `error` itself."""
    if not isinstance(error, sqlite3.Error):
        return error
    kind = next((ours for words, ours in _BY_WORDS.items() if words in str(error)), errors.StoreError)
    where = f"{str(path)!r}: " if path else ""
    ours = kind(f"{where}{error}. {kind.__doc__}")
    ours.__cause__ = error
    return ours
