"""What members see of Rapport on Discord, drawn from the payloads that Discord gets: `make pictures`.

The payloads come from the adapter and discord.py as they are, and Discord's twin has to take them. Only their look is
ours: colours and corners are not in a payload.
"""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import discord
from rich.box import ROUNDED
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from adapters.discord import forms
from adapters.discord.adapter import DiscordAdapter
from bot.consent import NOTICE
from bot.messages import MessageId, RoomId, TenantId
from bot.views import Button, Form, Input, Line, Section, Source, View
from tests.clock import NOON
from tests.twins.discord import Message
from tests.twins.discord.drafts import BUTTON, LABEL, TEXT_INPUT, check_message, check_modal

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
WIDTH = 84

BACK, CARD, GREY, TEXT, LINK = "on #313338", "#dbdee1 on #2b2d31", "#949ba4", "#dbdee1", "#00a8fc"
STYLES = {1: "bold white on #5865f2", 2: "bold white on #4e5058", 4: "bold white on #da373c"}
"""What Discord's buttons look like: primary, secondary, danger."""

Payload = dict[str, Any]

_INLINE = re.compile(r"\*\*(?P<bold>.+?)\*\*|\[(?P<link>[^\]\\]+)\]\(\S+?\)|\\(?P<plain>.)")


def _line(field: str, value: str, note: str, quote: str, number: int) -> Line:
    source = Source(tenant=TenantId("discord:1"), room=RoomId("2"), message=MessageId(str(number)), quote=quote)
    return Line(text=f"{field}: {value}", note=note, source=source, action=f"why:{number}")


PANEL = View(
    text="What I remember about Ana:",
    sections=(
        Section(
            title="Demographics",
            lines=(
                _line("location", "Porto", "said 2026-11-20, used only with you alone", "I live in Porto now", 1),
                _line("role", "nurse", "said 2026-11-02, used in any room without outsiders", "I'm a nurse", 2),
            ),
        ),
        Section(
            title="Preferences",
            lines=(_line("answer length", "short", "seen 2026-11-19, shapes my answers, never spoken", "tl;dr?", 3),),
        ),
    ),
    footer="Only you see this.",
    buttons=(
        Button(action="form:add:", label="Add a fact", is_primary=True),
        Button(action="show::2", label="Next"),
        Button(action="forget:all", label="Forget everything", is_danger=True),
    ),
)

FORM = Form(
    action="edit:1",
    title="Correct it",
    text="It stays used only with you alone.",
    inputs=(
        Input(name="value", label="location", value="Porto", hint="where you live", max_chars=160),
        Input(name="length", label="answer length", value="short", choices=("short", "medium", "long")),
    ),
)


# -- payloads ---------------------------------------------------------------------------------------------------------


def _message(view: View) -> Payload:
    """A view as Discord gets it; Discord has to take it."""
    drawn = DiscordAdapter(discord.Client(intents=discord.Intents.none())).drawn(view)
    payload = {"embeds": [drawn["embed"].to_dict()], "components": drawn["view"].to_components()}
    check_message(
        Message(
            id="1",
            channel_id="1",
            author_id="1",
            created_at=NOON,
            embeds=tuple(payload["embeds"]),
            components=tuple({"id": number, **row} for number, row in enumerate(payload["components"])),
        )
    )
    return payload


def _modal(form: Form) -> Payload:
    payload = forms.modal(form).to_dict()
    check_modal(payload)
    return payload


# -- drawing ----------------------------------------------------------------------------------------------------------


def panel() -> RenderableType:
    """What a verb shows, with the select closed."""
    return _shown(_message(PANEL), note="Only you can see this")


def select() -> RenderableType:
    """The same select, open."""
    (row,) = [row for row in _message(PANEL)["components"] if row["components"][0]["type"] != BUTTON]
    (menu,) = row["components"]
    options = [
        Text.assemble((option["label"], f"bold {TEXT}"), "\n", (option["description"], GREY), "\n")
        for option in menu["options"]
    ]
    return Panel(Group(*options), title=menu["placeholder"], title_align="left", style=CARD, box=ROUNDED)


