"""What follows when a tenant, a room or a member is gone: rest at once, erasure in its time, and nothing revived."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot import settings, wiring
from bot.applying import Terms
from bot.consent import Default
from bot.departures import AFTERCARE, Departures, Lives
from bot.messages import Member, Message, MessageId, Room, TenantId
from bot.store import departures, members, origins, purging, retention
from bot.store.engine import T, Unit
from bot.store.members import Consent, ConsentState
from bot.store.sqlite import SqliteStore
from persona import audit
from persona.ports import Cell, Transaction
from tests.bot.talk import ANA, BO, LISBON, SCHEMA, TENANT, Interrupted, Talk, proposes, room
from tests.clock import StillClock
from tests.scan import as_said

LIVES = Lives()
GUILD, OTHER = TenantId("discord:41"), TenantId("discord:42")
DORA = Member(tenant=TenantId("discord:accounts"), id="7", name="Dora")
"""A member whose account lives in no tenant of hers."""
BOT = "a-bot"


@pytest.fixture
def gone(talk: Talk) -> Departures:
    """What hears of departures where members were asked and agreed."""
    return hearing(talk)


def hearing(talk: Talk, default: Default = "ask") -> Departures:
    return Departures(store=talk.store, terms=Terms(schema=SCHEMA, default=default), lives=LIVES, clock=talk.clock)


async def agrees(talk: Talk, *who: Member, state: ConsentState = "on") -> None:
    for member in who:
        decide = partial(members.set_consent, member=member.key, state=state, now=talk.clock.now())
        await talk.store.write(decide)


async def learns(talk: Talk, who: Member, city: str, where: Room | None = None) -> None:
    """Let a member say where they live, and learn it."""
    talk.model.updates.append(proposes(("set", "location", city, "m1", f"I live in {city}")))
    await talk.says(who, f"I live in {city}", where)
    talk.clock.advance(hours=1)
    assert (await talk.learning().sweep()).operations == 1


async def decision(talk: Talk, who: Member) -> Consent:
    return await talk.store.read(partial(members.consent, member=who.key))


async def stored(store: SqliteStore, needle: str, *, but: tuple[str, ...] = ("origin",)) -> list[str]:
    """The tables in which a word stands anywhere."""

    async def look(transaction: Any) -> list[str]:
        names = [name for name in (*purging.KEYS, "origin") if name not in but]
        rows = {name: await transaction.fetch(f"SELECT * FROM {name}") for name in names}  # noqa: S608 - our names
        read = {name: [str(await as_said(transaction, name, row)) for row in found] for name, found in rows.items()}
        return [name for name, found in read.items() if any(needle in row for row in found)]

    return await store.read(look)


async def sealed_facts(store: SqliteStore) -> list[tuple[str, Cell]]:
    """The values of all facts as a copy of the database holds them, each with its cell."""

    async def look(transaction: Transaction) -> list[tuple[str, Cell]]:
        rows = await transaction.fetch("SELECT * FROM fact ORDER BY tenant")
        return [(row["value"], ("fact.value", row["tenant"], row["member"], row["id"])) for row in rows]

    return await store.read(look)


# -- tenants ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(5))
async def test_an_uninstall_freezes_at_once_and_purges_in_time(talk: Talk, gone: Departures, number: int) -> None:
    """With the event nothing of the workspace is known or learned; by the deadline no row of it is left.

    Property B24, with five workspaces of which each is the one that goes; the others keep everything.
    """
    anas = [dataclasses.replace(ANA, tenant=TenantId(f"slack:T{count}")) for count in range(5)]
    for ana in anas:
        await agrees(talk, ana)
        await learns(talk, ana, "Lisbon", room(tenant=ana.tenant))
    for ana in anas:
        await talk.says(ana, "not learned yet", room(tenant=ana.tenant))
    left = anas.pop(number)
    await gone.removed(left.tenant)
    facts = await talk.facts(left)
    talk.clock.advance(hours=71)
    learned, early = (await talk.learning().sweep()).sessions, await gone.sweep()
    talk.clock.advance(hours=1)

    assert (facts, learned, early) == ([], len(anas), 0)
    assert await gone.sweep() == 1
    assert await stored(talk.store, left.tenant) == []
    assert [await talk.facts(ana) for ana in anas] == [["location: Lisbon"]] * 4


async def test_a_purge_holds_for_every_backup(talk: Talk, gone: Departures) -> None:
    """What a copy from before a purge holds of the workspace's members opens no more; what it holds of others does."""
    stays = dataclasses.replace(ANA, tenant=TenantId("slack:T2"))
    for ana in (ANA, stays):
        await agrees(talk, ana)
        await learns(talk, ana, "Lisbon", room(tenant=ana.tenant))
    copied = await sealed_facts(talk.store)
    await gone.removed(TENANT)
    talk.clock.advance(hours=72)
    before = await talk.store.read(lambda transaction: transaction.unseal(copied))
    await gone.sweep()

    assert before == ["Lisbon", "Lisbon"]
    assert await talk.store.read(lambda transaction: transaction.unseal(copied)) == [None, "Lisbon"]
    assert await talk.store.read(lambda transaction: transaction.key_owners(TENANT, most=9)) == []


