"""An admin's purge: what was said and learned in a tenant goes, nothing comes back, and nobody's no is lost."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.commands.administration import REFUSED
from bot.messages import Member
from bot.store import conversations, members, purging, rules, usage
from bot.store.engine import Store, T, Unit
from bot.store.purging import KEYS
from persona.freezing import Origin
from tests.bot.commands.members import ANA, BEN, NAMESAKE
from tests.bot.desk import DISCORD_ANA, TENANT, room
from tests.bot.hall import BOSS, Dear, Hall
from tests.bot.talk import LISBON, Interrupted, proposes
from tests.clock import NOON, StillClock
from tests.scan import as_said

GUILD = room("7", tenant="discord:41", kind="public")
OTHER_GUILD = room("8", tenant="discord:42", kind="public")
WORDS = "I live in Lisbon"


@pytest.fixture
async def hall(database: Path, clock: StillClock) -> AsyncIterator[Hall]:
    async with Hall.opened(database, clock, Dear()) as hall:
        await tells(hall, ANA)
        yield hall


async def tells(hall: Hall, who: Member, where: Any = None) -> None:
    await hall.says(who, WORDS, where)
    assert (await hall.learns(LISBON)).operations == 1


async def button(hall: Hall) -> str:
    """The action of the button that an admin is shown."""
    (found,) = (await hall.rules("purge")).buttons
    assert found.is_danger
    return found.action


async def stored(hall: Hall, needle: str) -> list[str]:
    """The tables in which a word stands anywhere."""

    async def look(transaction: Any) -> list[str]:
        rows = {name: await transaction.fetch(f"SELECT * FROM {name}") for name in KEYS}  # noqa: S608 - our names
        read = {name: [str(await as_said(transaction, name, row)) for row in found] for name, found in rows.items()}
        return [name for name, found in read.items() if any(needle in row for row in found)]

    return await hall.store.read(look)


async def test_nothing_goes_before_the_button(hall: Hall) -> None:
    """Typing alone erases nothing: it says what would go and what would stay."""
    shown = await hall.rules("purge")

    assert [section.title for section in shown.sections] == ["Goes", "Stays"]
    assert await hall.facts(ANA) == ["location: Lisbon"]
    assert ("admin", "purge") not in await hall.acts()


async def test_all_that_was_said_and_learned_goes(hall: Hall) -> None:
    """After the button no row holds a word, a value, or whom it was of; the file does not either."""
    await hall.asks(ANA, "add tools Vim")
    assert {"operation", "evidence", "message", "fact"} <= set(await stored(hall, "Lisbon"))
    shown = await hall.presses(await button(hall))

    assert shown.text == "It is gone."
    assert await hall.facts(ANA) == []
    assert [await stored(hall, word) for word in ("Lisbon", "Vim", "live in")] == [[], [], []]
    assert await stored(hall, ANA.id) in (["member"], [])
    assert (await hall.acts())[-1] == ("admin", "purge")
    assert "verifies" in (await hall.rules("audit")).text


async def test_members_decisions_stay(hall: Hall) -> None:
    """Who said no is not asked again, who agreed is learned from again, and what was forgotten stays forgotten."""
    await hall.decides(BEN, "withdrawn")
    await hall.decides(ANA, "on")
    await hall.asks(ANA, "forget location")
    await hall.presses(await button(hall))

    for who, state in ((BEN, "withdrawn"), (ANA, "on")):
        assert (await hall.store.read(partial(members.consent, member=who.key))).state == state
    assert "fence" in await stored(hall, ANA.id)


async def test_the_budget_is_not_reset(hall: Hall) -> None:
    """What was spent stays spent, though no longer for whom."""
    since = NOON.replace(day=1)
    before = await hall.store.read(partial(usage.totals, tenant=TENANT, since=since))
    await hall.presses(await button(hall))

    assert await hall.store.read(partial(usage.totals, tenant=TENANT, since=since)) == before
    assert "usage" not in await stored(hall, ANA.id)


async def test_talk_goes_on(hall: Hall) -> None:
    """Messages are answered and learned as before, and a post that is delivered again is still known."""
    old = await hall.accepts(ANA, "Hello")
    await hall.core.lanes.drained()
    await hall.presses(await button(hall))

    assert not await hall.core.intake.accept(old)
    assert (await hall.says(ANA, "Hello again")).startswith("Answer")
    await hall.learns()
    await tells(hall, ANA, room("C2"))
    assert await hall.facts(ANA) == ["location: Lisbon"]


async def test_a_call_that_runs_already_keeps_nothing(database: Path, clock: StillClock) -> None:
    """What a model was asked about before the purge is not learned after it."""
    opened: list[Hall] = []

    async def purges() -> None:
        await opened[0].presses(await button(opened[0]))

    async with Hall.opened(database, clock, Interrupted(purges, LISBON)) as hall:
        opened.append(hall)
        await hall.says(ANA, WORDS)
        await hall.learns()

        assert await hall.facts(ANA) == []
        assert await stored(hall, "Lisbon") == []


async def test_accounts_of_elsewhere_keep_what_they_said_elsewhere(hall: Hall) -> None:
    """On Discord a server's purge takes what was said on it; the same member's words on another server stay."""
    await tells(hall, DISCORD_ANA, GUILD)
    await hall.says(DISCORD_ANA, "I use Vim", OTHER_GUILD)
    await hall.learns(proposes(("add", "tools", "Vim", "m1", "I use Vim")))

    async def manages() -> bool:
        return True

    (shown,) = (await hall.core.commands.administer("purge", DISCORD_ANA, room=GUILD, is_admin=manages)).buttons
    await hall.core.commands.press(shown.action, DISCORD_ANA, room=GUILD, is_admin=manages)

    assert await hall.facts(DISCORD_ANA) == ["tools: Vim"]
    assert await hall.facts(ANA) == ["location: Lisbon"]


async def test_another_tenant_keeps_everything(hall: Hall) -> None:
    """Nothing of another workspace goes."""
    await tells(hall, NAMESAKE, room(tenant=NAMESAKE.tenant))
    await hall.presses(await button(hall))

    assert await hall.facts(NAMESAKE) == ["location: Lisbon"]


async def test_no_backup_shows_it(hall: Hall) -> None:
    """What a copy from before holds of the workspace's members opens no more; what it holds of others does."""
    await tells(hall, NAMESAKE, room(tenant=NAMESAKE.tenant))
    copy = await hall.store.read(copied)
    before = await hall.store.read(partial(readable, copy=copy))
    await hall.presses(await button(hall))

    assert before == {(TENANT, name) for name in SEALED} | {(NAMESAKE.tenant, name) for name in SEALED}
    assert await hall.store.read(partial(readable, copy=copy)) == {(NAMESAKE.tenant, name) for name in SEALED}


