"""Idle conversations become updates: what is asked together, what is kept, and what comes due again."""

import asyncio
import json
from functools import partial

import pytest

from bot import errors
from bot.due import MAX_LINE_CHARS, MAX_LINES
from bot.messages import MessageId
from bot.outcomes import MAX_BACK_OFF
from bot.store import conversations, members
from bot.store.sqlite import SqliteStore
from persona import forgetting
from tests.bot.talk import ANA, BO, LISBON, SCHEMA, Interrupted, Talk, proposes, room, transcripts
from tests.clock import StillClock
from tests.models import ScriptedModel


async def test_nothing_is_learned_while_people_talk(talk: Talk) -> None:
    """A conversation is left alone until it was silent long enough, and is learned once."""
    talk.model.updates.append(LISBON)
    await talk.says(ANA, "I live in Lisbon")
    talk.clock.advance(minutes=29)
    assert (await talk.learning().sweep()).sessions == 0
    talk.clock.advance(minutes=2)

    assert (await talk.learning().sweep()).operations == 1
    assert await talk.facts(ANA) == ["location: Lisbon"]
    assert (await talk.learning().sweep()).sessions == 0
    assert len(talk.model.requests) == 1


async def test_threads_of_one_channel_are_one_call(talk: Talk) -> None:
    """Sessions that the same people read are asked about together."""
    talk.model.updates.append(
        proposes(
            ("set", "location", "Lisbon", "m1", "I live in Lisbon"), ("set", "location", "Oslo", "m2", "I live in Oslo")
        )
    )
    await talk.says(ANA, "I live in Lisbon", room(thread="1"))
    await talk.says(BO, "I live in Oslo", room(thread="2"))
    talk.clock.advance(hours=1)
    swept = await talk.learning().sweep()

    assert (swept.sessions, swept.calls, swept.operations) == (2, 1, 2)
    assert (await talk.facts(ANA), await talk.facts(BO)) == (["location: Lisbon"], ["location: Oslo"])


async def test_rooms_with_different_readers_are_never_in_one_call(talk: Talk) -> None:
    """A direct message, a private channel, another member's direct message and another tenant each go alone."""
    rooms = [
        room("D1", kind="direct"),
        room("D2", kind="direct"),
        room("P1", kind="private"),
        room("P2", kind="private"),
        room("E1", kind="external"),
        room("C1"),
        room("C1", tenant="slack:T2"),
    ]
    for where in rooms:
        await talk.says(ANA, f"hello from {where.tenant} {where.channel}", where)
    talk.clock.advance(hours=1)
    swept = await talk.learning().sweep()

    assert swept.calls == len(rooms)
    assert all(len(sessions) == 1 for sessions in transcripts(talk.model))


async def test_public_channels_of_a_tenant_share_a_call(talk: Talk) -> None:
    """What every full member may read is asked about together."""
    await talk.says(ANA, "hello", room("C1"))
    await talk.says(BO, "hello", room("C2"))
    talk.clock.advance(hours=1)

    assert (await talk.learning().sweep()).calls == 1


async def test_too_much_for_one_call_is_several(talk: Talk) -> None:
    """Sessions are combined up to a budget of text."""
    for number in range(4):
        await talk.says(ANA, "word " * 3_000, room(thread=str(number)))
    talk.clock.advance(hours=1)

    assert (await talk.learning().sweep()).calls == 4


async def test_a_long_conversation_is_learned_in_pieces(talk: Talk) -> None:
    """More than one call can read is learned by later sweeps, each message once."""
    for number in range(MAX_LINES + 5):
        await talk.says(ANA, f"line {number}")
    talk.clock.advance(hours=1)
    learning = talk.learning()
    assert (await learning.sweep()).calls == 1
    assert (await learning.sweep()).calls == 1
    assert (await learning.sweep()).sessions == 0

    first, second = transcripts(talk.model)
    assert (len(first[0]), len(second[0])) == (MAX_LINES, 5)
    assert first[0] + second[0] == [f"line {number}" for number in range(MAX_LINES + 5)]


async def test_a_message_beyond_all_bounds_is_learned_from_its_beginning(talk: Talk) -> None:
    """One message alone cannot make a call larger than a call may be, in any script."""
    await talk.says(ANA, "🌂" * 100_000)
    talk.clock.advance(hours=1)
    await talk.learning().sweep()

    assert transcripts(talk.model) == [[["🌂" * MAX_LINE_CHARS]]]


