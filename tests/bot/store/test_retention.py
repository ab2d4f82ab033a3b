"""Retention: what outlived its use is erased, and nothing that is still needed."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from bot.messages import Member, Message, MessageId, Room, TenantId
from bot.store import conversations, inbox, outbox, retention, sessions
from bot.store.engine import Store
from bot.store.sqlite import SqliteStore
from persona import quarantine
from persona.audience import MEMBER
from persona.operations import Operation
from persona.persona import Evidence
from persona.ports import Transaction
from tests.clock import StillClock

ROOM = Room(tenant=TenantId("slack:T1"), channel="C1", kind="public")
ANA = Member(tenant=TenantId("slack:T1"), id="U1", name="Ana")
MESSAGE_LIFE = timedelta(hours=72)
SECOND = timedelta(seconds=1)


async def say(
    store: Store,
    clock: StillClock,
    id: str,  # noqa: A002 - its name everywhere
    room: Room = ROOM,
    *,
    author: Member | None = ANA,
) -> None:
    """Add a message to a conversation that nobody has to answer."""
    say = partial(conversations.append, room=room, message=MessageId(id), author=author, text="text")
    await store.write(partial(say, said_at=clock.now()))


async def accept(store: Store, clock: StillClock, id: str, room: Room = ROOM) -> Message:  # noqa: A002 - its name everywhere
    message = Message(id=MessageId(id), room=room, author=ANA, text=f"text of {id}", said_at=clock.now())
    await store.write(partial(inbox.accept, message=message, now=clock.now()))
    return message


async def show(store: Store, clock: StillClock, message: Message) -> None:
    """Answer a message, and settle it."""
    reply = partial(
        outbox.make_ready, tenant=message.room.tenant, answer=message.answer, texts=["one", "two"], owner=ANA.key
    )
    await store.write(reply)
    await store.write(partial(inbox.decide, accepted=message, outcome="answered"))
    await store.write(partial(inbox.settle, accepted=message, now=clock.now()))


async def learn(store: Store, clock: StillClock, through: int, room: Room = ROOM) -> None:
    """Learn a conversation up to a position, as far as the store can tell."""
    now = clock.now()
    await store.write(partial(sessions.claim_due, owner="w", idle_since=now, now=now, lease=SECOND, most=50))
    assert await store.write(partial(sessions.learned, room=room, owner="w", through=through))


async def erase(store: Store, clock: StillClock, *, message_life: timedelta = MESSAGE_LIFE) -> int:
    return await store.write(partial(retention.erase_old, now=clock.now(), message_life=message_life))


async def messages(store: Store, room: Room = ROOM) -> list[str]:
    lines = await store.read(partial(conversations.recent, room=room, before=1_000, most=1_000))
    return [line.id for line in lines]


async def parts(store: Store, message: Message) -> int:
    return len(await store.read(partial(outbox.parts, tenant=message.room.tenant, answer=message.answer)))


async def test_an_empty_store_has_nothing_to_erase(store: Store, clock: StillClock) -> None:
    """Where nothing is, nothing is erased."""
    assert await erase(store, clock) == 0


# -- messages ---------------------------------------------------------------------------------------------------------


async def test_a_learned_message_is_erased_after_its_life(store: Store, clock: StillClock) -> None:
    """A message everybody has learned from goes once it is older than the retention, and not before."""
    await say(store, clock, "1")
    await learn(store, clock, 1)
    clock.advance(hours=72)
    early = [await erase(store, clock), await messages(store)]
    clock.advance(seconds=1)

    assert early == [0, ["1"]]
    assert await erase(store, clock) == 1
    assert await messages(store) == []


async def test_a_message_nobody_learned_from_is_kept(store: Store, clock: StillClock) -> None:
    """A message beyond the cursor stays, however old, and goes once it is learned."""
    await say(store, clock, "1")
    await say(store, clock, "2")
    await learn(store, clock, 1)
    clock.advance(days=365)
    first = [await erase(store, clock), await messages(store)]
    await learn(store, clock, 2)

    assert first == [1, ["2"]]
    assert await erase(store, clock) == 1
    assert await messages(store) == []


async def test_each_conversation_has_its_own_cursor(store: Store, clock: StillClock) -> None:
    """What was learned in one room erases nothing in a thread, another channel or another tenant."""
    others = [replace(ROOM, thread="1"), replace(ROOM, channel="C2"), replace(ROOM, tenant=TenantId("slack:T2"))]
    for room in (ROOM, *others):
        await say(store, clock, f"{room.tenant} {room.id}", room)
    await learn(store, clock, 1)
    clock.advance(days=30)

    assert await erase(store, clock) == 1
    assert [len(await messages(store, room)) for room in (ROOM, *others)] == [0, 1, 1, 1]


@pytest.mark.parametrize("hours", [1, 24, 24 * 30])
async def test_the_operator_sets_how_long(store: Store, clock: StillClock, hours: int) -> None:
    """The life of messages is the setting's, whatever it is."""
    life = timedelta(hours=hours)
    await say(store, clock, "1")
    await learn(store, clock, 1)
    clock.advance(hours=hours)
    early = await erase(store, clock, message_life=life)
    clock.advance(seconds=1)

    assert (early, await erase(store, clock, message_life=life)) == (0, 1)


