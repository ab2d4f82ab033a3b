"""All verbs and all buttons: found however they are typed, and harmless whoever presses what."""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot import consent, errors
from bot.commands.registry import COMMANDS
from bot.messages import Member
from bot.store import members
from bot.store.sqlite import SqliteStore
from tests.bot.commands.members import ANA, BEN, commands, everything, texts, told
from tests.clock import NOON, StillClock


async def state(store: SqliteStore, member: Member = ANA) -> members.ConsentState:
    """What a member decided."""
    return (await store.read(partial(members.consent, member=member.key))).state


# -- help -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["", "  ", "\n", "\u00a0", "help", "HELP", "help me"])
async def test_help_lists_every_command(store: SqliteStore, clock: StillClock, words: str) -> None:
    """Without words, or asked for, help names every command as it is typed, with what it does."""
    view = await commands(store, clock).run(words, ANA)

    shown = [(line.text, line.note) for section in view.sections for line in section.lines]
    assert shown == [(f"/persona {command.usage}", command.summary) for command in COMMANDS.values()]
    assert "Only you" in view.footer


def test_every_command_can_be_typed_and_understood() -> None:
    """Each verb is one word in lower case, its usage begins with it, and its summary says something."""
    for name, command in COMMANDS.items():
        assert name == command.name == command.usage.split(" ", maxsplit=1)[0] == name.casefold()
        assert command.summary
        assert bool(command.words) == (" " in command.usage)


# -- what is typed ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "show location",
        "SHOW location",
        "Show Location",
        "  show   location  ",
        "show\tlocation",
        "show\u00a0location",
        "\u00a0show\u2003location\u00a0",
        "show\nlocation",
        "show\u3000LOCATION",
    ],
)
async def test_a_verb_is_known_however_it_is_typed(store: SqliteStore, clock: StillClock, words: str) -> None:
    """Case and every kind of space, also the hard ones that phones insert, make no difference."""
    await told(store, ANA, "location", "Lisbon")
    await told(store, ANA, "tools", "Vim")

    assert texts(await commands(store, clock).run(words, ANA)) == ["location: Lisbon"]


@pytest.mark.parametrize(
    "words", ["dance", "shows", "forget-all", "/persona show", "“show”", "💃", "show,", "'; DROP TABLE fact"]
)
async def test_a_verb_that_is_none_shows_those_there_are(store: SqliteStore, clock: StillClock, words: str) -> None:
    """What is no command is repeated, beside everything that is one, and changes nothing."""
    await told(store, ANA, "location", "Lisbon")
    used = commands(store, clock)
    view = await used.run(words, ANA)

    assert words.split(maxsplit=1)[0] in view.text
    assert all(f"/persona {command.usage}" in texts(view) for command in COMMANDS.values())
    assert texts(await used.run("show", ANA)) == ["location: Lisbon"]


WORDS = st.sampled_from(
    [*COMMANDS, "location", "all", "answer", "length", " ", "\u00a0", "_", "\x00", "\ud800", "“", "<!here>"]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WORDS | st.text(max_size=8), max_size=6).map(" ".join))
@example("forget \ud800")
async def test_no_words_are_too_strange(store: SqliteStore, clock: StillClock, words: str) -> None:
    """Whatever is typed, something honest is shown."""
    view = await commands(store, clock).run(words, ANA)

    assert view.text


# -- what is pressed --------------------------------------------------------------------------------------------------


async def test_agreeing_and_declining_are_kept(store: SqliteStore, clock: StillClock) -> None:
    """Both buttons of the notice decide, the last one pressed counts, and each says how to change one's mind."""
    used = commands(store, clock, default="ask")
    agreed = await used.press("consent:on", ANA)
    assert await state(store) == "on"
    declined = await used.press("consent:withdrawn", ANA)
    assert await state(store) == "withdrawn"

    assert "/persona pause" in agreed.text
    assert "/persona resume" in declined.text


async def test_a_no_to_a_notice_of_long_ago(store: SqliteStore, clock: StillClock) -> None:
    """Whoever is remembered and says no where they were once asked has everything erased, from every backup too."""
    await told(store, ANA, "location", "Lisbon")
    await told(store, BEN, "location", "Porto")
    shown = await commands(store, clock, default="ask").press("consent:declined", ANA)

    assert "copies of your messages to me" in shown.text
    assert await state(store) == "withdrawn"
    assert await store.read(lambda transaction: transaction.key_owners(ANA.tenant, most=9)) == [BEN.key]