@pytest.mark.parametrize("number", range(5))
async def test_a_server_that_removes_us_takes_what_was_said_there(talk: Talk, gone: Departures, number: int) -> None:
    """What was said on the server rests at once and is gone by the deadline; the account and the rest stay.

    Property B24, with five servers of which each is the one that goes.
    """
    cities = {TenantId(f"discord:{count}1"): f"City{count}" for count in range(5)}
    await agrees(talk, DORA)
    for tenant, city in cities.items():
        await learns(talk, DORA, city, room(f"C{tenant}", tenant=tenant, kind="private"))
    await learns(talk, DORA, "Home", room("D1", tenant="discord:direct", kind="direct"))
    left, city = list(cities.items())[number]
    await gone.removed(left)
    facts = str(await talk.facts(DORA))
    talk.clock.advance(hours=72)
    await gone.sweep()

    assert city not in facts
    assert all(other in facts for other in {*cities.values(), "Home"} - {city})
    assert await stored(talk.store, left) == await stored(talk.store, city) == []
    assert (await decision(talk, DORA)).state == "on"


async def test_what_is_being_learned_when_a_tenant_goes_is_not_kept(talk: Talk, gone: Departures) -> None:
    """A model that was asked before the event answers too late, whether before the purge or after it."""
    await agrees(talk, ANA)

    async def later() -> None:
        await gone.removed(TENANT)

    async def much_later() -> None:
        await gone.removed(TENANT)
        talk.clock.advance(hours=72)
        await gone.sweep()

    for meanwhile in (later, much_later):
        await gone.installed(TENANT, account=BOT)
        await agrees(talk, ANA)
        talk.clock.advance(hours=1)
        talk.model = Interrupted(meanwhile, LISBON)
        await talk.says(ANA, "I live in Lisbon")
        talk.clock.advance(hours=1)
        swept = await talk.learning().sweep()

        assert (swept.operations, swept.failures) == (0, 1)
        assert await talk.facts(ANA) == []
    await gone.sweep()
    assert await stored(talk.store, TENANT) == []


async def test_two_hundred_late_jobs_revive_nothing(talk: Talk, gone: Departures) -> None:
    """Whatever is swept again after a purge, in any number, finds nothing to learn from and nothing to keep."""
    await agrees(talk, ANA)
    for number in range(200):
        await talk.says(ANA, f"I live in City{number}", room(f"C{number}"))
    talk.clock.advance(hours=1)
    await gone.removed(TENANT)
    learned = [await talk.learning().sweep() for _ in range(2)]
    talk.clock.advance(hours=72)
    await gone.sweep()
    learned += [await talk.learning().sweep() for _ in range(2)]

    assert [swept.sessions for swept in learned] == [0, 0, 0, 0]
    assert talk.model.requests == []
    assert await stored(talk.store, TENANT) == []


async def test_what_is_erased_by_itself_leaves_one_row(talk: Talk, gone: Departures) -> None:
    """The audit log of a removed tenant says what rested and went, and once that all is gone; no salt is left of it."""
    await agrees(talk, ANA)
    await learns(talk, ANA, "Lisbon")
    await gone.removed(TENANT)
    for hours in (72, 1, 1, 23):
        talk.clock.advance(hours=hours)
        await gone.sweep()
    sql = "SELECT actor, action, reason FROM audit WHERE tenant = :tenant AND action IN ('freeze', 'purge')"
    rows = await talk.store.read(lambda transaction: transaction.fetch(f"{sql} ORDER BY number", tenant=TENANT))

    assert [tuple(row) for row in rows] == [
        ("system", "freeze", "a tenant"),
        ("system", "purge", "a tenant"),
        ("system", "purge", "a tenant"),
    ]
    assert (await talk.store.read(partial(audit.verify, tenant=TENANT))).broken_at is None
    assert await stored(talk.store, TENANT, but=("origin", "audit")) == []


