"""The inbox: each post accepted once, claimed until it is settled, settled once."""

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from bot.messages import Accepted, Member, Message, MessageId, Room, TenantId
from bot.store import conversations, inbox, outbox
from bot.store.engine import Store
from bot.store.workers import ALONE, Worker
from tests.clock import NOON, StillClock

ROOM = Room(tenant=TenantId("slack:T1"), channel="C1", kind="public")
THREAD = replace(ROOM, thread="100.1")
ANA = Member(tenant=TenantId("slack:T1"), id="U1", name="Ana")


def said(text: str = "hello", *, id: str = "1", room: Room = ROOM) -> Message:  # noqa: A002 - its name everywhere
    return Message(id=MessageId(id), room=room, author=ANA, text=text, said_at=NOON)


async def accept(store: Store, clock: StillClock, message: Message) -> bool:
    return await store.write(partial(inbox.accept, message=message, now=clock.now()))


async def claim(
    store: Store, clock: StillClock, message: Message, worker: Worker = ALONE, *, is_out_of_turn: bool = False
) -> inbox.Claimed | None:
    claimed = await again(store, clock, message, worker, is_out_of_turn=is_out_of_turn)
    assert not isinstance(claimed, inbox.Withdrawn)
    return claimed


async def again(
    store: Store, clock: StillClock, message: Message, worker: Worker = ALONE, *, is_out_of_turn: bool = False
) -> inbox.Claimed | inbox.Withdrawn | None:
    accepted = Accepted(id=message.id, room=message.room)
    claim = partial(inbox.claim, accepted=accepted, now=clock.now(), worker=worker, is_out_of_turn=is_out_of_turn)
    return await store.write(claim)


async def settle(store: Store, clock: StillClock, message: Message) -> inbox.Outcome | None:
    return await store.write(partial(inbox.settle, accepted=message, now=clock.now()))


async def decide(store: Store, message: Message, outcome: inbox.Outcome) -> None:
    await store.write(partial(inbox.decide, accepted=message, outcome=outcome))


async def open_keys(store: Store) -> list[str]:
    return [entry.key for entry in await store.read(partial(inbox.unsettled, now=NOON))]


# -- accepting --------------------------------------------------------------------------------------------------------


async def test_a_new_message_is_accepted(store: Store, clock: StillClock) -> None:
    """A message that is accepted waits for an answer and is part of its conversation."""
    is_new = await accept(store, clock, said("hello"))

    assert is_new
    assert await open_keys(store) == ["C1:1"]
    line = await store.read(partial(conversations.find, room=ROOM, message=MessageId("1")))
    assert line is not None
    assert (line.text, line.author, line.position, line.said_at) == ("hello", ANA, 1, NOON)


async def test_a_post_that_is_taken_is_owed_nothing(store: Store, clock: StillClock) -> None:
    """A post that is no talk is taken once, is no part of a conversation, and waits for nothing."""
    take = partial(inbox.take, accepted=said("persona show"), now=clock.now())

    assert [await store.write(take), await store.write(take)] == [True, False]
    assert not await accept(store, clock, said("persona show"))
    assert await open_keys(store) == []
    assert await store.read(partial(conversations.find, room=ROOM, message=MessageId("1"))) is None


async def test_a_known_post_is_not_accepted_again(store: Store, clock: StillClock) -> None:
    """A post that comes again, with whatever text, changes nothing: neither inbox nor conversation."""
    await accept(store, clock, said("hello"))
    is_new = await accept(store, clock, said("hello, announced again"))

    assert not is_new
    assert await open_keys(store) == ["C1:1"]
    lines = await store.read(partial(conversations.recent, room=ROOM, before=99, most=9))
    assert [line.text for line in lines] == ["hello"]


async def test_a_settled_post_is_not_accepted_again(store: Store, clock: StillClock) -> None:
    """A platform that delivers again after the answer gets no second one."""
    await accept(store, clock, said())
    await decide(store, said(), "answered")
    await settle(store, clock, said())

    assert not await accept(store, clock, said())
    assert await open_keys(store) == []


async def test_one_key_per_post_and_not_per_room(store: Store, clock: StillClock) -> None:
    """A post announced once for the channel and once for the thread it began is one post."""
    await accept(store, clock, said())

    assert not await accept(store, clock, said(room=THREAD))


@pytest.mark.parametrize(
    "other",
    [
        said(id="2"),
        said(room=replace(ROOM, channel="C2")),
        said(room=replace(ROOM, tenant=TenantId("slack:T2"))),
    ],
    ids=["id", "channel", "tenant"],
)
async def test_another_post_is_accepted(store: Store, clock: StillClock, other: Message) -> None:
    """A post of another id, channel or tenant is another post."""
    await accept(store, clock, said())

    assert await accept(store, clock, other)
    assert len(await open_keys(store)) == 2


