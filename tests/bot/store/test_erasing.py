"""Erasing a member: gone from every table, every file and every backup, and nobody else is touched."""

import shutil
from collections.abc import MutableMapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.messages import Member, Message, MessageId, Room, TenantId
from bot.store import conversations, erasing, inbox, members, outbox, sqlite_keys
from bot.store.engine import Store
from bot.store.sqlite import SqliteStore
from persona import forgetting, schema
from persona import store as personas
from persona.audience import MEMBER
from persona.operations import Operation, UpdateId
from persona.persona import Evidence
from persona.ports import Destruction, Transaction
from tests.clock import StillClock
from tests.scan import content, found, key_ids

WORKPLACE = schema.load("workplace")
TENANT = TenantId("slack:T1")
ROOM = Room(tenant=TENANT, channel="C1", kind="public")
SECOND = timedelta(seconds=1)


def member(number: int) -> Member:
    return Member(tenant=TENANT, id=f"U{number}", name=f"name-canary-{number}-")


def canaries(who: Member) -> list[str]:
    """Everything of a member that must be found nowhere."""
    number = who.id.removeprefix("U")
    return [f"{kind}-canary-{number}-" for kind in ("name", "text", "quote", "value", "reply", "pending")]


async def tell(store: Store, clock: StillClock, who: Member, *, is_settled: bool = True, channel: str = "") -> Message:
    """Let a member say something that is answered and learned, in a room of their own if no other is named."""
    clock.advance(seconds=1)
    number, now, room = who.id.removeprefix("U"), clock.now(), replace(ROOM, channel=channel or who.id)
    text = f"text-canary-{number}- quote-canary-{number}-"
    message = Message(id=MessageId(f"m{who.id}-{now.timestamp()}"), room=room, author=who, text=text, said_at=now)
    said = Evidence(tenant=TENANT, room=room.id, message=message.id, quote=f"quote-canary-{number}-", said_at=now)
    operation = Operation(
        member=who.key, op="set", field="location", value=f"value-canary-{number}-", evidence=(said,), audience=MEMBER
    )
    reply = f"reply-canary-{number}-" if is_settled else f"pending-canary-{number}-"

    async def unit(transaction: Transaction) -> None:
        await inbox.accept(transaction, message, now=now)
        await members.set_consent(transaction, who.key, "on", now=now)
        await personas.learn(transaction, [operation], schema=WORKPLACE, update=UpdateId("u"), now=now)
        await inbox.decide(transaction, message, "answered")
        await outbox.make_ready(transaction, TENANT, message.answer, [reply], owner=who.key)
        if is_settled:
            await inbox.settle(transaction, message, now=now)
            own = MessageId(f"r{message.id}")
            append = partial(conversations.append, transaction, room, message=own, author=None, reply_to=message.id)
            await append(text=reply, said_at=now)

    await store.write(unit)
    return message


async def erase(
    store: Store, clock: StillClock, who: Member, reason: Destruction = "forgotten"
) -> forgetting.Forgotten:
    work = partial(erasing.erase, member=who.key, schema=WORKPLACE, reason=reason, now=clock.now())
    return await store.write(work)


async def known(store: Store, clock: StillClock, who: Member) -> list[str]:
    """The words that are stored of a member, in order."""

    async def unit(transaction: Transaction) -> list[str]:
        persona = await personas.read(transaction, who.key, at=clock.now())
        lines = await conversations.recent(transaction, replace(ROOM, channel=who.id), before=10_000, most=10_000)
        theirs = {line.id for line in lines if line.author == who}
        return [
            *(fact.value for fact in persona.facts),
            *(line.text for line in lines if line.id in theirs or line.reply_to in theirs),
        ]

    return await store.read(unit)


async def reopened(store: Store, database: Path) -> SqliteStore:
    """The store after a restart that may have to catch up."""
    await store.close()
    opened = await SqliteStore.open(database)
    await opened.write(partial(erasing.catch_up, schema=WORKPLACE))
    return opened


def warnings(logged: Sequence[MutableMapping[str, object]]) -> list[object]:
    """What an operator is told, the age of this machine's SQLite aside."""
    told = [entry["event"] for entry in logged if entry["log_level"] == "warning"]
    return [event for event in told if event != "sqlite.version"]


def everything(who: Sequence[Member]) -> list[str]:
    return [canary for one in who for canary in canaries(one)]


