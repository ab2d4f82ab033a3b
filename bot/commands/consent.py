"""The answers to the consent notice: yes, and no."""

from functools import partial

from bot.commands import pause
from bot.commands.command import OUTDATED, Asked, Command, Context
from bot.store import conversations, members
from bot.views import View
from persona import forgetting
from persona.ports import Transaction


async def run(context: Context, asked: Asked) -> View:
    """Take the decision that the words name."""
    if asked.words == "on":
        return await pause.RESUME.run(context, asked)
    if asked.words == "withdrawn":
        await context.store.write(partial(_withdraw, context=context, asked=asked))
        return View(text="All right, I remember nothing about you. `/persona resume` changes that at any time.")
    return OUTDATED


async def _withdraw(transaction: Transaction, *, context: Context, asked: Asked) -> None:
    """A no is a no to what was learned before it, too."""
    member = asked.member.key
    now = await conversations.decided_at(transaction, member, now=context.clock.now())
    await members.set_consent(transaction, member, "withdrawn", now=now)
    await forgetting.forget(transaction, member, field=None, schema=context.schema, now=now)


COMMAND = Command(name="consent", usage="consent", summary="", run=run, press=run, is_listed=False)