SEALED = ("message", "operation", "evidence", "fact")


async def copied(transaction: Any) -> dict[str, Any]:
    """All rows with words, as a backup of the database holds them."""
    return {name: await transaction.fetch(f"SELECT * FROM {name}") for name in SEALED}  # noqa: S608 - our names


async def readable(transaction: Any, *, copy: dict[str, Any]) -> set[tuple[str, str]]:
    """Of which tenants a copy shows where they live, and in which tables."""
    return {
        (row["tenant"], name)
        for name, found in copy.items()
        for row in found
        if "Lisbon" in str(await as_said(transaction, name, row))
    }


class Busy:
    """See `bot.store.engine.Store`; lets something happen before one of its writes, once it is told which."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.before: dict[int, Callable[[], Awaitable[object]]] = {}
        self.read, self.scrub, self.compact, self.close = store.read, store.scrub, store.compact, store.close

    async def write(self, unit: Unit[T]) -> T:
        self.before = {number - 1: happens for number, happens in self.before.items()}
        happens = self.before.pop(0, None)
        if happens is not None:
            await happens()
        return await self._store.write(unit)


@pytest.mark.parametrize("writes", range(1, 10))
async def test_what_arrives_meanwhile_is_readable(database: Path, clock: StillClock, writes: int) -> None:
    """A message that comes while it runs goes with the rest, or stays with every word; no row is left without a key."""
    async with Hall.opened(database, clock, Dear(), around=Busy) as hall:
        await tells(hall, ANA)
        action = await button(hall)
        assert isinstance(hall.store, Busy)
        hall.store.before[writes] = partial(hall.says, ANA, "I moved to Porto")
        await hall.presses(action)
        rows, opened = await hall.store.read(messages)

        assert hall.store.before == {}
        assert rows == opened
        assert (await hall.says(ANA, "Hello")).startswith("Answer")


async def messages(transaction: Any) -> tuple[int, int]:
    """How many messages are kept, and how many of them can be read."""
    rows = await transaction.fetch("SELECT * FROM message")
    return len(rows), len(await conversations.lines_from(transaction, rows))


# -- the button -------------------------------------------------------------------------------------------------------


async def test_somebody_else_presses_it(hall: Hall) -> None:
    """The button does nothing for a member, nor for another admin, nor in another workspace."""
    action = await button(hall)

    async def manages() -> bool:
        return True

    assert await hall.presses(action, ANA) == REFUSED
    other = await hall.core.commands.press(action, BEN, room=room(), is_admin=manages)
    elsewhere = await hall.core.commands.press(action, BOSS, room=room(tenant="slack:T2"), is_admin=manages)
    assert "shown to somebody else" in other.text
    assert "shown to somebody else" in elsewhere.text
    assert await hall.facts(ANA) == ["location: Lisbon"]


@pytest.mark.parametrize(("minutes", "left"), [(4.9, []), (5.1, ["location: Lisbon"])])
async def test_it_holds_for_five_minutes(hall: Hall, minutes: float, left: list[str]) -> None:
    """A button that was left standing does nothing."""
    action = await button(hall)
    hall.clock.advance(minutes=minutes)
    await hall.presses(action)

    assert await hall.facts(ANA) == left


async def test_it_works_once(hall: Hall) -> None:
    """A second press takes nothing of what was said since."""
    action = await button(hall)
    await hall.presses(action)
    hall.clock.advance(seconds=1)
    await hall.says(ANA, WORDS)

    assert "done already" in (await hall.presses(action)).text
    assert "message" in await stored(hall, "Lisbon")


async def test_two_presses_at_once_are_one(hall: Hall) -> None:
    """A button that is pressed twice, or while a sweep goes on with it, erases once and leaves one row."""
    action = await button(hall)
    first, second, _ = await asyncio.gather(hall.presses(action), hall.presses(action), hall.core.purging.sweep())

    assert (first.text, "done already" in second.text) == ("It is gone.", True)
    assert (await hall.acts()).count(("admin", "purge")) == len(["of the fact", "of the tenant"])


@pytest.mark.parametrize("change", ["moment", "seal", "junk"])
async def test_it_is_bound_to_its_act(hall: Hall, change: str) -> None:
    """A button whose moment or seal is another does nothing."""
    action = await button(hall)
    changed = {
        "moment": re.sub(r"\d{10,}", lambda found: str(int(found[0]) + 1), action),
        "seal": f"{action[:-1]}{'0' if action[-1] != '0' else '1'}",
        "junk": "admin:purge:²³.x",
    }[change]
    assert changed != action
    await hall.presses(changed)

    assert await hall.facts(ANA) == ["location: Lisbon"]


# -- a process that dies ----------------------------------------------------------------------------------------------


class DeadError(BaseException):
    """The process is gone."""


class Mortal:
    """See `bot.store.engine.Store`; dies after so many writes, once it is told how many."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.writes = -1
        self.read, self.scrub, self.compact, self.close = store.read, store.scrub, store.compact, store.close

    async def write(self, unit: Unit[T]) -> T:
        if self.writes == 0:
            raise DeadError
        self.writes -= 1
        return await self._store.write(unit)


