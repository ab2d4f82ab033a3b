"""Audience non-interference (reliability B22): what a room may not know is in none of its prompts, and leaves no trace.

`make privacycheck` runs the same at full size: 200 members with 50 facts each, 40 rooms, 20,000 prompts.
"""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from random import Random

import pytest

from bot.messages import Accepted, Member, Room
from bot.store import inbox
from persona import forgetting, undoing
from persona.ports import Value
from tests.clock import StillClock
from tests.models import ScriptedModel
from tests.privacy.crowd import TENANT, Crowd, Told
from tests.privacy.house import SCHEMA, House, wire
from tests.privacy.watched import watched

MEMBERS, FACTS, ROOMS, PROMPTS = 30, 50, 40, 1_200
CHANGES = ("learned", "undone", "deleted")

Statements = list[tuple[str, dict[str, Value]]]


@pytest.fixture
async def statements() -> Statements:
    """Every statement so far, with what was bound in it."""
    return []


@pytest.fixture
async def crowd(database: Path, clock: StillClock, statements: Statements) -> AsyncIterator[Crowd]:
    model = ScriptedModel()
    around = partial(watched, watch=lambda sql, bound: statements.append((sql, dict(bound))))
    async with House.opened(database, clock, model=model, around=around) as house:
        yield Crowd(house, model, members=MEMBERS, rooms=ROOMS, random=Random(22))  # noqa: S311 - the same every time


@pytest.mark.slow
async def test_no_prompt_holds_what_its_readers_may_not_know(crowd: Crowd) -> None:
    """While rooms are converted and shared, every prompt and every session holds only what all readers may know."""
    await crowd.settle(FACTS)
    await crowd.talk(PROMPTS)
    await crowd.fall_idle()

    assert crowd.leaks == []
    assert crowd.prompts == PROMPTS
    assert len(crowd.model.requests) > ROOMS
    assert len(crowd.seen) > len(crowd.facts) / 2  # or there would have been nothing to leak


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
async def test_a_hidden_change_leaves_no_trace(crowd: Crowd, statements: Statements, change: str) -> None:
    """Learning, undoing or retracting what a room may not know changes no byte of its prompts, and no statement."""
    await crowd.settle(FACTS // 5)
    changed = 0
    for _ in range(60):
        asker, room, accepted = await asked(crowd)
        before = await traced(crowd, statements, accepted)
        hidden = [
            one for one in crowd.facts.values() if not one.is_known(asker, room.channel, crowd.kind(room.channel))
        ]
        own = [one for one in hidden if one.operation.member == asker.key]
        changed += await happens(crowd, change, crowd.random.choice(own or hidden))

        assert await traced(crowd, statements, accepted) == before
        settle = partial(inbox.settle, accepted=accepted, now=crowd.house.clock.now())
        await crowd.house.store.write(settle)  # or the next one in this room has to wait for it

    assert changed == 60


@pytest.mark.parametrize("change", CHANGES)
async def test_a_visible_change_is_seen(crowd: Crowd, statements: Statements, change: str) -> None:
    """The same changes of what a room may know do change its prompts: the test above can fail."""
    await crowd.settle(FACTS // 5)
    asker, room, accepted = await asked(crowd, is_direct=True)
    before, _ = await traced(crowd, statements, accepted)
    latest = [one for one in crowd.facts.values() if one.is_known(asker, room.channel, "direct")][-1]
    await happens(crowd, change, latest)

    assert (await traced(crowd, statements, accepted))[0] != before


async def asked(crowd: Crowd, *, is_direct: bool = False) -> tuple[Member, Room, Accepted]:
    """A question that waits to be answered."""
    asker = crowd.random.choice(crowd.members)
    channel = f"D{asker.id}" if is_direct else crowd.random.choice(crowd.channels)
    room = Room(tenant=TENANT, channel=channel, kind=crowd.kind(channel))
    message = crowd.house.message(asker, room, "What did they tell you?")
    await crowd.house.store.write(partial(inbox.accept, message=message, now=crowd.house.clock.now()))
    return asker, room, message


async def traced(crowd: Crowd, statements: Statements, accepted: Accepted) -> tuple[str, Statements]:
    """What the model would be sent for a question, and every statement on the way there."""
    statements.clear()
    turn = await crowd.house.turn(accepted)
    assert len(statements) > 3
    passing = {"at": None, "database_now": None}  # time may pass meanwhile
    return wire(turn.prompt), [(sql, bound | passing) for sql, bound in statements]


async def happens(crowd: Crowd, change: str, told: Told) -> int:
    """Change a fact in one of the ways of `CHANGES`; returns 1."""
    member, store, now = told.operation.member, crowd.house.store, crowd.house.clock.now()
    if change == "learned":
        number = next(place for place, one in enumerate(crowd.members) if one.key == member)
        kind = crowd.kind(told.channel)
        crowd.house.rooms.kinds[TENANT, told.channel] = told.kind
        await crowd.keep(crowd.told(number, crowd.members[number], channel=told.channel))
        crowd.house.rooms.kinds[TENANT, told.channel] = kind
        return 1
    del crowd.facts[told.canary]
    if change == "undone":
        undo = partial(undoing.undo_operation, member=member, operation=told.operation.id, schema=SCHEMA, now=now)
        return await store.write(undo)
    message = told.operation.evidence[0].message
    retract = partial(forgetting.retract, tenant=TENANT, room=told.channel, message=message, text=None)
    return await store.write(partial(retract, schema=SCHEMA, now=now))