async def test_the_events_of_an_uninstall_may_come_twice(talk: Talk, gone: Departures) -> None:
    """The deadline counts from the first, and neither a second event nor a second sweep changes it."""
    await agrees(talk, ANA)
    await learns(talk, ANA, "Lisbon")
    await gone.removed(TENANT)
    talk.clock.advance(hours=71)
    await gone.removed(TENANT)
    talk.clock.advance(hours=1)

    assert [await gone.sweep(), await stored(talk.store, TENANT)] == [1, []]


async def test_what_a_late_call_writes_after_a_purge_goes_too(talk: Talk, gone: Departures) -> None:
    """For a day a purged tenant is looked at again; then nothing reminds of it."""
    await gone.removed(TENANT)
    talk.clock.advance(hours=72)
    await gone.sweep()
    await talk.says(ANA, "a late row")
    await gone.sweep()
    again = await stored(talk.store, TENANT)
    talk.clock.advance(days=AFTERCARE.days)
    await gone.sweep()

    assert again == []
    assert await stored(talk.store, TENANT, but=()) == []


async def test_a_tenant_that_is_back_in_time_loses_nothing_but_consent(talk: Talk, gone: Departures) -> None:
    """Members who had agreed are asked anew, those who said no are not, and with a yes all of it is there again."""
    cleo, dan = (dataclasses.replace(ANA, id=name) for name in ("cleo", "dan"))
    await agrees(talk, ANA, BO)
    await learns(talk, ANA, "Lisbon")
    await agrees(talk, cleo, state="paused")
    await agrees(talk, dan, state="withdrawn")
    await gone.removed(TENANT)
    talk.clock.advance(hours=71)
    await gone.installed(TENANT, account=BOT)
    talk.clock.advance(hours=2)
    erased = await gone.sweep()

    assert erased == 0
    assert await talk.facts(ANA) == ["location: Lisbon"]
    assert [(await decision(talk, who)).state for who in (ANA, BO, cleo, dan)] == ["off", "off", "paused", "withdrawn"]


async def test_who_does_not_agree_again_is_erased(talk: Talk, gone: Departures) -> None:
    """After we were installed again, silence for thirty days is a no; who agreed keeps everything."""
    await agrees(talk, ANA, BO)
    await learns(talk, ANA, "Lisbon")
    await learns(talk, BO, "Oslo")
    await gone.removed(TENANT)
    await gone.installed(TENANT, account=BOT)
    await agrees(talk, BO)
    talk.clock.advance(days=31)
    erased = await gone.sweep()

    assert erased == 1
    assert await stored(talk.store, "Lisbon") == []
    assert await talk.facts(BO) == ["location: Oslo"]
    assert await gone.sweep() == 0


async def test_an_account_of_many_servers_is_only_asked_again(talk: Talk, gone: Departures) -> None:
    """A server that removes and adds us again makes its members decide anew, and has nothing of theirs erased."""
    await agrees(talk, DORA)
    await learns(talk, DORA, "Porto", room(tenant=GUILD, kind="private"))
    await gone.removed(GUILD)
    await gone.installed(GUILD, account=BOT)
    asked = await decision(talk, DORA)
    talk.clock.advance(days=31)

    assert asked.state == "off"
    assert await gone.sweep() == 0
    assert await talk.facts(DORA) == ["location: Porto"]


async def test_members_of_another_server_are_not_asked(talk: Talk, gone: Departures) -> None:
    """Whoever never said anything on the server that removed us has nothing to decide."""
    await agrees(talk, DORA)
    await learns(talk, DORA, "Porto", room(tenant=OTHER, kind="private"))
    await gone.removed(GUILD)
    await gone.installed(GUILD, account=BOT)

    assert (await decision(talk, DORA)).state == "on"


async def test_at_a_start_what_is_missing_was_removed(talk: Talk, gone: Departures) -> None:
    """A tenant we knew and do not find is gone; one we find is there; another bot's tenants are not looked for."""
    await agrees(talk, DORA)
    for tenant, city in ((GUILD, "Porto"), (OTHER, "Oslo")):
        await learns(talk, DORA, city, room(f"C{city}", tenant=tenant, kind="private"))
    await gone.found([GUILD, OTHER], account=BOT)
    await gone.found([], account="another-bot")
    before = await talk.facts(DORA)
    await gone.found([GUILD], account=BOT)
    missing = await talk.facts(DORA)
    await gone.found([GUILD, OTHER], account=BOT)

    assert (len(before), missing) == (2, ["location: Porto"])
    assert len(await talk.facts(DORA)) == 2


