"""The screen for people: keys through prompt_toolkit's own pipe, output as it appears."""

from __future__ import annotations

import asyncio
import io
import os
import pty
import sys
from collections.abc import Iterator

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from adapters.terminal import screen as screens
from adapters.terminal import translate
from adapters.terminal.rich_screen import RichScreen, _Commands
from adapters.terminal.screen import PlainScreen
from bot.commands import administration
from bot.commands.registry import COMMANDS

CTRL_C, CTRL_D, ENTER, TAB, UP = "\x03", "\x04", "\r", "\t", "\x1b[A"


@pytest.fixture
def keys() -> Iterator[PipeInput]:
    """What the person types; everything below runs on a terminal that is not there."""
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        yield pipe


async def read(screen: RichScreen) -> str | None:
    return await screen.read("Ana", "#team")


# -- typing -----------------------------------------------------------------------------------------------------------


async def test_a_line_is_what_was_typed(keys: PipeInput) -> None:
    """Enter ends a line, and each line comes once, in order."""
    keys.send_text(f"hello{ENTER}¡adiós! 👋{ENTER}{ENTER}")
    screen = RichScreen()

    assert [await read(screen) for _ in range(3)] == ["hello", "¡adiós! 👋", ""]


async def test_ctrl_c_clears_the_line(keys: PipeInput) -> None:
    """Who changes their mind in the middle of a line begins anew, and is not thrown out."""
    screen = RichScreen()
    keys.send_text(f"never min{CTRL_C}{CTRL_C}hello{ENTER}")

    assert await read(screen) == "hello"


async def test_ctrl_d_ends(keys: PipeInput) -> None:
    """Ctrl-D on an empty line is the end of input."""
    screen = RichScreen()
    keys.send_text(CTRL_D)

    assert await read(screen) is None


async def test_the_last_line_can_be_typed_again(keys: PipeInput) -> None:
    """The up key brings back what was typed before."""
    screen = RichScreen()
    keys.send_text(f"hello{ENTER}")
    await read(screen)
    keys.send_text(f"{UP}{ENTER}")

    assert await read(screen) == "hello"


async def test_what_is_pasted_is_kept_whole(keys: PipeInput) -> None:
    """Pasted text of several lines is one message."""
    screen = RichScreen()
    keys.send_text(f"\x1b[200~one\ntwo\x1b[201~{ENTER}")

    assert await read(screen) == "one\ntwo"


# -- completion -------------------------------------------------------------------------------------------------------


def completed(typed: str) -> list[str]:
    """What a line may become by pressing Tab."""
    found = _Commands().get_completions(Document(typed), CompleteEvent())
    return [typed[: len(typed) + completion.start_position] + completion.text for completion in found]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("/a", ["/as"]),
        ("/q", ["/quit"]),
        ("/per", ["/persona show", "/persona-admin"]),
        ("/quit", []),
        ("/dance", []),
        ("hello", []),
        ("", []),
        ("say /q", []),
        ("/persona f", ["/persona forget"]),
        ("/persona show", []),
        ("/persona dance", []),
    ],
)
def test_commands_are_completed(typed: str, offered: list[str]) -> None:
    """The beginning of a command becomes the command; messages and finished commands are left alone."""
    assert completed(typed) == offered


def test_a_slash_offers_every_command() -> None:
    """Who does not know what there is sees it after the first sign."""
    offered = completed("/")

    assert {word.split(" ")[0] for word in offered} == {usage.split(" ")[0] for usage in translate.COMMANDS}


def test_persona_offers_every_verb() -> None:
    """Every verb of /persona is offered, without the words that follow it."""
    assert completed("/persona ") == [f"/persona {name}" for name in COMMANDS]


def test_persona_admin_offers_every_verb() -> None:
    """Every verb of /persona-admin is offered likewise."""
    assert completed("/persona-admin ") == [f"/persona-admin {name}" for name in administration.COMMANDS]


@pytest.mark.parametrize("typed", ["/", "/persona "])
def test_a_completion_says_what_it_does(typed: str) -> None:
    """Beside each command stands what it is for."""
    for completion in _Commands().get_completions(Document(typed), CompleteEvent()):
        assert completion.display_meta_text


