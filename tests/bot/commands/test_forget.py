"""`/persona forget`: a field, or everything, is gone for good, and only for the member who asks."""

from __future__ import annotations

import pytest

from bot.messages import Member
from bot.store.sqlite import SqliteStore
from tests.bot.commands.members import ANA, BEN, DAY, NAMESAKE, commands, texts, told
from tests.clock import NOON, StillClock


async def test_a_field_is_forgotten_with_its_past(store: SqliteStore, clock: StillClock) -> None:
    """Every value of the field goes, earlier ones too; the other fields stay; the member hears what went."""
    await told(store, ANA, "location", "Oslo", at=NOON - DAY)
    await told(store, ANA, "location", "Lisbon")
    await told(store, ANA, "tools", "Vim")
    used = commands(store, clock)
    view = await used.run("forget location", ANA)

    assert all(word in view.text for word in ("location", "1 fact", "1 earlier value"))
    assert texts(await used.run("show", ANA)) == ["tools: Vim"]


@pytest.mark.parametrize("words", ["all", "ALL", "everything", "Everything"])
async def test_everything_is_forgotten(store: SqliteStore, clock: StillClock, words: str) -> None:
    """One word removes all of it."""
    for field, value in (("location", "Lisbon"), ("tools", "Vim"), ("tools", "Emacs"), ("tone", "formal")):
        await told(store, ANA, field, value)
    used = commands(store, clock)
    view = await used.run(f"forget {words}", ANA)

    assert "everything" in view.text
    assert "4 facts" in view.text
    assert "nothing about you" in (await used.run("show", ANA)).text


@pytest.mark.parametrize("words", ["answer_length", "answer length", "Answer-Length", " ANSWER  LENGTH "])
async def test_a_field_is_found_however_it_is_spelled(store: SqliteStore, clock: StillClock, words: str) -> None:
    """A member names a field as they see it."""
    await told(store, ANA, "answer_length", "short")
    used = commands(store, clock)
    await used.run(f"forget {words}", ANA)

    assert texts(await used.run("show", ANA)) == []


@pytest.mark.parametrize("other", [BEN, NAMESAKE])
@pytest.mark.parametrize("words", ["all", "location"])
async def test_only_ones_own_facts_can_be_forgotten(
    store: SqliteStore, clock: StillClock, words: str, other: Member
) -> None:
    """What another member told is out of reach, however alike their ids are."""
    await told(store, ANA, "location", "Lisbon")
    used = commands(store, clock)
    view = await used.run(f"forget {words}", other)

    assert "nothing to forget" in view.text
    assert texts(await used.run("show", ANA)) == ["location: Lisbon"]


@pytest.mark.parametrize("words", ["all", "location"])
async def test_forgetting_nothing_is_said_to_be_nothing(store: SqliteStore, clock: StillClock, words: str) -> None:
    """Who asks to forget what is not there, or a second time, is told that it is not there."""
    await told(store, ANA, "location", "Lisbon")
    used = commands(store, clock)
    first, second = await used.run(f"forget {words}", ANA), await used.run(f"forget {words}", ANA)

    assert "nothing to forget" not in first.text
    assert "nothing to forget" in second.text
    assert [("My copies of your messages" in view.text) for view in (first, second)] == [words == "all"] * 2


async def test_what_only_was_is_forgotten_too(store: SqliteStore, clock: StillClock) -> None:
    """A field that holds nothing any more still has a past, which goes as well."""
    await told(store, ANA, "tools", "Vim", at=NOON - DAY)
    await told(store, ANA, "tools", "Vim", op="remove")
    used = commands(store, clock)
    view = await used.run("forget tools", ANA)

    assert "1 earlier value" in view.text
    assert texts(await used.run("show", ANA)) == []


async def test_what_is_said_afterwards_counts(store: SqliteStore, clock: StillClock) -> None:
    """A member is told that what they said so far cannot come back; what they say from now on can."""
    await told(store, ANA, "location", "Lisbon")
    used = commands(store, clock)
    view = await used.run("forget location", ANA)
    clock.advance(days=1)
    await told(store, ANA, "location", "Oslo", at=clock.now())

    assert "cannot teach" in view.text
    assert texts(await used.run("show", ANA)) == ["location: Oslo"]


async def test_a_pause_does_not_stand_in_the_way(store: SqliteStore, clock: StillClock) -> None:
    """Whether something is being learned or not, it can be forgotten."""
    await told(store, ANA, "location", "Lisbon")
    used = commands(store, clock)
    await used.run("pause", ANA)
    await used.run("forget all", ANA)

    assert texts(await used.run("show", ANA)) == []


@pytest.mark.parametrize("words", ["", "   "])
async def test_without_words_the_choices_are_named(store: SqliteStore, clock: StillClock, words: str) -> None:
    """Forgetting without saying what forgets nothing, and says what can be forgotten."""
    await told(store, ANA, "location", "Lisbon")
    used = commands(store, clock)
    view = await used.run(f"forget {words}", ANA)

    assert "Which field?" in view.text
    assert all(word in view.text for word in ("/persona forget all", "location", "answer length"))
    assert texts(await used.run("show", ANA)) == ["location: Lisbon"]


@pytest.mark.parametrize("words", ["shoe size", "al", "all of it", "*", "%", "' OR 1=1 --"])
async def test_a_field_that_is_none_forgets_nothing(store: SqliteStore, clock: StillClock, words: str) -> None:
    """A name that is no field is repeated, with the choices, and nothing goes."""
    await told(store, ANA, "location", "Lisbon")
    used = commands(store, clock)
    view = await used.run(f"forget {words}", ANA)

    assert words in view.text
    assert "location" in view.text
    assert texts(await used.run("show", ANA)) == ["location: Lisbon"]
