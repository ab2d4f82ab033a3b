"""Special categories of data that members may agree to have kept, one by one, where whoever runs Rapport allows it.

Such facts have a field and an audience of their own, and rest on an agreement: of one member, to one category, for
`LIFE`. The query that reads facts leaves them out without it. Which categories can be had at all: decision 0019.
Table: agreement (bot/store/migrations).
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from persona import sensitive
from persona.canonical import comparable, typed
from persona.errors import SchemaError
from persona.moments import from_micros, maybe_from_micros, maybe_to_micros, to_micros
from persona.persona import MemberKey
from persona.ports import Row, Transaction
from persona.schema import Field, Schema

LIFE = timedelta(days=30)
"""How long an agreement runs, and the longest that anything said under it is kept (reliability D.1, P4)."""

_FIELD = Field(section="special", name="", type="list", description="", max_chars=120, life_days=LIFE.days)

FIELDS = {
    category: replace(_FIELD, name=category, description=description, special=category)
    for category, description in {
        "health": "their own health, diet, allergies and disabilities; unlike above, they agreed to have it kept",
        "belief": "their own religion or belief and its practice; unlike above, they agreed to have it kept",
        "union": "their own trade union and role in it; unlike above, they agreed to have it kept",
    }.items()
}
"""What can be agreed to, by category as of `sensitive.CATEGORIES`, each with the field that holds it."""

State = Literal["offered", "agreed", "declined"]
"""Asked, and not answered yet · kept until it ends · not to be asked again."""

_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
_OF_ONESELF = re.compile(r"(?<!\w)(?:i|me|my)(?!\w)")

_OFFER = """
    INSERT INTO agreement (tenant, member, category, state, decided_at, room, message, since, until)
    VALUES (:tenant, :member, :category, 'offered', :now, :room, :message, :since, :until)
    ON CONFLICT (tenant, member, category) DO NOTHING
"""
_DECIDE = """
    INSERT INTO agreement (tenant, member, category, state, decided_at, room, message, since, until)
    VALUES (:tenant, :member, :category, :state, :now, NULL, NULL, :since, :until)
    ON CONFLICT (tenant, member, category) DO UPDATE SET
        state = excluded.state, decided_at = excluded.decided_at, room = NULL, message = NULL,
        since = excluded.since, until = excluded.until