@pytest.mark.parametrize("writes", range(1, 8))
async def test_a_purge_that_was_cut_short_is_finished(database: Path, clock: StillClock, writes: int) -> None:
    """However far it came before the process died, the next sweep ends it."""
    async with Hall.opened(database, clock, Dear(), around=Mortal) as hall:
        await tells(hall, ANA)
        action = await button(hall)
        assert isinstance(hall.store, Mortal)
        hall.store.writes = writes
        with pytest.raises(DeadError):
            await hall.presses(action)
    async with Hall.opened(database, clock, Dear()) as hall:
        assert await hall.store.read(rules.purging) == [TENANT]
        await hall.core.purging.sweep()

        assert await stored(hall, "Lisbon") == []
        assert await hall.store.read(rules.purging) == []
        assert (await hall.acts())[-1] == ("admin", "purge")


async def test_portions_end(hall: Hall) -> None:
    """A purge goes a few rows at a time, and nothing is left after the last portion."""
    for number in range(5):
        await hall.says(ANA, f"Hello {number}")
    purge = partial(purging.purge_personas, origin=Origin(tenant=TENANT), most=2)
    portions = [await hall.store.write(purge) for _ in range(12)]

    assert portions[0] > 0
    assert portions[-1] == 0
    assert await stored(hall, "Hello") == []
