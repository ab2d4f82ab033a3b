"""What an admin decides about remembering holds everywhere, for what runs already too; members keep what is theirs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import consent
from bot.consent import Default
from bot.store import rules
from tests.bot.commands.members import ANA, BEN, everything
from tests.bot.desk import TENANT, room
from tests.bot.hall import BOSS, Hall
from tests.bot.talk import LISBON, Interrupted
from tests.clock import StillClock

CLOSING = ("pause", "consent off")
OPENING = {"pause": "resume", "consent off": "consent ask"}


@pytest.fixture
async def hall(database: Path, clock: StillClock) -> AsyncIterator[Hall]:
    async with Hall.opened(database, clock) as hall:
        await hall.decides(ANA, "on")
        await hall.says(ANA, "I live in Lisbon")
        assert (await hall.learns(LISBON)).operations == 1
        yield hall


@pytest.mark.parametrize(
    ("one", "other", "stricter"),
    [("on", "on", "on"), ("on", "ask", "ask"), ("ask", "on", "ask"), ("ask", "off", "off"), ("off", "on", "off")],
)
def test_the_stricter_wins(one: Default, other: Default, stricter: Default) -> None:
    """Of two defaults the one holds that lets less be remembered."""
    assert rules.stricter(one, other) == stricter


@pytest.mark.parametrize("words", CLOSING)
async def test_nothing_is_used(hall: Hall, words: str) -> None:
    """Answers go on without a persona, and with it again once it is opened."""
    await hall.says(ANA, "Hello")
    before = hall.persona_in_prompt()
    await hall.rules(words)
    reply = await hall.says(ANA, "Hello again")
    during = hall.persona_in_prompt()
    await hall.rules(OPENING[words])
    await hall.says(ANA, "And again")

    assert "Lisbon" in str(before)
    assert during is None
    assert reply.startswith("Answer")
    assert hall.persona_in_prompt() == before


@pytest.mark.parametrize("words", CLOSING)
async def test_nothing_is_learned(hall: Hall, words: str) -> None:
    """What is said while it is closed is never learned, not even once it is opened; what is said later is."""
    await hall.rules(words)
    await hall.says(ANA, "I live in Porto", room("C2"))
    asked = len(hall.model.requests)
    assert (await hall.learns()).operations == 0
    await hall.says(ANA, "I live in Faro", room("C3"))
    await hall.rules(OPENING[words])
    assert (await hall.learns()).operations == 0
    await hall.says(ANA, "I live in Lisbon", room("C4"))

    assert len(hall.model.requests) == asked
    assert (await hall.learns(LISBON)).calls == 1


async def test_what_is_no_longer_asked_for_counts_from_then_on(hall: Hall) -> None:
    """Where members are asked first, what somebody said unasked is not learned once an admin asks no more."""
    await hall.rules("consent ask")
    await hall.says(BEN, "I live in Porto", room("C2"))
    await hall.rules("consent on")
    asked = len(hall.model.requests)
    await hall.learns()

    assert len(hall.model.requests) == asked
    await hall.says(BEN, "I live in Lisbon", room("C3"))
    assert (await hall.learns(LISBON)).operations == 1


@pytest.mark.parametrize("words", ["resume", "consent ask", "consent on"])
async def test_what_opens_nothing_loses_nothing(database: Path, clock: StillClock, words: str) -> None:
    """What was said just now is learned, if the decision lets nothing more be learned than before."""
    async with Hall.opened(database, clock, persona_consent="ask") as hall:
        await hall.decides(ANA, "on")
        await hall.rules("consent ask")
        await hall.says(ANA, "I live in Lisbon")
        await hall.rules(words)

        assert (await hall.learns(LISBON)).operations == 1


@pytest.mark.parametrize("words", CLOSING)
async def test_a_call_that_runs_already_keeps_nothing(database: Path, clock: StillClock, words: str) -> None:
    """What an admin decides while the model is asked counts for its answer."""
    opened: list[Hall] = []

    async def decides() -> None:
        await opened[0].rules(words)

    async with Hall.opened(database, clock, Interrupted(decides, LISBON)) as here:
        opened.append(here)
        await here.says(ANA, "I live in Lisbon")

        assert (await here.learns()).operations == 0
        assert len(here.model.requests) == 1
        assert await here.facts(ANA) == []


@pytest.mark.parametrize("words", CLOSING)
async def test_members_keep_what_is_theirs(hall: Hall, words: str) -> None:
    """A member still sees, exports and forgets what is kept, and reads who closed it; nothing new is entered."""
    await hall.rules(words)
    shown = await hall.asks(ANA, "show")
    added = await hall.asks(ANA, "add tools Vim")

    assert "Lisbon" in everything(shown)
    assert "for everybody here by an admin" in shown.text
    assert "by an admin, so I changed nothing" in added.text
    assert any("Lisbon" in file.text for file in (await hall.asks(ANA, "export")).files)
    assert "by an admin" in (await hall.asks(ANA, "resume")).text
    await hall.asks(ANA, "forget location")
    assert await hall.facts(ANA) == []


@pytest.mark.parametrize("words", CLOSING)
async def test_a_member_can_pause_while_it_is_closed(hall: Hall, words: str) -> None:
    """A member's own pause counts though there is nothing to pause just then, and outlives what an admin opens."""
    await hall.decides(BEN, "withdrawn")
    await hall.rules(words)
    shown = [(await hall.asks(who, "pause")).text for who in (ANA, BEN)]
    await hall.rules(OPENING[words])
    await hall.says(ANA, "Hello")

    assert [text.partition(".")[0] for text in shown] == [
        "Paused",
        "Remembering is not on, so there is nothing to pause",
    ]
    assert hall.persona_in_prompt() is None
    assert "Remembering is withdrawn" in (await hall.asks(BEN, "consent")).text