async def test_a_start_without_changes_changes_nothing(talk: Talk, gone: Departures) -> None:
    """Finding the same tenants again asks nobody anew."""
    await agrees(talk, DORA)
    await gone.found([GUILD], account=BOT)
    for _ in range(3):
        await gone.found([GUILD], account=BOT)

    assert (await decision(talk, DORA)).state == "on"


async def test_a_process_that_dies_in_the_middle_goes_on(talk: Talk, gone: Departures) -> None:
    """What was not frozen when the process died is frozen by the next sweep, and thawed likewise."""
    one = dataclasses.replace(ANA, id="u3")
    await agrees(talk, one)
    await learns(talk, one, "Lisbon")
    await talk.store.write(partial(origins.leave_tenant, tenant=TENANT, now=talk.clock.now()))
    interrupted = await talk.facts(one)
    await gone.sweep()
    resumed = await talk.facts(one)
    await talk.store.write(partial(origins.enter_tenant, tenant=TENANT, now=talk.clock.now()))
    await gone.sweep()

    assert (interrupted, resumed, await talk.facts(one)) == (["location: Lisbon"], [], ["location: Lisbon"])


class Meanwhile:
    """See `bot.store.engine.Store`. Something happens right after its first write."""

    def __init__(self, store: SqliteStore, happens: Callable[[], Awaitable[object]]) -> None:
        self.read, self.scrub, self.compact, self.close = store.read, store.scrub, store.compact, store.close
        self._write = store.write
        self._happens = [happens]

    async def write(self, unit: Unit[T]) -> T:
        done = await self._write(unit)
        while self._happens:
            await self._happens.pop()()
        return done


async def test_a_tenant_that_is_back_during_its_purge_keeps_the_rest(talk: Talk, gone: Departures) -> None:
    """An install in the last minute ends the purge where it is."""
    await agrees(talk, ANA)
    await learns(talk, ANA, "Lisbon")
    await gone.removed(TENANT)
    talk.clock.advance(hours=72)
    back = Meanwhile(talk.store, partial(gone.installed, TENANT, account=BOT))
    terms = Terms(schema=SCHEMA, default="ask")
    await Departures(store=back, terms=terms, lives=LIVES, clock=talk.clock).sweep()

    assert {"member", "message", "conversation"} <= set(await stored(talk.store, TENANT))
    assert (await decision(talk, ANA)).state == "off"


@pytest.mark.parametrize("text", ["hello", "persona show"])
async def test_what_comes_from_a_tenant_that_is_gone_is_not_taken_in(
    database: Path, clock: StillClock, text: str
) -> None:
    """A message that was on its way when we were removed is neither stored nor answered, nor is a command."""
    async with wiring.open_core(settings.load(database_url=f"sqlite:///{database}"), clock=clock) as core:
        await core.departures.removed(TENANT)
        message = Message(id=MessageId("1"), room=room(), author=ANA, text=text, said_at=clock.now())

        assert not await core.intake.accept(message)
        assert await core.intake.recover() == 0
        rows = await core.store.read(lambda transaction: transaction.fetch("SELECT key FROM inbox"))
        assert rows == []


# -- rooms ------------------------------------------------------------------------------------------------------------

CABIN = room("P1", kind="private")


async def test_a_closed_room_rests_and_is_erased(talk: Talk, gone: Departures) -> None:
    """What only its readers knew is used no more, and erased with what was said there after thirty days."""
    await agrees(talk, ANA)
    await learns(talk, ANA, "Lisbon", CABIN)
    await talk.says(ANA, "never learned", CABIN)
    await gone.closed(CABIN)
    resting = await talk.facts(ANA)
    talk.clock.advance(days=29)
    early = [await gone.sweep(), (await talk.learning().sweep()).sessions]
    talk.clock.advance(days=1)

    assert (resting, early) == ([], [0, 0])
    assert await gone.sweep() == 1
    assert await stored(talk.store, "P1") == await stored(talk.store, "P1", but=()) == []
    assert await stored(talk.store, "Lisbon") == []
    assert (await decision(talk, ANA)).state == "on"


