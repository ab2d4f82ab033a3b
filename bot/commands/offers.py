"""`/persona offers`: whether I may point out, in private, that I know more than I may use in front of others."""

from functools import partial

from bot.commands.command import OUTDATED, Asked, Command, Context
from bot.store import offers
from bot.views import View

_ON = View(
    text="When you ask something in front of others that I could answer better with what I use only with you alone, I"
    " tell you so, at most once a day, and only you see it. `/persona offers off` stops that."
)
_OFF = View(text="I do not point out any more that I know something I use only with you alone. `/persona offers on`.")


async def run(context: Context, asked: Asked) -> View:
    """Switch it on or off, or say how it is."""
    wanted, member = asked.words.casefold(), asked.member.key
    if wanted in {"on", "off"}:
        await context.store.write(partial(offers.set_on, member=member, is_on=wanted == "on"))
    return _ON if await context.store.read(partial(offers.are_on, member=member)) else _OFF


async def press(context: Context, asked: Asked) -> View:
    """Switch it as the button says."""
    return await run(context, asked) if asked.words in {"on", "off"} else OUTDATED


COMMAND = Command(
    name="offers",
    usage="offers [on|off]",
    summary="whether I may tell you, alone, that a direct message would get a better answer",
    words="on or off",
    run=run,
    press=press,
)
