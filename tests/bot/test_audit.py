"""What Rapport does with personas is in the audit log, whichever part of it does it."""

from datetime import timedelta
from functools import partial

from bot import intake
from bot.applying import TIDY_AFTER, Terms
from bot.messages import Deletion, Edit, MessageId
from bot.store import retention
from bot.tidying import Tidying
from persona import audit, forgetting
from persona.audit import BY_MEMBER, BY_SYSTEM, BY_TIDYING, Verdict
from persona.instructions import instructions
from persona.persona import Evidence
from persona.ports import Transaction
from tests.bot.commands.members import commands
from tests.bot.talk import ANA, LISBON, SCHEMA, TENANT, Talk, proposes, room

OPTIMIZER = audit.optimizer(instructions(SCHEMA))


async def logged(talk: Talk, column: str = "field") -> list[tuple[str, str, str]]:
    """Who did what to which field, or why, in order."""

    async def fetch(transaction: Transaction) -> list[tuple[str, str, str]]:
        rows = await transaction.fetch("SELECT * FROM audit ORDER BY tenant, number")
        return [(row["actor"], row["action"], row[column]) for row in rows]

    return await talk.store.read(fetch)


async def learn(talk: Talk, answer: str = LISBON, text: str = "I live in Lisbon") -> None:
    await talk.says(ANA, text)
    talk.clock.advance(hours=1)
    talk.model.updates.append(answer)
    assert (await talk.learning().sweep()).failures == 0


async def test_the_optimizer_is_named_by_its_instructions(talk: Talk) -> None:
    """What a session taught is the optimizer's, and the row tells with which instructions."""
    await learn(talk)

    assert await logged(talk) == [(OPTIMIZER, "set", "location")]


async def test_what_is_refused_or_known_leaves_no_row(talk: Talk) -> None:
    """A proposal that changes nothing is not in the log."""
    await learn(talk, proposes(("set", "location", "Lisbon", "m1", "I live in Rome")))

    assert await logged(talk) == []


async def test_tidying_is_named(talk: Talk) -> None:
    """What tidying ends is tidying's."""
    names = [f"Tool{number}" for number in range(10)]
    await learn(
        talk,
        proposes(*(("add", "tools", name, "m1", f"I use {name}") for name in (*names, "Tool 9"))),
        ", ".join(f"I use {name}" for name in (*names, "Tool 9")),
    )
    talk.clock.advance(seconds=TIDY_AFTER.total_seconds())
    await Tidying(store=talk.store, terms=Terms(schema=SCHEMA, default="on"), clock=talk.clock).sweep()

    assert (await logged(talk))[-1] == (BY_TIDYING, "remove", "tools")


async def test_commands_are_the_members(talk: Talk) -> None:
    """Whatever a member decides by a command is theirs."""
    typed = commands(talk.store, talk.clock)
    for words in ("pause", "resume", "observe off", "observe on", "forget location", "forget all"):
        await typed.run(words, ANA)
    await typed.press("consent:withdrawn", ANA)

    assert await logged(talk) == [
        (BY_MEMBER, "consent:paused", ""),
        (BY_MEMBER, "consent:on", ""),
        (BY_MEMBER, "observe:off", ""),
        (BY_MEMBER, "observe:on", ""),
        (BY_MEMBER, "forget", "location"),
        (BY_MEMBER, "forget", ""),
        (BY_MEMBER, "consent:withdrawn", ""),
        (BY_MEMBER, "forget", ""),
    ]


async def test_what_a_member_changes_by_hand_is_theirs(talk: Talk) -> None:
    """Entering, correcting, widening, undoing and forgetting one fact are the member's, and say what they were."""
    typed = commands(talk.store, talk.clock)
    asked = await typed.press((await typed.run("add location Lisbon", ANA)).buttons[0].action, ANA)
    await typed.press(asked.buttons[0].action, ANA)
    talk.clock.advance(hours=1)
    await typed.run("edit location Porto", ANA)
    talk.clock.advance(hours=1)
    await typed.run("undo", ANA)
    (fact, *_) = (await typed.run("show", ANA)).sections[0].lines
    named = await typed.press(fact.action, ANA)
    await typed.press(named.buttons[-1].action, ANA)

    rows = await logged(talk, "reason")
    assert [(actor, action) for actor, action, _ in rows[:4]] == [
        (BY_MEMBER, "set"),
        (BY_MEMBER, "set"),
        (BY_MEMBER, "set"),
        (BY_MEMBER, "undo"),
    ]
    assert [why for _, _, why in rows[:4]] == ["by hand: add", "by hand: widen", "by hand: edit", ""]
    assert (BY_MEMBER, "forget", "one fact") in rows[4:]
    assert {actor for actor, _, _ in rows} == {BY_MEMBER}


async def test_forgetting_what_a_message_taught_is_the_members(talk: Talk) -> None:
    """Each operation that goes with a message is a row, and its field's salt goes along."""
    await learn(talk)
    said = [Evidence(tenant=TENANT, room=room().id, message="1", quote="", said_at=talk.clock.now())]
    forget = partial(forgetting.forget_message, member=ANA.key, messages=said, schema=SCHEMA, now=talk.clock.now())
    assert len(await talk.store.write(partial(forget, salt="salt"))) == 1

    assert (await logged(talk, "reason"))[1:] == [(BY_MEMBER, "forget", "one message")]


async def test_looking_is_not_recorded(talk: Talk) -> None:
    """What changes nothing, such as showing, leaves no row."""
    for words in ("show", "help", "observe", "nonsense"):
        await commands(talk.store, talk.clock).run(words, ANA)

    assert await logged(talk) == []


async def test_deleted_and_edited_messages_are_recorded(talk: Talk) -> None:
    """What a platform says of a message reaches the log with what it takes back."""
    await learn(talk)
    await learn(talk, proposes(("add", "tools", "vim", "m1", "I use vim")), "I use vim")
    edit = Edit(room=room(), message=MessageId("2"), author=ANA, text="I used vim")
    deletion = Deletion(room=room(), message=MessageId("1"))
    await talk.store.write(partial(intake._edit, edit=edit, schema=SCHEMA, now=talk.clock.now()))
    await talk.store.write(partial(intake._delete, deletion=deletion, schema=SCHEMA, now=talk.clock.now()))

    assert (await logged(talk))[2:] == [(BY_SYSTEM, "retract", "tools"), (BY_SYSTEM, "retract", "location")]


async def test_the_log_ends_with_its_life(talk: Talk) -> None:
    """The sweep that erases what is old cuts the log, too, and what is left verifies."""
    await learn(talk)
    talk.clock.advance(seconds=audit.LIFE.total_seconds() + 3600)
    erase = partial(retention.erase_old, now=talk.clock.now(), message_life=timedelta(hours=72))
    await talk.store.write(erase)

    assert await logged(talk) == []
    assert await talk.store.read(partial(audit.verify, tenant=TENANT)) == Verdict(rows=0)
