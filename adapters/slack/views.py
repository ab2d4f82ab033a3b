"""A view as Block Kit, within its limits: 50 blocks, 3,000 characters of text in each (Slack sheet, section 1).

A line with an action stands in a block of its own, beside a button that opens more about it; other lines share blocks.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from adapters.slack.render import escape
from bot.views import Button, Line, Section, Source, View

ACTION_PREFIX = "rapport:"
MAX_BLOCKS = 50
MAX_SECTION_CHARS = 2_900
MAX_TOTAL_CHARS = 12_000
"""Text in all blocks together: Slack refuses somewhat above 13,000."""

MAX_FOOTER_CHARS = 1_000
MAX_BUTTON_CHARS = 75
MAX_QUOTE_CHARS = 100
OPEN = "Details"
"""On the button beside a line that has an action."""
_MORE = "… and more; name a field to see it, as in `/persona show tools`."

Block = dict[str, Any]
Link = Callable[[Source], str]
"""The address of a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chunk:
    """What fills one section block."""

    text: str
    of: Line | None = None
    """The line it is about, if that line has an action."""


def blocks(view: View, *, link: Link, most: int = MAX_BLOCKS) -> list[Block]:
    """The view as at most that many blocks. If not all of it fits, the last line before the footer says so."""
    closing = [_context(view.footer)] if view.footer else []
    if view.buttons:
        closing.append({"type": "actions", "elements": [button(one) for one in view.buttons]})
    left_blocks, left_chars = most - len(closing) - 1, MAX_TOTAL_CHARS
    drawn: list[Block] = []
    for chunk in _chunks(view, link):
        left_blocks, left_chars = left_blocks - 1, left_chars - len(chunk.text) - (len(OPEN) if chunk.of else 0)
        if left_blocks < 0 or left_chars < 0:
            return [*drawn, _context(_MORE), *closing]
        drawn.append(_section(chunk))
    return [*drawn, *closing]


def text(view: View) -> str:
    """The view for notifications and screen readers."""
    lines = [line.text for section in view.sections for line in section.lines]
    return escape("\n".join([view.text, *lines]))[:MAX_SECTION_CHARS]


def sentence(words: str) -> Block:
    """A block that says this, with no mark-up in it."""
    return _section(_Chunk(text=_cut(escape(words))))


def button(drawn: Button) -> Block:
    """A button that comes back with its action."""
    style = "danger" if drawn.is_danger else "primary" if drawn.is_primary else None
    block: Block = {
        "type": "button",
        "action_id": f"{ACTION_PREFIX}{drawn.action}",
        "text": plain(drawn.label, MAX_BUTTON_CHARS),
    }
    return {**block, "style": style} if style else block


def plain(words: str, most: int) -> Block:
    """A text in which nothing is marked up."""
    return {"type": "plain_text", "text": _cut(words, most)}


def _chunks(view: View, link: Link) -> Iterator[_Chunk]:
    yield from _filled([escape(view.text)])
    for section in view.sections:
        yield from _section_chunks(section, link)


def _section_chunks(section: Section, link: Link) -> Iterator[_Chunk]:
    """The heading goes with the first line, whichever way that is drawn."""
    waiting = [f"*{escape(section.title)}*"]
    for line in section.lines:
        if not line.action:
            waiting.append(_line(line, link))
            continue
        is_first = line is section.lines[0]
        if waiting and not is_first:
            yield from _filled(waiting)
        yield _Chunk(text=_cut("\n".join([*(waiting if is_first else ()), _line(line, link)])), of=line)
        waiting = []
    if waiting:
        yield from _filled(waiting)


def _filled(lines: list[str]) -> Iterator[_Chunk]:
    """The lines in as few pieces as a section can hold; a line beyond that is cut."""
    chunk = ""
    for whole in lines:
        line = _cut(whole)
        if chunk and len(chunk) + len(line) + 1 > MAX_SECTION_CHARS:
            yield _Chunk(text=chunk)
            chunk = ""
        chunk = f"{chunk}\n{line}" if chunk else line
    yield _Chunk(text=chunk)


def _section(chunk: _Chunk) -> Block:
    block: Block = {"type": "section", "text": {"type": "mrkdwn", "text": chunk.text, "verbatim": True}}
    if chunk.of is None:
        return block
    opening = button(Button(action=chunk.of.action, label=OPEN))
    return {
        **block,
        "accessory": {**opening, "accessibility_label": _cut(f"{OPEN}: {chunk.of.text}", MAX_BUTTON_CHARS)},
    }


def _context(text: str) -> Block:
    words = _cut(escape(text), MAX_FOOTER_CHARS)
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": words, "verbatim": True}]}


def _line(line: Line, link: Link) -> str:
    note = f" · {escape(line.note)}" if line.note else ""
    if line.source is None:
        return f"• {escape(line.text)}{note}"
    label = escape(_cut(line.source.quote, MAX_QUOTE_CHARS)).replace("|", "¦")
    return f"• {escape(line.text)}{note} · <{link(line.source)}|“{label}”>"


def _cut(words: str, most: int = MAX_SECTION_CHARS) -> str:
    return words if len(words) <= most else f"{words[: most - 1]}…"
