"""`/persona why`: one fact in full, and the ways to change it; nobody else's."""

from __future__ import annotations

import pytest

from bot.commands.paging import LINES
from bot.messages import Member
from bot.store.sqlite import SqliteStore
from bot.views import View
from persona.audience import RoomKind
from tests.bot.commands.members import ANA, BEN, DAY, NAMESAKE, commands, everything, lines, texts, told
from tests.clock import NOON, StillClock


async def fact_id(store: SqliteStore, clock: StillClock, words: str = "show", member: Member = ANA) -> str:
    """The id of the first fact that is shown."""
    return lines(await commands(store, clock).run(words, member))[0].action.removeprefix("why:")


def labels(view: View) -> list[str]:
    return [button.label for button in view.buttons]


async def test_a_fact_is_told_in_full(store: SqliteStore, clock: StillClock) -> None:
    """Value, how it is known, who may know it, since when, when it fades, and each piece of evidence with its link."""
    await told(store, ANA, "location", "Lisbon", at=NOON - 3 * DAY, quote="I live in Lisbon", kind="direct")
    await told(store, ANA, "location", "Lisbon", quote="still in Lisbon", kind="direct")
    view = await commands(store, clock).run("why location", ANA)
    about, rests_on = view.sections

    assert view.text == "location: Lisbon"
    assert [line.text for line in about.lines] == [
        "how I know: you said so",
        "who may know: you alone; I use it only where nobody else reads",
        "holds: since 2026-11-19, now",
        "fades: it counts as uncertain from 2028-11-21 and is over from 2032-11-20, unless you say it again",
    ]
    assert [line.text for line in rests_on.lines] == ["you said on 2026-11-22", "you said on 2026-11-19"]
    assert [line.source.quote for line in rests_on.lines if line.source] == ["still in Lisbon", "I live in Lisbon"]


@pytest.mark.parametrize("words", ["location", "Location", "Lisbon", "lisb", "location lisbon", "LISBON"])
async def test_a_fact_is_found_by_field_and_by_words(store: SqliteStore, clock: StillClock, words: str) -> None:
    """A member names the field, the value, part of it, or both."""
    await told(store, ANA, "location", "Lisbon")
    await told(store, ANA, "tools", "Vim")

    assert (await commands(store, clock).run(f"why {words}", ANA)).text == "location: Lisbon"


@pytest.mark.parametrize("length", [6, 8, 12])
async def test_a_fact_is_found_by_its_id(store: SqliteStore, clock: StillClock, length: int) -> None:
    """The id, or its first characters, names the fact; the view says it."""
    await told(store, ANA, "location", "Lisbon")
    name = await fact_id(store, clock)
    view = await commands(store, clock).run(f"why {name[:length].upper()}", ANA)

    assert view.text == "location: Lisbon"
    assert name in view.footer


async def test_several_facts_are_offered_to_choose_from(store: SqliteStore, clock: StillClock) -> None:
    """Where words may mean several facts, all of them can be reached, and each opens itself."""
    for number in range(12):
        await told(store, ANA, "tools", f"tool {number}")
    used = commands(store, clock)
    first = await used.run("why tools", ANA)
    second = await used.press(first.buttons[-1].action, ANA)

    assert sorted(texts(first) + texts(second)) == sorted(f"tools: tool {number}" for number in range(12))
    assert (await used.press(lines(second)[0].action, ANA)).text == texts(second)[0]


async def test_what_holds_is_meant_before_what_was(store: SqliteStore, clock: StillClock) -> None:
    """A field means what holds now; an earlier value is found by its own words."""
    await told(store, ANA, "location", "Oslo", at=NOON - DAY)
    await told(store, ANA, "location", "Lisbon")
    used = commands(store, clock)
    earlier = await used.run("why Oslo", ANA)

    assert (await used.run("why location", ANA)).text == "location: Lisbon"
    assert earlier.text == "location: Oslo"
    assert "no longer" in everything(earlier)
    assert labels(earlier) == ["Back", "Forget this"]


async def test_much_evidence_has_pages(store: SqliteStore, clock: StillClock) -> None:
    """Whatever a fact rests on can be seen, newest first, a page at a time."""
    for day in range(25):
        await told(store, ANA, "location", "Lisbon", at=NOON - day * DAY, quote=f"day {day}")
    used = commands(store, clock)
    view = await used.run("why location", ANA)
    quotes = []
    while True:
        quotes += [line.source.quote for line in lines(view) if line.source]
        following = [button for button in view.buttons if button.label == "Next"]
        if not following:
            break
        assert len(view.sections[1].lines) == LINES
        view = await used.press(following[0].action, ANA)

    assert quotes == [f"day {day}" for day in range(25)]


