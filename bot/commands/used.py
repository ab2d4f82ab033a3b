"""`/persona used`: why did you say that? The facts that my last answer's prompt held, for the member alone."""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from bot import linking
from bot.commands import paging, wording
from bot.commands.command import OUTDATED, Asked, Command, Context
from bot.store import used
from bot.store.used import Used
from bot.views import Line, Section, View
from persona import store as personas
from persona.moments import from_micros, to_micros
from persona.persona import Fact, Persona
from persona.ports import Transaction

NOTHING = View(
    text="I know of no answer to you in the last days, so there is nothing to explain. After I answered you,"
    " `/persona used` lists what I knew of you then."
)

_MOMENT = re.compile(r"[0-9]{1,16}")


async def run(context: Context, asked: Asked) -> View:
    """List what the last answer to this member knew of them: here, or else anywhere."""
    return await _used(context, asked)


async def press(context: Context, asked: Asked) -> View:
    """Show another page of what that answer knew, whatever was answered since."""
    moment, number = paging.pressed(asked.words)
    if not _MOMENT.fullmatch(moment):
        return OUTDATED
    return await _used(context, asked, asked_at=from_micros(int(moment)), number=number)


async def _used(context: Context, asked: Asked, *, asked_at: datetime | None = None, number: int = 1) -> View:
    found = await context.store.read(partial(_read, context=context, asked=asked, asked_at=asked_at))
    if found is None:
        return NOTHING
    answer, persona, style = found
    where = "" if asked.room is None else " here" if answer.is_from_here else " in another conversation"
    about = f"my last answer to you{where} ({answer.asked_at:%Y-%m-%d %H:%M} UTC)"
    if not answer.facts:
        return View(text=f"For {about} I used nothing that I remember about you, only that conversation.")
    shown = paging.page(_lines(answer, persona, style), number)
    return View(
        text=f"When I wrote {about}, this is what I had before me of what I remember about you{shown.title}:",
        sections=(Section(title="What I knew", lines=shown.items),),
        footer="Besides this I had that conversation, and nothing of any other. Wrong? /persona forget <field>.",
        buttons=shown.buttons("used", str(to_micros(answer.asked_at))),
    )


async def _read(
    transaction: Transaction, *, context: Context, asked: Asked, asked_at: datetime | None
) -> tuple[Used, Persona, tuple[Fact, ...]] | None:
    member, now = asked.member.key, context.clock.now()
    answer = await used.last(transaction, member, room=asked.room, asked_at=asked_at)
    if answer is None:
        return None
    persona = await personas.read_history(transaction, member, schema=context.schema, at=now)
    return answer, persona, await linking.style(transaction, persona, default=context.default)


def _lines(answer: Used, persona: Persona, style: Sequence[Fact]) -> tuple[Line, ...]:
    """The facts that are still kept, in the order they are shown elsewhere, and how many are not."""
    own = [fact for fact in persona.facts if fact.id in answer.facts]
    crossed = [fact for fact in style if fact.id in answer.facts]
    gone = len(answer.facts) - len(own) - len(crossed)
    lines = [wording.line(fact, persona) for fact in own] + [_crossed(fact) for fact in crossed]
    if gone:
        lines.append(
            Line(text=f"{wording.counted(gone, 'thing')} I no longer have", note="forgotten or taken back since")
        )
    return tuple(lines)


def _crossed(fact: Fact) -> Line:
    """It is the other account's: shown, explained and changed there."""
    return Line(text=wording.said(fact), note=f"from your linked account, {wording.readers(fact.audience)}")


COMMAND = Command(
    name="used",
    usage="used",
    summary="why did you say that: what I knew of you when I last answered you",
    run=run,
    press=press,
)
