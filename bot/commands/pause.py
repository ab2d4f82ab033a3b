"""`/persona pause` and `/persona resume`: stop remembering, and go on."""

from functools import partial

from bot import consent
from bot.commands.command import Command, Context
from bot.messages import Member
from bot.store import members
from bot.views import View


async def run_pause(context: Context, member: Member, words: str) -> View:
    """Neither learn nor use anything from now on."""
    decision = await context.store.read(partial(members.consent, member=member.key))
    if not consent.is_on(decision, context.default):
        return View(text="Remembering is not on, so there is nothing to pause. `/persona show` shows what is kept.")
    await _decide(context, member, "paused")
    return View(
        text="Paused. I learn nothing and use nothing of what I remember, in any room, until you say `/persona resume`."
    )


async def run_resume(context: Context, member: Member, words: str) -> View:
    """Learn and use again, beginning with what is said from now on."""
    if context.default == "off":
        return View(text="Remembering is switched off for everybody here by whoever runs me.")
    decision = await context.store.read(partial(members.consent, member=member.key))
    if consent.is_on(decision, context.default):
        return View(text="Remembering is on already. `/persona show` shows what is kept.")
    await _decide(context, member, "on")
    return View(
        text="Remembering is on, beginning with what you say from now on. `/persona show` lists what I know,"
        " `/persona pause` stops it."
    )


async def _decide(context: Context, member: Member, state: members.ConsentState) -> None:
    await context.store.write(partial(members.set_consent, member=member.key, state=state, now=context.clock.now()))


PAUSE = Command(name="pause", usage="pause", summary="stop learning about you and using what I know", run=run_pause)
RESUME = Command(name="resume", usage="resume", summary="go on after a pause", run=run_resume)