"""
_OF = "SELECT * FROM agreement WHERE tenant = :tenant AND member = :member ORDER BY category"
_END = "DELETE FROM agreement WHERE tenant = :tenant AND member = :member AND category = :category"
_ERASE = "DELETE FROM agreement WHERE tenant = :tenant AND member = :member"
_LAPSE = "UPDATE agreement SET until = :now WHERE tenant = :tenant AND state = 'agreed' AND until > :now"
_OVER = """
    SELECT * FROM agreement
    WHERE until <= :now OR (until IS NOT NULL AND category NOT IN (:health, :belief, :union))
    ORDER BY until LIMIT :most
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What a member was asked, or decided, about one category."""

    member: MemberKey
    category: str
    state: State
    decided_at: datetime
    """When it came into this state: a button made before that is stale."""
    since: datetime | None = None
    """From when on what is said of it counts, or would."""
    until: datetime | None = None
    """When it ends by itself; None if it was declined."""
    room: str | None = None
    message: str | None = None
    """Where an offer was made, and for what was said."""

    def holds(self, at: datetime) -> bool:
        """Whether what is said of the category may be kept and used at a moment."""
        return self.state == "agreed" and self.until is not None and at < self.until


def with_fields(schema: Schema, categories: Collection[str]) -> Schema:
    """The schema with a field for each of `categories`; the very same without any.

    Raises:
        SchemaError: the schema declares a field of that name itself.
    """
    taken = [name for name in categories if name in schema.by_name]
    if taken:
        raise SchemaError(f"{schema.name!r} declares {', '.join(taken)} itself; rename that field")
    if not categories:
        return schema
    added = tuple(field for category, field in FIELDS.items() if category in categories)
    return Schema(name=schema.name, fields=(*schema.fields, *added))


def spoken_of(text: str, categories: Iterable[str]) -> list[str]:
    """Which of `categories` a member's own words touch in a sentence about themself that is no question.

    A blunt screen, like `persona.sensitive`: it decides who is asked, never what is kept.
    """
    sentences = [sentence for passage in typed(text) for sentence in _SENTENCE.findall(passage)]
    own = [one for one in sentences if not one.rstrip().endswith("?") and _OF_ONESELF.search(comparable(one))]
    return [category for category in categories if any(sensitive.touches(category, one) for one in own)]


async def offer(
    transaction: Transaction,
    member: MemberKey,
    category: str,
    *,
    room: str,
    message: str,
    said_at: datetime,
    now: datetime,
) -> bool:
    """Note that a member is asked, for what they said. False if they were asked or decided before."""
    return bool(
        await transaction.execute(
            _OFFER,
            tenant=member.tenant,
            member=member.id,
            category=category,
            now=to_micros(now),
            room=room,
            message=message,
            since=to_micros(said_at),
            until=to_micros(now + LIFE),
        )
    )


async def agree(
    transaction: Transaction, member: MemberKey, category: str, *, since: datetime, now: datetime
) -> datetime:
    """Store that a member agrees, from what they said at `since` on. Returns when it ends.

    Nothing said under it outlives `LIFE`, so that is counted from `since`.
    """
    until = since + LIFE
    await _decide(transaction, member, category, "agreed", since=since, until=until, now=now)
    return until


async def decline(transaction: Transaction, member: MemberKey, category: str, *, now: datetime) -> None:
    """Store that a member does not agree, or not any more; whoever calls it erases what was kept."""
    await _decide(transaction, member, category, "declined", since=None, until=None, now=now)


async def _decide(
    transaction: Transaction,
    member: MemberKey,
    category: str,
    state: State,
    *,
    since: datetime | None,
    until: datetime | None,
    now: datetime,
) -> None:
    await transaction.execute(
        _DECIDE,
        tenant=member.tenant,
        member=member.id,
        category=category,
        state=state,
        now=to_micros(now),
        since=maybe_to_micros(since),
        until=maybe_to_micros(until),
    )


async def end(transaction: Transaction, agreement: Agreement) -> None:
    """Forget that a member was asked or agreed, so that they can be asked again."""
    member = agreement.member
    await transaction.execute(_END, tenant=member.tenant, member=member.id, category=agreement.category)


async def lapse(transaction: Transaction, tenant: str, *, now: datetime) -> None:
    """End every agreement of a tenant's members; what was kept is not used from now on, and is erased as `over`."""
    await transaction.execute(_LAPSE, tenant=tenant, now=to_micros(now))


async def erase(transaction: Transaction, member: MemberKey) -> None:
    """Forget all that a member was asked or decided here."""
    await transaction.execute(_ERASE, tenant=member.tenant, member=member.id)


async def read(transaction: Transaction, member: MemberKey) -> dict[str, Agreement]:
    """What a member was asked, or decided, by category."""
    rows = await transaction.fetch(_OF, tenant=member.tenant, member=member.id)
    return {row["category"]: _agreement(row) for row in rows}


async def agreed(transaction: Transaction, member: MemberKey, *, at: datetime) -> dict[str, datetime]:
    """The categories a member agrees to at a moment, each with when it begins to count."""
    every = await read(transaction, member)
    return {name: one.since for name, one in every.items() if one.holds(at) and one.since is not None}


async def over(transaction: Transaction, *, allowed: Collection[str], now: datetime, most: int) -> list[Agreement]:
    """Offers and agreements that ended, or are to categories that are no longer allowed; longest over first."""
    names = {name: name if name in allowed else "" for name in FIELDS}
    rows = await transaction.fetch(_OVER, **names, now=to_micros(now), most=most)
    return [_agreement(row) for row in rows]


def _agreement(row: Row) -> Agreement:
    return Agreement(
        member=MemberKey(tenant=row["tenant"], id=row["member"]),
        category=row["category"],
        state=row["state"],
        decided_at=from_micros(row["decided_at"]),
        since=maybe_from_micros(row["since"]),
        until=maybe_from_micros(row["until"]),
        room=row["room"],
        message=row["message"],
    )
