"""`/persona undo` and `history`: what changed, who did it, and the way back, step by step."""

from __future__ import annotations

from functools import partial

import pytest

from bot.applying import TIDY_AFTER, Terms
from bot.messages import Member
from bot.store import tidying
from bot.store.sqlite import SqliteStore
from bot.tidying import Tidying
from tests.bot.commands.members import ANA, BEN, DAY, NAMESAKE, WORKPLACE, commands, everything, lines, texts, told
from tests.bot.talk import ANA as TALKER
from tests.bot.talk import LISBON, Talk
from tests.clock import NOON, StillClock

# -- undo -------------------------------------------------------------------------------------------------------------


async def test_undo_takes_back_the_last_change_and_says_what_it_was(store: SqliteStore, clock: StillClock) -> None:
    """What the last change had replaced holds again; the one before can be undone by a button."""
    await told(store, ANA, "location", "Oslo", at=NOON - DAY)
    await told(store, ANA, "location", "Lisbon")
    used = commands(store, clock)
    view = await used.run("undo", ANA)

    assert texts(view) == ["location: Lisbon"]
    assert [button.label for button in view.buttons] == ["Undo the one before"]
    assert texts(await used.run("show", ANA)) == ["location: Oslo"]


@pytest.mark.parametrize("by", ["typing", "pressing"])
async def test_undo_again_walks_back(store: SqliteStore, clock: StillClock, by: str) -> None:
    """Each undo takes back one change more, until there is none, whether it is typed or pressed."""
    for number in range(4):
        await told(store, ANA, "tools", f"tool {number}", at=NOON + number * DAY)
    clock.advance(days=9)
    used = commands(store, clock)
    view, walked = await used.run("undo", ANA), []
    while lines(view):
        walked += texts(view)
        if not view.buttons:
            break
        view = await (used.run("undo", ANA) if by == "typing" else used.press(view.buttons[0].action, ANA))

    assert walked == [f"tools: tool {number}" for number in (3, 2, 1, 0)]
    assert "nothing to take back" in (await used.run("undo", ANA)).text
    assert texts(await used.run("show", ANA)) == []


async def test_what_was_undone_is_not_undone_again(store: SqliteStore, clock: StillClock) -> None:
    """A button pressed twice takes back once, and the second time says so."""
    used = commands(store, clock)
    await used.run("add role designer", ANA)
    undo = next(button for button in (await used.run("add location Lisbon", ANA)).buttons if button.label == "Undo")
    await used.press(undo.action, ANA)
    again = await used.press(undo.action, ANA)

    assert "not any more" in again.text
    assert texts(await used.run("show", ANA)) == ["role: designer"]


async def test_a_change_by_hand_can_be_made_again_after_undo(store: SqliteStore, clock: StillClock) -> None:
    """Undoing what was entered does not stand in the way of entering it once more."""
    used = commands(store, clock)
    for _ in range(3):
        await used.run("add location Lisbon", ANA)
        clock.advance(seconds=1)
        await used.run("undo", ANA)
    await used.run("add location Lisbon", ANA)
    clock.advance(seconds=1)

    assert texts(await used.run("show", ANA))[0] == "location: Lisbon"


@pytest.mark.parametrize("other", [BEN, NAMESAKE])
async def test_nobody_undoes_what_another_did(store: SqliteStore, clock: StillClock, other: Member) -> None:
    """The id of somebody else's change is like one that never was."""
    used = commands(store, clock)
    undo = next(button for button in (await used.run("add location Lisbon", ANA)).buttons if button.label == "Undo")

    assert await used.press(undo.action, other) == await used.press("undo:nothing", other)
    assert "nothing to take back" in (await used.run("undo", other)).text
    assert texts(await used.run("show", ANA)) == ["location: Lisbon"]


async def test_the_note_about_what_was_remembered_can_be_undone(talk: Talk) -> None:
    """What came of "remember that …" has an Undo button, which takes exactly that back."""
    talk.model.updates.append(LISBON)
    await talk.asks(TALKER, "Remember that I live in Lisbon")
    await talk.learning().sweep()
    ((_, _, note),) = talk.told
    used = commands(talk.store, talk.clock)
    assert await talk.facts(TALKER) == ["location: Lisbon"]
    view = await used.press(note.buttons[0].action, TALKER)

    assert note.buttons[0].label == "Undo"
    assert texts(view) == ["location: Lisbon"]
    assert await talk.facts(TALKER) == []


# -- history ----------------------------------------------------------------------------------------------------------


