"""Conversations: what was said in each room, in order of arrival."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial

import pytest

from bot.messages import Member, Message, MessageId, Room, TenantId
from bot.store import conversations
from bot.store.conversations import Line
from bot.store.engine import Store
from persona.persona import Evidence
from tests.clock import NOON

ROOM = Room(tenant=TenantId("slack:T1"), channel="C1", kind="public")
ANA = Member(tenant=TenantId("slack:T1"), id="U1", name="Ana")


async def say(
    store: Store,
    id: str,  # noqa: A002 - its name everywhere
    text: str = "",
    *,
    room: Room = ROOM,
    author: Member | None = ANA,
    said_at: datetime = NOON,
) -> int:
    unit = partial(conversations.append, room=room, message=MessageId(id), author=author, text=text, said_at=said_at)
    return await store.write(unit)


async def find(store: Store, id: str, room: Room = ROOM) -> Line | None:  # noqa: A002 - its name everywhere
    return await store.read(partial(conversations.find, room=room, message=MessageId(id)))


async def recent(store: Store, *, before: int = 1_000, most: int = 1_000, room: Room = ROOM) -> list[str]:
    lines = await store.read(partial(conversations.recent, room=room, before=before, most=most))
    return [line.id for line in lines]


# -- saying and finding -----------------------------------------------------------------------------------------------


async def test_positions_count_from_one(store: Store) -> None:
    """The messages of a room are numbered in order of arrival, each room for itself."""
    thread = replace(ROOM, thread="1.1")
    positions = [
        await say(store, "a"),
        await say(store, "b"),
        await say(store, "a", room=thread),
        await say(store, "c"),
    ]

    assert positions == [1, 2, 1, 3]


@pytest.mark.parametrize("letter", ["x", "語", "🌂"])
async def test_what_no_prompt_has_room_for_is_not_opened(store: Store, letter: str) -> None:
    """Whatever the newest lines hold within a number of bytes comes back whole, and not much that is older."""
    for number in range(30):
        await say(store, str(number), letter * 1_000)
    size = len(letter.encode()) * 1_000

    read = partial(conversations.recent, room=ROOM, before=1_000, most=1_000, most_bytes=5 * size)
    found = [line.id for line in await store.read(read)]

    assert found == [str(number) for number in range(30 - len(found), 30)]
    assert 5 <= len(found) <= 12


async def test_a_message_is_found_as_it_was_said(store: Store) -> None:
    """Everything about a message comes back: author with their own account's scope, text, time to the microsecond."""
    guest = Member(tenant=TenantId("slack:T2"), id="U9", name="Zoë 👩‍🚀")
    moment = NOON + timedelta(microseconds=123_457)
    await say(store, "a", "one\n\ttwo `three` 日本", author=guest, said_at=moment)

    assert await find(store, "a") == Line(
        id=MessageId("a"), position=1, author=guest, reply_to=None, text="one\n\ttwo `three` 日本", said_at=moment
    )


async def test_a_time_of_another_zone_is_the_same_moment(store: Store) -> None:
    """Times are kept as moments: what comes back is the same moment, in UTC."""
    there = datetime(2026, 11, 22, 21, 0, tzinfo=timezone(timedelta(hours=9)))
    await say(store, "a", said_at=there)
    line = await find(store, "a")

    assert line
    assert line.said_at == there == NOON
    assert line.said_at.utcoffset() == timedelta(0)


async def test_our_reply_has_no_author(store: Store) -> None:
    """Our own reply is nobody's message, and knows what it answers."""
    await say(store, "a", "question")
    reply = partial(conversations.append, room=ROOM, message=MessageId("b"), author=None, text="answer", said_at=NOON)
    await store.write(partial(reply, reply_to=MessageId("a")))
    line = await find(store, "b")

    assert line
    assert (line.author, line.reply_to, line.position) == (None, "a", 2)


async def test_an_unknown_message_is_none(store: Store) -> None:
    """What was never said in a room is not found there."""
    await say(store, "a")

    assert await find(store, "b") is None
    assert await find(store, "a", replace(ROOM, channel="C2")) is None
    assert await find(store, "a", replace(ROOM, thread="1.1")) is None
    assert await find(store, "a", replace(ROOM, tenant=TenantId("slack:T2"))) is None


async def test_a_message_said_twice_is_there_once(store: Store) -> None:
    """A message that is appended again stands where it stood, in its new text, and that is the position returned."""
    await say(store, "a", "first")
    await say(store, "b", "between")
    position = await say(store, "a", "second")

    line = await find(store, "a")
    assert line
    assert (line.text, line.position) == ("second", 1)
    assert await recent(store) == ["a", "b"]
    assert position == 1


