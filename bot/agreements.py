"""Agreements to special categories: where a member can agree, what the buttons are bound to, and how one ends.

Only in a member's direct message on Slack, and erased in the transaction that ends an agreement (decision 0019).
"""

from datetime import datetime, timedelta

from bot.binding import bound
from bot.messages import Member, Room
from bot.views import Button
from persona import audit, forgetting, special
from persona.audit import Actor, Entry
from persona.moments import to_micros
from persona.persona import MemberKey
from persona.ports import Transaction
from persona.schema import Schema
from persona.special import Agreement

TERMS = 1
"""Of what a member agrees to, as `offer` in `bot.special` says it: with a new number, older buttons do nothing."""

BUTTON_LIFE = timedelta(hours=24)
"""How long a button to agree can be pressed (reliability S5): later nobody remembers what stood above it."""

ABOUT = {"health": "my health", "belief": "my religion or belief", "union": "my trade union"}
"""What the categories are called on buttons."""


def is_place(room: Room | None, member: MemberKey) -> bool:
    """Whether a room is one where special categories may be agreed to, said and used: a member's own on Slack."""
    return room is not None and room.kind == "direct" and room.platform == "slack" and room.tenant == member.tenant


def about(category: str) -> str:
    """A category as it is called to a member."""
    return ABOUT[category].replace("my", "your", 1)


def digest(member: MemberKey, category: str, known: Agreement | None, *, shown: int) -> str:
    """What a button to agree is bound to: the member, the category, the terms, what was decided, when it was shown."""
    decided = "" if known is None else f"{known.state} {to_micros(known.decided_at)}"
    return bound(str(TERMS), member.tenant, member.id, category, decided, str(shown))


def agreeing(member: Member, category: str, known: Agreement | None, *, now: datetime) -> Button:
    """The button that agrees to one category, shown now."""
    shown = int(now.timestamp())
    return Button(
        action=f"special:agree:{category}:{shown}:{digest(member.key, category, known, shown=shown)}",
        label=f"Keep what I say here about {ABOUT[category]}, for {special.LIFE.days} days",
    )


def stopping(category: str) -> Button:
    """The button that ends it at once."""
    return Button(
        action=f"special:stop:{category}",
        label=f"Stop, and erase what is kept about {ABOUT[category]}",
        is_danger=True,
    )


async def erase(
    transaction: Transaction, agreement: Agreement, *, schema: Schema, now: datetime, actor: Actor, why: str
) -> None:
    """Erase what was kept under an agreement, and leave a row that it ended; the caller ends the agreement itself.

    What was said under it cannot teach it again: the next agreement counts from later on.
    """
    member, category = agreement.member, agreement.category
    await forgetting.forget(transaction, member, field=category, schema=schema, now=now, actor=actor, is_fenced=False)
    ended = Entry(actor=actor, action=f"special:{why}", field=category)
    await audit.record(transaction, member, ended, now=now)
