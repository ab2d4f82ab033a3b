"""`/persona observe`: whether Rapport may also learn from how a member writes and what they ask for."""

from functools import partial

from bot.commands import wording
from bot.commands.command import Asked, Command, Context
from bot.messages import Member
from bot.store import members
from bot.views import View
from persona import forgetting
from persona.ports import Transaction

_ON = (
    "I may notice things besides what you tell me, such as the tools you ask about or how long you like answers:"
    " only where several conversations show it, and `/persona show` marks it as seen. `/persona observe off` stops it."
)
_OFF = "I learn only what you tell me of yourself. `/persona observe on` changes that."


async def run(context: Context, asked: Asked) -> View:
    """Switch it on or off, or say how it is."""
    member, wanted = asked.member, asked.words.casefold()
    if wanted not in {"on", "off"}:
        is_on = await context.store.read(partial(members.is_observed, member=member.key))
        return View(text=_ON if is_on else _OFF)
    if wanted == "on":
        now = context.clock.now()
        await context.store.write(partial(members.set_observed, member=member.key, is_on=True, now=now))
        return View(text=_ON)
    forgotten = await context.store.write(partial(_stop, member=member, context=context))
    gone = f" I forgot what I had noticed: {wording.counted(forgotten, 'thing')}." if forgotten else ""
    return View(text=f"{_OFF}{gone}")


async def _stop(transaction: Transaction, *, member: Member, context: Context) -> int:
    now = context.clock.now()
    await members.set_observed(transaction, member.key, is_on=False, now=now)
    return await forgetting.forget_observed(transaction, member.key, schema=context.schema, now=now)


COMMAND = Command(
    name="observe",
    usage="observe [on|off]",
    summary="whether I may also notice how you write and what you ask for",
    words="on or off",
    run=run,
    press=run,
)
