"""A verb for tests that has all a verb may have: `/persona note`, whose parts are changed as a test needs them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from bot.commands import registry
from bot.commands.command import Asked, Command, Context
from bot.views import Button, File, Form, Input, Line, Section, View

NEW = Button(action="form:note:new", label="New note", is_primary=True)
DROP = Button(action="note:drop", label="Drop all", is_danger=True)
FORM = Form(
    action="note:write",
    title="A new note",
    text="Only you see it.",
    inputs=(
        Input(name="words", label="Words", max_chars=80),
        Input(name="tone", label="Tone", choices=("warm", "dry"), is_required=False),
    ),
)


class Desk:
    """The verb, and everything that was asked of it."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: list[Mapping[str, str]] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.error: Exception | None = None
        self.opened: Form | View = FORM
        self.files: tuple[File, ...] = ()
        self.buttons: tuple[Button, ...] = (NEW, DROP)

    @property
    def command(self) -> Command:
        return Command(
            name="note",
            usage="note <field> [words]",
            summary="your notes",
            run=self.run,
            press=self.press,
            form=self.form,
            fill=self.fill,
        )

    async def run(self, context: Context, asked: Asked) -> View:
        await self._take(asked)
        lines = tuple(Line(text=f"note {n}", note="said in May", action=f"note:open {n}") for n in range(3))
        section = Section(title="Notes", lines=lines)
        return View(text="Your notes:", sections=(section,), buttons=self.buttons, files=self.files)

    async def press(self, context: Context, asked: Asked) -> View:
        await self._take(asked)
        return View(text=f"Pressed {asked.words}.", buttons=(NEW,), files=self.files)

    async def form(self, context: Context, asked: Asked) -> Form | View:
        await self._take(asked)
        return self.opened

    async def fill(self, context: Context, asked: Asked, answers: Mapping[str, str]) -> View:
        self.answers.append(answers)
        await self._take(asked)
        return View(text=f"Noted: {answers['words']}.")

    async def _take(self, asked: Asked) -> None:
        self.asked.append(asked)
        await self.go_on.wait()
        if self.error is not None:
            raise self.error


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A verb that is there beside the others."""
    made = Desk()
    monkeypatch.setitem(registry.COMMANDS, "note", made.command)
    monkeypatch.setitem(registry._BY_NAME, "note", made.command)
    return made