@pytest.mark.parametrize("button", consent.notice("en").buttons, ids=lambda button: button.action)
async def test_every_button_of_the_notice_does_something(store: SqliteStore, clock: StillClock, button: object) -> None:
    """No button we show is one from an older version."""
    action = next(shown.action for shown in consent.notice("en").buttons if shown == button)
    view = await commands(store, clock, default="ask").press(action, ANA)

    assert "older version" not in view.text
    assert await state(store) != "off"


@pytest.mark.parametrize(
    "action", ["", "consent", "consent:", "consent:off", "CONSENT:ON", "dance:abc", "x" * 300, "\ud800"]
)
async def test_a_button_of_another_version_does_nothing(store: SqliteStore, clock: StillClock, action: str) -> None:
    """A button we do not know, or no longer, is said to be old, and decides nothing."""
    view = await commands(store, clock, default="ask").press(action, ANA)

    assert "older version" in view.text
    assert "/persona help" in view.text
    assert await state(store) == "off"


async def test_a_button_is_about_whoever_presses_it(store: SqliteStore, clock: StillClock) -> None:
    """A button that was shown to one member decides for the member who pressed it, and nobody else."""
    used = commands(store, clock, default="ask")
    await used.press("consent:on", ANA)
    await used.press("consent:withdrawn", BEN)

    assert (await state(store), await state(store, BEN)) == ("on", "withdrawn")


async def test_a_button_pressed_twice_is_pressed_once(store: SqliteStore, clock: StillClock) -> None:
    """Pressing again says that it is so already, and does not move the day from which things are learned."""
    used = commands(store, clock, default="ask")
    await used.press("consent:on", ANA)
    clock.advance(days=1)
    view = await used.press("consent:on", ANA)

    assert "already" in view.text
    assert (await store.read(partial(members.consent, member=ANA.key))).since == NOON


async def test_an_old_yes_does_not_overrule_the_operator(store: SqliteStore, clock: StillClock) -> None:
    """A notice from before remembering was switched off agrees to nothing any more."""
    view = await commands(store, clock, default="off").press("consent:on", ANA)

    assert "off for everybody" in view.text
    assert await state(store) == "off"


async def test_an_old_no_is_honest_about_what_is_kept(store: SqliteStore, clock: StillClock) -> None:
    """Who declines after having agreed for a while is not told that nothing is remembered while something is."""
    used = commands(store, clock, default="ask")
    await used.press("consent:on", ANA)
    await told(store, ANA, "location", "Lisbon")
    view = await used.press("consent:withdrawn", ANA)
    kept = texts(await used.run("show", ANA))

    assert kept == [] or "nothing about you" not in view.text


async def test_an_old_no_stops_using_what_is_kept(store: SqliteStore, clock: StillClock) -> None:
    """Declining later stops both learning and using, at once."""
    used = commands(store, clock, default="ask")
    await used.press("consent:on", ANA)
    await used.press("consent:withdrawn", ANA)

    decided = await store.read(partial(members.consent, member=ANA.key))
    assert not consent.is_on(decided, "ask")
    assert not consent.is_to_be_asked(decided, "ask")


# -- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["show", "forget all", "pause", "resume"])
async def test_a_database_that_fails_is_one_of_our_errors(
    store: SqliteStore, database: Path, clock: StillClock, words: str
) -> None:
    """When the notes cannot be read, whoever draws the view gets an error with a sentence for the member."""
    with sqlite3.connect(database) as other:
        for table in ("fact", "operation", "member"):
            other.execute(f"DROP TABLE {table}")
    other.close()

    with pytest.raises(errors.StoreError) as caught:
        await commands(store, clock).run(words, ANA)
    assert "notes" in caught.value.for_member


async def test_help_needs_no_database(store: SqliteStore, clock: StillClock) -> None:
    """What there is can be listed even when the notes cannot be reached."""
    await store.close()

    assert "/persona show" in everything(await commands(store, clock).run("help", ANA))