async def test_who_did_not_agree_is_not_in_the_transcript(talk: Talk) -> None:
    """Of a member who did not agree, and of our replies to them, nothing reaches the optimizer."""
    await talk.store.write(partial(members.set_consent, member=ANA.key, state="on", now=talk.clock.now()))
    said = await talk.says(ANA, "hello")
    other = await talk.says(BO, "my secret")
    for answered, text in ((said, "Hi Ana."), (other, "Your secret is safe.")):
        await talk.store.write(
            partial(
                conversations.append,
                room=room(),
                message=MessageId(f"r{answered.id}"),
                author=None,
                text=text,
                said_at=talk.clock.now(),
                reply_to=answered.id,
            )
        )
    talk.clock.advance(hours=1)
    await talk.learning("ask").sweep()

    assert transcripts(talk.model) == [[["hello", "Hi Ana."]]]


async def test_nobody_to_learn_from_costs_no_call(talk: Talk) -> None:
    """Where nobody agreed, or nothing was said in words, the cursor moves without asking the model."""
    await talk.says(ANA, "hello")
    await talk.says(BO, "  ", room("C2"))
    talk.clock.advance(hours=1)
    swept = await talk.learning("ask").sweep()

    assert (swept.sessions, swept.calls) == (2, 0)
    assert (await talk.learning("on").sweep()).sessions == 0


async def test_only_what_was_said_after_agreeing_is_learned(talk: Talk) -> None:
    """Agreeing does not open what was said before."""
    await talk.says(ANA, "before")
    talk.clock.advance(seconds=1)
    await talk.store.write(partial(members.set_consent, member=ANA.key, state="on", now=talk.clock.now()))
    await talk.says(ANA, "after")
    talk.clock.advance(hours=1)
    await talk.learning("ask").sweep()

    assert transcripts(talk.model) == [[["after"]]]


async def test_the_optimizer_sees_only_facts_the_room_may_know(talk: Talk) -> None:
    """What a member said in private is not shown to the optimizer for a channel."""
    talk.model.updates.append(proposes(("add", "projects", "Atlas", "m1", "I am on Atlas")))
    await talk.says(ANA, "I am on Atlas", room("D1", kind="direct"))
    talk.clock.advance(hours=1)
    await talk.learning().sweep()
    await talk.says(ANA, "hello")
    await talk.says(ANA, "hello again", room("D1", kind="direct"))
    talk.clock.advance(hours=1)
    await talk.learning().sweep()

    shown = {json.loads(request.data)["sessions"][0]["messages"][0][2]: request.data for request in talk.model.requests}
    assert "Atlas" not in shown["hello"]
    assert "Atlas" in shown["hello again"]


FAILURES: list[tuple[Exception | str, bool]] = [
    # what goes wrong, and whether it is an outage, which says nothing about the session
    ("no JSON at all", False),
    ('{"operations": [{"op": "explode"}]}', False),
    (errors.ModelRefusedError(), False),
    (errors.ModelCutError(), False),
    (errors.ModelRequestError(), False),
    (errors.ModelUnknownError(), True),
    (errors.ModelBusyError(), True),
    (errors.ModelUnreachableError(), True),
    (errors.ModelKeyError(), True),
    (errors.ModelLimitError(), True),
]


@pytest.mark.parametrize(("failure", "is_outage"), FAILURES)
async def test_a_failure_comes_due_again_later_each_time(
    talk: Talk, failure: Exception | str, *, is_outage: bool
) -> None:
    """A session that fails is tried again, later each time; only what is its own fault parks it after five tries."""
    await talk.says(ANA, "I live in Lisbon")
    talk.clock.advance(hours=1)
    waits = []
    for _ in range(8):
        talk.model.updates.append(failure)
        began = talk.clock.now()
        while not (await talk.learning().sweep()).failures:
            talk.clock.advance(seconds=30)
            if talk.clock.now() - began > MAX_BACK_OFF * 2:
                break
        waits.append((talk.clock.now() - began).total_seconds() / 60)

    parked = [wait for wait in waits if wait > 60]
    assert waits[:5] == [0, 1, 2, 4, 8]
    assert bool(parked) is not is_outage


