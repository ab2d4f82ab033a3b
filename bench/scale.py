"""What a member weighs in the database, and what the questions of every message and sweep cost as it grows.

    python -m bench.scale [members] [largest]

Members talk and are learned through the whole core, with the offline model, on a PostgreSQL that flushes every commit.
Then conversations nobody speaks in any more, and personas with them, are copied until there are `largest`.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar

import asyncpg

from bench.figures import machine
from bot import logs
from bot.core import Core
from bot.messages import Member, Message, MessageId, Room, TenantId
from bot.settings import Settings
from bot.store import inbox, sessions
from bot.store.engine import Store, Unit
from bot.wiring import open_core
from persona import store as personas
from persona.audience import Place
from persona.ports import Transaction
from tests import postgres
from tests.bot.desk import Counted, Paper
from tests.clock import StillClock

T = TypeVar("T")

KEY = "A" * 43
TENANTS = 20
ROUNDS = 60
SAID = (
    "I live in Lisbon",
    "what is the quickest way to sort a list of dates in a spreadsheet?",
    "I work as a nurse",
    "could you look over this paragraph and tell me what is unclear about it?",
    "I speak Portuguese",
    "which of the two drafts reads better, and why?",
    "I prefer short answers",
    "how do I tell a colleague kindly that their report is late again?",
    "I use Vim",
    "what would you cook with leeks, potatoes and half an hour?",
    "I am working on the winter rota",
    "please remind me what we said about the budget",
    "I love hiking",
    "is there a train to the coast on Sundays?",
    "my pronouns are she/her",
    "how long does bread dough keep in the fridge?",
    "I no longer use Vim",
    "what does the error in line three mean?",
    "I moved to Porto",
    "thanks, that helped a lot",
)
"""Ten statements, ten other messages: what a member says in a day that has much to learn."""

WEIGH = """
    SELECT relname AS name, pg_total_relation_size(pg_class.oid) AS bytes FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind = 'r' AND nspname IN ('public', 'rapport_keys')
