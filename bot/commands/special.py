"""The buttons by which a member agrees to have a special category kept for a while, and ends that (decision 0019)."""

from datetime import datetime
from functools import partial

from bot import agreements
from bot.commands import wording
from bot.commands.command import OUTDATED, Asked, Command, Context, decided
from bot.messages import MessageId, Room, RoomId
from bot.store import conversations, sessions
from bot.views import Button, Line, Section, View
from persona import audit, special
from persona.audit import Entry
from persona.persona import MemberKey
from persona.ports import Transaction
from persona.special import Agreement

STALE = View(
    text="That button is more than a day old, so I did nothing. In our direct message `/persona consent` has a new one."
)
ELSEWHERE = View(text="That can only be agreed to in your direct message with me on Slack; I changed nothing.")


async def press(context: Context, asked: Asked) -> View:
    """Agree to the category that the button names, or end it."""
    verb, category, *bound = asked.words.split(":") if ":" in asked.words else ("", "")
    if category not in special.FIELDS or verb not in {"agree", "stop"}:
        return OUTDATED
    if verb == "stop":
        return await context.store.write(partial(_stop, context=context, asked=asked, category=category))
    if category not in context.schema.special:
        return OUTDATED
    if not agreements.is_place(asked.room, asked.member.key):
        return ELSEWHERE
    if len(bound) != 2 or not bound[0].isdecimal():
        return OUTDATED
    if context.clock.now().timestamp() - int(bound[0]) > agreements.BUTTON_LIFE.total_seconds():
        return STALE
    agree = partial(_agree, context=context, asked=asked, category=category, shown=int(bound[0]), bound=bound[1])
    return await context.store.write(agree)


async def standing(context: Context, asked: Asked, *, is_on: bool) -> tuple[tuple[Section, ...], tuple[Button, ...]]:
    """What `/persona consent` shows of them: in the direct message all that are allowed, elsewhere what is agreed."""
    known = await context.store.read(partial(special.read, member=asked.member.key))
    now, is_here = context.clock.now(), is_on and agreements.is_place(asked.room, asked.member.key)
    lines, buttons = [], []
    for category in special.FIELDS:
        agreement = known.get(category)
        if agreement is not None and agreement.holds(now):
            lines.append(Line(text=_kept(category, agreement)))
            buttons.append(agreements.stopping(category))
        elif is_here and category in context.schema.special:
            lines.append(Line(text=f"{agreements.about(category)}: nothing is kept"))
            buttons.append(agreements.agreeing(asked.member, category, agreement, now=now))
    return ((Section(title="Only if you agree to each", lines=tuple(lines)),) if lines else ()), tuple(buttons)


def _kept(category: str, agreement: Agreement) -> str:
    return f"{agreements.about(category)}: what you say of it in our direct message on Slack, until {_day(agreement)}"


def _day(agreement: Agreement) -> str:
    return f"{agreement.until:%Y-%m-%d}"


async def _agree(
    transaction: Transaction, *, context: Context, asked: Asked, category: str, shown: int, bound: str
) -> View:
    member, now = asked.member.key, context.clock.now()
    known = (await special.read(transaction, member)).get(category)
    if bound != agreements.digest(member, category, known, shown=shown):
        return wording.CHANGED
    refusal = wording.while_off(*await decided(transaction, context=context, asked=asked))
    if refusal is not None:
        return refusal
    if known is not None and known.state == "agreed":  # over by itself, and not swept yet
        await agreements.erase(transaction, known, schema=context.schema, now=now, actor=audit.BY_SYSTEM, why="expired")
    waiting = await _waiting_since(transaction, asked.room, known, now)
    since = waiting or await conversations.decided_at(transaction, member, now=now)
    until = await special.agree(transaction, member, category, since=since, now=now)
    entry = Entry(actor=audit.BY_MEMBER, action="special:agreed", field=category)
    await audit.record(transaction, member, entry, now=now)
    before = (
        "What you just said counts: I read it once we have been quiet for a while."
        if waiting
        else "What you said before this does not count, so tell me again if I should know it."
    )
    return View(
        text=f"All right: what you say here of {agreements.about(category)} is kept until {until:%Y-%m-%d}, for our"
        f" direct message alone. {before}",
        buttons=(agreements.stopping(category),),
    )


async def _waiting_since(
    transaction: Transaction, room: Room | None, known: Agreement | None, now: datetime
) -> datetime | None:
    """When the message was said for which this was offered, if it is still to be learned."""
    if room is None or known is None or known.room is None or known.message is None:
        return None
    is_waiting = RoomId(known.room) == room.id and await sessions.is_waiting(
        transaction, room, MessageId(known.message), now=now
    )
    return known.since if is_waiting else None


async def _stop(transaction: Transaction, *, context: Context, asked: Asked, category: str) -> View:
    member: MemberKey = asked.member.key
    now = await conversations.decided_at(transaction, member, now=context.clock.now())
    known = (await special.read(transaction, member)).get(category)
    if known is None:
        return wording.CHANGED
    if known.state == "agreed":
        await agreements.erase(
            transaction, known, schema=context.schema, now=now, actor=audit.BY_MEMBER, why="withdrawn"
        )
    else:
        entry = Entry(actor=audit.BY_MEMBER, action="special:declined", field=category)
        await audit.record(transaction, member, entry, now=now)
    await special.decline(transaction, member, category, now=now)
    return View(
        text=f"I keep nothing about {agreements.about(category)}, and do not ask again. `/persona consent` in our"
        " direct message changes that."
    )


COMMAND = Command(name="special", usage="special", summary="", run=press, press=press, is_listed=False)
