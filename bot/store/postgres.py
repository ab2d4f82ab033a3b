"""PostgreSQL on asyncpg: one writer, a round trip for each statement, a few readers that cannot write.

Why it is built this way: decisions 0002, 0023 and 0024. Units that are handed in are run one after the other, as on
SQLite, so that two messages of one moment keep their order; those that wait at the same moment share a commit.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Self, TypeVar, cast

import structlog

from bot import errors
from bot.store import postgres_keys, sealing
from bot.store.engine import Unit
from bot.store.postgres_connections import READERS, close, end, is_gone, pause, readers, writer
from bot.store.postgres_errors import DRIVERS, as_ours, is_conflict, is_lost, translated
from bot.store.postgres_keys import Ciphers, Keys
from bot.store.postgres_units import Outcome, driven
from bot.store.trouble import Trouble

T = TypeVar("T")

MAX_BATCH = 50
"""Units in one commit, as on SQLite."""
TRIES = 25
"""How often a unit is run that meets another transaction, or loses its connection: for some twenty seconds. With four
workers on a busy machine ten were not enough, and whoever was refused lost one of their five tries to answer."""
COMPACT_TIMEOUT_S = 3_600.0
MAX_REPORTED = 10_000

_WRITE = "BEGIN ISOLATION LEVEL SERIALIZABLE"
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_TABLES = """
    SELECT quote_ident(nspname) || '.' || quote_ident(relname) AS name, pg_total_relation_size(pg_class.oid) AS bytes
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind = 'r' AND nspname IN (current_schema, 'rapport_keys')
"""

_log = structlog.get_logger(__name__)


class _RunAgainError(Exception):
    """Nothing was kept, and the same units may pass when they are run again. Its cause is the driver's error."""


@dataclass(slots=True, kw_only=True)
class _Waiting:
    unit: Unit[Any]
    done: asyncio.Future[Any]


