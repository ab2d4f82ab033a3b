"""Databases from before there were seals: nothing is lost, and no word stays readable."""

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from bot.messages import AnswerId, Member, Message, MessageId, Room, TenantId
from bot.store import conversations, inbox, outbox
from bot.store.engine import Store
from bot.store.sqlite import SqliteStore
from persona import forgetting, schema
from persona import store as personas
from persona.persona import MemberKey
from persona.ports import Transaction
from tests.clock import NOON, StillClock
from tests.scan import content, found, key_ids

WORKPLACE = schema.load("workplace")
TENANT = TenantId("slack:T1")
ROOM = Room(tenant=TENANT, channel="C1", kind="public")
ANA, BO = MemberKey(tenant="slack:T1", id="U1"), MemberKey(tenant="slack:T9", id="U1")

OLD = """
INSERT INTO conversation (tenant, room, channel, thread, kind, last_message_at, last_position, learned_through,
    attempts, not_before, lease_owner, lease_until, wanted_through)
  VALUES ('slack:T1','C1','C1',NULL,'public',1,4,0,0,0,NULL,0,0);
INSERT INTO message VALUES ('slack:T1','C1','m1',1,'slack:T1','U1','Ana Xanadu',NULL,'I live in Xanadu',1,0);
INSERT INTO message VALUES ('slack:T1','C1','m2',2,NULL,NULL,'','m1','Xanadu is far away',2,0);
INSERT INTO message VALUES ('slack:T1','C1','m3',3,'slack:T9','U1','Bo','m0','v1.Xanadu.is out',3,0);
INSERT INTO message VALUES ('slack:T1','C1','m4',4,NULL,NULL,'','m0','Xanadu, as nobody said',4,0);
INSERT INTO inbox (tenant, key, room, message, answer, state, attempts, received_at)
  VALUES ('slack:T1','C1:m1','C1','m1','a1','answered',1,1);
INSERT INTO outbox VALUES ('slack:T1','a1',0,'Xanadu is','ready',NULL);
INSERT INTO outbox VALUES ('slack:T1','a1',1,'far away','ready',NULL);
INSERT INTO outbox VALUES ('slack:T1','a0',0,'','open',NULL);
INSERT INTO operation (tenant, member, id, field, op, value, kind, audience, said_at, since, until, session, update_id,
    learned_at, undone_at)
  VALUES ('slack:T1','U1','o1','location','set','Xanadu','stated','member',1,NULL,NULL,'s','u',1,NULL);
INSERT INTO evidence VALUES ('slack:T1','U1','o1',0,'slack:T1','C1','m1','I live in Xanadu',1);
INSERT INTO fact VALUES ('slack:T1','U1','f1','demographics','location','Xanadu','stated','member',1,1,NULL);
"""


@pytest.fixture
def old(database: Path) -> Path:
    """A database that was written before anything was sealed."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executescript(OLD)
    return database


async def lines(store: Store) -> list[tuple[str, str, str]]:
    recent = await store.read(partial(conversations.recent, room=ROOM, before=9, most=9))
    return sorted((line.id, line.author.name if line.author else "", line.text) for line in recent)


async def test_nothing_is_lost(old: Path) -> None:
    """What was there before is read as before: messages, names, replies, facts, and what they rest on."""
    store = await SqliteStore.open(old)
    parts = await store.read(partial(outbox.parts, tenant=TENANT, answer=AnswerId("a1")))
    known = await store.read(partial(personas.read, member=ANA, at=NOON))
    history = await store.read(partial(personas.read_history, member=ANA, schema=WORKPLACE, at=NOON))
    said = await lines(store)
    await store.close()

    assert said == [
        ("m1", "Ana Xanadu", "I live in Xanadu"),
        ("m2", "", "Xanadu is far away"),
        ("m3", "Bo", "v1.Xanadu.is out"),
        ("m4", "", "Xanadu, as nobody said"),
    ]
    assert [part.text for part in parts] == ["Xanadu is", "far away"]
    assert [fact.value for fact in known.facts] == ["Xanadu"]
    assert [evidence.quote for fact in history.facts for evidence in fact.evidence] == ["I live in Xanadu"]


async def test_no_word_stays_readable(old: Path) -> None:
    """After the first start no file holds a word of it, while that runs as after it."""
    assert "Xanadu" in found(old.parent, ["Xanadu"])
    store = await SqliteStore.open(old)
    while_open = found(old.parent, ["Xanadu", "far away"])
    await store.close()

    assert while_open == {}
    assert found(old.parent, ["Xanadu", "far away"]) == {}


async def test_words_are_sealed_for_whose_they_are(old: Path) -> None:
    """A reply belongs to whom it answers; erasing one member takes no words of another."""
    store = await SqliteStore.open(old)
    await store.write(lambda transaction: transaction.destroy_key(ANA, at=NOON, reason="forgotten"))
    left = await lines(store)
    await store.close()

    assert [name for name, *_ in left] == ["m3", "m4"]
    assert BO in key_ids(old)


async def test_it_happens_once(old: Path) -> None:
    """The next start finds everything sealed, and seals nothing twice."""
    first = await SqliteStore.open(old)
    said = await lines(first)
    await first.close()
    before = content(old)
    second = await SqliteStore.open(old)
    again = await lines(second)
    await second.close()

    assert again == said
    assert content(old) == before


async def test_many_rows(database: Path) -> None:
    """A database of any size is sealed to its last row."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executescript(OLD.partition("INSERT INTO message")[0])
        row = "INSERT INTO message VALUES ('slack:T1','C1',?,?,'slack:T1','U1','Ana',NULL,?,1,0)"
        connection.executemany(row, [(f"m{n}", n, f"Xanadu {n}") for n in range(1_203)])
    store = await SqliteStore.open(database)
    said = await store.read(partial(conversations.recent, room=ROOM, before=5_000, most=5_000))
    await store.close()

    assert [line.text for line in said] == [f"Xanadu {n}" for n in range(1_203)]
    assert found(database.parent, ["Xanadu"]) == {}


SECRET = "Xanadu-17"


async def test_no_table_holds_words(store: Store, database: Path, clock: StillClock) -> None:
    """Whatever is stored through the functions of the store, no column of any table shows what was said, or by whom."""
    author = Member(tenant=TENANT, id="U1", name=f"Ana {SECRET}")
    message = Message(id=MessageId("m1"), room=ROOM, author=author, text=f"I live in {SECRET}", said_at=clock.now())

    async def say(transaction: Transaction) -> None:
        await inbox.accept(transaction, message, now=clock.now())
        await outbox.make_ready(transaction, TENANT, message.answer, [f"{SECRET}?"], owner=ANA)
        await conversations.rewrite(transaction, ROOM, message.id, f"I live in {SECRET}!")
        reply = partial(conversations.append, room=ROOM, message=MessageId("m2"), author=None, reply_to=message.id)
        await reply(transaction, text=f"{SECRET}!", said_at=clock.now())
        await forgetting.retract(
            transaction, tenant=TENANT, room="C1", message="m0", text=None, schema=WORKPLACE, now=NOON
        )

    await store.write(say)

    assert [text for _, _, text in await lines(store)] == [f"I live in {SECRET}!", f"{SECRET}!"]
    assert found(database.parent, [SECRET]) == {}