async def test_a_parked_session_is_revived_by_a_new_message(talk: Talk) -> None:
    """Nothing is dropped: when somebody speaks in the room again, all of it is tried anew."""
    await talk.says(ANA, "I live in Lisbon")
    for _ in range(5):
        talk.clock.advance(hours=1)
        talk.model.updates.append("garbage")
        assert (await talk.learning().sweep()).failures == 1
    talk.clock.advance(hours=1)
    assert (await talk.learning().sweep()).sessions == 0
    await talk.says(ANA, "hello again")
    talk.clock.advance(hours=1)
    talk.model.updates.append(LISBON)

    assert (await talk.learning().sweep()).operations == 1


async def test_a_session_that_failed_does_not_hold_up_the_others(talk: Talk) -> None:
    """What failed together is tried apart, so that the healthy ones get through."""
    await talk.says(ANA, "poison", room(thread="1"))
    await talk.says(BO, "I live in Oslo", room(thread="2"))
    talk.clock.advance(hours=1)
    talk.model.updates.append("garbage")
    assert (await talk.learning().sweep()).failures == 2
    talk.clock.advance(minutes=2)
    talk.model.updates.extend(["garbage", proposes(("set", "location", "Oslo", "m1", "I live in Oslo"))])
    swept = await talk.learning().sweep()

    assert (swept.calls, swept.failures, swept.operations) == (2, 1, 1)
    assert await talk.facts(BO) == ["location: Oslo"]


MEANWHILE = ["forget", "forget all", "pause", "delete", "edit"]


@pytest.mark.parametrize("event", MEANWHILE)
async def test_what_happens_while_the_model_is_asked_wins(store: SqliteStore, clock: StillClock, event: str) -> None:
    """A member who forgets, pauses, deletes or edits during the call is not overruled by its result."""

    async def happens() -> None:
        clock.advance(seconds=5)
        if event.startswith("forget"):
            field = None if event.endswith("all") else "location"
            await store.write(partial(forgetting.forget, member=ANA.key, field=field, schema=SCHEMA, now=clock.now()))
        elif event == "pause":
            await store.write(partial(members.set_consent, member=ANA.key, state="paused", now=clock.now()))
        elif event == "delete":
            await store.write(partial(conversations.remove, room=room(), message=MessageId("1")))
        else:
            await store.write(
                partial(conversations.rewrite, room=room(), message=MessageId("1"), text="I was in Lisbon")
            )

    talk = Talk(store, clock, Interrupted(happens, LISBON))
    await talk.says(ANA, "I live in Lisbon")
    clock.advance(hours=1)
    swept = await talk.learning().sweep()

    assert (swept.operations, swept.failures) == (0, 0)
    assert await talk.facts(ANA) == []


async def test_a_lost_lease_keeps_nothing(store: SqliteStore, clock: StillClock) -> None:
    """A worker that was away so long that another took its conversation adds nothing to what that one learned."""
    other = Talk(store, clock, ScriptedModel())
    other.model.updates.append(LISBON)

    async def happens() -> None:
        clock.advance(minutes=11)
        await other.learning().sweep()

    slow = Talk(store, clock, Interrupted(happens, proposes(("set", "location", "Oslo", "m1", "I live in Lisbon"))))
    await slow.says(ANA, "I live in Lisbon")
    clock.advance(hours=1)
    swept = await slow.learning().sweep()

    assert (swept.operations, swept.failures) == (0, 1)
    assert await slow.facts(ANA) == ["location: Lisbon"]


async def test_two_sweeps_at_once_learn_everything_once(talk: Talk) -> None:
    """Sweeps side by side do not take the same conversation."""
    for number in range(6):
        await talk.says(ANA, f"line {number}", room(f"P{number}", kind="private"))
    talk.clock.advance(hours=1)
    swept = await asyncio.gather(*(talk.learning().sweep() for _ in range(3)))

    assert sum(one.sessions for one in swept) == 6
    assert len(talk.model.requests) == 6


async def test_a_message_taken_back_before_it_is_learned_teaches_nothing(talk: Talk) -> None:
    """A conversation whose only message was deleted is done without a call."""
    said = await talk.says(ANA, "I live in Lisbon")
    await talk.store.write(partial(conversations.remove, room=room(), message=said.id))
    talk.clock.advance(hours=1)
    swept = await talk.learning().sweep()

    assert (swept.sessions, swept.calls) == (1, 0)
    assert (await talk.learning().sweep()).sessions == 0
