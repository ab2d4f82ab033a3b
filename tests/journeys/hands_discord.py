"""A member on Discord: panels that they alone see, in a channel or in their direct message, and modals."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from bot.messages import Member
from tests.journeys.hands import PlatformHand, Way, newcomer
from tests.journeys.panels import PREFIX, Did, Panel, done
from tests.journeys.worlds import DiscordWorld
from tests.twins.discord import Interaction, Message
from tests.twins.discord.drafts import BUTTON, ROW, SELECT, walk


class DiscordPanel:
    """A message with components that one member sees, in a channel or in their direct message."""

    def __init__(self, world: DiscordWorld, who: str, did: Did, message: Message) -> None:
        self.twin, self.who, self.did = world.twin, who, did
        self.message = message
        self.form: Interaction | None = None
        """The interaction that a form answered."""

    @property
    def shown(self) -> Message:
        now = self.twin.message(self.message)
        assert now is not None
        return now

    @property
    def text(self) -> str:
        (embed,) = self.shown.embeds
        return f"{embed['description']}\n{embed.get('footer', {}).get('text', '')}".replace("\\", "")

    @property
    def labels(self) -> list[str]:
        return [node["label"] for node in self._nodes(BUTTON)]

    @property
    def lines(self) -> list[str]:
        return [option["label"] for _, option in self._options()]

    @property
    def standing(self) -> dict[str, str]:
        return {name: _standing(node) for name, node in self._inputs().items()}

    def action(self, label: str) -> str:
        """What a button does, as it comes back to us."""
        found = next(node["custom_id"] for node in self._nodes(BUTTON) if node["label"] == label)
        return str(found).removeprefix(PREFIX)

    async def press(self, label: str) -> None:
        await self.sees(await self.sends(label))

    async def open(self, line: str) -> None:
        select, option = next(found for found in self._options() if found[1]["label"].startswith(line))
        self.did.add(done(option["value"]))
        await self.sees(await self.twin.selects(self.who, self.shown, select["custom_id"], [option["value"]]))

    async def sends(self, label: str) -> Interaction:
        """Press a button, and wait for nothing but that it was heard."""
        self.did.add(done(self.action(label)))
        return await self.twin.press(self.who, self.shown, f"{PREFIX}{self.action(label)}")

    async def fill(self, **answers: str) -> None:
        inputs = self._inputs()
        assert self.form is not None
        assert self.form.modal is not None
        given = {name: [text] if inputs[name]["type"] == SELECT else text for name, text in answers.items()}
        await self.sees(await self.twin.submits_modal(self.who, self.form, given))
        self.did.add((self.form.modal["custom_id"].removeprefix(PREFIX).partition(":")[0], "fill"))

    def draws(self, action: str, label: str) -> None:
        """Let a button stand in it as another version drew it, or as it was copied from another's panel."""
        button = {"type": BUTTON, "id": 99, "style": 2, "label": label, "custom_id": f"{PREFIX}{action}"}
        components = ({"type": ROW, "id": 98, "components": [button]},)
        self.twin.server.messages[self.message.id] = replace(self.shown, components=components)

    def forges(self, action: str) -> None:
        """Let the form that is open be another one than it was."""
        assert self.form is not None
        assert self.form.modal is not None
        self.form.modal["custom_id"] = f"{PREFIX}{action}"

    async def press_twice(self, label: str) -> None:
        """Press a button twice before anything of it was answered, and see both answers."""
        for sent in await asyncio.gather(self.sends(label), self.sends(label)):
            await self.sees(sent)

    async def sees(self, sent: Interaction) -> None:
        """Wait for what comes of it: a form, or something else in this panel, or in a new one."""
        assert not sent.failed
        if sent.modal is not None:
            self.form = sent
            return
        filled = f"/{sent.token}/messages/@original"

        def answer() -> Message | None:
            shown = sent.followups[-1] if sent.followups else sent.message
            is_filled = self.twin.calls(filled, method="PATCH") and shown is not sent.source
            return shown if shown is not None and is_filled and not shown.thinking else None

        self.message = await self.twin.wait_for(answer)

    def _nodes(self, kind: int) -> list[Mapping[str, Any]]:
        return [node for _, node in walk(self.shown.components) if node["type"] == kind]

    def _options(self) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        for select in self._nodes(SELECT):
            for option in select["options"]:
                yield select, option

    def _inputs(self) -> dict[str, Mapping[str, Any]]:
        assert self.form is not None
        assert self.form.modal is not None
        return {node["custom_id"]: node for _, node in walk(self.form.modal["components"]) if "custom_id" in node}


def _standing(node: Mapping[str, Any]) -> str:
    picked = [option["value"] for option in node.get("options", ()) if option.get("default")]
    return str(node.get("value") or "".join(picked))


class DiscordHand(PlatformHand):
    """On Discord; what is said is answered in the member's direct message."""

    def __init__(self, world: DiscordWorld, member: Member, way: Way) -> None:
        super().__init__(world, member, way)
        self.world = world

    @property
    def team(self) -> tuple[str, str]:
        return f"discord:{self.world.guild}", self.world.channel("team")

    async def other(self) -> DiscordHand:
        return DiscordHand(self.world, await self.world.joins(newcomer()), self.way)

    async def gives(self, words: str, options: dict[str, str]) -> DiscordPanel:
        if self.way.endswith("said"):
            return await self._says(words)
        verb = words.split(maxsplit=1)[0]
        shown = await self.world.twin.command(self.who, "team", f"persona {verb}", options=options)
        await self.world.twin.wait_for(lambda: shown.embeds)
        assert shown.message is not None
        assert shown.message.viewer == self.member.id
        return DiscordPanel(self.world, self.who, self.did, shown.message)

    async def _says(self, words: str) -> DiscordPanel:
        before = len(self._alone())
        await self.world.says(self.who, f"persona {words}")
        await self.world.twin.wait_for(lambda: len(self._alone()) > before)
        return DiscordPanel(self.world, self.who, self.did, self._alone()[-1])

    async def notice(self, words: str) -> DiscordPanel:
        found = await self.world.twin.wait_for(
            lambda: [one for one in self._alone() if words in one.embeds[0]["description"]]
        )
        return DiscordPanel(self.world, self.who, self.did, found[-1])

    def files(self, panel: Panel) -> dict[str, str]:
        assert isinstance(panel, DiscordPanel)
        stored = self.world.twin.server.files
        return {file.filename: stored[file.id].decode() for file in panel.shown.attachments}

    def _alone(self) -> list[Message]:
        direct = self.world.twin.messages(self.world.twin.dm(self.who))
        return [message for message in direct if message.embeds]
