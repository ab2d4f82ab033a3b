"""Copies of our tables on PostgreSQL, by its own programs: `pg_dump` makes them, `pg_restore` and `psql` put them back.

Nothing else in the database is touched, and the schema of the keys never goes along: it is copied apart.
"""

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg

from bot import errors
from bot.store import copies, postgres_keys
from bot.store.migrate import VERSIONS
from bot.store.postgres_connections import CONNECT_TIMEOUT_S
from bot.store.postgres_errors import as_ours
from bot.store.postgres_migrate import script

_MADE = re.compile(r"CREATE TABLE (\w+)")
_RUNNING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'rapport' AND pid <> pg_backend_pid()
"""


async def copy(url: str, target: Path) -> None:
    """Copy our tables as they are at one moment, whoever writes meanwhile.

    Raises:
        StoreError: the database cannot be read, or the copy not be written; there is no copy then.
        SettingsError: a program of PostgreSQL is missing.
    """
    with copies.written(target) as unfinished:
        tables = [f"--table={name}" for name in _tables(None)]
        await _run(
            "pg_dump", url, "--format=custom", "--compress=1", "--no-owner", "--no-acl", *tables, f"--file={unfinished}"
        )
        await _run("pg_restore", None, "--list", str(unfinished))


async def copy_keys(url: str, target: Path) -> None:
    """Copy the schema of the keys over the last copy: an older one would bring back what was erased."""
    with copies.written(target, replaces=True) as unfinished:
        schema = f"--schema={postgres_keys.SCHEMA}"
        await _run("pg_dump", url, "--format=custom", "--no-owner", "--no-acl", schema, f"--file={unfinished}")


async def put_back(source: Path, url: str) -> None:
    """Put a copy in the place of our tables, all of them or none.

    Raises:
        StoreBusyError: Rapport runs on the database.
        StoreKeyError: the keys are missing, or another database's.
        StoreError: the copy is of no use; the database is as it was.
        SettingsError: a program of PostgreSQL is missing.
    """
    version = await _value(source, "alembic_version", "version_num")
    if version not in VERSIONS:
        raise errors.StoreNewerError(
            f"{str(source)!r} has tables of version {version}. {errors.StoreNewerError.__doc__}"
        )
    await _check(url, sealed_by=await _value(source, "vault", "id"))
    with tempfile.TemporaryDirectory(prefix="rapport-") as folder:
        file = Path(folder) / "restore.sql"
        # What a later version made besides: a migration will make it again.
        later = "".join(f"DROP TABLE IF EXISTS {name} CASCADE;\n" for name in _tables(version))
        file.write_text(later, "utf-8")
        made = await _run(
            "pg_restore", None, "--clean", "--if-exists", "--no-owner", "--no-acl", "--file=-", str(source)
        )
        with file.open("ab") as writing:
            writing.write(made)
        options = ("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1")
        await _run("psql", url, *options, f"--file={file}")


def _tables(version: str | None) -> list[str]:
    """The tables that are made after a version, or all of ours."""
    made = _MADE.findall(script(version)) if version != VERSIONS[-1] else []
    return list(dict.fromkeys(name for name in made if version is None or name != "alembic_version"))


async def _check(url: str, *, sealed_by: str | None) -> None:
    """Whether nobody runs on a database, and its keys open the copy; before anything is changed."""
    with as_ours():
        connection = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_S)
        try:
            if await connection.fetchval(_RUNNING):
                raise errors.StoreBusyError("the database is in use by a Rapport; stop it first")
            has_keys = await connection.fetchval(f"SELECT to_regclass('{postgres_keys.SCHEMA}.vault')") is not None
            known = await connection.fetchval(f"SELECT id FROM {postgres_keys.SCHEMA}.vault") if has_keys else None  # noqa: S608 - our own name
        finally:
            await connection.close(timeout=CONNECT_TIMEOUT_S)
    if sealed_by is not None and known != sealed_by:
        how = "is missing, or empty" if known is None else "belongs to another database"
        raise errors.StoreKeyError(
            f"the schema {postgres_keys.SCHEMA} {how}; put back the newest copy of it first, with pg_restore"
        )


async def _value(source: Path, table: str, column: str) -> str | None:
    """What a column of a table's first row holds in a copy."""
    said = await _run("pg_restore", None, "--data-only", f"--table={table}", "--file=-", str(source))
    found = re.search(rf"^COPY \S*\b{table} \((.*)\) FROM stdin;\n(.*)$", said.decode(), re.MULTILINE)
    if found is None or found[2] == "\\.":
        return None
    return dict(zip(found[1].split(", "), found[2].split("\t"), strict=True)).get(column)


async def _run(program: str, url: str | None, *arguments: str) -> bytes:
    """What one of PostgreSQL's programs says. A password is given where no other user of the machine sees it."""
    path = shutil.which(program)
    if path is None:
        raise errors.SettingsError(
            f"{program} is not on PATH; install PostgreSQL's client programs (on Debian: postgresql-client)"
        )
    where, secret = ([], {}) if url is None else _connecting(url)
    running = await asyncio.create_subprocess_exec(
        path,
        *where,
        *arguments,
        env={**os.environ, **secret},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, trouble = await running.communicate()
    if running.returncode:
        first = next(iter(trouble.decode(errors="replace").splitlines()), "it said nothing")
        raise errors.StoreError(f"{program} failed: {first}")
    return said


def _connecting(url: str) -> tuple[list[str], Mapping[str, str]]:
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    public = urlunsplit(parts._replace(netloc=f"{name}@{host}" if user else host))
    return [f"--dbname={public}"], {"PGPASSWORD": unquote(password)} if password else {}
