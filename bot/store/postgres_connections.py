"""Connections to PostgreSQL: how they are set up, and when one is given up."""

import asyncio
import random
from contextlib import suppress
from typing import Any

import asyncpg

from bot.store.postgres_errors import DRIVERS, is_lost

READERS = 4
"""Connections beside the one that writes: a small managed PostgreSQL gives twenty to all who use it."""
CONNECT_TIMEOUT_S = 10.0
STATEMENT_TIMEOUT_S = 60.0
FIRST_PAUSE_S = 0.01
MAX_PAUSE_S = 1.0

_SESSION = {
    "application_name": "rapport",
    "synchronous_commit": "on",
    "jit": "off",  # our statements are short: compiling one takes longer than running it
    "idle_in_transaction_session_timeout": "5s",  # whoever was stopped within a unit keeps its rows from others so long
}


async def writer(url: str) -> Any:
    """A connection to write with."""
    connection = await asyncpg.connect(url, **_options())
    try:
        await _prepare(connection)
    except BaseException:
        connection.terminate()
        raise
    return connection


async def close(connection: Any) -> None:
    """Close a connection, unless it is lost already."""
    with suppress(*DRIVERS):
        await connection.close(timeout=CONNECT_TIMEOUT_S)


async def readers(url: str) -> Any:
    """A pool of connections to read with, which are made when they are needed."""
    return await asyncpg.create_pool(url, min_size=0, max_size=READERS, init=_prepare, reset=_leave, **_options())


def is_gone(connection: Any, error: BaseException) -> bool:
    """Whether the connection can do no more, so that its transaction is worth nothing."""
    return bool(connection.is_closed()) or is_lost(error)


async def end(connection: Any, error: BaseException | None = None) -> None:
    """End the transaction of a connection, so that the next one may begin; or the connection, where it cannot."""
    try:
        if error is not None and is_gone(connection, error):
            connection.terminate()
        elif connection.is_in_transaction():
            await connection.execute("ROLLBACK")
    except DRIVERS:
        connection.terminate()


async def pause(number: int) -> None:
    """Wait before the next try, ever longer, and not as long as anybody else who met us."""
    longest = min(FIRST_PAUSE_S * 2**number, MAX_PAUSE_S)
    await asyncio.sleep(random.uniform(longest / 2, longest))  # noqa: S311 - not a secret


def _options() -> dict[str, Any]:
    return {"timeout": CONNECT_TIMEOUT_S, "command_timeout": STATEMENT_TIMEOUT_S, "server_settings": _SESSION}


async def _prepare(connection: Any) -> None:
    """Sums of whole numbers are `numeric` to PostgreSQL; what they are to SQLite, and to us, is whole numbers."""
    await connection.set_type_codec("numeric", schema="pg_catalog", encoder=str, decoder=_number, format="text")


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("-").isdigit() else float(text)


async def _leave(_connection: Any) -> None:
    """Leave a connection as it is when it goes back to the others: nothing of a unit outlives its transaction."""
