"""`/persona show`: a member sees everything that is remembered of them, since when, from where, and who may know."""

from __future__ import annotations

from functools import partial

import pytest

from bot.commands.registry import Commands
from bot.messages import Member, MessageId, RoomId, TenantId
from bot.store.sqlite import SqliteStore
from bot.views import Source, View
from persona import quarantine
from persona import schema as schemas
from persona.audience import Place, RoomKind
from persona.guard import Proposal, Quoted, Refusal
from persona.refusals import Reason
from persona.schema import parse
from persona.session import Line, Session
from tests.bot.commands.members import ANA, BEN, DAY, NAMESAKE, WORKPLACE, commands, everything, lines, texts, told
from tests.clock import NOON, StillClock
from tests.persona.builders import learn, operation

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


LARGE = parse(
    {"patterns": {f"list_{n}": {"type": "list", "max_items": 40, "description": "things"} for n in range(8)}},
    name="large",
)


async def leafed_through(used: Commands, words: str) -> list[View]:
    """Every page, from the first on, by the button that leads to the next."""
    pages = [await used.run(words, ANA)]
    while following := [button for button in pages[-1].buttons if button.label == "Next"]:
        pages.append(await used.press(following[0].action, ANA))
    return pages


async def test_however_much_there_is_all_of_it_can_be_reached(store: SqliteStore, clock: StillClock) -> None:
    """Of 300 facts each stands on exactly one page of ten, each page says which it is, and buttons lead both ways."""
    every = [
        operation(f"thing {n}", op="add", field=LARGE.fields[n % 8], said=-n - 1, member=ANA.key) for n in range(300)
    ]
    await learn(store, *every, schema=LARGE)
    used = commands(store, clock, schema=LARGE)
    pages = await leafed_through(used, "show")

    shown = [text for view in pages for text in texts(view)]
    assert sorted(shown) == sorted(f"list {number % 8}: thing {number}" for number in range(300))
    assert [len(texts(view)) for view in pages] == [10] * 30
    assert all(f"page {number} of 30" in view.text for number, view in enumerate(pages, 1))
    assert texts(await used.press(pages[7].buttons[0].action, ANA)) == texts(pages[6])
    assert texts(await used.run("show page 8", ANA)) == texts(pages[7])
    assert all(len(button.action) <= 80 for view in pages for button in view.buttons)


async def test_a_field_has_pages_of_its_own(store: SqliteStore, clock: StillClock) -> None:
    """Leafing through one field shows that field alone, all of it, past values included."""
    for number in range(25):
        await told(store, ANA, "location", f"Town {number}", at=NOON + number * DAY)
    await told(store, ANA, "tools", "Vim")
    clock.advance(days=100)
    used = commands(store, clock)
    shown = [text for view in await leafed_through(used, "show location") for text in texts(view)]

    assert len(shown) == len(set(shown)) == 25
    assert shown == [text for n in (1, 2, 3) for text in texts(await used.run(f"show location page {n}", ANA))]


@pytest.mark.parametrize(
    "action", ["show::0", "show::99", "show::x", "show::", "show:", "show::-1", "show::" + "9" * 40]
)
async def test_a_page_that_is_none_is_the_nearest(store: SqliteStore, clock: StillClock, action: str) -> None:
    """A button to a page that is not there any more leads to one that is."""
    await told(store, ANA, "location", "Lisbon")

    assert texts(await commands(store, clock).press(action, ANA)) == ["location: Lisbon"]


async def test_every_fact_opens_what_is_known_of_it(store: SqliteStore, clock: StillClock) -> None:
    """Each line leads to the one fact it stands for, past ones too."""
    await told(store, ANA, "location", "Oslo", at=NOON - DAY)
    await told(store, ANA, "location", "Lisbon")
    used = commands(store, clock)
    shown = lines(await used.run("show", ANA))

    assert [(await used.press(line.action, ANA)).text for line in shown] == ["location: Lisbon", "location: Oslo"]


async def test_facts_can_be_picked_by_what_they_are(store: SqliteStore, clock: StillClock) -> None:
    """A section, what was only seen, and what was earlier can be shown alone; an empty choice is said to be empty."""
    await told(store, ANA, "location", "Oslo", at=NOON - DAY)
    await told(store, ANA, "location", "Lisbon")
    for day in (3, 2, 1):
        await told(store, ANA, "answer_length", "short", at=NOON - day * DAY, observed=True)
    used = commands(store, clock)

    assert texts(await used.run("show Demographics", ANA)) == ["location: Lisbon", "location, earlier: Oslo"]
    assert texts(await used.run("show seen", ANA)) == ["answer length: short"]
    assert texts(await used.run("show earlier", ANA)) == ["location, earlier: Oslo"]
    assert "Nothing is remembered under patterns" in (await used.run("show patterns", ANA)).text


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
    clock.advance(days=3)
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
    clock.advance(days=3)

    assert texts(await commands(store, clock).run("show", ANA)) == ["tools: Emacs", "tools, earlier: Vim"]


async def test_what_was_said_again_says_when(store: SqliteStore, clock: StillClock) -> None:
    """A fact said on two days shows both, and the words said last."""
    await told(store, ANA, "location", "Lisbon", quote="I live in Lisbon")
    await told(store, ANA, "location", "Lisbon", at=NOON + 7 * DAY, quote="still in Lisbon")
    clock.advance(days=7)
    (line,) = lines(await commands(store, clock).run("show", ANA))

    assert line.text == "location: Lisbon"
    assert "2026-11-22" in line.note
    assert "again 2026-11-29" in line.note
    assert line.source is not None
    assert line.source.quote == "still in Lisbon"