async def test_what_was_said_in_public_outlives_its_room(talk: Talk, gone: Departures) -> None:
    """A fact that every member of the tenant may know does not rest with the channel it was said in."""
    await agrees(talk, ANA)
    await learns(talk, ANA, "Lisbon", room("C1"))
    await gone.closed(room("C1"))
    talk.clock.advance(days=31)
    await gone.sweep()

    assert await talk.facts(ANA) == ["location: Lisbon"]


async def test_an_opened_room_is_as_it_was(talk: Talk, gone: Departures) -> None:
    """With a room that opens again comes back what was known there, and what was not learned yet is learned."""
    await agrees(talk, ANA)
    await learns(talk, ANA, "Lisbon", CABIN)
    await talk.says(ANA, "more to learn", CABIN)
    await gone.closed(CABIN)
    talk.clock.advance(days=29)
    await gone.opened(CABIN)
    talk.clock.advance(days=2)
    erased = await gone.sweep()

    assert erased == 0
    assert await talk.facts(ANA) == ["location: Lisbon"]
    assert (await talk.learning().sweep()).sessions == 1


async def test_a_room_nobody_spoke_in_leaves_no_trace(talk: Talk, gone: Departures) -> None:
    """Most channels of a workspace have nothing to do with us: their closing is not remembered."""
    await gone.closed(CABIN)

    assert await stored(talk.store, "P1", but=()) == []


async def test_a_thread_is_found_without_its_channel(talk: Talk, gone: Departures) -> None:
    """Discord names a thread alone when it is deleted: what was said in it rests, and the channel goes on."""
    channel, thread = room("P1", kind="private"), room("P1", thread="9", kind="private")
    await agrees(talk, ANA)
    await learns(talk, ANA, "Lisbon", channel)
    talk.model.updates.append(proposes(("add", "tools", "Vim", "m1", "I use Vim")))
    await talk.says(ANA, "I use Vim", thread)
    talk.clock.advance(hours=1)
    await talk.learning().sweep()
    await gone.closed(room("9", kind="external"))

    assert await talk.facts(ANA) == ["location: Lisbon"]


async def test_what_is_being_learned_when_a_room_closes_is_not_kept(talk: Talk, gone: Departures) -> None:
    """A late answer about a closed room finds that somebody else has it."""
    await agrees(talk, ANA)
    talk.model = Interrupted(lambda: gone.closed(CABIN), LISBON)
    await talk.says(ANA, "I live in Lisbon", CABIN)
    talk.clock.advance(hours=1)
    swept = await talk.learning().sweep()

    assert (swept.operations, await talk.facts(ANA)) == (0, [])


# -- members ----------------------------------------------------------------------------------------------------------


async def test_who_left_rests_and_is_erased(talk: Talk, gone: Departures) -> None:
    """A member who left is neither read nor learned from, and after thirty days nothing of them is left but a fence."""
    await agrees(talk, ANA, BO)
    await learns(talk, ANA, "Lisbon")
    await talk.says(ANA, "more words")
    await gone.left(ANA)
    paused = await decision(talk, ANA)
    talk.clock.advance(days=30)
    early = await gone.sweep()
    talk.clock.advance(seconds=1)

    assert (paused.state, early) == ("paused", 0)
    assert await gone.sweep() == 1
    assert await stored(talk.store, "'ana'") == ["fence"]
    assert await stored(talk.store, "Lisbon") == []
    assert (await decision(talk, BO)).state == "on"


async def test_a_stranger_who_leaves_leaves_no_trace(talk: Talk, gone: Departures) -> None:
    """Of somebody we never met nothing is noted, not even that they left."""
    await gone.left(ANA)

    assert await stored(talk.store, "ana") == []


async def test_a_no_stays_a_no(talk: Talk, gone: Departures) -> None:
    """Who withdrew and left is not asked again when they are back, however late."""
    await agrees(talk, ANA, state="withdrawn")
    await gone.left(ANA)
    talk.clock.advance(days=31)
    await gone.sweep()

    assert (await decision(talk, ANA)).state == "withdrawn"


async def seen(talk: Talk, who: Member, *, is_asked: bool = True) -> None:
    await talk.store.write(partial(departures.seen, member=who.key, now=talk.clock.now(), is_asked=is_asked))


