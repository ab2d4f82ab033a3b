"""`/persona-admin consent`: what holds here for members who decided nothing; `off` holds for everybody."""

from functools import partial

from bot.commands.admin.deciding import decide
from bot.commands.command import Asked, Command, Context, holding
from bot.consent import Default, Holding
from bot.store import rules
from bot.views import View

_MEANS: dict[Default, str] = {
    "ask": "Members are asked once, in private; nothing about them is learned or used until they agree.",
    "on": "I learn from members who decided nothing, and from those who agreed; each can pause or withdraw.",
    "off": "Nothing about anybody here is learned or used.",
}
_DONE: dict[Default, str] = {
    "ask": "From now on members here are asked.",
    "on": "From now on members here who decided nothing are learned from, unless whoever runs me wants them asked.",
    "off": "From now on nothing about anybody is learned or used here, by what runs already either.",
}
_KEPT = " What members decided is kept, and so is what I know, unused; each can see and forget it as ever."


async def run(context: Context, asked: Asked) -> View:
    """Show what holds, or take a decision."""
    wanted = asked.words.casefold()
    default = next((one for one in _MEANS if one == wanted), None)
    if default is not None:
        decision = partial(
            rules.set_consent,
            tenant=asked.tenant,
            consent=default,
            installation=context.default,
            now=context.clock.now(),
        )
        await decide(context, asked, f"default:{default}", decision)
        held = await context.store.read(partial(holding, context=context, asked=asked))
        kept = _KEPT if default == "off" else ""
        return View(text=f"{_DONE[default]}{kept} {sentence(held, context.default)}".strip())
    if wanted:
        return View(text="I know `/persona-admin consent ask`, `on` and `off`; alone it shows how it is.")
    held = await context.store.read(partial(holding, context=context, asked=asked))
    return View(text=sentence(held, context.default))


def sentence(held: Holding, installation: Default) -> str:
    """What holds for everybody here, and who wants it so."""
    match held.closed_by:
        case "installation":
            return f"Whoever runs me set PERSONA_CONSENT=off, which nobody here can loosen. {_MEANS['off']}"
        case "admin":
            return f"Remembering is off here, as an admin decided. {_MEANS['off']}"
        case "pause":
            return f"Remembering is paused here. {_MEANS['off']} `/persona-admin resume` goes on."
        case _:
            is_mine = held.default == installation
            return f"What holds here is “{held.default}”{_BOUND if is_mine else ''}. {_MEANS[held.default]}"


_BOUND = ", as whoever runs me set it; an admin can make it stricter"


COMMAND = Command(
    name="consent",
    usage="consent [ask|on|off]",
    summary="whether members here are asked, learned from, or left alone",
    words="ask, on or off",
    run=run,
)
