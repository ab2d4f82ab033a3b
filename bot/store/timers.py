"""Timers: which slot of each was the last to be taken, and which the last to be finished, whoever did it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from persona.moments import to_micros
from persona.ports import Transaction

FAR = timedelta(hours=1)
"""A slot that is further ahead than this was taken while the clock was wrong: it is given up. A clock that was put back
by less comes to the next slot by itself."""

_TAKE = """
    INSERT INTO timer (tenant, name, slot, done)
    VALUES ('', :name, :database_now / :every * :every, :database_now / :every * :every - :every)
    ON CONFLICT (tenant, name) DO UPDATE SET slot = excluded.slot
    WHERE timer.slot < excluded.slot OR timer.slot > excluded.slot + :far
    RETURNING slot, done
"""
_FINISH = "UPDATE timer SET done = :slot WHERE tenant = '' AND name = :name AND slot = :slot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A slot that is ours to fill."""

    at: int
    """Its beginning, in microseconds since 1970."""
    missed: int
    """How many slots before it nobody finished; below 0 if the clock was put back."""


async def take(transaction: Transaction, name: str, *, every: timedelta, now: datetime) -> Slot | None:
    """Take the slot of this moment; None if somebody had it already."""
    length = every // timedelta(microseconds=1)
    row = await transaction.fetch_one(
        _TAKE, name=name, every=length, far=FAR // timedelta(microseconds=1), database_now=to_micros(now)
    )
    if row is None:
        return None
    return Slot(at=row["slot"], missed=(row["slot"] - row["done"]) // length - 1)


async def finish(transaction: Transaction, name: str, *, slot: int) -> None:
    """Record that a slot was filled, unless a later one was taken since."""
    await transaction.execute(_FINISH, name=name, slot=slot)
