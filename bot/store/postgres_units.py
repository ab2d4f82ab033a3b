"""Running a unit of work statement by statement: the unit asks, the engine waits for PostgreSQL and answers.

Driven by hand and not awaited, so that a unit that awaits anything but its transaction is seen, and refused.
"""

from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import coroutine
from typing import Any, cast

from bot import errors
from bot.store.engine import Unit
from bot.store.postgres_connections import is_gone
from bot.store.postgres_errors import is_conflict, translated
from bot.store.postgres_keys import Keys
from bot.store.postgres_sql import numbered
from persona.moments import to_micros
from persona.persona import MemberKey
from persona.ports import Cell, DestroyedKey, Destruction, Row, Transaction, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a unit ended."""

    result: Any = None
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a unit asks of the engine."""

    work: Callable[[], Awaitable[Any]]


@coroutine
def _ask(work: Callable[[], Awaitable[Any]]) -> Generator[_Asked, Any, Any]:
    return (yield _Asked(work))


class _Transaction:
    def __init__(self, connection: Any, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    async def execute(self, sql: str, **parameters: Value) -> int:
        statement, names = numbered(sql)
        values = [parameters[name] for name in names]
        status: str = await _ask(partial(self._connection.execute, statement, *values))
        number = status.rpartition(" ")[2]
        return int(number) if number.isdigit() else -1

    async def fetch(self, sql: str, **parameters: Value) -> Sequence[Row]:
        statement, names = numbered(sql)
        values = [parameters[name] for name in names]
        return cast("Sequence[Row]", await _ask(partial(self._connection.fetch, statement, *values)))

    async def fetch_one(self, sql: str, **parameters: Value) -> Row | None:
        rows = await self.fetch(sql, **parameters)
        return rows[0] if rows else None

    async def seal(self, text: str, *, owner: MemberKey, cell: Cell) -> str:
        return cast("str", await _ask(partial(self._keys.seal, text, owner=owner, cell=cell)))

    async def unseal(self, sealed: Iterable[tuple[str, Cell]]) -> list[str | None]:
        return cast("list[str | None]", await _ask(partial(self._keys.unseal, sealed)))

    async def destroy_key(self, owner: MemberKey, *, at: datetime, reason: Destruction) -> None:
        await _ask(partial(self._keys.destroy, owner, at=to_micros(at), reason=reason))

    async def key_owners(self, tenant: str, *, most: int) -> Sequence[MemberKey]:
        return cast("Sequence[MemberKey]", await _ask(partial(self._keys.owners, tenant, most=most)))

    async def destroyed_keys(self, *, after: datetime) -> Sequence[DestroyedKey]:
        return cast("Sequence[DestroyedKey]", await _ask(partial(self._keys.destroyed, after=to_micros(after))))


async def driven(unit: Unit[Any], connection: Any, keys: Keys) -> Outcome:
    """Run a unit to its end, whatever that is.

    Raises what makes the whole transaction worthless: the driver's error for a conflict, or for a lost connection.
    """
    try:
        running = cast("Coroutine[Any, Any, Any]", unit(cast("Transaction", _Transaction(connection, keys))))
    except Exception as error:  # noqa: BLE001 - it was called wrongly, and that is its caller's business
        return Outcome(error=error)
    step = _stepped(partial(running.send, None), running)
    while isinstance(step, _Asked):
        try:
            answer = await step.work()
        except BaseException as error:
            if not isinstance(error, Exception) or is_conflict(error) or is_gone(connection, error):
                with suppress(BaseException):  # whatever it says to its end, its transaction is gone
                    running.close()
                raise
            step = _stepped(partial(running.throw, translated(error)), running)
        else:
            step = _stepped(partial(running.send, answer), running)
    return step


def _stepped(go_on: Callable[[], Any], running: Coroutine[Any, Any, Any]) -> _Asked | Outcome:
    """What a unit asks for next, or how it ended."""
    try:
        asked = go_on()
        if isinstance(asked, _Asked):
            return asked
        running.close()
    except StopIteration as finished:
        return Outcome(result=finished.value)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the caller, and to nobody else's unit
        return Outcome(error=error)
    return Outcome(error=errors.StoreError("a unit of work may await nothing but its transaction"))
