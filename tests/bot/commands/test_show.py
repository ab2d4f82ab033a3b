"""`/persona show`: a member sees everything that is remembered of them, since when, from where, and who may know."""

from __future__ import annotations

import pytest

from bot.messages import Member, MessageId, RoomId, TenantId
from bot.store.sqlite import SqliteStore
from bot.views import Source
from persona import schema as schemas
from persona.audience import RoomKind
from tests.bot.commands.members import ANA, BEN, DAY, NAMESAKE, WORKPLACE, commands, everything, lines, texts, told
from tests.clock import NOON, StillClock

# -- all of it --------------------------------------------------------------------------------------------------------


async def test_who_told_nothing_sees_nothing(store: SqliteStore, clock: StillClock) -> None:
    """A member of whom nothing is remembered is told so, with nothing else to look at."""
    view = await commands(store, clock).run("show", ANA)

    assert "nothing about you" in view.text
    assert (view.sections, view.footer, view.buttons) == ((), "", ())


async def test_everything_is_shown_with_its_words_and_its_date(store: SqliteStore, clock: StillClock) -> None:
    """Each fact stands with its field, the day it was said, and the words and the message it was said in."""
    await told(store, ANA, "location", "Lisbon", quote="I live in Lisbon")
    await told(store, ANA, "tools", "Vim", at=NOON - DAY, quote="I use Vim")
    view = await commands(store, clock).run("show", ANA)
    location, tools = lines(view)

    assert "Ana" in view.text
    assert (location.text, tools.text) == ("location: Lisbon", "tools: Vim")
    assert ("2026-11-22" in location.note, "2026-11-21" in tools.note) == (True, True)
    assert location.source == Source(
        tenant=TenantId("slack:T1"),
        room=RoomId("C1"),
        message=MessageId(f"{NOON.timestamp():.6f}"),
        quote="I live in Lisbon",
    )


async def test_facts_stand_in_their_sections(store: SqliteStore, clock: StillClock) -> None:
    """Facts are grouped as the schema groups their fields, in its order; sections without any are left out."""
    for field, value in (("answer_length", "short"), ("tools", "Vim"), ("location", "Lisbon"), ("role", "designer")):
        await told(store, ANA, field, value)
    view = await commands(store, clock).run("show", ANA)

    assert [section.title for section in view.sections] == ["Demographics", "Patterns", "Preferences"]
    assert texts(view) == ["location: Lisbon", "role: designer", "tools: Vim", "answer length: short"]


@pytest.mark.parametrize("field", [field.name for field in WORKPLACE.fields])
async def test_no_field_is_left_out(store: SqliteStore, clock: StillClock, field: str) -> None:
    """Whatever may be remembered can be seen."""
    value = next(iter(WORKPLACE.by_name[field].choices), "something")
    await told(store, ANA, field, value)
    view = await commands(store, clock).run("show", ANA)

    assert texts(view) == [f"{field.replace('_', ' ')}: {value}"]


async def test_however_much_there_is_all_of_it_is_shown(store: SqliteStore, clock: StillClock) -> None:
    """Nothing is cut off: what a platform cannot draw is that platform's own to say."""
    for number in range(100):
        await told(store, ANA, "location", f"Town {number}", at=NOON + number * DAY)
    view = await commands(store, clock).run("show", ANA)

    assert len(lines(view)) == 100


@pytest.mark.parametrize("other", [BEN, NAMESAKE])
async def test_nobody_sees_what_another_told(store: SqliteStore, clock: StillClock, other: Member) -> None:
    """A member sees their own facts alone, however alike their ids are."""
    await told(store, ANA, "location", "Lisbon")
    view = await commands(store, clock).run("show", other)

    assert "Lisbon" not in everything(view)
    assert "nothing about you" in view.text


async def test_a_member_without_a_name_is_spoken_to(store: SqliteStore, clock: StillClock) -> None:
    """Where the platform says no name, the member is called you."""
    await told(store, ANA, "location", "Lisbon")
    view = await commands(store, clock).run("show", Member(tenant=ANA.tenant, id=ANA.id))

    assert "about you" in view.text


