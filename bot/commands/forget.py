"""`/persona forget`: remove a field, or everything, past values included."""

from functools import partial

from bot.commands.command import Asked, Command, Context
from bot.messages import Member
from bot.store import conversations
from bot.views import View
from persona import forgetting
from persona.ports import Transaction
from persona.schema import EVERY_FIELD, field_name


async def run(context: Context, asked: Asked) -> View:
    """Forget what the words name: a field, whether or not the schema still has it, or everything."""
    member, words = asked.member, asked.words
    name = field_name(words)
    is_all = name in EVERY_FIELD
    if not is_all and not await _is_field(context, member, name):
        known = ", ".join(sorted(field.label for field in context.schema.fields))
        named = f"There is no field “{words}”." if words else "Which field?"
        return View(text=f"{named} Write `/persona forget all`, or one of: {known}.")
    forgotten = await context.store.write(
        partial(_forget, context=context, member=member, field=None if is_all else name)
    )
    about = "" if is_all else f"your {name.replace('_', ' ')}"
    if not forgotten.current and not forgotten.past:
        return View(text=f"There was nothing to forget about {about or 'you'}.")
    past = f" and {_counted(forgotten.past, 'earlier value')}" if forgotten.past else ""
    return View(
        text=f"I forgot {about or 'everything about you'}: {_counted(forgotten.current, 'fact')}{past}."
        " What you said so far cannot teach it to me again."
    )


async def _forget(
    transaction: Transaction, *, context: Context, member: Member, field: str | None
) -> forgetting.Forgotten:
    now = await conversations.decided_at(transaction, member.key, now=context.clock.now())
    return await forgetting.forget(transaction, member.key, field=field, schema=context.schema, now=now)


async def _is_field(context: Context, member: Member, name: str) -> bool:
    if name in context.schema.by_name:
        return True
    return await context.store.read(partial(forgetting.has_field, member=member.key, field=name))


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


COMMAND = Command(
    name="forget",
    usage="forget <field|all>",
    summary="remove a field, or everything, for good",
    words="a field, such as tools, or all",
    run=run,
)