async def test_our_own_words_are_erased_too(store: Store, clock: StillClock) -> None:
    """A reply in a conversation is erased like the message it answers."""
    await say(store, clock, "1")
    await say(store, clock, "2", author=None)
    await learn(store, clock, 2)
    clock.advance(days=30)
    await erase(store, clock)

    assert await messages(store) == []


async def test_the_conversation_goes_on_after_an_erasure(store: Store, clock: StillClock) -> None:
    """A room whose messages were erased keeps counting: its next message is new, and due in its time."""
    await say(store, clock, "1")
    await learn(store, clock, 1)
    clock.advance(days=30)
    await erase(store, clock)
    await say(store, clock, "2")
    (line,) = await store.read(partial(conversations.recent, room=ROOM, before=99, most=9))

    assert (line.id, line.position) == ("2", 2)
    await learn(store, clock, 2)


async def test_what_was_refused_is_erased_after_two_weeks(store: Store, clock: StillClock) -> None:
    """What was not kept of a member is counted for fourteen days, and not longer."""
    surplus = Operation(
        member=ANA.key,
        op="set",
        field="location",
        value="Lisbon",
        evidence=(Evidence(tenant=ROOM.tenant, room=ROOM.id, message="1", quote="Lisbon", said_at=clock.now()),),
        audience=MEMBER,
    )
    await store.write(partial(quarantine.keep_surplus, operations=[surplus], now=clock.now()))
    clock.advance(days=14)
    early = await erase(store, clock)
    clock.advance(seconds=1)

    assert (early, await erase(store, clock)) == (0, 1)


# -- replies and keys -------------------------------------------------------------------------------------------------


async def test_a_shown_reply_is_erased_after_a_day(store: Store, clock: StillClock) -> None:
    """The text of a reply goes a day after it was shown, with all its parts, and not before."""
    message = await accept(store, clock, "1")
    await show(store, clock, message)
    clock.advance(hours=24)
    early = [await erase(store, clock), await parts(store, message)]
    clock.advance(seconds=1)

    assert early == [0, 2]
    assert await erase(store, clock) == 2
    assert await parts(store, message) == 0


async def test_a_reply_that_was_not_shown_is_kept(store: Store, clock: StillClock) -> None:
    """A reply the platform does not have yet stays, however long the platform is away."""
    message = await accept(store, clock, "1")
    reply = partial(outbox.make_ready, tenant=ROOM.tenant, answer=message.answer, texts=["one"], owner=ANA.key)
    await store.write(reply)
    await store.write(partial(inbox.decide, accepted=message, outcome="answered"))
    clock.advance(days=365)

    assert await erase(store, clock) == 0
    assert await parts(store, message) == 1