async def test_facts_of_another_schema_are_not_hidden(store: SqliteStore, clock: StillClock) -> None:
    """What is kept is shown, also if the operator has changed the fields since it was learned."""
    await told(store, ANA, "tools", "Vim")
    smaller = schemas.parse(
        {"demographics": {"location": {"type": "text", "description": "where they live"}}}, name="s"
    )
    view = await commands(store, clock, schema=smaller).run("show", ANA)

    assert "Vim" in everything(view)


# -- history ----------------------------------------------------------------------------------------------------------


async def test_what_was_before_is_shown_as_such(store: SqliteStore, clock: StillClock) -> None:
    """Earlier values follow the one that holds, newest first, each with the days it held."""
    for days, town in enumerate(("Oslo", "Bergen", "Lisbon")):
        await told(store, ANA, "location", town, at=NOON + days * DAY)
    shown = lines(await commands(store, clock).run("show", ANA))

    assert [line.text for line in shown] == ["location: Lisbon", "location, earlier: Bergen", "location, earlier: Oslo"]
    assert all(day in shown[1].note for day in ("2026-11-23", "2026-11-24"))
    assert all(day in shown[2].note for day in ("2026-11-22", "2026-11-23"))
    assert shown[2].source is not None
    assert shown[2].source.quote == "words about Oslo"


async def test_what_ended_is_history(store: SqliteStore, clock: StillClock) -> None:
    """A value of a list that holds no longer stays in the history; the others hold."""
    await told(store, ANA, "tools", "Vim")
    await told(store, ANA, "tools", "Emacs", at=NOON + DAY)
    await told(store, ANA, "tools", "Vim", at=NOON + 2 * DAY, op="remove")

    assert texts(await commands(store, clock).run("show", ANA)) == ["tools: Emacs", "tools, earlier: Vim"]


async def test_what_was_said_again_says_when(store: SqliteStore, clock: StillClock) -> None:
    """A fact said on two days shows both, and the words said last."""
    await told(store, ANA, "location", "Lisbon", quote="I live in Lisbon")
    await told(store, ANA, "location", "Lisbon", at=NOON + 7 * DAY, quote="still in Lisbon")
    (line,) = lines(await commands(store, clock).run("show", ANA))

    assert line.text == "location: Lisbon"
    assert "2026-11-22" in line.note
    assert "again 2026-11-29" in line.note
    assert line.source is not None
    assert line.source.quote == "still in Lisbon"


# -- who may know -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "readers"),
    [
        ("direct", "with you alone"),
        ("private", "only in that room"),
        ("external", "only in that room"),
        ("public", "without outsiders"),
    ],
)
async def test_who_may_know_a_fact_is_said(store: SqliteStore, clock: StillClock, kind: RoomKind, readers: str) -> None:
    """Beside each fact stands where it may be used, which is where it was told."""
    await told(store, ANA, "location", "Lisbon", kind=kind)
    (line,) = lines(await commands(store, clock).run("show", ANA))

    assert readers in line.note


async def test_style_is_said_to_shape_answers_only(store: SqliteStore, clock: StillClock) -> None:
    """A preference for the form of answers says that it is never spoken of."""
    await told(store, ANA, "tone", "formal", kind="direct")
    (line,) = lines(await commands(store, clock).run("show", ANA))

    assert "never spoken" in line.note


async def test_what_rooms_know_differently_is_all_shown(store: SqliteStore, clock: StillClock) -> None:
    """Rooms that cannot hear each other may know different values; the member sees each, and who knows it."""
    await told(store, ANA, "location", "Oslo", room="C1")
    await told(store, ANA, "location", "Lisbon", kind="direct", room="D1", at=NOON + DAY)
    shown = {line.text: line.note for line in lines(await commands(store, clock).run("show", ANA))}

    assert "without outsiders" in shown["location: Oslo"]
    assert "with you alone" in shown["location: Lisbon"]