@pytest.mark.slow
async def test_erasing_leaves_nothing(store: Store, database: Path, clock: StillClock) -> None:
    """Of forty members among a hundred who are erased, no file holds a word, nor anything that was sealed with it.

    The other sixty are known as before. That holds at once for the words, and once the log is emptied for what they
    had become.
    """
    everybody = [member(number) for number in range(100)]
    gone, stay = everybody[:40], everybody[40:]
    for who in everybody:
        await tell(store, clock, who)
    keys = key_ids(database)
    before = [await known(store, clock, who) for who in stay]
    for who in gone:
        assert (await erase(store, clock, who)).current == 1
    at_once = found(database.parent, everything(everybody))
    await store.scrub()
    sealed = found(database.parent, [keys[who.key] for who in gone])
    after = [await known(store, clock, who) for who in stay]

    assert at_once == sealed == {}
    assert [await known(store, clock, who) for who in gone] == [[]] * 40
    assert after == before
    assert all(len(words) == 3 for words in after)


async def test_nothing_of_them_is_in_any_table(store: Store, clock: StillClock) -> None:
    """No row holds anything sealed any more, and what an erasure may keep of a member is when it was."""
    ana = member(1)
    await tell(store, clock, ana)
    await erase(store, clock, ana)

    async def count(transaction: Transaction) -> dict[str, int]:
        tables = ("message", "outbox", "operation", "evidence", "fact", "refusal", "tidying", "fence")
        rows = {table: await transaction.fetch(f"SELECT * FROM {table}") for table in tables}  # noqa: S608 - our names
        return {table: len(found) for table, found in rows.items() if found}

    assert await store.read(count) == {"fence": 1}


async def test_a_waiting_answer_still_comes(store: Store, database: Path, clock: StillClock) -> None:
    """Whoever has everything forgotten while an answer is on its way gets it; the old key is gone all the same."""
    ana = member(1)
    waiting = await tell(store, clock, ana, is_settled=False)
    key = key_ids(database)[ana.key]
    await erase(store, clock, ana)
    claimed = await store.write(partial(inbox.claim, accepted=waiting, now=clock.now()))
    parts = await store.read(partial(outbox.parts, tenant=TENANT, answer=waiting.answer))
    await store.scrub()

    assert isinstance(claimed, inbox.Claimed)
    assert (claimed.message, claimed.is_decided) == (waiting, True)
    assert [part.text for part in parts] == ["pending-canary-1-"]
    assert found(database.parent, [key]) == {}


async def test_whoever_was_erased_can_begin_anew(store: Store, clock: StillClock) -> None:
    """What a member says after an erasure is kept like anybody's."""
    ana = member(1)
    await tell(store, clock, ana)
    await erase(store, clock, ana)
    await tell(store, clock, ana)

    assert len(await known(store, clock, ana)) == 3


@pytest.mark.sqlite
async def test_erasing_one_of_many_is_cheap(store: SqliteStore, clock: StillClock) -> None:
    """What erasing a member costs depends on what they said, not on how much others did: every writer waits for it."""

    async def steps_of(who: Member) -> int:
        steps: list[None] = []
        await store._writer.set_progress_handler(lambda: steps.append(None), 10)
        await erase(store, clock, who)
        await store._writer.set_progress_handler(lambda: None, 0)
        return len(steps)

    for _ in range(3):
        await tell(store, clock, member(1))
        await tell(store, clock, member(2))
    alone = await steps_of(member(1))
    for number in range(10, 110):
        await tell(store, clock, member(number), channel=f"C{number}")

    assert await steps_of(member(2)) < 1.5 * alone


# -- backups ----------------------------------------------------------------------------------------------------------


@pytest.fixture
async def backup(store: Store, database: Path, clock: StillClock, tmp_path: Path) -> Path:
    """A copy of the database, made when three members were known."""
    for number in range(3):
        await tell(store, clock, member(number))
    await store.write(lambda transaction: transaction.execute("DELETE FROM fence"))
    await store.scrub()
    copy = tmp_path / "backup" / "rapport.db"
    copy.parent.mkdir()
    shutil.copy(database, copy)
    return copy


async def test_a_backup_does_not_hold_who_was_erased(
    store: Store, database: Path, backup: Path, clock: StillClock
) -> None:
    """The moment a member is erased, no copy of the database can be read as far as it is theirs."""
    await erase(store, clock, member(0))
    await store.close()
    shutil.copy(sqlite_keys.file_of(database), sqlite_keys.file_of(backup))
    shutil.copy(database.with_name("rapport.db.key"), backup.with_name("rapport.db.key"))
    with capture_logs() as logged:
        copy = await SqliteStore.open(backup)
        read = [await known(copy, clock, member(number)) for number in range(3)]
        await copy.close()

    assert [len(words) for words in read] == [0, 3, 3]
    assert set(warnings(logged)) == {"values.unreadable"}
    assert found(backup.parent, everything([member(0)])) == {}


