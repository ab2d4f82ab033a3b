"""All verbs, and what is pressed: the one place that knows which there are."""

from functools import partial

from bot.commands import forget, observe, pause, show
from bot.commands.command import Command, Context
from bot.messages import Member, clean
from bot.store import conversations, members
from bot.views import Line, Section, View
from persona import forgetting
from persona.ports import Transaction

PREFIX = "/persona"


async def _help(context: Context, member: Member, words: str) -> View:
    lines = tuple(Line(text=f"{PREFIX} {command.usage}", note=command.summary) for command in COMMANDS.values())
    return View(
        text="I answer your questions and remember what you tell me about yourself, if you agree. These are yours:",
        sections=(Section(title="Commands", lines=lines),),
        footer="Only you see what these commands show.",
    )


HELP = Command(name="help", usage="help", summary="this list", run=_help)
COMMANDS = {
    command.name: command
    for command in (show.COMMAND, forget.COMMAND, observe.COMMAND, pause.PAUSE, pause.RESUME, HELP)
}
"""The verbs by name, in the order help lists them."""


class Commands:
    """Runs what members type and press. What comes back is for that member alone."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def run(self, words: str, member: Member) -> View:
        """Run what was typed after `/persona`; without words, or with a verb that is none, show the help."""
        verb, _, rest = " ".join(clean(words).split()).partition(" ")
        command = COMMANDS.get(verb.casefold() or "help")
        if command is None:
            helped = await _help(self._context, member, "")
            return View(text=f"There is no command “{verb}”.", sections=helped.sections, footer=helped.footer)
        return await command.run(self._context, member, rest)

    async def press(self, action: str, member: Member) -> View:
        """Do what a button stands for."""
        if action == "consent:on":
            return await pause.RESUME.run(self._context, member, "")
        if action == "consent:withdrawn":
            await self._context.store.write(partial(_withdraw, member=member, context=self._context))
            return View(text="All right, I remember nothing about you. `/persona resume` changes that at any time.")
        return View(text="This button is from an older version of mine. `/persona help` shows what there is now.")


async def _withdraw(transaction: Transaction, *, member: Member, context: Context) -> None:
    """A no is a no to what was learned before it, too."""
    now = await conversations.decided_at(transaction, member.key, now=context.clock.now())
    await members.set_consent(transaction, member.key, "withdrawn", now=now)
    await forgetting.forget(transaction, member.key, field=None, schema=context.schema, now=now)
