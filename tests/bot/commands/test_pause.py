"""`/persona pause` and `/persona resume`: a member stops being remembered, and goes on, when they like."""

from __future__ import annotations

from functools import partial

import pytest

from bot import consent
from bot.consent import Default
from bot.store import members
from bot.store.sqlite import SqliteStore
from tests.bot.commands.members import ANA, BEN, commands
from tests.clock import NOON, StillClock


async def decision(store: SqliteStore) -> members.Consent:
    """What Ana decided."""
    return await store.read(partial(members.consent, member=ANA.key))


@pytest.mark.parametrize("default", ["on", "ask"])
async def test_a_pause_stops_learning_and_using(store: SqliteStore, clock: StillClock, default: Default) -> None:
    """From the pause on nothing is learned and nothing used, and the member hears how to go on."""
    used = commands(store, clock, default=default)
    await used.press("consent:on", ANA)
    view = await used.run("pause", ANA)

    assert not consent.is_on(await decision(store), default)
    assert "/persona resume" in view.text


@pytest.mark.parametrize("default", ["on", "ask"])
async def test_going_on_begins_with_what_is_said_next(store: SqliteStore, clock: StillClock, default: Default) -> None:
    """After a pause what was said in it stays unlearned; what is said from then on is learned."""
    used = commands(store, clock, default=default)
    await used.press("consent:on", ANA)
    await used.run("pause", ANA)
    clock.advance(hours=2)
    view = await used.run("resume", ANA)

    assert "from now on" in view.text
    assert not consent.covers(await decision(store), default, NOON)
    assert consent.covers(await decision(store), default, clock.now())


@pytest.mark.parametrize("default", ["on", "ask"])
async def test_each_decides_for_themself(store: SqliteStore, clock: StillClock, default: Default) -> None:
    """One member's pause is nobody else's."""
    used = commands(store, clock, default=default)
    await used.press("consent:on", ANA)
    await used.press("consent:on", BEN)
    await used.run("pause", BEN)

    assert consent.is_on(await decision(store), default)


async def test_resuming_what_was_never_off_changes_nothing(store: SqliteStore, clock: StillClock) -> None:
    """Who goes on without a pause keeps what was said before as learnable as it was."""
    view = await commands(store, clock).run("resume", ANA)

    assert "already" in view.text
    assert await decision(store) == members.Consent()


@pytest.mark.parametrize("default", ["ask", "off"])
async def test_there_must_be_something_to_pause(store: SqliteStore, clock: StillClock, default: Default) -> None:
    """Where nothing is being remembered, a pause is said to be needless, and the decision stays open."""
    view = await commands(store, clock, default=default).run("pause", ANA)

    assert "nothing to pause" in view.text
    assert (await decision(store)).state == "off"


async def test_pausing_twice_is_one_pause(store: SqliteStore, clock: StillClock) -> None:
    """A second pause changes nothing."""
    used = commands(store, clock)
    await used.run("pause", ANA)
    clock.advance(hours=1)
    await used.run("pause", ANA)

    assert await decision(store) == members.Consent(state="paused", since=NOON)


async def test_resuming_is_agreeing(store: SqliteStore, clock: StillClock) -> None:
    """Who was never asked, or declined, is remembered once they say so."""
    used = commands(store, clock, default="ask")
    await used.press("consent:withdrawn", ANA)
    await used.run("resume", ANA)

    assert (await decision(store)).state == "on"


async def test_an_operator_who_switched_it_off_is_not_overruled(store: SqliteStore, clock: StillClock) -> None:
    """Where remembering is off for everybody, resuming says so and decides nothing."""
    view = await commands(store, clock, default="off").run("resume", ANA)

    assert "off for everybody" in view.text
    assert (await decision(store)).state == "off"


@pytest.mark.parametrize("words", ["please", "all", "location"])
async def test_words_after_the_verb_do_not_matter(store: SqliteStore, clock: StillClock, words: str) -> None:
    """Who adds a word to a verb that takes none gets what the verb does."""
    used = commands(store, clock)
    await used.run(f"pause {words}", ANA)
    assert (await decision(store)).state == "paused"

    await used.run(f"resume {words}", ANA)

    assert (await decision(store)).state == "on"
