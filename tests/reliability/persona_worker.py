"""A worker that learns what members said, beside others that learn the same at the same time.

    python -m tests.reliability.persona_worker URL SEED WORKER WORKERS MEMBERS OPERATIONS

It may be a process of its own; then it writes its ledger, a line of JSON for each try.
"""

import asyncio
import json
import sys
from dataclasses import asdict, dataclass
from random import Random
from typing import Literal

from bot import errors, logs
from bot.store import opening
from bot.store.engine import Store
from persona.moments import to_micros
from persona.operations import Operation
from persona.persona import MemberKey
from tests.persona.builders import TENANT, learn, operation

AT_ONCE = 8
"""Tries of one worker that are under way together."""
SHARED = 0.2
"""How much of what is said every worker learns, and not one alone: whoever comes first keeps it."""
CANCELLED = 0.05
MAX_STEPS = 60
"""A try is given up after at most so many turns of the event loop: before it began, in the middle, or too late."""

KEY = bytes(32)

Outcome = Literal["kept", "cancelled", "parked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One operation that a worker tried to keep, and what it was told."""

    id: str
    member: str
    said_at: int
    """Microseconds since 1970."""
    outcome: Outcome
    is_new: bool
    """Whether it was told that nobody had kept it before."""


async def worked(store: Store, *, seed: int, worker: int, workers: int, members: int, operations: int) -> list[Try]:
    """Learn one worker's share of what the members say, in an order of its own."""
    random = Random(f"{seed} {worker}")  # noqa: S311 - the same again
    share = [number for number in range(operations) if number % workers == worker or _is_shared(seed, number)]
    random.shuffle(share)
    slots = asyncio.Semaphore(AT_ONCE)

    async def tried(number: int, steps: int | None) -> Try:
        async with slots:
            return await _tried(store, _said(number, members), steps)

    leaving = [_steps(random) if random.random() < CANCELLED else None for _ in share]
    return list(await asyncio.gather(*map(tried, share, leaving)))


def _steps(random: Random) -> int:
    """How long somebody waits before they give up: more often hardly at all."""
    return int(MAX_STEPS * random.random() ** 3)


def _is_shared(seed: int, number: int) -> bool:
    return Random(f"{seed} shared {number}").random() < SHARED  # noqa: S311 - every worker has to find the same


def _said(number: int, members: int) -> Operation:
    """What somebody says of where they live, each time somewhere else and a minute later."""
    return operation(f"Place {number}", said=number, member=MemberKey(tenant=TENANT, id=f"U{number % members}"))


async def _tried(store: Store, change: Operation, steps: int | None) -> Try:
    learning = asyncio.ensure_future(learn(store, change, update=f"u{change.value}"))
    if steps is not None:
        for _ in range(steps):
            await asyncio.sleep(0)
        learning.cancel()
    outcome: Outcome = "kept"
    is_new = False
    try:
        is_new = bool(await learning)
    except asyncio.CancelledError:
        outcome = "cancelled"
    except errors.StoreBusyError:
        outcome = "parked"
    said_at = to_micros(change.evidence[-1].said_at)
    return Try(id=change.id, member=change.member.id, said_at=said_at, outcome=outcome, is_new=is_new)


async def main() -> None:
    """Open the database, work, and write the ledger."""
    logs.use_standard_library()
    url, (seed, worker, workers, members, operations) = sys.argv[1], map(int, sys.argv[2:])
    store = await opening.opened(url, key=KEY)
    try:
        ledger = await worked(store, seed=seed, worker=worker, workers=workers, members=members, operations=operations)
    finally:
        await store.close()
    sys.stdout.writelines(f"{json.dumps(asdict(one))}\n" for one in ledger)


if __name__ == "__main__":
    asyncio.run(main())
