"""Statements as PostgreSQL takes them: `:named` parameters by number. Each is translated once.

Two things are written for both engines and mean more here: the parameter `:database_now`, which on SQLite is the
process's own time and here the server's, whatever is handed in; and the comment `/* skip locked */`, which SQLite,
where nobody else can hold a row, reads over.
"""

import re
from functools import lru_cache

DATABASE_NOW = "(extract(epoch FROM statement_timestamp()) * 1000000)::bigint"
"""Microseconds since 1970 by the server's clock, the same throughout a statement, so that an index can be asked."""
SKIP_LOCKED = "FOR UPDATE SKIP LOCKED"

_TOKEN = re.compile(
    r"""
      '(?:[^']|'')*'        # a text
    | "(?:[^"]|"")*"        # a name in quotes
    | --[^\n]*              # a comment
    | /\*.*?\*/             # another one
    | ::                    # a cast
    | :(?P<name>[A-Za-z_]\w*)
    """,
    re.VERBOSE | re.DOTALL,
)


@lru_cache(maxsize=1_000)
def numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """The statement with `$1`, `$2`... for its parameters, and their names in that order."""
    names: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        name = found["name"]
        if name is None:
            return SKIP_LOCKED if found[0] == "/* skip locked */" else found[0]
        if name == "database_now":
            return DATABASE_NOW
        return f"${names.setdefault(name, len(names) + 1)}"

    return _TOKEN.sub(number, sql), tuple(names)
