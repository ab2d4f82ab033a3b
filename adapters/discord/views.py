"""A view as an embed and buttons, within Discord's limits: 4,096 characters in an embed (Discord sheet, section 1)."""

import re
from collections.abc import Callable

import discord

from bot.views import Line, Source, View

ACTION_PREFIX = "rapport:"
MAX_CHARS = 4_000
MAX_LINE_CHARS = 1_000
MAX_QUOTE_CHARS = 120
_MORE = "… and more; name a field to see it, as in `/persona show field:tools`."
_MARKUP = re.compile(r"[\\*_~`|>#\[\]()<]|^\s*[-+]", re.MULTILINE)

Link = Callable[[Source], str]
"""The address of a message."""


def embed(view: View, *, link: Link) -> discord.Embed:
    """The view; if not all of it fits, the last line says so."""
    lines = [_cut(escape(view.text))]
    for section in view.sections:
        lines += ["", f"**{escape(section.title)}**", *(_line(line, link) for line in section.lines)]
    shown, left = [], MAX_CHARS - len(_MORE) - 1
    for line in lines:
        left -= len(line) + 1
        if left < 0:
            shown.append(_MORE)
            break
        shown.append(line)
    drawn = discord.Embed(description="\n".join(shown))
    return drawn.set_footer(text=view.footer) if view.footer else drawn


def buttons(view: View) -> discord.ui.View | None:
    """The buttons, if there are any. Pressing one comes back as an interaction, after a restart too.

    The view is stopped, so that discord.py does not keep it in memory to wait for a press.
    """
    if not view.buttons:
        return None
    drawn = discord.ui.View(timeout=None)
    for button in view.buttons:
        style = discord.ButtonStyle.primary if button.is_primary else discord.ButtonStyle.secondary
        drawn.add_item(discord.ui.Button(label=button.label, style=style, custom_id=f"{ACTION_PREFIX}{button.action}"))
    drawn.stop()
    return drawn


def escape(text: str) -> str:
    """Text in which nothing is Markdown, a link with another address, or a mention."""
    return discord.utils.escape_mentions(_MARKUP.sub(r"\\\g<0>", text))


def _line(line: Line, link: Link) -> str:
    note = f" · {escape(line.note)}" if line.note else ""
    text = f"- {_cut(escape(line.text))}{note}"
    if line.source is None:
        return text
    quote = _cut(escape(line.source.quote), MAX_QUOTE_CHARS)
    return f"{text} · “{quote}” ([message]({link(line.source)}))"


def _cut(text: str, most: int = MAX_LINE_CHARS) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
