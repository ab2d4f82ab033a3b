"""`/persona pause` and `/persona resume`: stop remembering, and go on."""

from datetime import datetime
from functools import partial

from bot import consent
from bot.commands.command import Asked, Command, Context, decided
from bot.commands.wording import switched_off
from bot.messages import Member
from bot.store import conversations, members
from bot.views import View
from persona.ports import Transaction


async def run_pause(context: Context, asked: Asked) -> View:
    """Neither learn nor use anything from now on; nor once it is on again, where it is off for everybody."""
    decision, held = await context.store.read(partial(decided, context=context, asked=asked))
    default = context.default if held.closed_by else held.default
    if decision.state != "on" and not consent.is_on(decision, default):
        return View(text="Remembering is not on, so there is nothing to pause. `/persona show` shows what is kept.")
    await _decide(context, asked.member, "paused")
    return View(
        text="Paused. I learn nothing and use nothing of what I remember, in any room, until you say `/persona resume`."
    )


async def run_resume(context: Context, asked: Asked) -> View:
    """Learn and use again, beginning with what is said from now on."""
    decision, held = await context.store.read(partial(decided, context=context, asked=asked))
    if held.closed_by:
        return View(text=f"{switched_off(held)}.")
    if held.is_on(decision):
        return View(text="Remembering is on already. `/persona show` shows what is kept.")
    await _decide(context, asked.member, "on")
    return View(
        text="Remembering is on, beginning with what you say from now on. `/persona show` lists what I know,"
        " `/persona pause` stops it."
    )


async def _decide(context: Context, member: Member, state: members.ConsentState) -> None:
    await context.store.write(partial(_set, member=member, state=state, now=context.clock.now()))


async def _set(transaction: Transaction, *, member: Member, state: members.ConsentState, now: datetime) -> None:
    moment = await conversations.decided_at(transaction, member.key, now=now)
    await members.set_consent(transaction, member.key, state, now=moment)


PAUSE = Command(
    name="pause", usage="pause", summary="stop learning about you and using what I know", run=run_pause, press=run_pause
)
RESUME = Command(name="resume", usage="resume", summary="go on after a pause", run=run_resume, press=run_resume)