async def test_who_is_back_in_time_is_asked_first(talk: Talk, gone: Departures) -> None:
    """Speaking is not agreeing: what rests goes on resting until they click, and is kept with a yes alone."""
    await agrees(talk, ANA, BO)
    await learns(talk, ANA, "Lisbon")
    await learns(talk, BO, "Oslo")
    for who in (ANA, BO):
        await gone.left(who)
    talk.clock.advance(days=10)
    for who in (ANA, BO):
        await seen(talk, who)
    asked = [(await decision(talk, who)).state for who in (ANA, BO)]
    await agrees(talk, ANA)
    talk.clock.advance(days=21)
    erased = await gone.sweep()

    assert (asked, erased) == (["off", "off"], 1)
    assert (await talk.facts(ANA), await talk.facts(BO)) == (["location: Lisbon"], [])


async def test_where_nobody_is_asked_who_is_back_stays_paused(talk: Talk) -> None:
    """Where remembering is on by default, a return does not switch it on by itself."""
    gone = hearing(talk, "on")
    await seen(talk, ANA, is_asked=False)
    await gone.left(ANA)
    await seen(talk, ANA, is_asked=False)

    assert (await decision(talk, ANA)).state == "paused"


async def test_a_year_of_silence_is_a_departure(talk: Talk, gone: Departures) -> None:
    """A member who says nothing for a year rests, and is erased thirty days later; who spoke meanwhile is not."""
    for who in (ANA, BO):
        await seen(talk, who)
    await agrees(talk, ANA, BO)
    await learns(talk, ANA, "Lisbon")
    talk.clock.advance(days=300)
    await seen(talk, BO)
    talk.clock.advance(days=64)
    early = (await gone.sweep(), (await decision(talk, ANA)).state)
    talk.clock.advance(days=2)
    await gone.sweep()
    states = [(await decision(talk, who)).state for who in (ANA, BO)]
    talk.clock.advance(days=31)

    assert (early, states) == ((0, "on"), ["paused", "on"])
    assert await gone.sweep() == 1
    assert await talk.facts(ANA) == []


async def test_members_of_before_are_not_silent(talk: Talk, gone: Departures) -> None:
    """Of whom it was never noted when they spoke, the year begins now."""
    talk.clock.advance(days=-800)
    await agrees(talk, ANA)
    talk.clock.advance(days=800)
    await gone.sweep()
    talk.clock.advance(days=300)
    await gone.sweep()

    assert (await decision(talk, ANA)).state == "on"


async def test_a_decision_is_a_sign_of_life(talk: Talk, gone: Departures) -> None:
    """Who decided something within the year is not silent, whatever they said."""
    await seen(talk, ANA)
    talk.clock.advance(days=364)
    await agrees(talk, ANA)
    talk.clock.advance(days=10)
    await gone.sweep()

    assert (await decision(talk, ANA)).state == "on"


async def test_a_day_of_talk_is_one_note(talk: Talk) -> None:
    """When somebody spoke is noted to the day: a busy member does not cost a write a message."""
    await seen(talk, ANA)
    noted = await talk.store.read(lambda transaction: transaction.fetch("SELECT seen_at FROM member"))
    talk.clock.advance(hours=23)
    await seen(talk, ANA)
    same = await talk.store.read(lambda transaction: transaction.fetch("SELECT seen_at FROM member"))
    talk.clock.advance(hours=2)
    await seen(talk, ANA)
    later = await talk.store.read(lambda transaction: transaction.fetch("SELECT seen_at FROM member"))

    assert [row["seen_at"] for row in noted] == [row["seen_at"] for row in same]
    assert [row["seen_at"] for row in later] != [row["seen_at"] for row in same]


# -- retention --------------------------------------------------------------------------------------------------------


async def test_the_operator_sets_how_long_replies_are_kept(talk: Talk) -> None:
    """A reply that is shown goes after the life it was given."""
    await talk.says(ANA, "hello")

    async def settle(transaction: Transaction) -> None:
        await transaction.execute("UPDATE inbox SET settled_at = :now", now=int(talk.clock.now().timestamp() * 1e6))
        await transaction.execute(
            "INSERT INTO outbox (tenant, answer, part, text, state, post)"
            " SELECT tenant, answer, 0, 'reply', 'sent', '1' FROM inbox"
        )

    await talk.store.write(settle)
    erase = partial(retention.erase_old, message_life=timedelta(days=3), reply_life=timedelta(hours=1))
    early = await talk.store.write(partial(erase, now=talk.clock.now() + timedelta(minutes=59)))
    late = await talk.store.write(partial(erase, now=talk.clock.now() + timedelta(minutes=61)))

    assert (early, late) == (0, 1)
