"""A view as an embed, selects, buttons and files, within Discord's limits (Discord sheet, section 1)."""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import discord

from bot.views import Button, File, Line, Source, View

ACTION_PREFIX = "rapport:"
PICK = f"{ACTION_PREFIX}*"
"""What the custom id of a select begins with: no verb is called so. The action is in what was picked."""

MAX_CHARS = 4_000
MAX_LINE_CHARS = 1_000
QUOTE_CHARS = (120, 40, 0, None)
"""How much is quoted of the messages that lines rest on: the most that leaves room for all lines; None leaves the
link out as well."""
MAX_FOOTER_CHARS = 1_000
MAX_LABEL_CHARS = 80
MAX_OPTION_CHARS = 100
MAX_OPTIONS = 25
MAX_ROWS = 5
MAX_ROW_BUTTONS = 5
MAX_FILES = 10
MAX_FILE_BYTES = 10 * 2**20
"""Of one file, unless an interaction says otherwise."""
MAX_REQUEST_BYTES = 24 * 2**20
"""Of all files together; a request may have 25 MiB, and they are not all of it."""

_MORE = "… and more; name a field to see it, as in `/persona show field:tools`."
_MARKUP = re.compile(r"[\\*_~`|>#\[\]()<]|^\s*[-+]", re.MULTILINE)

Link = Callable[[Source], str]
"""The address of a message."""


def embed(view: View, *, link: Link) -> discord.Embed:
    """The view; quotes give way to lines, and if not all lines fit, the last one says so."""
    most = MAX_CHARS - len(_MORE) - 1
    drafts = (_lines(view, link, quoted=quoted) for quoted in QUOTE_CHARS)
    lines = next((draft for draft in drafts if _size(draft) <= most), _lines(view, link, quoted=None))
    shown: list[str] = []
    for line in lines:
        if _size([*shown, line]) > most:
            shown.append(_MORE)
            break
        shown.append(line)
    drawn = discord.Embed(description="\n".join(shown))
    return drawn.set_footer(text=_cut(view.footer, MAX_FOOTER_CHARS)) if view.footer else drawn


def components(view: View) -> discord.ui.View | None:
    """What can be picked and pressed, if anything: the lines that open more in selects, the buttons below them.

    Both come back as interactions, after a restart too. The view is stopped, so that discord.py does not keep it in
    memory to wait for them. What dangerous buttons do comes after all else; lines beyond the last row open nothing.
    """
    lines, pressed = _openable(view), _pressable(view)
    if not lines and not pressed:
        return None
    drawn = discord.ui.View(timeout=None)
    button_rows = -(-len(pressed) // MAX_ROW_BUTTONS)
    pages = [lines[first : first + MAX_OPTIONS] for first in range(0, len(lines), MAX_OPTIONS)]
    pages = pages[: max(1, MAX_ROWS - button_rows)]
    for row, page in enumerate(pages):
        drawn.add_item(_select(page, row=row, is_only=len(pages) == 1))
    for number, button in enumerate(pressed[: (MAX_ROWS - len(pages)) * MAX_ROW_BUTTONS]):
        drawn.add_item(_button(button, row=len(pages) + number // MAX_ROW_BUTTONS))
    drawn.stop()
    return drawn


def action(data: Mapping[str, Any]) -> str | None:
    """What was picked or pressed, of the data of a component's interaction; nothing if it is none of ours."""
    custom_id = str(data.get("custom_id", ""))
    if custom_id.startswith(PICK):
        return str(data["values"][0]) if data.get("values") else None
    return custom_id.removeprefix(ACTION_PREFIX) if custom_id.startswith(ACTION_PREFIX) else None


def within(view: View, *, most_bytes: int = MAX_FILE_BYTES) -> View:
    """The view with no more files than Discord takes in one message; its text names those it is too small for."""
    kept: list[File] = []
    left, refused = MAX_REQUEST_BYTES, []
    for file in view.files:
        size = len(file.text.encode())
        if len(kept) == MAX_FILES or size > min(most_bytes, left):
            refused.append(file.name)
            continue
        kept.append(file)
        left -= size
    if not refused:
        return view
    why = f"Discord does not take {', '.join(refused)}: too large. Please ask whoever runs me for it."
    return replace(view, text=f"{view.text} {why}", files=tuple(kept))


def files(view: View) -> list[discord.File]:
    """The files, to be sent once."""
    return [discord.File(io.BytesIO(file.text.encode()), filename=file.name) for file in view.files]


def escape(text: str) -> str:
    """Text in which nothing is Markdown, a link with another address, or a mention."""
    return discord.utils.escape_mentions(_MARKUP.sub(r"\\\g<0>", text))


def plain(text: str, most: int) -> str:
    """Text as labels show it: on one line, never empty, at most `most` characters. Nothing is Markdown there."""
    return _cut(" ".join(text.split()), most) or "…"


def _openable(view: View) -> list[Line]:
    """The lines that open more, each action once."""
    found: dict[str, Line] = {}
    for section in view.sections:
        for line in section.lines:
            if line.action:
                found.setdefault(line.action, line)
    return list(found.values())


def _pressable(view: View) -> list[Button]:
    """The buttons, each action once, what destroys something last."""
    found: dict[str, Button] = {}
    for button in view.buttons:
        found.setdefault(button.action, button)
    return sorted(found.values(), key=lambda button: button.is_danger)


def _select(lines: list[Line], *, row: int, is_only: bool) -> discord.ui.Select[Any]:
    first = row * MAX_OPTIONS + 1
    which = "" if is_only else f" ({first}–{first + len(lines) - 1})"
    options = [
        discord.SelectOption(
            label=plain(line.text, MAX_OPTION_CHARS),
            value=line.action,
            description=plain(line.note, MAX_OPTION_CHARS) if line.note else None,
        )
        for line in lines
    ]
    return discord.ui.Select(custom_id=f"{PICK}{row}", placeholder=f"More about …{which}", options=options, row=row)


def _button(button: Button, *, row: int) -> discord.ui.Button[Any]:
    style = discord.ButtonStyle.primary if button.is_primary else discord.ButtonStyle.secondary
    return discord.ui.Button(
        label=plain(button.label, MAX_LABEL_CHARS),
        style=discord.ButtonStyle.danger if button.is_danger else style,
        custom_id=f"{ACTION_PREFIX}{button.action}",
        row=row,
    )


def _lines(view: View, link: Link, *, quoted: int | None) -> list[str]:
    """All lines, with so much of each quote."""
    lines = [_cut(escape(view.text))]
    for section in view.sections:
        lines += ["", f"**{escape(section.title)}**", *(_line(line, link, quoted=quoted) for line in section.lines)]
    return lines


def _size(lines: Sequence[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _line(line: Line, link: Link, *, quoted: int | None) -> str:
    note = f" · {escape(line.note)}" if line.note else ""
    text = f"- {_cut(escape(line.text))}{note}"
    if line.source is None or quoted is None:
        return text
    address = f"([message]({link(line.source)}))"
    quote = _cut(escape(line.source.quote), quoted) if quoted else ""
    return f"{text} · “{quote}” {address}" if quote else f"{text} · {address}"


def _cut(text: str, most: int = MAX_LINE_CHARS) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