async def test_what_is_so_for_a_while_says_until_when(store: SqliteStore, clock: StillClock) -> None:
    """A value that ends by itself says when, and what it interrupts is shown as what was before and comes after."""
    await told(store, ANA, "location", "Lisbon", at=NOON - 10 * DAY)
    await told(store, ANA, "location", "Berlin", at=NOON - DAY, until=NOON + 4 * DAY)
    used = commands(store, clock)
    during = {line.text: line.note for line in lines(await used.run("show", ANA))}
    clock.advance(days=5)
    after = {line.text: line.note for line in lines(await used.run("show", ANA))}

    assert list(during) == ["location: Berlin", "location, later: Lisbon", "location, earlier: Lisbon"]
    assert "until 2026-11-26" in during["location: Berlin"]
    assert "since 2026-11-26" in during["location, later: Lisbon"]
    assert "until 2026-11-21" in during["location, earlier: Lisbon"]
    assert list(after) == ["location: Lisbon", "location, earlier: Berlin", "location, earlier: Lisbon"]


async def test_what_began_before_it_was_told_says_since_when(store: SqliteStore, clock: StillClock) -> None:
    """A fact told later than it began shows both days; one told on the day it began shows one."""
    await told(store, ANA, "location", "Lisbon", since=NOON - 100 * DAY)
    await told(store, ANA, "tools", "Vim")
    location, tools = lines(await commands(store, clock).run("show", ANA))

    assert location.note.startswith("said 2026-11-22, since 2026-08-14, ")
    assert "since" not in tools.note


async def test_what_was_only_seen_is_said_to_be_seen(store: SqliteStore, clock: StillClock) -> None:
    """A fact nobody stated is marked, with the words that show it; once it is stated it counts as said."""
    for day in (3, 2, 1):
        await told(
            store, ANA, "answer_length", "short", at=NOON - day * DAY, observed=True, quote=f"shorter, day {day}"
        )
    used = commands(store, clock)
    (seen,) = lines(await used.run("show", ANA))
    await told(store, ANA, "answer_length", "short")
    (said,) = lines(await used.run("show", ANA))

    assert seen.note.startswith("seen 2026-11-19")
    assert seen.source is not None
    assert seen.source.quote == "shorter, day 1"
    assert said.note.startswith("said ")


async def test_what_was_seen_once_is_not_shown(store: SqliteStore, clock: StillClock) -> None:
    """Something noticed in one session is chance, and not yet remembered."""
    await told(store, ANA, "answer_length", "short", observed=True)

    assert texts(await commands(store, clock).run("show", ANA)) == []


# -- what was not kept ------------------------------------------------------------------------------------------------


async def quarantined(store: SqliteStore, member: Member, *reasons: Reason) -> None:
    """Let proposals about a member have been refused."""
    said = Line(message="m1", speaker=member.key, text="so it is", said_at=NOON)
    place = Place(tenant=member.tenant, room="C1", kind="public")
    session = Session(room="C1", place=place, lines=(said,), personas={})
    quoted = (Quoted(session=session, line=said, words="so it is"),)
    refusals = [
        Refusal(proposal=Proposal(op="set", field="role", value=f"secret {number}", quoted=quoted), reason=reason)
        for number, reason in enumerate(reasons)
    ]
    await store.write(partial(quarantine.keep, refusals=refusals, now=NOON))


async def test_what_was_not_kept_lately_is_counted(store: SqliteStore, clock: StillClock) -> None:
    """A member sees how much was refused and why, below what is remembered, and never the refused words."""
    await told(store, ANA, "location", "Lisbon")
    await quarantined(store, ANA, "too long", "sensitive", "too long")
    view = await commands(store, clock).run("show", ANA)

    assert "too long: 2, sensitive: 1" in view.footer
    assert "/persona forget" in view.footer
    assert "secret" not in everything(view)


async def test_what_was_not_kept_is_counted_also_if_nothing_was(store: SqliteStore, clock: StillClock) -> None:
    """Where nothing is remembered because all of it was refused, the member can see that."""
    await quarantined(store, ANA, "sensitive")
    view = await commands(store, clock).run("show", ANA)

    assert "nothing about you" in view.text
    assert view.footer == "Not kept lately (sensitive: 1)."


@pytest.mark.parametrize("other", [BEN, NAMESAKE])
async def test_nobody_sees_what_was_refused_of_another(store: SqliteStore, clock: StillClock, other: Member) -> None:
    """What was not kept of one member is not counted for another, however alike their ids are."""
    await quarantined(store, ANA, "sensitive")

    assert (await commands(store, clock).run("show", other)).footer == ""


async def test_forgetting_everything_forgets_that_too(store: SqliteStore, clock: StillClock) -> None:
    """After `/persona forget all` nothing is counted any more."""
    await quarantined(store, ANA, "sensitive")
    used = commands(store, clock)
    await used.run("forget all", ANA)

    assert (await used.run("show", ANA)).footer == ""


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
    clock.advance(days=1)
    shown = {line.text: line.note for line in lines(await commands(store, clock).run("show", ANA))}

    assert "without outsiders" in shown["location: Oslo"]
    assert "with you alone" in shown["location: Lisbon"]


async def test_a_value_known_more_widely_is_shown_once(store: SqliteStore, clock: StillClock) -> None:
    """What was told in private and then in public is known in public, and stands there once."""
    await told(store, ANA, "location", "Lisbon", kind="direct", room="D1")
    await told(store, ANA, "location", "Lisbon", at=NOON + DAY)
    clock.advance(days=1)
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
    clock.advance(days=1)

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