async def test_a_stored_message_can_be_handed_on(store: Store) -> None:
    """A line becomes the message it was when it was accepted."""
    message = Message(id=MessageId("a"), room=ROOM, author=ANA, text="hello", said_at=NOON)
    await say(store, "a", "hello")
    line = await find(store, "a")

    assert line
    assert conversations.as_message(ROOM, line) == message


# -- reading back -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "most", "expected"),
    [
        (6, 9, ["a", "b", "c", "d", "e"]),
        (6, 2, ["d", "e"]),
        (4, 2, ["b", "c"]),
        (1, 9, []),
        (6, 0, []),
    ],
)
async def test_the_last_messages_oldest_first(store: Store, before: int, most: int, expected: list[str]) -> None:
    """The messages before a position come oldest first, and if there are too many, the newest of them."""
    for name in "abcde":
        await say(store, name)

    assert await recent(store, before=before, most=most) == expected


async def test_order_is_that_of_arrival(store: Store) -> None:
    """A message that came late stands where it arrived, whatever time the platform gives it."""
    await say(store, "a", said_at=NOON)
    await say(store, "b", said_at=NOON - timedelta(hours=1))

    assert await recent(store) == ["a", "b"]


async def test_rooms_keep_apart(store: Store) -> None:
    """A thread, another channel and another tenant are conversations of their own."""
    rooms = [
        ROOM,
        replace(ROOM, thread="1.1"),
        replace(ROOM, channel="C2"),
        replace(ROOM, tenant=TenantId("slack:T2")),
    ]
    for number, room in enumerate(rooms):
        await say(store, str(number), room=room)

    assert [await recent(store, room=room) for room in rooms] == [["0"], ["1"], ["2"], ["3"]]


# -- changing ---------------------------------------------------------------------------------------------------------


async def test_an_edit_changes_one_text(store: Store) -> None:
    """A rewritten message keeps its place, author and time; its neighbours keep their texts."""
    await say(store, "a", "first")
    await say(store, "b", "second")
    before = await find(store, "a")
    await store.write(partial(conversations.rewrite, room=ROOM, message=MessageId("a"), text="edited"))
    after, other = await find(store, "a"), await find(store, "b")

    assert before
    assert after == replace(before, text="edited")
    assert other
    assert other.text == "second"


async def test_a_removed_message_is_gone(store: Store) -> None:
    """A removed message is found no more; the next one does not take its position."""
    await say(store, "a")
    await say(store, "b")
    await store.write(partial(conversations.remove, room=ROOM, message=MessageId("b")))
    position = await say(store, "c")

    assert await find(store, "b") is None
    assert await recent(store) == ["a", "c"]
    assert position == 3


async def test_changing_the_unknown_does_nothing(store: Store) -> None:
    """Edits and deletions of messages we never had are nothing to us."""
    await say(store, "a", "kept")
    elsewhere = replace(ROOM, channel="C2")
    await store.write(partial(conversations.rewrite, room=elsewhere, message=MessageId("a"), text="edited"))
    await store.write(partial(conversations.remove, room=elsewhere, message=MessageId("a")))
    line = await find(store, "a")

    assert line
    assert line.text == "kept"


# -- as evidence ------------------------------------------------------------------------------------------------------


async def still_says(
    store: Store, quote: str, *, tenant: str = "slack:T1", room: str = "C1", message: str = "a"
) -> bool:
    evidence = Evidence(tenant=tenant, room=room, message=message, quote=quote, said_at=NOON)
    return await store.read(partial(conversations.still_says, evidence=evidence))


@pytest.mark.parametrize(
    ("text", "quote", "says"),
    [
        ("I work at Acme, in Berlin", "I work at Acme", True),
        ("I work\nat  ACME", "i work at acme", True),
        ("I don’t like “long” answers", 'I don\'t like "long" answers', True),
        ("I worked at Acme", "I work at Acme", False),
        ("> I work at Acme\nDoes she?", "I work at Acme", False),
        ("```\nI work at Acme\n```", "I work at Acme", False),
        ("I work\n> as they say\nat Acme", "I work at Acme", False),
    ],
)
async def test_a_message_still_says_what_is_quoted(store: Store, text: str, quote: str, says: bool) -> None:  # noqa: FBT001 - a parameter
    """Words are still there if the member typed them: neither quoted nor in code, whatever their case and spacing."""
    await say(store, "a", text)

    assert await still_says(store, quote) == says


async def test_an_edited_message_says_something_else(store: Store) -> None:
    """After an edit, a message says its new words and not its old ones."""
    await say(store, "a", "I work at Acme")
    await store.write(partial(conversations.rewrite, room=ROOM, message=MessageId("a"), text="I work at Globex"))

    assert [await still_says(store, words) for words in ("I work at Acme", "I work at Globex")] == [False, True]


