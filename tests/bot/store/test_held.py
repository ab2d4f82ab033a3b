"""What is held of messages: texts and evidence, each message once, newest first."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import pytest

from bot.messages import Message, Platform
from bot.store import held, origins
from bot.store.held import Held
from tests.bot.talk import ANA, BO, LISBON, Talk, room
from tests.clock import NOON

LONG_AGO = NOON - timedelta(days=1)


async def look(
    talk: Talk,
    platform: Platform = "slack",
    *,
    text_since: datetime = LONG_AGO,
    evidence_since: datetime = LONG_AGO,
    until: datetime | None = None,
    most: int = 100,
) -> list[Held]:
    return await talk.store.read(
        partial(
            held.messages,
            platform=platform,
            text_since=text_since,
            evidence_since=evidence_since,
            until=until or talk.clock.now(),
            most=most,
        )
    )


async def taught(talk: Talk) -> Message:
    """A message whose text is kept and on which a fact rests."""
    talk.model.updates.append(LISBON)
    said = await talk.says(ANA, "I live in Lisbon")
    talk.clock.advance(hours=1)
    assert (await talk.learning().sweep()).operations == 1
    return said


async def forget_texts(talk: Talk) -> None:
    await talk.store.write(lambda transaction: transaction.execute("DELETE FROM message"))


async def test_a_message_is_held_once(talk: Talk) -> None:
    """A text, and what rests on it, are one message: where, by whom and when it was said."""
    said = await taught(talk)

    (one,) = await look(talk)
    assert (one.room, one.message, one.author.key, one.said_at) == (said.room, said.id, ANA.key, said.said_at)


async def test_evidence_is_held_without_its_text(talk: Talk) -> None:
    """What rests on a message whose text is erased is held still."""
    said = await taught(talk)
    await forget_texts(talk)

    assert [one.message for one in await look(talk)] == [said.id]


@pytest.mark.parametrize("is_text", [False, True])
async def test_texts_and_evidence_have_their_own_bounds(talk: Talk, *, is_text: bool) -> None:
    """Each is looked for from a moment of its own on, to the microsecond, and both to the same end."""
    said = await taught(talk)
    if not is_text:
        await forget_texts(talk)
    bound, other = ("text_since", "evidence_since") if is_text else ("evidence_since", "text_since")
    never, late = talk.clock.now() + timedelta(days=1), said.said_at + timedelta(microseconds=1)

    for since, until, found in (
        (said.said_at, said.said_at, 1),
        (late, late, 0),
        (LONG_AGO, said.said_at - timedelta(microseconds=1), 0),
    ):
        assert len(await look(talk, **{bound: since, other: never}, until=until)) == found  # type: ignore[arg-type]


async def test_the_newest_come_first_and_only_so_many(talk: Talk) -> None:
    """Of more than are asked for, the newest, whatever room they are in."""
    said = [await talk.says(who, "hello", room(where)) for who, where in ((ANA, "C1"), (BO, "C2"), (ANA, "C1"))]

    assert [one.message for one in await look(talk)] == [message.id for message in reversed(said)]
    assert [one.message for one in await look(talk, most=2)] == [said[2].id, said[1].id]


async def test_each_platform_has_its_own(talk: Talk) -> None:
    """Tenants of the platform that is asked for, and of no other whose name begins alike."""
    for tenant in ("slack:T1", "discord:41", "discord:direct", "slacker:T1"):
        await talk.says(ANA, "hello", room("C1", tenant=tenant))

    assert [one.room.tenant for one in await look(talk)] == ["slack:T1"]
    assert [one.room.tenant for one in await look(talk, "discord")] == ["discord:direct", "discord:41"]


async def test_what_rests_is_not_held(talk: Talk) -> None:
    """A closed room and a tenant that removed us are left to their own end; back again, they are looked after."""
    elsewhere = room("C1", tenant="slack:T2")
    for where in (room("C1"), room("C1", thread="1.0"), elsewhere):
        await talk.says(ANA, "hello", where)
    now = talk.clock.now()
    await talk.store.write(partial(origins.close_room, room=room("C1"), now=now))
    await talk.store.write(partial(origins.name_account, tenant=elsewhere.tenant, account="us", now=now))
    await talk.store.write(partial(origins.leave_tenant, tenant=elsewhere.tenant, now=now))
    assert await look(talk) == []
    await talk.store.write(partial(origins.open_room, room=room("C1"), now=now))
    await talk.store.write(partial(origins.enter_tenant, tenant=elsewhere.tenant, now=now))

    assert len(await look(talk)) == 3