def modal() -> RenderableType:
    """A form, as it is before anything is changed in it."""
    payload = _modal(FORM)
    parts: list[RenderableType] = []
    for node in payload["components"]:
        parts += [*_labelled(node), Text()] if node["type"] == LABEL else [_marked(node["content"]), Text()]
    buttons = Text.assemble((" Cancel ", STYLES[2]), "  ", (" Submit ", STYLES[1]), justify="right")
    return Panel(Group(*parts, buttons), title=payload["title"], title_align="left", style=CARD, box=ROUNDED)


def notice() -> RenderableType:
    """What is asked once, in the direct message."""
    return _shown(_message(NOTICE), note="")


def _shown(payload: Payload, *, note: str) -> RenderableType:
    (embed,) = payload["embeds"]
    footer = embed.get("footer", {}).get("text", "")
    lines = [_marked(line) for line in embed["description"].split("\n")]
    card = Panel(Group(*lines, *([Text(), Text(footer, GREY)] if footer else [])), style=CARD, box=ROUNDED)
    rows = [part for row in payload["components"] for part in (_row(row), Text())]
    author = Text.assemble(("Rapport", "bold white"), " ", (" APP ", STYLES[1]))
    return Group(author, card, *rows, *([Text(note, GREY)] if note else []))


def _row(row: Payload) -> RenderableType:
    first = row["components"][0]
    if first["type"] != BUTTON:
        return _box(first["placeholder"], GREY)
    drawn = Text()
    for button in row["components"]:
        drawn.append(f"  {button['label']}  ", STYLES[button["style"]]).append("  ")
    return drawn


def _labelled(label: Payload) -> list[RenderableType]:
    asked = label["component"]
    head = Text.assemble((label["label"], "bold white"), (" *", "#da373c") if asked["required"] else "")
    if asked["type"] == TEXT_INPUT:
        return [head, Panel(Text(asked.get("value") or asked["placeholder"], TEXT), style=CARD, box=ROUNDED)]
    picked = [option["label"] for option in asked["options"] if option["default"]]
    return [head, _box(picked[0] if picked else asked.get("placeholder", ""), TEXT)]


def _box(text: str, style: str) -> RenderableType:
    """A select that is closed."""
    return Panel(Text.assemble((text, style), "  ▾"), style=CARD, box=ROUNDED)


def _marked(line: str) -> Text:
    """A line with Discord's Markdown as Discord shows it: bold, links, and what is escaped as it is."""
    drawn, end = Text(style=TEXT), 0
    line = re.sub(r"^- ", "• ", line)
    for found in _INLINE.finditer(line):
        drawn.append(line[end : found.start()])
        styles = {"bold": "bold white", "link": f"underline {LINK}", "plain": ""}
        drawn.append(found[str(found.lastgroup)], styles[str(found.lastgroup)])
        end = found.end()
    return drawn.append(line[end:])


PICTURES: dict[str, Callable[[], RenderableType]] = {
    "discord-panel": panel,
    "discord-select": select,
    "discord-modal": modal,
    "discord-notice": notice,
}


async def svg(name: str) -> str:
    """One picture; the same on every machine. Without the fonts that rich's pictures load from elsewhere."""
    console = Console(
        record=True,
        width=WIDTH,
        file=io.StringIO(),
        color_system="truecolor",
        force_terminal=True,
        no_color=False,
        legacy_windows=False,
        style=BACK,
    )
    console.print(PICTURES[name]())
    drawn = console.export_svg(title="Discord", unique_id=name)
    return re.sub(r"\s*@font-face \{.*?\}", "", drawn, flags=re.DOTALL)


async def _store() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in PICTURES:
        (FOLDER / f"{name}.svg").write_text(await svg(name), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(_store())
