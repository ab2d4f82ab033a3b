"""What a message taught the member who asks: the two entries of a message's menu, on platforms that have one.

A message of somebody else is answered like one that taught nobody anything.
"""

from functools import partial

from bot.commands import changing, forget, wording
from bot.commands.command import Asked, Context
from bot.messages import MessageId, Room
from bot.store import conversations
from bot.views import Button, Section, View
from persona import editing
from persona import store as personas
from persona.persona import Evidence
from persona.ports import Transaction


async def why(context: Context, asked: Asked, room: Room, message: MessageId) -> View:
    """The facts of the member that rest on a message, each with what can be done with it."""
    standing = await context.store.read(partial(changing.standing, context=context, asked=asked))
    evidence = await context.store.read(partial(_found, asked=asked, room=room, message=message))
    facts = [fact for fact in wording.visible(standing.persona) if any(one in evidence for one in fact.evidence)]
    if not facts:
        return forget.NOTHING_TAUGHT
    return View(
        text="From that message I know this about you:",
        sections=(Section(title="Facts", lines=tuple(wording.line(fact, standing.persona) for fact in facts)),),
        buttons=(
            Button(action="show::1", label="All I know"),
            Button(
                action=f"forget:{forget.MESSAGE}{forget.digest(evidence[0])}",
                label="Forget what it taught you",
                is_danger=True,
            ),
        ),
    )


async def forgotten(context: Context, asked: Asked, room: Room, message: MessageId) -> View:
    """Forget what a message taught of the member."""
    evidence = await context.store.read(partial(_found, asked=asked, room=room, message=message))
    return await forget.taught(context, asked, set(map(forget.digest, evidence)))


async def _found(transaction: Transaction, *, asked: Asked, room: Room, message: MessageId) -> list[Evidence]:
    """The member's own evidence in a message, whether its room was a channel or a thread in it."""
    located = await conversations.locate(transaction, room)
    log = await personas.read_log(transaction, asked.member.key)
    return [
        evidence
        for one in log
        for evidence in one.operation.evidence
        if not editing.is_by_hand(evidence)
        and (evidence.tenant, evidence.message) == (room.tenant, message)
        and evidence.room.partition("/")[0] in {room.channel, located.channel}
    ]
