"""`/persona observe`: whether a member may be learned from beyond what they say, and what goes when they may not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.messages import Member
from bot.store.sqlite import SqliteStore
from tests.bot.commands.members import ANA, BEN, DAY, NAMESAKE, commands, texts, told
from tests.clock import NOON, StillClock


async def noticed(store: SqliteStore, member: Member, field: str, value: str) -> None:
    """Let three sessions have shown something of a member."""
    for day in range(3):
        await told(store, member, field, value, at=NOON - day * DAY, observed=True)


@pytest.mark.parametrize("words", ["observe", "observe  ", "observe please", "observe onn"])
async def test_without_a_choice_it_says_how_it_is(store: SqliteStore, clock: StillClock, words: str) -> None:
    """Who only asks is told how it is, what that means and how to change it; nothing is changed."""
    used = commands(store, clock)
    at_first = await used.run(words, ANA)
    await used.run("observe off", ANA)
    later = await used.run(words, ANA)

    assert "/persona observe off" in at_first.text
    assert "/persona observe on" in later.text
    assert "only what you tell me" in later.text


@pytest.mark.parametrize("words", ["off", "OFF", "Off", "  off "])
async def test_switching_off_forgets_what_was_only_seen(store: SqliteStore, clock: StillClock, words: str) -> None:
    """What the member never said goes, with its evidence; what they said stays; they hear how much went."""
    await told(store, ANA, "location", "Lisbon")
    await noticed(store, ANA, "answer_length", "short")
    used = commands(store, clock)
    before = texts(await used.run("show", ANA))
    view = await used.run(f"observe {words}", ANA)

    assert before == ["location: Lisbon", "answer length: short"]
    assert "1 thing" in view.text
    assert texts(await used.run("show", ANA)) == ["location: Lisbon"]
    rows = await store.read(lambda transaction: transaction.fetch("SELECT operation FROM evidence"))
    assert len(rows) == 1


async def test_what_was_said_as_well_as_seen_stays(store: SqliteStore, clock: StillClock) -> None:
    """A value that the member stated is theirs, whatever was noticed besides."""
    await noticed(store, ANA, "answer_length", "short")
    await told(store, ANA, "answer_length", "short", at=NOON + timedelta(minutes=1))
    clock.advance(hours=1)
    used = commands(store, clock)
    await used.run("observe off", ANA)

    assert texts(await used.run("show", ANA)) == ["answer length: short"]


@pytest.mark.parametrize("other", [BEN, NAMESAKE])
async def test_each_decides_for_themself(store: SqliteStore, clock: StillClock, other: Member) -> None:
    """One member's decision takes nothing from another, however alike their ids are."""
    await noticed(store, ANA, "answer_length", "short")
    used = commands(store, clock)
    view = await used.run("observe off", other)

    assert "forgot" not in view.text
    assert texts(await used.run("show", ANA)) == ["answer length: short"]
    assert "/persona observe off" in (await used.run("observe", ANA)).text


async def test_switching_on_again_brings_nothing_back(store: SqliteStore, clock: StillClock) -> None:
    """What was forgotten stays forgotten; from then on things may be noticed again."""
    await noticed(store, ANA, "answer_length", "short")
    used = commands(store, clock)
    await used.run("observe off", ANA)
    view = await used.run("observe on", ANA)

    assert "/persona observe off" in view.text
    assert texts(await used.run("show", ANA)) == []


@pytest.mark.parametrize("words", ["on", "off"])
async def test_saying_it_twice_changes_nothing(store: SqliteStore, clock: StillClock, words: str) -> None:
    """A second time the same is shown, and nothing more is forgotten."""
    used = commands(store, clock)
    views = [await used.run(f"observe {words}", ANA) for _ in range(2)]

    assert views[0] == views[1]


@pytest.mark.parametrize("words", ["on", "off"])
async def test_it_decides_nothing_about_consent(store: SqliteStore, clock: StillClock, words: str) -> None:
    """Who was not asked yet is still to be asked, and who agreed still agrees."""
    used = commands(store, clock, default="ask")
    await used.run(f"observe {words}", ANA)
    stranger = await used.run("show", ANA)
    await used.press("consent:on", ANA)
    await used.run(f"observe {words}", ANA)

    assert "Remembering is off" in stranger.text
    assert "off" not in (await used.run("show", ANA)).text


async def test_a_pause_keeps_the_choice(store: SqliteStore, clock: StillClock) -> None:
    """Pausing and going on does not switch noticing back on."""
    used = commands(store, clock)
    for words in ("observe off", "pause", "resume"):
        await used.run(words, ANA)

    assert "/persona observe on" in (await used.run("observe", ANA)).text