@pytest.mark.parametrize("where", [{"message": "b"}, {"room": "C2"}, {"tenant": "slack:T2"}])
async def test_another_message_says_nothing(store: Store, where: dict[str, str]) -> None:
    """The words have to be in that very message, of that room and tenant; one that is gone says nothing."""
    await say(store, "a", "I work at Acme")

    assert not await still_says(store, "I work at Acme", **where)


async def test_a_removed_message_says_nothing(store: Store) -> None:
    """What was deleted supports nothing any more."""
    await say(store, "a", "I work at Acme")
    await store.write(partial(conversations.remove, room=ROOM, message=MessageId("a")))

    assert not await still_says(store, "I work at Acme")


# -- the conversation itself ------------------------------------------------------------------------------------------


async def kind(store: Store, room: Room) -> str:
    sql = "SELECT * FROM conversation WHERE tenant = :tenant AND room = :room"
    row = await store.read(lambda transaction: transaction.fetch_one(sql, tenant=room.tenant, room=room.id))
    assert row
    return conversations.room_from(row).kind


async def test_a_room_is_remembered_whole(store: Store) -> None:
    """A room comes back with its channel, thread and readers."""
    room = Room(tenant=TenantId("discord:1"), channel="5", thread="6", kind="private")
    await say(store, "a", room=room)
    rows = await store.read(lambda transaction: transaction.fetch("SELECT * FROM conversation"))

    assert [conversations.room_from(row) for row in rows] == [room]


async def test_who_reads_a_room_may_change(store: Store) -> None:
    """What is known of a room's readers can be corrected, for that room alone; an event can only narrow it."""
    other = replace(ROOM, channel="C2")
    await say(store, "a")
    await say(store, "a", room=other)
    await store.write(partial(conversations.classify, room=replace(ROOM, kind="private")))
    await say(store, "b", room=replace(ROOM, kind="public"))
    classified = await kind(store, ROOM)
    await say(store, "c", room=replace(ROOM, kind="external"))

    assert classified == "private"
    assert await kind(store, ROOM) == "external"
    assert await kind(store, other) == "public"


async def test_classifying_an_unknown_room_stores_nothing(store: Store) -> None:
    """A room nothing was said in is not remembered."""
    await store.write(partial(conversations.classify, room=ROOM))

    assert await store.read(lambda transaction: transaction.fetch("SELECT * FROM conversation")) == []


async def test_the_last_moment_of_a_tenant(store: Store) -> None:
    """The newest time anything was said in a tenant, across its rooms, and not the time of the last arrival."""
    await say(store, "a", said_at=NOON)
    await say(store, "b", said_at=NOON + timedelta(hours=1), room=replace(ROOM, thread="1.1"))
    await say(store, "c", said_at=NOON + timedelta(minutes=5), room=replace(ROOM, thread="1.1"))
    await say(store, "d", said_at=NOON + timedelta(days=1), room=replace(ROOM, tenant=TenantId("slack:T2")))

    assert await store.read(partial(conversations.last_moment, tenant=ROOM.tenant)) == NOON + timedelta(hours=1)


async def test_a_silent_tenant_has_no_last_moment(store: Store) -> None:
    """A tenant in which nothing was said has no last moment."""
    assert await store.read(partial(conversations.last_moment, tenant=ROOM.tenant)) is None


# -- where it is ------------------------------------------------------------------------------------------------------


async def locate(store: Store, room: Room) -> Room:
    return await store.read(partial(conversations.locate, room=room))


async def test_a_room_is_located_as_it_is_known(store: Store) -> None:
    """A room something was said in is found with what is known of its readers, a thread with its channel."""
    thread = replace(ROOM, thread="1.1", kind="private")
    await say(store, "a")
    await say(store, "b", room=thread)

    assert await locate(store, replace(ROOM, kind="external")) == ROOM
    assert await locate(store, replace(thread, kind="external")) == thread


async def test_a_thread_named_without_its_channel_is_located(store: Store) -> None:
    """A platform that names a thread as if it were a channel means that thread."""
    thread = Room(tenant=TenantId("discord:1"), channel="5", thread="6", kind="private")
    await say(store, "a", room=thread)

    assert await locate(store, Room(tenant=TenantId("discord:1"), channel="6", kind="external")) == thread


async def test_an_unknown_room_is_located_as_it_is_named(store: Store) -> None:
    """A room nothing was said in, or only in another tenant, is taken as it is named."""
    await say(store, "a", room=replace(ROOM, tenant=TenantId("slack:T2")))

    assert await locate(store, ROOM) == ROOM