async def test_who_agreed_is_told_what_becomes_of_it(hall: Hall) -> None:
    """`/persona consent` says that a decision in favour rests, and counts again by itself; a no stays a no."""
    await hall.decides(BEN, "withdrawn")
    await hall.rules("consent off")

    assert "counts again once it is switched on" in (await hall.asks(ANA, "consent")).text
    assert "You said no" in (await hall.asks(BEN, "consent")).text
    await hall.rules("consent on")
    assert "Remembering is on, since" in (await hall.asks(ANA, "consent")).text
    assert "Remembering is withdrawn" in (await hall.asks(BEN, "consent")).text


async def test_other_tenants_are_as_before(hall: Hall) -> None:
    """A decision is about the tenant it is made in."""
    await hall.rules("consent off", room(tenant="slack:T1"))
    elsewhere = room(tenant="slack:T2")
    found = await hall.store.read(lambda transaction: consent.holding(transaction, elsewhere.tenant, "on"))

    assert found == consent.Holding(default="on")


@pytest.mark.parametrize("words", CLOSING)
async def test_nobody_is_asked(database: Path, clock: StillClock, words: str) -> None:
    """While it is closed no member gets the question; once it is opened they do."""
    async with Hall.opened(database, clock, persona_consent="ask") as hall:
        await hall.rules(words)
        await hall.says(ANA, "Hello")
        assert hall.slack.slipped == []
        await hall.rules(OPENING[words])
        await hall.says(ANA, "Hello again")

        assert [member for _, member, _ in hall.slack.slipped] == [ANA]


async def test_an_admin_cannot_loosen_what_the_operator_set(database: Path, clock: StillClock) -> None:
    """Where the installation asks, `on` still asks; where it is off, nothing is on; and the admin reads why."""
    async with Hall.opened(database, clock, persona_consent="ask") as hall:
        shown = await hall.rules("consent on")
        await hall.says(ANA, "I live in Lisbon")

        assert "What holds here is “ask”, as whoever runs me set it" in shown.text
        assert (await hall.learns()).calls == 0
    async with Hall.opened(database, clock, persona_consent="off") as hall:
        assert "PERSONA_CONSENT=off" in (await hall.rules("consent on")).text
        await hall.decides(ANA, "on")
        await hall.says(ANA, "Hello")
        assert hall.persona_in_prompt() is None


async def test_an_admin_can_ask_where_the_operator_does_not(hall: Hall) -> None:
    """Where the installation remembers everybody, a tenant may ask first."""
    await hall.says(BEN, "I live in Porto", room("C9"))
    await hall.rules("consent ask")

    assert (await hall.learns()).calls == 0
    await hall.says(BEN, "Hello", room("C9"))
    assert [member for _, member, _ in hall.slack.slipped] == [BEN]


async def test_it_outlives_a_restart(database: Path, clock: StillClock) -> None:
    """What was decided is stored."""
    async with Hall.opened(database, clock) as hall:
        await hall.rules("pause")
    async with Hall.opened(database, clock) as hall:
        found = await hall.store.read(lambda transaction: consent.holding(transaction, TENANT, "on"))

        assert found.closed_by == "pause"
        assert "is paused here" in (await hall.core.commands.administer("consent", BOSS, room=room())).text


async def test_who_is_back_is_asked_where_an_admin_wants_it(hall: Hall) -> None:
    """A member who left and speaks again is asked, though the installation would not ask; silence is a no in time."""
    await hall.rules("consent ask")
    await hall.core.departures.left(ANA)
    await hall.says(ANA, "Hello")
    asked = [member for _, member, _ in hall.slack.slipped]
    hall.clock.advance(days=31)
    await hall.core.departures.sweep()

    assert asked == [ANA]
    assert await hall.facts(ANA) == []


async def test_who_is_back_and_agreed_keeps_everything_while_it_is_closed(hall: Hall) -> None:
    """A pause for everybody is no departure: nobody who decided in favour is erased during it."""
    await hall.core.departures.left(ANA)
    await hall.says(ANA, "Hello")
    await hall.asks(ANA, "resume")
    await hall.rules("pause")
    hall.clock.advance(days=31)
    await hall.core.departures.sweep()

    assert await hall.facts(ANA) == ["location: Lisbon"]
