"""Block Kit as a picture: what stands where, in Slack's own colours. Knows only the blocks that Rapport draws."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Json: TypeAlias = dict[str, Any]
Style: TypeAlias = Literal["", "bold", "link", "code"]

WIDTH, MARGIN, LINE, CHAR = 760, 28, 22, 7.6
"""Pixels; a character is as wide as the wide ones of usual fonts, so that nothing runs over an edge."""

STYLE = """
text { font: 15px Lato, 'Helvetica Neue', Arial, sans-serif; fill: #1d1c1d; white-space: pre }
.bold { font-weight: 700 } .link { fill: #1264a3 } .code { font-family: monospace; font-size: 13px; fill: #c01343 }
.small { font-size: 13px; fill: #616061 } .title { font-size: 18px; font-weight: 700 } .hint { fill: #8d8d8d }
.onto { fill: #ffffff; font-weight: 700 } .middle { text-anchor: middle; font-weight: 700 }
"""
NOTHING: Json = {}
FILL = {None: "#ffffff", "primary": "#007a5a", "danger": "#e01e5a"}

_MARK = re.compile(r"\*(?P<bold>[^*\n]+)\*|<[^|>]+\|(?P<link>[^>]+)>|`(?P<code>[^`\n]+)`")


@dataclass(slots=True, kw_only=True)
class Sheet:
    """What is drawn so far, and how far down it reaches."""

    drawn: list[str] = field(default_factory=list)
    y: float = MARGIN

    def text(self, x: float, words: str, kind: str = "") -> None:
        """One line of plain text at the present height."""
        self.drawn.append(
            f'<text x="{x:g}" y="{self.y + 16:g}" class="{kind}">{html.escape(words, quote=False)}</text>'
        )

    def box(self, x: float, width: float, height: float, *, fill: str = "#ffffff", edge: str = "#bbbbbb") -> None:
        """A rounded box at the present height."""
        place = f'x="{x:g}" y="{self.y:g}" width="{width:g}" height="{height:g}"'
        self.drawn.append(f'<rect {place} rx="5" fill="{fill}" stroke="{edge}"/>')

    def svg(self) -> str:
        """The whole picture, with nothing in it that is loaded from elsewhere."""
        height = self.y + MARGIN
        inner = f'width="{WIDTH - 1}" height="{height - 1:g}"'
        frame = f'<rect x="0.5" y="0.5" {inner} rx="8" fill="#ffffff" stroke="#dddddd"/>'
        size = f'width="{WIDTH}" height="{height:g}" viewBox="0 0 {WIDTH} {height:g}"'
        body = "\n".join([f"<style>{STYLE}</style>", frame, *self.drawn])
        return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n{body}\n</svg>\n'


def message(blocks: list[Json]) -> str:
    """A message that only its reader sees."""
    sheet = Sheet()
    sheet.text(MARGIN, "Only visible to you", "small")
    sheet.y += LINE + 6
    sheet.text(MARGIN, "Rapport", "title")
    sheet.y += LINE + 6
    return _with(sheet, blocks).svg()


def home(view: Json) -> str:
    """The Home tab."""
    sheet = Sheet()
    sheet.text(MARGIN, "Rapport", "title")
    sheet.y += LINE + 10
    sheet.text(MARGIN, "Home", "bold")
    sheet.text(MARGIN + 70, "Messages", "small")
    sheet.y += LINE
    _divider(sheet)
    return _with(sheet, view["blocks"]).svg()


def modal(view: Json) -> str:
    """A modal, with what submits and closes it below."""
    sheet = Sheet()
    sheet.text(MARGIN, view["title"]["text"], "title")
    sheet.y += LINE + 10
    _divider(sheet)
    _with(sheet, view["blocks"])
    _divider(sheet)
    below = [
        {"text": view[part], "style": style} for part, style in (("close", None), ("submit", "primary")) if part in view
    ]
    _buttons(sheet, below)
    return sheet.svg()


def _with(sheet: Sheet, blocks: list[Json]) -> Sheet:
    for block in blocks:
        _DRAW[block["type"]](sheet, block)
    return sheet


def _section(sheet: Sheet, block: Json) -> None:
    accessory = block.get("accessory")
    room = WIDTH - 2 * MARGIN - (_width(accessory) + 16 if accessory else 0)
    above = sheet.y
    if accessory:
        _button(sheet, WIDTH - MARGIN - _width(accessory), accessory)
    _lines(sheet, block["text"]["text"], room)
    sheet.y = max(sheet.y, above + 34 if accessory else 0) + 8


def _context(sheet: Sheet, block: Json) -> None:
    for element in block["elements"]:
        _lines(sheet, element["text"], WIDTH - 2 * MARGIN, kind="small")
    sheet.y += 8


def _actions(sheet: Sheet, block: Json) -> None:
    _buttons(sheet, block["elements"])


def _divider(sheet: Sheet, _block: Json = NOTHING) -> None:
    sheet.y += 4
    sheet.drawn.append(f'<path d="M{MARGIN} {sheet.y:g}H{WIDTH - MARGIN}" stroke="#dddddd"/>')
    sheet.y += 14


def _input(sheet: Sheet, block: Json) -> None:
    element = block["element"]
    optional = " (optional)" if block.get("optional") else ""
    sheet.text(MARGIN, f"{block['label']['text']}{optional}", "bold")
    sheet.y += LINE + 4
    standing = element.get("initial_value") or (element.get("initial_option") or {}).get("text", {}).get("text", "")
    hint = (element.get("placeholder") or {}).get("text", "")
    sheet.box(MARGIN, WIDTH - 2 * MARGIN, 36)
    sheet.y += 8
    sheet.text(MARGIN + 12, standing or hint, "" if standing else "hint")
    if element["type"] == "static_select":
        sheet.text(WIDTH - MARGIN - 24, "▾", "small")
    sheet.y += 44


_DRAW: dict[str, Callable[[Sheet, Json], None]] = {
    "section": _section,
    "context": _context,
    "actions": _actions,
    "divider": _divider,
    "input": _input,
}


def _buttons(sheet: Sheet, buttons: list[Json]) -> None:
    x = float(MARGIN)
    for button in buttons:
        if x > MARGIN and x + _width(button) > WIDTH - MARGIN:
            x, sheet.y = float(MARGIN), sheet.y + 42
        _button(sheet, x, button)
        x += _width(button) + 10
    sheet.y += 46


def _button(sheet: Sheet, x: float, button: Json) -> None:
    style = button.get("style")
    sheet.box(x, _width(button), 34, fill=FILL[style], edge=FILL[style] if style else "#bbbbbb")
    sheet.y += 7
    sheet.text(x + _width(button) / 2, button["text"]["text"], "middle onto" if style else "middle")
    sheet.y -= 7


def _width(button: Json) -> float:
    return len(button["text"]["text"]) * (CHAR + 1) + 28


def _lines(sheet: Sheet, text: str, room: float, *, kind: str = "") -> None:
    most = int(room / CHAR)
    for line in text.split("\n"):
        for pieces in _wrapped(list(_styled(line)), most):
            spans = "".join(
                f'<tspan class="{style}">{html.escape(words, quote=False)}</tspan>'
                if style
                else html.escape(words, quote=False)
                for words, style in pieces
            )
            sheet.drawn.append(f'<text x="{MARGIN}" y="{sheet.y + 16:g}" class="{kind}">{spans}</text>')
            sheet.y += LINE


def _styled(line: str) -> Iterator[tuple[str, Style]]:
    """The words of a line, each with the space after it, and how Slack shows them."""
    end = 0
    for found in _MARK.finditer(line):
        yield from _words(line[end : found.start()], "")
        style: Style = "bold" if found["bold"] else "link" if found["link"] else "code"
        yield from _words(found[found.lastgroup or 0], style)
        end = found.end()
    yield from _words(line[end:], "")


def _words(text: str, style: Style) -> Iterator[tuple[str, Style]]:
    for word in re.findall(r"\s*\S+\s*?|\s+", html.unescape(text)):
        yield word, style


def _wrapped(words: list[tuple[str, Style]], most: int) -> Iterator[list[tuple[str, Style]]]:
    line: list[tuple[str, Style]] = []
    length = 0
    for word, style in words:
        if line and length + len(word) > most:
            yield line
            line, length = [], 0
        line.append((word if line else word.lstrip(), style))
        length += len(word)
    yield line