async def test_twins_at_the_same_moment(store: Store, clock: StillClock) -> None:
    """Of several announcements of a post that arrive together, exactly one is accepted."""
    outcomes = await asyncio.gather(*(accept(store, clock, said()) for _ in range(10)))

    assert sorted(outcomes) == [False] * 9 + [True]


async def test_positions_follow_acceptance(store: Store, clock: StillClock) -> None:
    """Messages accepted at the same moment stand in their conversation in the order they were handed in."""
    await asyncio.gather(*(accept(store, clock, said(str(number), id=str(number))) for number in range(20)))

    lines = await store.read(partial(conversations.recent, room=ROOM, before=99, most=99))
    assert [line.text for line in lines] == [str(number) for number in range(20)]


# -- what is open -----------------------------------------------------------------------------------------------------


async def test_nothing_is_open_at_first(store: Store) -> None:
    """An empty inbox has nothing open."""
    assert await open_keys(store) == []


async def test_open_entries_come_in_order_of_arrival(store: Store, clock: StillClock) -> None:
    """What is open comes in the order it was accepted, across rooms and tenants."""
    rooms = [ROOM, THREAD, replace(ROOM, tenant=TenantId("discord:9")), replace(ROOM, channel="B0")]
    messages = [said(id=str(9 - number), room=rooms[number % 4]) for number in range(8)]
    for message in messages:
        await accept(store, clock, message)
        clock.advance(seconds=1)

    assert await open_keys(store) == [message.key for message in messages]


async def test_a_room_keeps_its_order_within_one_moment(store: Store, clock: StillClock) -> None:
    """What is accepted at the very same moment comes in its order, room by room."""
    messages = [said(id=str(9 - number), room=(ROOM, THREAD)[number % 2]) for number in range(8)]
    for message in messages:
        await accept(store, clock, message)
    keys = await open_keys(store)

    for room in (ROOM, THREAD):
        of_room = [message.key for message in messages if message.room == room]
        assert [key for key in keys if key in of_room] == of_room


async def test_an_open_entry_names_its_room(store: Store, clock: StillClock) -> None:
    """After a restart an entry knows its whole room: tenant, channel, thread and who reads there."""
    room = Room(tenant=TenantId("slack:T9"), channel="G7", thread="55.5", kind="private")
    await accept(store, clock, said(room=room))
    (found,) = await store.read(partial(inbox.unsettled, now=clock.now()))

    assert found == Accepted(id=MessageId("1"), room=room)


async def test_a_decision_alone_leaves_it_open(store: Store, clock: StillClock) -> None:
    """A message whose reply is stored and not shown is still open; once it is shown, it is not."""
    await accept(store, clock, said())
    await claim(store, clock, said())
    await decide(store, said(), "answered")
    before = await open_keys(store)
    await settle(store, clock, said())

    assert (before, await open_keys(store)) == (["C1:1"], [])


@pytest.mark.sqlite
async def test_finding_the_open_ones_needs_no_scan(store: Store) -> None:
    """The question after every restart and in every sweep reads open rows only, however many are settled."""
    values: dict[str, str | int] = {"owner": "w", "database_now": 1}
    plan = await store.read(lambda transaction: transaction.fetch(f"EXPLAIN QUERY PLAN {inbox._OPEN}", **values))

    assert "inbox_open" in plan[0]["detail"]


# -- claiming ---------------------------------------------------------------------------------------------------------


async def test_a_claim_gives_the_message_back(store: Store, clock: StillClock) -> None:
    """What is claimed is the message as it was accepted, with its position, for the first time."""
    room = Room(tenant=TenantId("slack:T1"), channel="C1", thread="9.9", kind="external")
    guest = Member(tenant=TenantId("slack:T2"), id="U9", name="Zoë 👩‍🚀")
    message = Message(id=MessageId("7"), room=room, author=guest, text="line\n`code` <@U1>", said_at=NOON)
    await accept(store, clock, message)
    claimed = await claim(store, clock, message)

    assert claimed == inbox.Claimed(message=message, position=1, attempts=1, is_decided=False, token=1)


async def test_attempts_are_counted(store: Store, clock: StillClock) -> None:
    """A message claimed again, after a crash say, tells how often that happened."""
    await accept(store, clock, said())
    claims = [await claim(store, clock, said()) for _ in range(3)]

    assert [claimed and claimed.attempts for claimed in claims] == [1, 2, 3]


@pytest.mark.parametrize("outcome", ["answered", "failed", "cancelled"])
async def test_a_claim_knows_a_decision(store: Store, clock: StillClock, outcome: inbox.Outcome) -> None:
    """A message whose reply is stored already is claimed to be shown, not to be answered again, however often."""
    await accept(store, clock, said())
    await claim(store, clock, said())
    await decide(store, said(), outcome)
    claims = [await claim(store, clock, said()) for _ in range(2)]

    assert [claimed and claimed.is_decided for claimed in claims] == [True, True]