@pytest.mark.timeout(10)
async def test_tab_completes_the_line(keys: PipeInput) -> None:
    """While a command is typed it is offered, and what Tab puts into the line is what is read."""
    screen, offered, taken = RichScreen(), asyncio.Event(), asyncio.Event()
    buffer = screen._session.default_buffer
    buffer.on_completions_changed += lambda changed: offered.set() if changed.complete_state else None
    buffer.on_text_changed += lambda changed: taken.set() if changed.text == "/quit" else None
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(read(screen))
        keys.send_text("/q")
        await offered.wait()
        keys.send_text(TAB)
        await taken.wait()
        keys.send_text(ENTER)

    assert reading.result() == "/quit"


# -- what appears -----------------------------------------------------------------------------------------------------


def test_a_reply_is_drawn_as_markdown(keys: PipeInput, capsys: pytest.CaptureFixture[str]) -> None:
    """A reply stands under its room, with its Markdown drawn and not shown."""
    RichScreen().reply("#team", "**hello** there\n\n- one\n- two")
    shown = capsys.readouterr().out

    assert shown.startswith("Rapport #team\n")
    assert "hello there" in shown
    assert "**" not in shown
    assert shown.index("one") < shown.index("two")


def test_a_reply_shows_where_its_links_lead(keys: PipeInput, capsys: pytest.CaptureFixture[str]) -> None:
    """As on every platform, no link stands hidden behind other words."""
    RichScreen().reply("#team", "See [your bank](https://evil.example/).")

    assert "https://evil.example/" in capsys.readouterr().out


@pytest.mark.parametrize("line", ["[bold]loud[/]", "[/]", "[red", "  tools: [x] :bug: :smile:", "50% \\[a]", ""])
def test_lines_are_shown_as_they_are(keys: PipeInput, capsys: pytest.CaptureFixture[str], line: str) -> None:
    """What members said is not taken for marks of the screen."""
    RichScreen().lines([line, "next"])

    assert capsys.readouterr().out == f"{line}\nnext\n"


@pytest.mark.parametrize(
    "text", ["\x1b[2Jgone", "\x1b]52;c;aGk=\x07", "\x1b]8;;https://evil.example\x1b\\bank\x1b]8;;\x1b\\"]
)
def test_no_text_drives_the_terminal(keys: PipeInput, capsys: pytest.CaptureFixture[str], text: str) -> None:
    """A reply or a line that holds a terminal's control sequences does not clear, copy or link anything."""
    screen = RichScreen()
    screen.reply("#team", text)
    screen.lines([text])

    assert "\x1b" not in capsys.readouterr().out


def test_long_lines_are_not_broken(keys: PipeInput, capsys: pytest.CaptureFixture[str]) -> None:
    """Lines are left to the terminal to wrap, so that they can be copied whole."""
    RichScreen().lines(["word " * 100])

    assert capsys.readouterr().out.count("\n") == 1


def test_while_an_answer_is_written_the_screen_says_so(keys: PipeInput) -> None:
    """Showing that work is going on can be entered and left."""
    screen = RichScreen()
    with screen.working():
        screen.lines(["hello"])


# -- which screen -----------------------------------------------------------------------------------------------------


def test_a_person_gets_the_rich_screen(keys: PipeInput, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where somebody sits at both ends, lines can be completed and answers are drawn."""
    master, slave = pty.openpty()
    with (
        os.fdopen(master, "rb", buffering=0),
        os.fdopen(slave, "r") as typed,
        os.fdopen(os.dup(slave), "w") as shown,
        monkeypatch.context() as patch,
    ):
        patch.setattr(sys, "stdin", typed)
        patch.setattr(sys, "stdout", shown)
        screen = screens.for_process()

    assert isinstance(screen, RichScreen)


def test_a_pipe_gets_the_plain_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody sits, lines are read and written as they are."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("hello\n"))

    assert isinstance(screens.for_process(), PlainScreen)
