"""What members see of Rapport on Discord, drawn from what Discord gets: `make pictures`.

The payloads are those of a short story with the verbs, the adapter and discord.py as they are, told to Discord's twin.
Only their look is ours: colours and corners are not in a payload.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
from collections.abc import Callable, Mapping
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.box import ROUNDED
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from bot import logs
from bot.settings import NAMES
from tests.journeys.worlds import DiscordWorld, learns, world
from tests.twins.discord import Interaction, Message
from tests.twins.discord.drafts import BUTTON, LABEL, SELECT, TEXT_INPUT, walk

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
WIDTH = 84

BACK, CARD, GREY, TEXT, LINK = "on #313338", "#dbdee1 on #2b2d31", "#949ba4", "#dbdee1", "#00a8fc"
STYLES = {1: "bold white on #5865f2", 2: "bold white on #4e5058", 4: "bold white on #da373c"}
"""What Discord's buttons look like: primary, secondary, danger."""

Payload = Mapping[str, Any]

_INLINE = re.compile(r"\*\*(?P<bold>.+?)\*\*|\[(?P<link>[^\]\\]+)\]\(\S+?\)|\\(?P<plain>.)")


# -- the story --------------------------------------------------------------------------------------------------------


async def payloads(folder: Path) -> dict[str, Payload]:
    """What Discord gets while Ana is asked, tells who she is, looks at it, and corrects it; by picture."""
    async with world("discord", folder) as told:
        assert isinstance(told, DiscordWorld)
        learns(
            told.claude,
            ("set", "role", "nurse", "I'm a nurse"),
            ("set", "location", "Lisbon", "I live in Lisbon"),
            ("set", "answer_length", "short", "keep it short"),
        )
        async with told.running(persona_consent="ask"):
            await told.answered(await told.says("Ana", "Hello!"))
            await told.twin.wait_for(lambda: told.notices("Ana"))
            notice = _message(told.twin.messages(told.twin.dm("Ana"))[0])
            await told.press("Ana", "consent:on")
            said = "Remember that I'm a nurse, that I live in Lisbon, and please keep it short"
            await told.answered(await told.says("Ana", said))
            shown = await told.twin.command("Ana", "team", "persona show")
            await told.twin.wait_for(lambda: shown.embeds)
            panel, fact, form = await _opened(told, shown)
    return {
        "discord-notice": notice,
        "discord-panel": _message(panel),
        "discord-select": _message(panel),
        "discord-fact": _message(fact),
        "discord-modal": form,
    }


async def _opened(told: DiscordWorld, shown: Interaction) -> tuple[Message, Message, Payload]:
    """The panel, the fact that is picked in it, and the form to correct it."""
    panel = shown.message
    assert panel is not None
    (menu,) = [node for _, node in walk(panel.components) if node["type"] == SELECT]
    (value,) = [option["value"] for option in menu["options"] if option["label"].startswith("location")]
    await told.twin.selects("Ana", panel, menu["custom_id"], [value])
    await told.twin.wait_for(lambda: told.twin.message(panel) != panel)
    fact = told.twin.message(panel)
    assert fact is not None
    (edit,) = [node["custom_id"] for _, node in walk(fact.components) if node.get("label") == "Edit"]
    form = await told.twin.press("Ana", fact, edit)
    assert form.modal is not None
    return panel, fact, form.modal


def _message(message: Message) -> Payload:
    """What is drawn of a message as Discord has it."""
    return {
        "embeds": message.embeds,
        "components": message.components,
        "note": "Only you can see this" if message.viewer else "",
    }


# -- drawing ----------------------------------------------------------------------------------------------------------


def select(payload: Payload) -> RenderableType:
    """The select of a panel, open."""
    (menu,) = [node for _, node in walk(payload["components"]) if node["type"] == SELECT]
    options = [
        Text.assemble((option["label"], f"bold {TEXT}"), "\n", (option["description"], GREY), "\n")
        for option in menu["options"]
    ]
    return Panel(Group(*options), title=menu["placeholder"], title_align="left", style=CARD, box=ROUNDED)


def modal(payload: Payload) -> RenderableType:
    """A form, as it is before anything is changed in it."""
    parts: list[RenderableType] = []
    for node in payload["components"]:
        parts += [*_labelled(node), Text()] if node["type"] == LABEL else [_marked(node["content"]), Text()]
    buttons = Text.assemble((" Cancel ", STYLES[2]), "  ", (" Submit ", STYLES[1]), justify="right")
    return Panel(Group(*parts, buttons), title=payload["title"], title_align="left", style=CARD, box=ROUNDED)


def shown(payload: Payload) -> RenderableType:
    """A message, its selects closed."""
    (embed,) = payload["embeds"]
    footer = embed.get("footer", {}).get("text", "")
    lines = [_marked(line) for line in embed["description"].split("\n")]
    card = Panel(Group(*lines, *([Text(), Text(footer, GREY)] if footer else [])), style=CARD, box=ROUNDED)
    rows = [part for row in payload["components"] for part in (_row(row), Text())]
    author = Text.assemble(("Rapport", "bold white"), " ", (" APP ", STYLES[1]))
    return Group(author, card, *rows, *([Text(payload["note"], GREY)] if payload["note"] else []))


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


PICTURES: dict[str, Callable[[Payload], RenderableType]] = {
    "discord-notice": shown,
    "discord-panel": shown,
    "discord-select": select,
    "discord-fact": shown,
    "discord-modal": modal,
}


def svg(name: str, payload: Payload) -> str:
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
    console.print(PICTURES[name](payload))
    drawn = console.export_svg(title="Discord", unique_id=name)
    return re.sub(r"\s*@font-face \{.*?\}", "", drawn, flags=re.DOTALL)


async def drawn(folder: Path) -> dict[str, str]:
    """Every picture by name; the story needs a folder to happen in."""
    return {name: svg(name, payload) for name, payload in (await payloads(folder)).items()}


def store() -> None:
    """Write the pictures to their files, whatever is set in this terminal or in `.env`."""
    for name in NAMES:
        os.environ.pop(name, None)
    logs.use_standard_library()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder, chdir(folder):
        for name, picture in asyncio.run(drawn(Path(folder))).items():
            (FOLDER / f"{name}.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    store()