class PostgresStore:
    """A PostgreSQL database. Open it with `PostgresStore.open`."""

    def __init__(self, *, url: str, writer: Any, pool: Any, ciphers: Ciphers) -> None:
        self._url = url
        self._writer = writer
        self._pool = pool
        self._ciphers = ciphers
        self._reported: frozenset[str] = frozenset()
        """The keys of which it was said already that they cannot be used."""
        self._waiting: deque[_Waiting] = deque()
        self._writing = asyncio.Lock()
        self._reading = asyncio.Semaphore(READERS)
        self._committer: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._is_closed = False
        self._trouble_reading = Trouble(doing="reading")
        self._trouble_writing = Trouble(doing="writing")

    @classmethod
    async def open(cls, url: str, *, key: bytes) -> Self:
        """Open a database that was migrated already, and seal what is not sealed yet. Other processes may have it open.

        Raises:
            StoreKeyError: it was sealed with another key, or its keys are missing.
            StoreError: PostgreSQL cannot be reached, or refuses us.
        """
        async with AsyncExitStack() as on_failure:
            with as_ours():
                writing = await writer(url)
                on_failure.push_async_callback(close, writing)
                name, vault = await postgres_keys.unlock(writing, given=key)
                pool = await readers(url)
                on_failure.push_async_callback(pool.close)
            store = cls(url=url, writer=writing, pool=pool, ciphers=Ciphers(vault))
            await store.write(partial(sealing.seal_all, vault=name))
            on_failure.pop_all()
        return store

    async def write(self, unit: Unit[T]) -> T:
        """See `bot.store.engine.Store.write`."""
        self._check_open()
        waiting = _Waiting(unit=unit, done=asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._committer is None or self._committer.done():
            self._committer = asyncio.create_task(self._commit_waiting())  # noqa: TID251 - close() awaits it
        return cast("T", await asyncio.shield(waiting.done))

    async def read(self, unit: Unit[T]) -> T:
        """See `bot.store.engine.Store.read`."""
        self._check_open()
        async with self._reading:
            outcome = await _until_it_passes(partial(self._snapshot, unit))
        self._trouble_reading.met(outcome.error)
        if outcome.error is not None:
            raise outcome.error
        return cast("T", outcome.result)

    async def scrub(self) -> None:
        """See `bot.store.engine.Store.scrub`: PostgreSQL's log is its own, kept and shipped as its operator wishes.

        What it holds of somebody who was erased is sealed with a key that is gone (decision 0023).
        """
        self._check_open()

    async def compact(self, *, max_bytes: int | None = None) -> bool:
        """See `bot.store.engine.Store.compact`. Whoever reads meanwhile waits as well."""
        self._check_open()
        async with self._writing:
            with as_ours():
                connection = await self._connected()
                tables = await connection.fetch(_TABLES)
                if max_bytes is not None and sum(row["bytes"] for row in tables) > max_bytes:
                    return False
                names = ", ".join(row["name"] for row in tables)
                await connection.execute(f"VACUUM (FULL) {names}", timeout=COMPACT_TIMEOUT_S)
        return True

    async def close(self) -> None:
        """See `bot.store.engine.Store.close`."""
        self._is_closed = True
        if self._closing is None:
            self._closing = asyncio.create_task(self._let_go())  # noqa: TID251 - awaited here, by whoever comes first
        await asyncio.shield(self._closing)

    async def _let_go(self) -> None:
        if self._committer is not None:
            await self._committer
        for _ in range(READERS):  # whoever waits to read came first
            await self._reading.acquire()
        await self._pool.close()
        async with self._writing:
            await close(self._writer)

    def _check_open(self) -> None:
        if self._is_closed:
            raise errors.StoreError("the database was closed")

    async def _connected(self) -> Any:
        """The connection that may write; a new one if it was lost."""
        if self._writer.is_closed():
            self._writer = await writer(self._url)
        return self._writer

    async def _commit_waiting(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
            outcomes = await self._committed([waiting.unit for waiting in batch])
            for waiting, outcome in zip(batch, outcomes, strict=True):
                self._trouble_writing.met(outcome.error)
                if outcome.error is None:
                    waiting.done.set_result(outcome.result)
                else:
                    waiting.done.set_exception(outcome.error)

    async def _committed(self, units: list[Unit[Any]]) -> list[Outcome]:
        """Commit the units together; if that meets another transaction, one by one, each until it passes."""
        try:
            return await self._transact(units)
        except _RunAgainError:
            return [await self._alone(unit) for unit in units]
        except (errors.StoreError, *DRIVERS) as error:
            return [Outcome(error=translated(error))] * len(units)

    async def _alone(self, unit: Unit[Any]) -> Outcome:
        async def once() -> Outcome:
            (outcome,) = await self._transact([unit])
            return outcome

        return await _until_it_passes(once)

    async def _transact(self, units: list[Unit[Any]]) -> list[Outcome]:
        """Run the units in one transaction, each behind its own savepoint, and commit it."""
        async with self._writing:
            try:
                connection = await self._connected()
            except DRIVERS as error:
                if is_lost(error):
                    raise _RunAgainError from error
                raise
            try:
                await connection.execute(_WRITE)
                if len(units) == 1:
                    outcomes = [await self._drive(connection, units[0])]
                else:
                    outcomes = [await self._guarded(connection, unit) for unit in units]
                if all(outcome.error is not None for outcome in outcomes):
                    await connection.execute("ROLLBACK")
                    return outcomes
                transaction = await connection.fetchval("SELECT pg_current_xact_id_if_assigned()::text")
            except BaseException as error:
                await end(connection, error)
                if is_conflict(error) or is_gone(connection, error):
                    raise _RunAgainError from error
                raise
            await self._commit(connection, transaction)
            return outcomes

    async def _guarded(self, connection: Any, unit: Unit[Any]) -> Outcome:
        await connection.execute("SAVEPOINT unit")
        outcome = await self._drive(connection, unit)
        if outcome.error is not None:
            await connection.execute("ROLLBACK TO unit")
        await connection.execute("RELEASE unit")
        return outcome

    async def _commit(self, connection: Any, transaction: str | None) -> None:
        try:
            status = await connection.execute("COMMIT")
        except DRIVERS as error:
            await end(connection, error)
            if is_conflict(error):
                raise _RunAgainError from error
            if not connection.is_closed():
                raise
            if not await self._was_kept(transaction):
                raise _RunAgainError from error
        else:
            if status != "COMMIT":  # it says ROLLBACK, and calls that success
                raise errors.StoreError("a statement failed, its unit hid that, and nothing was kept")

    async def _was_kept(self, transaction: str | None) -> bool:
        """Whether a transaction was committed whose connection broke at that moment: PostgreSQL remembers.

        Raises:
            StoreError: it cannot be asked.
        """
        if transaction is None:  # it wrote nothing
            return False
        for number in range(TRIES):
            try:
                connection = await self._connected()
                status = await connection.fetchval("SELECT pg_xact_status($1::text::xid8)", transaction)
            except DRIVERS as error:
                if not is_lost(error):
                    raise
            else:
                if status != "in progress":
                    return bool(status == "committed")
            await pause(number)
        raise errors.StoreError("PostgreSQL was lost while it committed, and cannot be asked whether it did")

    async def _snapshot(self, unit: Unit[Any]) -> Outcome:
        try:
            async with self._pool.acquire() as connection:
                try:
                    await connection.execute(_READ)
                    outcome = await self._drive(connection, unit)
                except BaseException as error:
                    await end(connection, error)
                    if is_conflict(error) or is_gone(connection, error):
                        raise _RunAgainError from error
                    raise
                await end(connection)
                return outcome
        except DRIVERS as error:
            if is_lost(error):  # no connection could be made
                raise _RunAgainError from error
            raise

    async def _drive(self, connection: Any, unit: Unit[Any]) -> Outcome:
        keys = Keys(connection, self._ciphers)
        outcome = await driven(unit, connection, keys)
        unknown = set(keys.unreadable) - self._reported
        if unknown:
            self._reported = frozenset(unknown) if len(self._reported) > MAX_REPORTED else self._reported | unknown
            _log.warning("values.unreadable", values=len(keys.unreadable), keys=len(unknown))
        return outcome


async def _until_it_passes(once: Callable[[], Awaitable[Outcome]]) -> Outcome:
    """How a unit ended that is run until it meets nobody; it is given up after ten times."""
    last: BaseException | None = None
    for number in range(TRIES):
        try:
            return await once()
        except _RunAgainError as error:
            last = error.__cause__
        except (errors.StoreError, *DRIVERS) as error:
            return Outcome(error=translated(error))
        await pause(number)
    return Outcome(error=last and translated(last))
