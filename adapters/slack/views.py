"""A view as Block Kit, within its limits: 50 blocks, 3,000 characters of text in each (Slack sheet, section 1)."""

from collections.abc import Callable, Iterator
from typing import Any

from adapters.slack.render import escape
from bot.views import Button, Line, Source, View

ACTION_PREFIX = "rapport:"
MAX_BLOCKS = 50
MAX_SECTION_CHARS = 2_900
MAX_TOTAL_CHARS = 12_000
"""Text in all blocks together: Slack refuses somewhat above 13,000."""

MAX_QUOTE_CHARS = 100
_MORE = "… and more; name a field to see it, as in `/persona show tools`."

Block = dict[str, Any]
Link = Callable[[Source], str]
"""The address of a message."""


def blocks(view: View, *, link: Link) -> list[Block]:
    """The view as blocks. If not all of it fits, the last line before the footer says so."""
    closing = [_context(view.footer)] if view.footer else []
    if view.buttons:
        closing.append({"type": "actions", "elements": [_button(button) for button in view.buttons]})
    left_blocks, left_chars = MAX_BLOCKS - len(closing) - 1, MAX_TOTAL_CHARS
    drawn: list[Block] = []
    for chunk in _chunks(view, link):
        left_blocks, left_chars = left_blocks - 1, left_chars - len(chunk)
        if left_blocks < 0 or left_chars < 0:
            return [*drawn, _context(_MORE), *closing]
        drawn.append(_section(chunk))
    return [*drawn, *closing]


def text(view: View) -> str:
    """The view for notifications and screen readers."""
    lines = [line.text for section in view.sections for line in section.lines]
    return escape("\n".join([view.text, *lines]))[:MAX_SECTION_CHARS]


def _chunks(view: View, link: Link) -> Iterator[str]:
    yield from _filled([escape(view.text)])
    for section in view.sections:
        yield from _filled([f"*{escape(section.title)}*", *(_line(line, link) for line in section.lines)])


def _filled(lines: list[str]) -> Iterator[str]:
    """The lines in as few pieces as a section can hold; a line beyond that is cut."""
    chunk = ""
    for whole in lines:
        line = whole if len(whole) <= MAX_SECTION_CHARS else f"{whole[: MAX_SECTION_CHARS - 1]}…"
        if chunk and len(chunk) + len(line) + 1 > MAX_SECTION_CHARS:
            yield chunk
            chunk = ""
        chunk = f"{chunk}\n{line}" if chunk else line
    yield chunk


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": escape(text), "verbatim": True}]}


def _line(line: Line, link: Link) -> str:
    note = f" · {escape(line.note)}" if line.note else ""
    if line.source is None:
        return f"• {escape(line.text)}{note}"
    label = escape(_shortened(line.source.quote)).replace("|", "¦")
    return f"• {escape(line.text)}{note} · <{link(line.source)}|“{label}”>"


def _shortened(quote: str) -> str:
    return quote if len(quote) <= MAX_QUOTE_CHARS else f"{quote[: MAX_QUOTE_CHARS - 1]}…"


def _button(button: Button) -> Block:
    drawn: Block = {
        "type": "button",
        "action_id": f"{ACTION_PREFIX}{button.action}",
        "text": {"type": "plain_text", "text": button.label},
    }
    return {**drawn, "style": "primary"} if button.is_primary else drawn