"""
"""What each table takes, its indexes included."""

Run = Callable[[str], Awaitable[list[Mapping[str, object]]]]
"""Runs a statement on the database itself and returns its rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A database, beside the core that uses it."""

    url: str
    run: Run


async def fill(core: Core, clock: StillClock, members: int) -> None:
    """Let every member say it all in their direct message, in two sessions, and learn both."""
    half = len(SAID) // 2
    for part in (SAID[:half], SAID[half:]):
        for number in range(members):
            for text in part:
                clock.advance(seconds=1)
                await core.intake.accept(_message(number, text, clock))
            if number % 50 == 0:
                await core.lanes.drained()
        await core.lanes.drained()
        clock.advance(days=1)
        while (await core.learning.sweep()).sessions:
            pass


def _member(number: int) -> Member:
    return Member(tenant=TenantId(f"slack:T{number % TENANTS}"), id=f"U{number}", name="Ana")


def _message(number: int, text: str, clock: StillClock) -> Message:
    author = _member(number)
    room = Room(tenant=author.tenant, channel=f"D{number}", kind="direct")
    at = clock.now()
    return Message(id=MessageId(f"{at.timestamp():.6f}"), room=room, author=author, text=text, said_at=at)


class Counting:
    """A store that counts: see `bot.store.engine.Store`."""

    def __init__(self, store: Store) -> None:
        self.units = 0
        self.statements: list[str] = []
        self._store = store
        self.scrub, self.compact, self.close = store.scrub, store.compact, store.close

    async def write(self, unit: Unit[T]) -> T:
        """Run a unit that writes."""
        return await self._store.write(self._counted(unit))

    async def read(self, unit: Unit[T]) -> T:
        """Run a unit that reads."""
        return await self._store.read(self._counted(unit))

    def _counted(self, unit: Unit[T]) -> Unit[T]:
        self.units += 1

        async def counted(transaction: Transaction) -> T:
            return await unit(Counted(transaction, self.statements))

        return counted


async def counted(core: Core, clock: StillClock, store: Counting) -> dict[str, tuple[float, float]]:
    """Units and statements of a message that is answered, and of a session of ten messages that is learned."""
    found = {}
    for name, share, work in (
        ("a message, from its arrival to its answer", 10, partial(_talk, core, clock)),
        ("a session of ten messages, learned", 1, partial(_learn, core, clock)),
    ):
        units, statements = store.units, len(store.statements)
        await work()
        found[name] = (store.units - units) / share, (len(store.statements) - statements) / share
    return found


async def _talk(core: Core, clock: StillClock) -> None:
    for text in SAID[:10]:
        clock.advance(seconds=1)
        await core.intake.accept(_message(0, text, clock))
        await core.lanes.drained()


async def _learn(core: Core, clock: StillClock) -> None:
    clock.advance(days=1)
    assert (await core.learning.sweep()).sessions == 1


async def weights(database: Database, members: int) -> dict[str, float]:
    """Kilobytes for each member, by table, largest first; below a tenth of one they are left out."""
    rows = await database.run(WEIGH)
    each = {str(row["name"]): float(str(row["bytes"])) / members / 1024 for row in rows}
    return {name: size for name, size in sorted(each.items(), key=lambda item: -item[1]) if size >= 0.1}


async def grow(database: Database, number: int) -> None:
    """Let there be `number` more conversations that are learned, each with an answered message and one persona.

    What an earlier size has stored is settled, and what it left behind cleared away: only the number differs.
    """
    await database.run("UPDATE inbox SET settled_at = received_at WHERE settled_at IS NULL")
    await _copy(database, "conversation", {"tenant": "'slack:C' || i % 1000", "room": "'C' || i"}, number)
    await _copy(database, "inbox", {"tenant": "'slack:C' || i % 1000", "key": "'C' || i", "room": "'C' || i"}, number)
    await _copy(database, "fact", {"tenant": "'slack:C' || i % 1000", "member": "'U' || i"}, number, most=6)
    await database.run("VACUUM ANALYZE")


async def _copy(database: Database, table: str, changed: Mapping[str, str], number: int, *, most: int = 1) -> None:
    """Copy the first rows of a table `number` times, with other keys; copies of an earlier call go first."""
    columns = list((await database.run(f"SELECT * FROM {table} LIMIT 1"))[0])  # noqa: S608 - our own words, here and below
    values = [changed.get(name, f"one.{name}") for name in columns]
    first = f"SELECT * FROM {table} WHERE tenant = 'slack:T0' LIMIT {most}"  # noqa: S608
    await database.run(f"DELETE FROM {table} WHERE tenant LIKE 'slack:C%'")  # noqa: S608
    await database.run(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)}"  # noqa: S608
        f" FROM generate_series(1, {number}) AS i CROSS JOIN ({first}) AS one"
    )


async def questions(core: Core, clock: StillClock) -> dict[str, float]:
    """Milliseconds each question takes, the median of `ROUNDS`."""
    ana, now = _member(0).key, clock.now()
    place = Place(tenant=ana.tenant, room="D0", kind="direct")
    due = partial(sessions.claim_due, owner="bench", idle_since=now, now=now, lease=timedelta(minutes=1), most=50)
    asked: dict[str, Callable[[int], Awaitable[object]]] = {
        "a message is stored": lambda number: core.store.write(
            partial(inbox.accept, message=_message(number % 200, f"stored {number}", clock), now=clock.now())
        ),
        "a persona is read": lambda _: core.store.read(partial(personas.read, member=ana, at=now, place=place)),
        "what is due is looked for": lambda _: core.store.write(due),
        "what is open is looked for": lambda _: core.store.read(partial(inbox.unsettled, now=now)),
    }
    return {name: await _median(ask, clock) for name, ask in asked.items()}


async def _median(ask: Callable[[int], Awaitable[object]], clock: StillClock) -> float:
    taken = []
    for number in range(ROUNDS):
        clock.advance(seconds=1)
        began = time.perf_counter()
        await ask(number)
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


@asynccontextmanager
async def postgresql(server: postgres.Server) -> AsyncIterator[Database]:
    """A new database on a server."""
    url = await server.take()
    connection = await asyncpg.connect(url)

    async def run(statement: str) -> list[Mapping[str, object]]:
        return [dict(row) for row in await connection.fetch(statement, timeout=600)]

    try:
        yield Database(url=url, run=run)
    finally:
        await connection.close()


async def measure(database: Database, members: int, sizes: list[int]) -> None:
    """Fill a database, and print what it weighs and what the questions cost at each size."""
    settings = Settings(database_url=database.url, persona_key=KEY, _env_file=None)  # type: ignore[call-arg, arg-type]
    clock = StillClock()
    counting: list[Counting] = []

    def around(store: Store) -> Store:
        counting.append(Counting(store))
        return counting[0]

    async with open_core(settings, clock=clock, default="on", around=around) as core:
        core.adapters["slack"] = Paper("slack")
        began = time.perf_counter()
        await fill(core, clock, members)
        taken = time.perf_counter() - began
        each = await weights(database, members)
        print(f"\n{members} members said {len(SAID)} messages each; {taken:.0f} s\n")
        print("| table | KiB for each member |", "|---|---|", sep="\n")
        print(*(f"| {name} | {size:.1f} |" for name, size in each.items()), sep="\n")
        print(f"| together | {sum(each.values()):.1f} |\n")
        print("| what | units of work | statements |", "|---|---|---|", sep="\n")
        for name, (units, statements) in (await counted(core, clock, counting[0])).items():
            print(f"| {name} | {units:.1f} | {statements:.1f} |")
        print()
        rows = {}
        for size in sizes:
            await grow(database, size)
            rows[size] = await questions(core, clock)
        names = list(rows[sizes[0]])
        print("| " + " | ".join(["conversations and personas", *names]) + " |")
        print("|---" * (len(names) + 1) + "|")
        for size, row in rows.items():
            print("| " + " | ".join([f"{size:,}", *(f"{row[name]:.2f} ms" for name in names)]) + " |")


async def main(server: postgres.Server) -> None:
    """Measure and print the tables."""
    members = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    largest = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    sizes = [size for size in (1_000, 10_000, 100_000, 1_000_000) if size <= largest]
    logs.configure("error", "text")
    print(machine())
    async with postgresql(server) as database:
        await measure(database, members, sizes)


if __name__ == "__main__":
    with postgres.running(is_durable=True) as started:
        asyncio.run(main(started))