@pytest.mark.parametrize(
    ("kind", "readers"),
    [
        ("direct", "you alone"),
        ("private", "the private room it was said in"),
        ("public", "everybody in the workspace; I use it in any room without outsiders"),
        ("external", "outsiders too"),
    ],
)
async def test_who_may_know_is_said_in_words(
    store: SqliteStore, clock: StillClock, kind: RoomKind, readers: str
) -> None:
    """Each audience is told as the people in it."""
    await told(store, ANA, "location", "Lisbon", kind=kind)

    assert readers in everything(await commands(store, clock).run("why location", ANA))


@pytest.mark.parametrize(
    ("kind", "offered"), [("direct", True), ("private", True), ("public", False), ("external", False)]
)
async def test_the_ways_to_change_it_stand_below(
    store: SqliteStore, clock: StillClock, kind: RoomKind, *, offered: bool
) -> None:
    """A fact can be edited and forgotten, and widened where there is somebody more who may come to know it."""
    await told(store, ANA, "location", "Lisbon", kind=kind)
    view = await commands(store, clock).run("why location", ANA)
    edit, *widen, back, forget = view.buttons

    assert edit.action.startswith("form:edit:")
    assert [button.action.partition(":")[0] for button in widen] == ["widen"] * offered
    assert texts(await commands(store, clock).press(back.action, ANA)) == ["location: Lisbon"]
    assert forget.is_danger
    assert all(len(button.action) <= 80 and len(button.label) <= 75 for button in view.buttons)


async def test_what_was_only_seen_says_so(store: SqliteStore, clock: StillClock) -> None:
    """A fact nobody stated says that it was noticed, with every message that shows it."""
    for day in (3, 2, 1):
        await told(store, ANA, "answer_length", "short", at=NOON - day * DAY, observed=True)
    view = await commands(store, clock).run("why answer length", ANA)

    assert "I noticed it" in everything(view)
    assert len(view.sections[1].lines) == 3


async def test_a_pause_leaves_only_forgetting(store: SqliteStore, clock: StillClock) -> None:
    """While nothing may be written, nothing but forgetting is offered."""
    await told(store, ANA, "location", "Lisbon", kind="direct")
    used = commands(store, clock)
    await used.run("pause", ANA)

    assert labels(await used.run("why location", ANA)) == ["Back", "Forget this"]


@pytest.mark.parametrize("other", [BEN, NAMESAKE])
async def test_an_id_of_somebody_else_is_an_id_of_nothing(store: SqliteStore, clock: StillClock, other: Member) -> None:
    """Whoever presses or types the id of another member's fact sees what they would see of an id that never was."""
    await told(store, ANA, "location", "Lisbon")
    name = await fact_id(store, clock)
    used = commands(store, clock)

    for action in ("why:{}", "forget:{}", "widen:{}:0123456789abcdef", "widen:{}:0123456789abcdef:yes", "form:edit:{}"):
        real, never = action.format(name), action.format("0" * 12)
        if action.startswith("form:"):
            assert await used.form(real, other) == await used.form(never, other)
        else:
            assert await used.press(real, other) == await used.press(never, other)
    for verb in ("why", "forget", "edit"):
        real, never = [(await used.run(f"{verb} {one} x", other)).text for one in (name, "0" * 12)]
        assert real.replace(name, "") == never.replace("0" * 12, "")
    assert await used.fill(f"edit:{name}", {"value": "Oslo"}, other) == await used.fill(
        f"edit:{'0' * 12}", {"value": "Oslo"}, other
    )
    assert texts(await used.run("show", ANA)) == ["location: Lisbon"]


@pytest.mark.parametrize("words", ["", "nonsense", "*", "%"])
async def test_what_is_not_known_is_said_not_to_be(store: SqliteStore, clock: StillClock, words: str) -> None:
    """Words that mean nothing are answered with the way to what there is."""
    await told(store, ANA, "location", "Lisbon")
    view = await commands(store, clock).run(f"why {words}", ANA)

    assert "/persona" in view.text
    assert "Lisbon" not in everything(view)
