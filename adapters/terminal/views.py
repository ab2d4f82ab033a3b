"""A view as lines of text, the same on a screen and in a pipe."""

from collections.abc import Iterator
from itertools import count

from bot.views import Form, Input, Line, View


def lines(view: View) -> list[str]:
    """The view, line by line; what can be pressed is numbered for `/press`, as in `actions`."""
    numbers = count(1)
    shown = [view.text]
    for section in view.sections:
        shown += ["", f"  {section.title}", *(f"    {_line(line, numbers)}" for line in section.lines)]
    if view.footer:
        shown += ["", f"  {view.footer}"]
    if view.buttons:
        buttons = "   ".join(f"[{next(numbers)}] {button.label}" for button in view.buttons)
        shown += ["", f"  {buttons}   (type /press and the number)"]
    return shown


def actions(view: View) -> tuple[str, ...]:
    """What each number stands for, from 1: the lines that open more, then the buttons."""
    every = [line.action for section in view.sections for line in section.lines]
    return (*filter(None, every), *(button.action for button in view.buttons))


def opening(form: Form) -> list[str]:
    """What is said before a form is asked, line by line."""
    how = "An empty line keeps what stands there, a command leaves the form."
    return [form.title, *([form.text] if form.text else []), how]


def question(asked: Input) -> str:
    """What is asked for one input."""
    choices = f" (one of: {', '.join(asked.choices)})" if asked.choices else ""
    hint = f" ({asked.hint})" if asked.hint and not asked.value else ""
    value = f" [{asked.value}]" if asked.value else ""
    return f"{asked.label}{choices}{hint}{value}:"


def _line(line: Line, numbers: Iterator[int]) -> str:
    number = f"[{next(numbers)}] " if line.action else ""
    note = f" ({line.note})" if line.note else ""
    if line.source is None:
        return f"{number}{line.text}{note}"
    return f"{number}{line.text}{note}, from “{line.source.quote}” in {_room(line.source.room)}"


def _room(room: str) -> str:
    return "your direct message" if room.startswith("dm:") else f"#{room}"