async def test_a_post_is_known_for_a_week(store: Store, clock: StillClock) -> None:
    """A post that is delivered again within a week of its answer is known; after that its key is gone."""
    message = await accept(store, clock, "1")
    await show(store, clock, message)
    clock.advance(days=7)
    await erase(store, clock)
    is_known = not await store.write(partial(inbox.accept, message=message, now=clock.now()))
    clock.advance(seconds=1)
    await erase(store, clock)
    rows = await store.read(lambda transaction: transaction.fetch("SELECT key FROM inbox"))

    assert is_known
    assert rows == []


async def test_an_open_message_is_never_forgotten(store: Store, clock: StillClock) -> None:
    """A message without an outcome stays in the inbox, however old."""
    await accept(store, clock, "1")
    clock.advance(days=365)
    await erase(store, clock)

    assert [entry.key for entry in await store.read(partial(inbox.unsettled, now=clock.now()))] == ["C1:1"]


async def test_an_open_message_keeps_its_text(store: Store, clock: StillClock) -> None:
    """A message that still waits for its answer can be answered, though it was learned from and is old."""
    message = await accept(store, clock, "1")
    await learn(store, clock, 1)
    clock.advance(days=30)
    await erase(store, clock)
    claimed = await store.write(partial(inbox.claim, accepted=message, now=clock.now()))

    assert isinstance(claimed, inbox.Claimed)
    assert claimed.message.text == "text of 1"


async def test_replies_of_two_tenants_keep_apart(store: Store, clock: StillClock) -> None:
    """A settled message erases its own reply alone."""
    message = await accept(store, clock, "1")
    other = await accept(store, clock, "1", replace(ROOM, tenant=TenantId("slack:T2")))
    await show(store, clock, message)
    clock.advance(hours=12)
    await show(store, clock, other)
    clock.advance(hours=13)

    assert await erase(store, clock) == 2
    assert (await parts(store, message), await parts(store, other)) == (0, 2)


async def test_erasing_twice_changes_nothing(store: Store, clock: StillClock) -> None:
    """What was erased is not counted again."""
    message = await accept(store, clock, "1")
    await show(store, clock, message)
    await learn(store, clock, 1)
    clock.advance(days=30)

    assert [await erase(store, clock), await erase(store, clock)] == [4, 0]


@pytest.mark.sqlite
async def test_erasing_is_cheap(store: SqliteStore, clock: StillClock) -> None:
    """What a sweep costs grows with what is stored and not with its square: every writer waits for it."""

    async def answer_many(transaction: Transaction) -> None:
        for number in range(300):
            message = Message(id=MessageId(str(number)), room=ROOM, author=ANA, text="text", said_at=clock.now())
            await inbox.accept(transaction, message, now=clock.now())
            await outbox.make_ready(transaction, ROOM.tenant, message.answer, ["one"], owner=ANA.key)
            await inbox.settle(transaction, message, now=clock.now())

    await store.write(answer_many)
    steps: list[None] = []
    await store._writer.set_progress_handler(lambda: steps.append(None), 1_000)
    await erase(store, clock)

    assert len(steps) < 150  # thousands of steps of SQLite's machine


async def test_a_parked_session_is_kept_for_a_month(store: Store, clock: StillClock) -> None:
    """What could not be learned waits for somebody to mend it, and is erased when nobody does."""
    await say(store, clock, "1")
    now = clock.now()
    await store.write(partial(sessions.claim_due, owner="w", idle_since=now, now=now, lease=SECOND, most=50))
    park = partial(sessions.failed, room=ROOM, owner="w", attempts=conversations.MAX_ATTEMPTS, not_before=now)
    await store.write(park)
    clock.advance(days=30)
    await erase(store, clock)
    kept = await messages(store)
    clock.advance(seconds=1)
    await erase(store, clock)

    assert (kept, await messages(store)) == (["1"], [])
