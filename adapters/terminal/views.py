"""A view as lines of text, the same on a screen and in a pipe."""

from bot.views import Line, View


def lines(view: View) -> list[str]:
    """The view, line by line; buttons are numbered for `/press`."""
    shown = [view.text]
    for section in view.sections:
        shown += ["", f"  {section.title}", *(f"    {_line(line)}" for line in section.lines)]
    if view.footer:
        shown += ["", f"  {view.footer}"]
    if view.buttons:
        buttons = "   ".join(f"[{number}] {button.label}" for number, button in enumerate(view.buttons, 1))
        shown += ["", f"  {buttons}   (type /press and the number)"]
    return shown


def _line(line: Line) -> str:
    note = f" ({line.note})" if line.note else ""
    if line.source is None:
        return f"{line.text}{note}"
    return f"{line.text}{note}, from “{line.source.quote}” in {_room(line.source.room)}"


def _room(room: str) -> str:
    return "your direct message" if room.startswith("dm:") else f"#{room}"