async def test_history_tells_what_happened_newest_first(store: SqliteStore, clock: StillClock) -> None:
    """Learned, changed, ended, entered, corrected and taken back: each with its day and who did it."""
    await told(store, ANA, "location", "Oslo", at=NOON)
    await told(store, ANA, "location", "Lisbon", at=NOON + DAY)
    await told(store, ANA, "tools", "Vim", at=NOON + 2 * DAY)
    await told(store, ANA, "tools", "Vim", at=NOON + 3 * DAY, op="remove")
    used = commands(store, clock)
    clock.advance(days=4)
    await used.run("add tools Emacs", ANA)
    clock.advance(days=1)
    await used.run("edit tools Helix", ANA)
    clock.advance(days=1)
    await used.run("undo", ANA)
    shown = [(line.text, line.note) for line in lines(await used.run("history", ANA))]

    assert shown == [
        ("tools: Helix", "taken back 2026-11-28, you undid it"),
        ("tools: Emacs", "taken back 2026-11-28, you undid it"),
        ("tools: Helix", "learned 2026-11-27, you corrected it"),
        ("tools: Emacs", "ended 2026-11-27, you corrected it"),
        ("tools: Emacs", "learned 2026-11-26, you entered it"),
        ("tools: Vim", "ended 2026-11-25, you said so"),
        ("tools: Vim", "learned 2026-11-24, you said so"),
        ("location: Oslo → Lisbon", "changed 2026-11-23, you said so"),
        ("location: Oslo", "learned 2026-11-22, you said so"),
    ]


async def test_history_says_what_nobody_said(store: SqliteStore, clock: StillClock) -> None:
    """What was noticed, tidied away, or let be known more widely says so."""
    await told(store, ANA, "tools", "Vim", observed=True)
    for number in range(20):
        await told(store, ANA, "interests" if number % 2 else "skills", f"thing {number}")
    await told(store, ANA, "projects", "old", at=NOON - 999 * DAY, kind="direct")
    await store.write(partial(tidying.put, member=ANA.key, due_at=NOON))
    await Tidying(store=store, terms=Terms(schema=WORKPLACE, default="on"), clock=clock).sweep()
    used = commands(store, clock)
    widen = next(button for button in (await used.run("add role designer", ANA)).buttons if "anywhere" in button.label)
    await used.press((await used.press(widen.action, ANA)).buttons[0].action, ANA)
    notes = {
        line.text: line.note
        for field in ("tools", "projects", "role")
        for line in reversed(lines(await used.run(f"history {field}", ANA)))
    }

    assert TIDY_AFTER > DAY
    assert "I noticed it" in notes["tools: Vim"]
    assert notes["projects: old"] == "ended 2026-11-22, tidied"
    assert "you let it be known more widely (used in any room without outsiders)" in notes["role: designer"]


async def test_history_has_pages(store: SqliteStore, clock: StillClock) -> None:
    """Everything that happened is on exactly one page, typed or pressed."""
    for number in range(35):
        await told(store, ANA, "location", f"Town {number}", at=NOON + number * DAY)
    used = commands(store, clock)
    view = await used.run("history location", ANA)
    pressed = texts(view)
    while following := [button for button in view.buttons if button.label == "Next"]:
        view = await used.press(following[0].action, ANA)
        pressed += texts(view)
    typed = [text for number in range(1, 5) for text in texts(await used.run(f"history location {number}", ANA))]

    assert pressed == typed
    assert len(pressed) == len(set(pressed)) == 35
    assert pressed[0] == "location: Town 33 → Town 34"


@pytest.mark.parametrize("words", ["", "tools", "shoe size"])
async def test_where_nothing_happened_that_is_said(store: SqliteStore, clock: StillClock, words: str) -> None:
    """An empty history, of everything or of a field, says that it is empty."""
    await told(store, BEN, "tools", "Vim")
    view = await commands(store, clock).run(f"history {words}", ANA)

    assert view.text.startswith("Nothing")
    assert lines(view) == []


@pytest.mark.parametrize("other", [BEN, NAMESAKE])
async def test_history_is_ones_own(store: SqliteStore, clock: StillClock, other: Member) -> None:
    """What happened to another persona is not told."""
    await told(store, ANA, "location", "Lisbon")

    assert "Lisbon" not in everything(await commands(store, clock).run("history", other))


async def test_what_was_forgotten_leaves_no_history(store: SqliteStore, clock: StillClock) -> None:
    """Forgetting leaves nothing behind, and the history says that it does not."""
    await told(store, ANA, "location", "Oslo", at=NOON - DAY)
    await told(store, ANA, "location", "Lisbon")
    used = commands(store, clock)
    await used.press((await used.run("why Lisbon", ANA)).buttons[-1].action, ANA)
    view = await used.run("history", ANA)

    assert "Lisbon" not in everything(view)
    assert lines(view)[0].note == "ended 2026-11-22, you forgot what had replaced it"
    assert "forgotten" in view.footer
