"""`/persona consent`: what a member decided about being remembered, what that means, and the other decisions."""

from functools import partial

from bot.commands import pause, special
from bot.commands.command import OUTDATED, Asked, Command, Context, decided
from bot.commands.wording import switched_off
from bot.store import conversations, erasing
from bot.store.members import Consent
from bot.views import Button, View
from persona import forgetting
from persona import store as personas
from persona.ports import Transaction

_TYPED = {"on": "on", "pause": "paused", "paused": "paused", "withdraw": "withdrawn", "withdrawn": "withdrawn"}

_MEANS = {
    "off": "Nothing about you is learned or used, and you were not asked yet.",
    "asked": "Nothing about you is learned or used until you agree.",
    "on": "I learn what you tell me about yourself and use it to answer you, where every reader may know it.",
    "paused": "I neither learn nor use anything about you; what I knew before is kept until you forget it.",
    "withdrawn": "I learn and use nothing about you, and what I knew is gone, with what you had written to me.",
}
_LATER = {
    "off": "",
    "asked": "",
    "on": " You agreed: that counts again once it is switched on, for what is said from then on. What I knew before is"
    " kept; `/persona show` and `/persona forget` work as ever.",
    "paused": " You paused it yourself, and that stays so.",
    "withdrawn": " You said no, and that stays so.",
}
"""What a decision means while remembering is off for everybody."""
_ON = Button(action="consent:on", label="Remember me", is_primary=True)
_PAUSE = Button(action="consent:paused", label="Pause")
_WITHDRAW = Button(action="consent:withdrawn", label="Stop and forget everything", is_danger=True)
_OTHERS = {
    "off": (_ON, _WITHDRAW),
    "asked": (_ON, _WITHDRAW),
    "on": (_PAUSE, _WITHDRAW),
    "paused": (_ON, _WITHDRAW),
    "withdrawn": (_ON,),
}


async def run(context: Context, asked: Asked) -> View:
    """Show the decision that holds, or take the one that was typed."""
    if not asked.words:
        return await _state(context, asked)
    wanted = _TYPED.get(asked.words.casefold())
    if wanted is None:
        return View(text="I know `/persona consent on`, `pause` and `withdraw`; alone it shows how it is.")
    return await _decide(context, asked, wanted)


async def press(context: Context, asked: Asked) -> View:
    """Take the decision that a button stands for."""
    return await _decide(context, asked, asked.words)


async def _decide(context: Context, asked: Asked, wanted: str) -> View:
    match wanted:
        case "on":
            return await pause.RESUME.run(context, asked)
        case "paused":
            return await pause.PAUSE.run(context, asked)
        case "declined":
            return await context.store.write(partial(_decline, context=context, asked=asked))
        case "withdrawn":
            return await context.store.write(partial(_withdraw, context=context, asked=asked))
        case _:
            return OUTDATED


async def _state(context: Context, asked: Asked) -> View:
    decision, held = await context.store.read(partial(decided, context=context, asked=asked))
    if held.closed_by:
        return View(text=f"{switched_off(held)}: I learn and use nothing.{_LATER[decision.state]}")
    state = "on" if held.is_on(decision) else decision.state
    sections, buttons = await special.standing(context, asked, is_on=state == "on")
    text = f"Remembering is {_since(state, decision)}. {_MEANS[state]}"
    return View(text=text, sections=sections, buttons=(*_OTHERS[state], *buttons))


def _since(state: str, decision: Consent) -> str:
    """The state in words, and from when it holds; it is nobody's decision yet where it is on by itself."""
    if state != decision.state:
        return "on, as for everybody here who decided nothing else"
    word = {"off": "off", "asked": "off: you were asked, and have not decided"}.get(state, state)
    return word if decision.since is None else f"{word}, since {decision.since:%Y-%m-%d}"


async def _decline(transaction: Transaction, *, context: Context, asked: Asked) -> View:
    """A no to the question whether to begin: the conversation that is going on is not what was asked about.

    Of whoever is remembered by then, as with a notice that was left standing, it is a no to that.
    """
    member = asked.member.key
    if await personas.read_log(transaction, member):
        return await _withdraw(transaction, context=context, asked=asked)
    now = await conversations.decided_at(transaction, member, now=context.clock.now())
    await erasing.withdraw(transaction, member, now=now)
    await forgetting.forget(transaction, member, field=None, schema=context.schema, now=now)
    return View(text="All right, I remember nothing about you. With `/persona resume` I begin, at any time.")


async def _withdraw(transaction: Transaction, *, context: Context, asked: Asked) -> View:
    """A no is a no to what was learned before it, too."""
    member = asked.member.key
    now = await conversations.decided_at(transaction, member, now=context.clock.now())
    await erasing.withdraw(transaction, member, now=now)
    await erasing.erase(transaction, member, schema=context.schema, reason="withdrawn", now=now)
    return View(
        text="All right, I remember nothing about you, and my copies of your messages to me, and of my answers"
        " to them, are gone too. With `/persona resume` I begin anew, at any time."
    )


COMMAND = Command(
    name="consent",
    usage="consent [on|pause|withdraw]",
    summary="what you decided about being remembered, and the other choices",
    words="on, pause, or withdraw, which forgets everything",
    run=run,
    press=press,
)