async def test_a_settled_message_cannot_be_claimed(store: Store, clock: StillClock) -> None:
    """What is settled is not worked on again."""
    await accept(store, clock, said())
    await decide(store, said(), "answered")
    await settle(store, clock, said())

    assert await claim(store, clock, said()) is None


async def test_an_unknown_message_cannot_be_claimed(store: Store, clock: StillClock) -> None:
    """What was never accepted is not claimed, and claiming does not make it known."""
    assert await claim(store, clock, said()) is None
    assert await accept(store, clock, said())


async def test_a_deleted_message_is_cancelled(store: Store, clock: StillClock) -> None:
    """A message its author deleted before the answer is settled as cancelled, and claimed by nobody."""
    await accept(store, clock, said())
    await store.write(partial(conversations.remove, room=ROOM, message=MessageId("1")))
    claims = [await claim(store, clock, said()) for _ in range(2)]
    rows = await store.read(lambda transaction: transaction.fetch("SELECT state FROM inbox"))

    assert claims == [None, None]
    assert [row["state"] for row in rows] == ["cancelled"]
    assert await open_keys(store) == []


async def test_a_deleted_message_whose_reply_may_show_stays_open(store: Store, clock: StillClock) -> None:
    """A message deleted after its reply began to show is cancelled, and open until that is replaced."""
    await accept(store, clock, said())
    begin = partial(outbox.begin, tenant=ROOM.tenant, answer=said().answer, text="The half")
    await store.write(partial(begin, owner=said().author.key))
    await store.write(partial(conversations.remove, room=ROOM, message=MessageId("1")))

    assert await again(store, clock, said()) == inbox.Withdrawn(
        accepted=Accepted(id=MessageId("1"), room=ROOM), token=1
    )
    assert await open_keys(store) == ["C1:1"]
    assert await settle(store, clock, said()) == "cancelled"


async def test_an_edited_message_is_claimed_in_its_new_text(store: Store, clock: StillClock) -> None:
    """A message that was edited before its answer is answered in its new text."""
    await accept(store, clock, said("What is Pyton?"))
    await store.write(partial(conversations.rewrite, room=ROOM, message=MessageId("1"), text="What is Python?"))
    claimed = await claim(store, clock, said())

    assert claimed
    assert claimed.message.text == "What is Python?"


async def test_a_claim_takes_the_room_as_it_is_known_now(store: Store, clock: StillClock) -> None:
    """A room that turned out to have outside readers since is claimed as such."""
    await accept(store, clock, said())
    claimed = await claim(store, clock, said(room=replace(ROOM, kind="external")))

    assert claimed
    assert claimed.message.room.kind == "external"


async def test_tenants_do_not_see_each_other(store: Store, clock: StillClock) -> None:
    """Two tenants with equal channel and message ids each get their own message."""
    other = said("theirs", room=replace(ROOM, tenant=TenantId("slack:T2")))
    await accept(store, clock, said("ours"))
    await accept(store, clock, other)
    await decide(store, other, "answered")
    await settle(store, clock, other)
    claimed = await claim(store, clock, said())

    assert claimed
    assert (claimed.message.text, claimed.is_decided) == ("ours", False)


# -- settling ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["answered", "failed", "cancelled"])
async def test_a_message_is_settled_once(store: Store, clock: StillClock, outcome: inbox.Outcome) -> None:
    """Settling returns the decision the first time and None from then on, so that nothing is done twice."""
    await accept(store, clock, said())
    await decide(store, said(), outcome)
    outcomes = [await settle(store, clock, said()) for _ in range(3)]

    assert outcomes == [outcome, None, None]


async def test_a_late_decision_changes_nothing(store: Store, clock: StillClock) -> None:
    """What is settled keeps its outcome, whoever comes late with another one."""
    await accept(store, clock, said())
    await decide(store, said(), "answered")
    await settle(store, clock, said())
    await decide(store, said(), "failed")
    rows = await store.read(lambda transaction: transaction.fetch("SELECT state FROM inbox"))

    assert [row["state"] for row in rows] == ["answered"]


async def test_a_decision_may_be_replaced_until_it_is_shown(store: Store, clock: StillClock) -> None:
    """An answer the platform refuses for good becomes a failure before it is settled."""
    await accept(store, clock, said())
    await decide(store, said(), "answered")
    await decide(store, said(), "failed")

    assert await settle(store, clock, said()) == "failed"


async def test_settling_the_unknown_is_none(store: Store, clock: StillClock) -> None:
    """A message that was never accepted cannot be settled."""
    outcome: Any = await settle(store, clock, said())

    assert outcome is None