async def test_a_value_known_more_widely_is_shown_once(store: SqliteStore, clock: StillClock) -> None:
    """What was told in private and then in public is known in public, and stands there once."""
    await told(store, ANA, "location", "Lisbon", kind="direct", room="D1")
    await told(store, ANA, "location", "Lisbon", at=NOON + DAY)
    current = [line for line in lines(await commands(store, clock).run("show", ANA)) if "earlier" not in line.text]

    assert [line.text for line in current] == ["location: Lisbon"]
    assert "without outsiders" in current[0].note


# -- one field --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words", ["answer_length", "answer length", "Answer Length", "ANSWER-LENGTH", "  answer   length "]
)
async def test_a_field_is_found_however_it_is_spelled(store: SqliteStore, clock: StillClock, words: str) -> None:
    """A member names a field as they see it, and sees it alone."""
    await told(store, ANA, "answer_length", "short")
    await told(store, ANA, "location", "Lisbon")

    assert texts(await commands(store, clock).run(f"show {words}", ANA)) == ["answer length: short"]


async def test_one_field_is_shown_with_its_history(store: SqliteStore, clock: StillClock) -> None:
    """Naming a field leaves out the others, not the past."""
    await told(store, ANA, "location", "Oslo")
    await told(store, ANA, "location", "Lisbon", at=NOON + DAY)
    await told(store, ANA, "tools", "Vim")

    expected = ["location: Lisbon", "location, earlier: Oslo"]
    assert texts(await commands(store, clock).run("show location", ANA)) == expected


async def test_a_field_without_facts_is_not_the_whole_persona(store: SqliteStore, clock: StillClock) -> None:
    """That a field is empty does not mean that nothing is remembered, and is not said so."""
    await told(store, ANA, "location", "Lisbon")
    view = await commands(store, clock).run("show tools", ANA)

    assert texts(view) == []
    assert "nothing about you" not in view.text


@pytest.mark.parametrize("words", ["shoe size", "*", "'; DROP TABLE fact; --", "x" * 3_000])
async def test_a_field_that_is_none_is_said_to_be_none(store: SqliteStore, clock: StillClock, words: str) -> None:
    """A name that is no field is repeated, with the way to what there is."""
    await told(store, ANA, "location", "Lisbon")
    view = await commands(store, clock).run(f"show {words}", ANA)

    assert words in view.text
    assert "/persona show" in view.text
    assert "Lisbon" not in everything(view)


# -- while it is off --------------------------------------------------------------------------------------------------


async def test_a_pause_is_shown_with_what_is_kept(store: SqliteStore, clock: StillClock) -> None:
    """While paused a member still sees everything, that it is not used, and how to go on."""
    await told(store, ANA, "location", "Lisbon")
    used = commands(store, clock)
    await used.run("pause", ANA)
    view = await used.run("show", ANA)

    assert texts(view) == ["location: Lisbon"]
    assert "paused" in view.text
    assert "/persona resume" in view.text


async def test_who_was_not_asked_can_say_yes_here(store: SqliteStore, clock: StillClock) -> None:
    """Where members are asked first, whoever has not agreed is told that nothing is learned, and can agree."""
    used = commands(store, clock, default="ask")
    before = await used.run("show", ANA)
    await used.press(before.buttons[0].action, ANA)
    after = await used.run("show", ANA)

    assert "off" in before.text
    assert before.buttons[0].is_primary
    assert after.buttons == ()
    assert "off" not in after.text


async def test_where_remembering_is_off_there_is_nothing_to_agree_to(store: SqliteStore, clock: StillClock) -> None:
    """What was learned before an operator switched remembering off is still shown, and no button offers what is off."""
    await told(store, ANA, "location", "Lisbon")
    view = await commands(store, clock, default="off").run("show", ANA)

    assert texts(view) == ["location: Lisbon"]
    assert "off" in view.text
    assert view.buttons == ()


async def test_what_can_be_done_stands_below(store: SqliteStore, clock: StillClock) -> None:
    """Below the facts stands how to change them."""
    await told(store, ANA, "location", "Lisbon")
    footer = (await commands(store, clock).run("show", ANA)).footer

    assert all(verb in footer for verb in ("/persona forget", "/persona pause", "/persona help"))
