"""The verbs of `/persona` at the terminal: pressed by number, asked line by line, written to files; also in pipes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.adapters.terminal.test_chat import Terminal, Turn


@pytest.fixture
def terminal(database: Path) -> Terminal:
    return Terminal(database)


def number(turn: Turn, label: str) -> str:
    """What to type to press what is called so."""
    found = re.search(rf"\[(\d+)\] {re.escape(label)}", turn.shown)
    assert found is not None
    return f"/press {found[1]}"


def texts(paths: list[str]) -> list[str]:
    """What stands in files of the folder the program runs in."""
    assert {Path(path).parent for path in paths} == {Path.cwd()}
    return [Path(path).read_text(encoding="utf-8") for path in paths]


async def test_a_line_opens_what_is_known_of_it(terminal: Terminal) -> None:
    """A fact has a number, which shows it in full; from there it can be forgotten."""
    turns = await terminal.types("I live in Lisbon.", "/idle", "/persona show", "/press 1", "/press 3", "/persona show")

    assert "[1] location: Lisbon" in turns[2].shown
    assert "It rests on" in turns[3].shown
    assert number(turns[3], "Forget this") == "/press 3"
    assert "I forgot location: Lisbon" in turns[4].shown
    assert "nothing about you" in turns[5].shown


async def test_a_form_is_asked_line_by_line(terminal: Terminal) -> None:
    """Each input is a question and an answer; then the fact is there."""
    turns = await terminal.types("/persona add", "/press 1", "location", "Lisbon", "/persona show")

    assert "Add a fact" in turns[1].shown
    assert "What it is about (one of:" in turns[1].shown
    assert "What I should remember:" in turns[2].shown
    assert "I remember: location: Lisbon" in turns[3].shown
    assert "location: Lisbon" in turns[4].shown


async def test_an_empty_line_keeps_what_stands_there(terminal: Terminal) -> None:
    """Editing shows the value; an empty line leaves it, another one replaces it."""
    lines = ("/persona add location Lisbom", "/persona edit location", "/press 1")
    kept = await terminal.types(*lines, "")
    changed = await terminal.types(*lines[1:], "Lisbon", "/persona show")

    assert "location [Lisbom]:" in kept[2].shown
    assert "It says so already: location: Lisbom" in kept[3].shown
    assert "Corrected: location: Lisbom → Lisbon" in changed[2].shown


async def test_a_command_leaves_the_form_and_is_done(terminal: Terminal) -> None:
    """Who types a command instead of an answer has left the form, and gets what the command shows."""
    turns = await terminal.types("/persona add tools", "/press 1", "/persona privacy", "/persona show")

    assert "The form was left; nothing changed." in turns[2].shown
    assert "What, and how long" in turns[2].shown
    assert "nothing about you" in turns[3].shown


@pytest.mark.parametrize("last", [(), ("/quit",)])
async def test_the_end_leaves_the_form(terminal: Terminal, last: tuple[str, ...]) -> None:
    """A pipe that ends within a form changes nothing and ends the program."""
    turns = await terminal.types("/persona add tools", "/press 1", *last)

    assert "The form was left; nothing changed." in turns[-1].shown
    assert "nothing about you" in (await terminal.types("/persona show"))[0].shown


async def test_who_may_know_can_be_widened(terminal: Terminal) -> None:
    """What was said in a direct message is used in public once the member said so, named and asked first."""
    turns = await terminal.types(
        "/dm",
        "I live in Lisbon.",
        "/idle",
        "/persona why location",
        "/press 2",
        "/press 1",
        "/room #team",
        "where am I?",
    )

    assert number(turns[3], "Let it be used anywhere in the terminal") == "/press 2"
    assert number(turns[4], "Yes, use it there") == "/press 1"
    assert "From now on" in turns[5].shown
    assert "location: Lisbon" in turns[7].shown


async def test_files_are_written_here_and_their_path_is_said(terminal: Terminal) -> None:
    """An export stands in the folder, beside an earlier one; both are whole."""
    turns = await terminal.types("/persona add location Lisbon", "/persona export", "/persona export")
    written = re.findall(r"Written to (.+)", "\n".join(turn.shown for turn in turns))

    assert [Path(path).name for path in written] == [*("persona.json", "persona.md", "persona-2.json", "persona-2.md")]
    assert all("Lisbon" in text for text in texts(written))
    assert json.loads(texts(written)[2])["format"] == "rapport-persona-1"


async def test_undo_after_a_note(terminal: Terminal) -> None:
    """What was remembered at once can be taken back by the number under the note."""
    turns = await terminal.types("Remember that I moved to Lisbon", "/press 1", "/persona show")

    assert "[1] Undo" in turns[0].shown
    assert "Taken back" in turns[1].shown
    assert "nothing about you" in turns[2].shown


async def test_whoever_sits_there_is_the_admin(terminal: Terminal) -> None:
    """`/persona-admin` works, and its button too: what was learned is gone after it."""
    turns = await terminal.types(
        "I live in Lisbon.", "/idle", "/persona-admin status", "/persona-admin purge", "/press 1", "/persona show"
    )

    assert "Connected: terminal" in turns[2].shown
    assert number(turns[3], "Erase all of it") == "/press 1"
    assert "It is gone." in turns[4].shown
    assert "nothing about you" in turns[5].shown