async def test_a_restored_backup_brings_nobody_back(
    store: Store, database: Path, backup: Path, clock: StillClock
) -> None:
    """After an old backup was restored, who was erased since is erased again before anything is served.

    One line says how many. Whoever had withdrawn has withdrawn, whoever had left is not known at all, what they had
    said cannot be learned again, and the next start finds nothing to repeat.
    """
    await tell(store, clock, member(3))
    await store.scrub()
    shutil.copy(database, backup)
    await erase(store, clock, member(0))
    await erase(store, clock, member(1), "withdrawn")
    await erase(store, clock, member(3), "left")
    await store.close()
    shutil.copy(backup, database)
    with capture_logs() as logged:
        restored = await reopened(store, database)
        read = [await known(restored, clock, member(number)) for number in range(4)]
        consents = [await restored.read(partial(members.consent, member=member(number).key)) for number in range(4)]
        fences = await restored.read(partial(forgetting.fences, members=[member(0).key, member(2).key]))
    with capture_logs() as again:
        restored = await reopened(restored, database)
    await restored.close()

    assert [len(words) for words in read] == [0, 0, 3, 0]
    assert [consent.state for consent in consents] == ["on", "withdrawn", "on", "off"]
    assert [list(of) for of in fences.values()] == [["*"], []]
    (repeated,) = [entry for entry in logged if entry["event"] == "erasures.repeated"]
    assert repeated["members"] == 3
    assert warnings(again) == []


async def test_what_was_waiting_in_a_backup_is_cancelled(
    store: Store, database: Path, clock: StillClock, tmp_path: Path
) -> None:
    """A message that waited in the backup, of a member who was erased since, is settled without an answer."""
    waiting = await tell(store, clock, member(0), is_settled=False)
    await store.scrub()
    shutil.copy(database, tmp_path / "backup.db")
    await store.write(partial(inbox.settle, accepted=waiting, now=clock.now()))
    await erase(store, clock, member(0))
    shutil.copy(tmp_path / "backup.db", database)
    await store.close()
    shutil.copy(tmp_path / "backup.db", database)
    restored = await reopened(store, database)
    claimed = await restored.write(partial(inbox.claim, accepted=waiting, now=clock.now()))
    await restored.close()

    assert not isinstance(claimed, inbox.Claimed)


async def test_an_old_key_file_is_noticed(
    store: Store, database: Path, backup: Path, clock: StillClock, tmp_path: Path
) -> None:
    """A start with a key file from before an erasure says so: keys that were destroyed are back."""
    shutil.copy(sqlite_keys.file_of(database), tmp_path / "old-keys")
    await erase(store, clock, member(0))
    await store.close()
    shutil.copy(tmp_path / "old-keys", sqlite_keys.file_of(database))
    with capture_logs() as logged:
        opened = await reopened(store, database)
    read = [await known(opened, clock, member(number)) for number in range(3)]
    await opened.close()

    assert warnings(logged) == ["keys.outdated"]
    assert [len(words) for words in read] == [0, 3, 3]


# -- writing the file anew --------------------------------------------------------------------------------------------


async def is_due(store: Store, clock: StillClock) -> bool:
    return await store.read(partial(erasing.is_compaction_due, now=clock.now()))


async def test_the_file_is_written_anew_when_somebody_was_erased(store: Store, clock: StillClock) -> None:
    """It is due after an erasure, not without one, and at most once a day."""
    await tell(store, clock, member(0))
    without = await is_due(store, clock)
    await erase(store, clock, member(0))
    after = await is_due(store, clock)
    clock.advance(seconds=1)
    await store.write(partial(erasing.compacted, now=clock.now()))
    done = await is_due(store, clock)
    clock.advance(hours=23)
    await erase(store, clock, member(1))
    same_day = await is_due(store, clock)
    clock.advance(hours=1)

    assert (without, after, done, same_day) == (False, True, False, False)
    assert await is_due(store, clock)


async def test_writing_anew_gives_space_back(store: Store, database: Path, clock: StillClock) -> None:
    """The file is smaller then, holds what it held, and nothing is left in a log beside it."""
    for number in range(100):
        await tell(store, clock, member(number))
    for number in range(99):
        await erase(store, clock, member(number))
    await store.scrub()
    before = len(content(database))
    assert await store.compact()

    assert len(content(database)) < before
    assert content(database.with_name("rapport.db-wal")) == b""
    assert len(await known(store, clock, member(99))) == 3


async def test_a_large_file_is_left(store: Store, database: Path, clock: StillClock) -> None:
    """A file that is larger than may be written while members wait stays as it is."""
    await tell(store, clock, member(0))
    await store.scrub()
    before = content(database)

    assert not await store.compact(max_bytes=1_000)
    assert content(database) == before
