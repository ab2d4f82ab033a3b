"""`/persona forget`: remove a field, one fact, what a message taught, or everything; past values included."""

import hashlib
import secrets
from collections.abc import Collection, Sequence
from functools import partial

from bot.commands import changing, finding, wording
from bot.commands.command import Asked, Command, Context
from bot.messages import Member
from bot.store import conversations, erasing
from bot.views import Line, Section, View
from persona import editing, forgetting
from persona import store as personas
from persona.persona import Evidence, Fact, FactId
from persona.ports import Transaction
from persona.schema import EVERY_FIELD, field_name

MESSAGE = "message:"
"""What the words of an action begin with that forgets what a message taught."""

NOTHING_TAUGHT = View(text="I know nothing about you from that message.")
"""The same whether or not somebody else's facts rest on it."""


async def run(context: Context, asked: Asked) -> View:
    """Forget what the words name: a field, whether or not the schema still has it, one fact, or everything."""
    member, words = asked.member, asked.words
    name = field_name(words)
    is_all = name in EVERY_FIELD
    if not is_all and not await _is_field(context, member, name):
        return await _one_of(context, asked) or _no_field(context, words)
    forgotten = await context.store.write(
        partial(_forget, context=context, member=member, field=None if is_all else name)
    )
    about = "" if is_all else f"your {wording.label(name)}"
    copies = " My copies of your messages to me, and of my answers to them, are gone too." if is_all else ""
    if not forgotten.current and not forgotten.past:
        return View(text=f"There was nothing to forget about {about or 'you'}.{copies}")
    past = f" and {wording.counted(forgotten.past, 'earlier value')}" if forgotten.past else ""
    return View(
        text=f"I forgot {about or 'everything about you'}: {wording.counted(forgotten.current, 'fact')}{past}."
        f" What you said so far cannot teach it to me again.{copies}"
    )


async def press(context: Context, asked: Asked) -> View:
    """Forget the fact of this id, or what the message taught that this stands for."""
    if asked.words.startswith(MESSAGE):
        digest = asked.words.removeprefix(MESSAGE)
        return await context.store.write(partial(_forget_message, context=context, asked=asked, digests={digest}))
    return await _forget_one(context, asked, asked.words)


async def taught(context: Context, asked: Asked, digests: Collection[str]) -> View:
    """Forget what the messages of these digests taught."""
    return await context.store.write(partial(_forget_message, context=context, asked=asked, digests=digests))


def digest(evidence: Evidence) -> str:
    """What stands for a message in an action: its whole name can be longer than an action may be."""
    name = f"{evidence.tenant}\x1f{evidence.room}\x1f{evidence.message}"
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:24]


def _no_field(context: Context, words: str) -> View:
    known = ", ".join(sorted(field.label for field in context.schema.fields))
    named = f"There is no field “{words}”." if words else "Which field?"
    return View(text=f"{named} Write `/persona forget all`, the id of a fact, or one of: {known}.")


async def _one_of(context: Context, asked: Asked) -> View | None:
    """Forget the one fact whose id was typed, if there is one."""
    standing = await context.store.read(partial(changing.standing, context=context, asked=asked))
    fact = finding.by_id(standing.persona.facts, asked.words)
    return None if fact is None else await _forget_one(context, asked, fact.id)


async def _forget_one(context: Context, asked: Asked, fact_id: str) -> View:
    gone = await context.store.write(partial(_forget_fact, context=context, asked=asked, fact_id=FactId(fact_id)))
    if not gone:
        return wording.GONE
    return View(
        text=f"I forgot {wording.said(gone[0])}, with everything it rested on."
        " The messages it came from cannot teach it to me again."
    )


async def _forget_fact(
    transaction: Transaction, *, context: Context, asked: Asked, fact_id: FactId
) -> tuple[Fact, ...]:
    command = await changing.begin(transaction, context=context, asked=asked, act="forget")
    return await forgetting.forget_fact(
        transaction, asked.member.key, fact_id, schema=context.schema, command=command, salt=secrets.token_hex(16)
    )


async def _forget_message(
    transaction: Transaction, *, context: Context, asked: Asked, digests: Collection[str]
) -> View:
    member = asked.member.key
    log = await personas.read_log(transaction, member)
    every = {evidence for one in log for evidence in one.operation.evidence if not editing.is_by_hand(evidence)}
    messages = [evidence for evidence in every if digest(evidence) in digests]
    if not messages:
        return NOTHING_TAUGHT
    gone = await forgetting.forget_message(
        transaction,
        member,
        messages,
        schema=context.schema,
        now=context.clock.now(),
        salt=secrets.token_hex(16),
    )
    return _forgotten(gone)


def _forgotten(gone: Sequence[Fact]) -> View:
    lines = tuple(Line(text=text) for text in dict.fromkeys(map(wording.said, gone)))
    if not lines:
        return View(text="I forgot what that message taught me. What I know for other reasons as well stays.")
    return View(
        text="I forgot what that message taught me. It cannot teach it to me again; other messages can.",
        sections=(Section(title="Forgotten", lines=lines),),
    )


async def _forget(
    transaction: Transaction, *, context: Context, member: Member, field: str | None
) -> forgetting.Forgotten:
    now = await conversations.decided_at(transaction, member.key, now=context.clock.now())
    if field is None:
        return await erasing.erase(transaction, member.key, schema=context.schema, reason="forgotten", now=now)
    return await forgetting.forget(transaction, member.key, field=field, schema=context.schema, now=now)


async def _is_field(context: Context, member: Member, name: str) -> bool:
    if name in context.schema.by_name:
        return True
    return await context.store.read(partial(forgetting.has_field, member=member.key, field=name))


COMMAND = Command(
    name="forget",
    usage="forget <field|id|all>",
    summary="remove a field, one fact, or everything, for good",
    words="a field, such as tools, the id of a fact, or all",
    run=run,
    press=press,
)
