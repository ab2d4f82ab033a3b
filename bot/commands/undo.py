"""`/persona undo`: take back the last change, whoever made it; again, and the one before."""

from functools import partial

from bot.commands import wording
from bot.commands.command import Asked, Command, Context
from bot.views import Button, Line, Section, View
from persona import store as personas
from persona import undoing
from persona.operations import Operation, UpdateId
from persona.ports import Transaction

_NOTHING = View(text="There is nothing to take back. `/persona show` shows what I know.")
_NOT_THERE = View(text="There is nothing of that to take back, or not any more. `/persona history` shows what changed.")
MAX_SHOWN = 20
"""An update of a whole conversation may hold more; the rest is counted."""


async def run(context: Context, asked: Asked) -> View:
    """Take back the last change that was not taken back."""
    return await context.store.write(partial(_undo, context=context, asked=asked, update=None)) or _NOTHING


async def press(context: Context, asked: Asked) -> View:
    """Take back the change of this id."""
    update = UpdateId(asked.words)
    return await context.store.write(partial(_undo, context=context, asked=asked, update=update)) or _NOT_THERE


async def _undo(transaction: Transaction, *, context: Context, asked: Asked, update: UpdateId | None) -> View | None:
    member = asked.member.key
    update = update or await undoing.last_update(transaction, member)
    if update is None:
        return None
    log = await personas.read_log(transaction, member)
    changes = [one.operation for one in log if one.update == update and one.undone_at is None]
    if not changes or undoing.is_final(update):
        return None
    await undoing.undo_update(transaction, member, update, schema=context.schema, now=context.clock.now())
    before = await undoing.last_update(transaction, member)
    more = f" And {len(changes) - MAX_SHOWN} more." if len(changes) > MAX_SHOWN else ""
    return View(
        text=f"Taken back. What it had replaced holds again.{more}",
        sections=(Section(title="It was", lines=tuple(Line(text=said(one)) for one in changes[:MAX_SHOWN])),),
        footer="`/persona history` shows everything that changed.",
        buttons=(Button(action=f"undo:{before}", label="Undo the one before"),) if before else (),
    )


def said(operation: Operation) -> str:
    """A change in words."""
    ended = " (no longer)" if operation.op == "remove" else ""
    return f"{wording.label(operation.field)}: {operation.value}{ended}"


COMMAND = Command(name="undo", usage="undo", summary="take back the last change", run=run, press=press)
