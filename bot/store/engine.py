"""The contract of a database engine, which `sqlite` and `postgres` keep.

A unit of work is an `async def` that takes a transaction and awaits nothing else. An engine may therefore run the
whole unit in one go on the database's own thread (sqlite), or statement by statement over a socket (postgres);
the unit reads the same. `tests/bot/store` runs against every engine.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from persona.ports import Transaction

T = TypeVar("T")

Unit = Callable[[Transaction], Awaitable[T]]
"""One unit of work. It must not await anything but its transaction, and may run on another thread.

It may also be run again from its beginning, when nothing of it was kept since another process came first: it leaves
nothing behind but what it writes and returns.
"""


class Store(Protocol):
    """A database that was opened, migrated and checked."""

    async def write(self, unit: Unit[T]) -> T:
        """Run `unit` in a write transaction and return its result once it is durable.

        When the unit raises, nothing of it is kept and its exception is raised here; units of other callers are not
        touched. A caller that is cancelled while waiting does not stop the unit: it is kept, or not, as a whole.

        Raises:
            StoreError: the database failed; nothing of the unit was kept.
        """
        ...

    async def read(self, unit: Unit[T]) -> T:
        """Run `unit` on one consistent snapshot; a statement that writes raises `StoreReadOnlyError`."""
        ...

    async def scrub(self) -> None:
        """Leave no copy of what was erased beside the tables, such as in a log. Cheap when there is nothing to do."""
        ...

    async def compact(self, *, max_bytes: int | None = None) -> bool:
        """Write everything anew, so that space that was freed holds nothing. False if there is more than `max_bytes`.

        Whoever writes meanwhile waits.
        """
        ...

    async def close(self) -> None:
        """Finish what was handed in and let go of the database. A second call does nothing."""
        ...


async def exhaust(store: Store, portion: Unit[int]) -> int:
    """Run a unit that does a portion and says how much, until there is nothing left. Returns how much that was."""
    done = 0
    while number := await store.write(portion):
        done += number
    return done
