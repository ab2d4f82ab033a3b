"""The buttons that let a fact be known more widely: the member alone can, one fact at a time, told who will know.

A button is bound to the exact change: a fact whose value or audience is another one by now is not widened by it
(reliability S5).
"""

from functools import partial

from bot.commands import changing, refused, wording
from bot.commands.command import Asked, Command, Context
from bot.views import Button, View
from persona import editing
from persona.ports import Transaction

_YES = "yes"


async def press(context: Context, asked: Asked) -> View:
    """Say who would know, and ask; or do it, once that was answered."""
    return await context.store.write(partial(_widen, context=context, asked=asked))


async def _widen(transaction: Transaction, *, context: Context, asked: Asked) -> View:
    fact_id, digest, answer = (*asked.words.split(":"), "", "", "")[:3]
    standing = await changing.standing(transaction, context=context, asked=asked)
    fact = standing.fact(fact_id)
    target = None if fact is None else changing.wider(fact, asked, standing.persona)
    if fact is None or target is None or digest != changing.digest(fact, target):
        return wording.CHANGED
    field = context.schema.by_name.get(fact.field)
    refusal = standing.closed() or await changing.may_change(transaction, asked=asked, now=context.clock.now())
    if field is None or refusal is not None:
        return refusal or wording.CHANGED
    where = changing.rooms(target)
    if answer != _YES:
        return View(
            text=f"So far “{wording.said(fact)}” is {wording.readers(fact.audience)}. If you agree, I may use it"
            f" {where}, in every room that holds no outsiders, so everybody who reads there may come to know it.",
            buttons=(
                Button(action=f"widen:{fact.id}:{digest}:{_YES}", label="Yes, use it there", is_primary=True),
                Button(action=f"why:{fact.id}", label="Leave it as it is"),
            ),
        )
    if editing.is_full(standing.persona, field, fact.value, target):
        return View(text=refused.full(field))
    command = await changing.begin(transaction, context=context, asked=asked, act="widen")
    wider = await changing.keep(transaction, [editing.widened(command, field, fact, target)], command, context=context)
    return View(
        text=f"From now on I may use “{wording.said(wider)}” {where}, in every room that holds no outsiders.",
        buttons=(changing.undo(command.update), changing.details(wider)),
    )


COMMAND = Command(name="widen", usage="widen", summary="", run=press, press=press, is_listed=False)
