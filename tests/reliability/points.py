"""The points inside a process at which it can be made to die (reliability B.1): around its units of work.

A unit is known by the functions it is made of, so nothing in the product knows that it can be killed there. What is
seen from outside alone (K3, K5, K8) is in `traps`.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Literal, TypeVar, cast

from sqlalchemy import Engine, event

from bot.messages import Accepted
from bot.store.engine import Store, Unit
from persona.ports import Row, Transaction, Value

T = TypeVar("T")
Moment = Literal["before", "within", "after"]

ACCEPT = "bot.intake._accept"
BEGIN = "bot.responder.Responder._begin"
READY = "bot.delivery._make_ready"
GROW = "bot.delivery._begin"
POSTED = "bot.delivery._posted"
APPLY = "bot.outcomes.Outcomes.keep.<locals>.apply"

BACKUP = "K13"
MIGRATION = "K14"

POINTS: dict[str, tuple[Moment, str]] = {
    "K1": ("before", ACCEPT),
    "K2": ("after", ACCEPT),
    "K4": ("after", BEGIN),
    "K6": ("before", READY),
    "K7": ("after", READY),
    "K9": ("before", POSTED),
    "K10": ("after", POSTED),
    "K11": ("before", APPLY),
    "K12": ("within", APPLY),
}
"""Before a unit runs, within its transaction, or once it is kept and its caller does not know yet. K10 is about a reply
that still grows alone."""


def names(unit: object) -> Iterator[str]:
    """The qualified names of the functions that a unit is made of, itself first."""
    if isinstance(unit, partial):
        for part in (unit.func, *unit.args, *unit.keywords.values()):
            yield from names(part)
    elif callable(unit) and hasattr(unit, "__qualname__"):
        yield f"{unit.__module__}.{unit.__qualname__}"


def die() -> None:
    """SIGKILL, from within: nothing gets to tidy up."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_while_migrating(statement: int) -> None:
    """Let this process end after so many statements of a migration of SQLite."""
    left = statement

    def count(*_arguments: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            die()

    event.listen(Engine, "after_cursor_execute", count)


def die_while_copying() -> None:
    """Let this process end when it has written a backup, and is about to give it its name."""

    def look(event: str, arguments: tuple[object, ...]) -> None:
        if event == "os.rename" and str(arguments[0]).endswith(".partial"):
            die()

    sys.addaudithook(look)


def deadly(store: Store, point: str, nth: int, *, end: Callable[[], None] = die) -> Store:
    """A store with which the process ends when it comes to a point for the `nth` time."""
    return cast("Store", _Deadly(store, point, nth, end))


class _Deadly:
    def __init__(self, store: Store, point: str, nth: int, end: Callable[[], None]) -> None:
        self._store = store
        self._moment, self._name = POINTS[point]
        self._is_growing_only = point == "K10"
        self._left = nth
        self._end = end
        self._growing: set[object] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def write(self, unit: Unit[T]) -> T:
        found = set(names(unit))
        self._note(unit, found)
        is_meant = self._name in found and (not self._is_growing_only or _answer(unit) in self._growing)
        if not is_meant:
            return await self._store.write(unit)
        if self._moment == "after":
            result = await self._store.write(unit)
            self._come()
            return result
        if self._moment == "before":
            self._come()
            return await self._store.write(unit)
        return await self._store.write(partial(_within, unit, self._come))

    def _come(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._end()

    def _note(self, unit: object, found: set[str]) -> None:
        """Which replies still grow."""
        if GROW in found:
            self._growing.add(_answer(unit))
        elif READY in found:
            self._growing.discard(_answer(unit))


def _answer(unit: object) -> object:
    """The answer that a unit writes something of."""
    assert isinstance(unit, partial)
    about: Accepted = unit.keywords.get("message") or unit.keywords["accepted"]
    return about.answer


async def _within(unit: Unit[T], end: Callable[[], None], transaction: Transaction) -> T:
    return await unit(cast("Transaction", _Ending(transaction, end)))


class _Ending:
    """A transaction that does not outlive the first operation written in it."""

    def __init__(self, transaction: Transaction, end: Callable[[], None]) -> None:
        self._transaction = transaction
        self._end = end

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transaction, name)

    async def execute(self, sql: str, **parameters: Value) -> int:
        done = await self._transaction.execute(sql, **parameters)
        self._look(sql)
        return done

    async def fetch_one(self, sql: str, **parameters: Value) -> Row | None:
        found = await self._transaction.fetch_one(sql, **parameters)
        self._look(sql)
        return found

    async def fetch(self, sql: str, **parameters: Value) -> Sequence[Row]:
        found = await self._transaction.fetch(sql, **parameters)
        self._look(sql)
        return found

    def _look(self, sql: str) -> None:
        if "INSERT INTO operation" in sql:
            self._end()
