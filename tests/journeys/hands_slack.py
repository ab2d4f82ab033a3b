"""A member on Slack: messages that they alone see, modals on top of them, and the Home tab."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Iterator

from adapters.slack.views import OPEN
from bot.messages import Member
from tests.journeys.hands import PlatformHand, Way, newcomer
from tests.journeys.panels import PREFIX, Did, Panel, done
from tests.journeys.worlds import SlackWorld
from tests.twins.slack import Message
from tests.twins.slack.blocks import Json, strings, walk
from tests.twins.slack.interactions import Outcome


class SlackPanel:
    """A message that one member sees, or their Home tab; a modal on top of it is what they look at then."""

    def __init__(self, world: SlackWorld, who: str, did: Did, message: Message | None = None) -> None:
        self.twin, self.user, self.did = world.twin, world.user(who), did
        self.message = message
        """None: the Home tab."""
        self._is_open = False
        """Whether a modal stands on top of it."""

    @property
    def shown(self) -> Message | Json:
        if self._is_open:
            return self.modal
        return self.message or self.twin.views[self.user]

    @property
    def blocks(self) -> list[Json]:
        shown = self.shown
        blocks: list[Json] = shown.blocks if isinstance(shown, Message) else shown["blocks"]
        return blocks

    @property
    def text(self) -> str:
        return html.unescape("\n".join(strings(self.blocks)))

    @property
    def labels(self) -> list[str]:
        return list(self._buttons())

    @property
    def lines(self) -> list[str]:
        return [label for label, _ in self.openings()]

    @property
    def standing(self) -> dict[str, str]:
        assert not isinstance(self.shown, Message)
        inputs = {block["block_id"]: block["element"] for block in self.blocks if block["type"] == "input"}
        assert self.shown["submit"]
        return {
            name: element.get("initial_value") or element.get("initial_option", {}).get("value", "")
            for name, element in inputs.items()
        }

    def action(self, label: str) -> str:
        """What a button does, as it comes back to us."""
        return self._buttons()[label].removeprefix(PREFIX)

    async def press(self, label: str) -> None:
        before = self._marks()
        self._saw(await self._waited(await self.sends(label), before))

    async def open(self, line: str) -> None:
        before = self._marks()
        action_id = next(action for label, action in self.openings() if label.startswith(line))
        self._saw(await self._waited(await self._sent(action_id), before))

    async def sends(self, label: str) -> Outcome:
        """Press a button, and wait for nothing but that it was heard."""
        return await self._sent(self._buttons()[label])

    async def press_twice(self, label: str) -> None:
        """Press a button twice before anything of it was answered, and see both answers."""
        for sent in await asyncio.gather(self.sends(label), self.sends(label)):
            await self.sees(sent)

    async def sees(self, sent: Outcome) -> None:
        """Wait for what comes of it in a message."""
        await self.twin.wait_for(lambda: sent.seen)

    async def _sent(self, action_id: str) -> Outcome:
        outcome = await self.twin.press(self.user, self.shown, action_id)
        assert outcome.error is None
        self.did.add(done(action_id.removeprefix(PREFIX)))
        return outcome

    async def _waited(self, outcome: Outcome, before: tuple[str | None, ...]) -> Outcome:
        await self.twin.wait_for(lambda: outcome.seen or self._marks() != before)
        return outcome

    def _saw(self, outcome: Outcome) -> None:
        self._is_open = not outcome.seen and bool(self.twin.modals[self.user])
        self.message = outcome.seen[-1] if outcome.seen else self.message

    async def fill(self, **answers: str) -> None:
        assert not isinstance(self.shown, Message)
        action = self.shown["callback_id"].removeprefix(PREFIX)
        outcome = await self.twin.submits(self.user, {name: {"answer": given} for name, given in answers.items()})
        assert outcome.error is None
        self.did.add((action.partition(":")[0], "fill"))

    @property
    def modal(self) -> Json:
        """The modal that is open."""
        return self.twin.modals[self.user][-1]

    def draws(self, action: str, label: str) -> None:
        """Let a button stand in it as another version drew it, or as it was copied from another's panel."""
        button = {"type": "button", "action_id": f"{PREFIX}{action}", "text": {"type": "plain_text", "text": label}}
        self.blocks.append({"type": "actions", "elements": [button]})

    def forges(self, action: str) -> None:
        """Let the form that is open be another one than it was."""
        self.modal["callback_id"] = f"{PREFIX}{action}"

    async def says(self, words: str) -> None:
        """Wait until it says this."""
        await self.twin.wait_for(lambda: words in self.text)

    def _marks(self) -> tuple[str | None, ...]:
        """What is another one once a modal or the Home tab shows something else."""
        views = [*self.twin.modals[self.user], self.twin.views.get(self.user, {})]
        return tuple(view.get("hash") for view in views)

    def _buttons(self) -> dict[str, str]:
        """The ids of buttons by what they say, the first of each."""
        found: dict[str, str] = {}
        for block in self.blocks:
            for button in block["elements"] if block["type"] == "actions" else ():
                found.setdefault(button["text"]["text"], button["action_id"])
        return found

    def openings(self) -> Iterator[tuple[str, str]]:
        """What the lines say that open more, and the ids of their buttons."""
        for _, node in walk(self.blocks):
            if "accessory" in node:
                button = node["accessory"]
                yield button["accessibility_label"].removeprefix(f"{OPEN}: "), button["action_id"]


class SlackHand(PlatformHand):
    """On Slack; what is said is said in a thread, where no slash command can be typed."""

    def __init__(self, world: SlackWorld, member: Member, way: Way) -> None:
        super().__init__(world, member, way)
        self.world = world

    @property
    def team(self) -> tuple[str, str]:
        return "slack:T1", self.world.channel("team")

    async def other(self) -> SlackHand:
        return SlackHand(self.world, await self.world.joins(newcomer()), self.way)

    async def gives(self, words: str, options: dict[str, str]) -> SlackPanel:
        if self.way.endswith("said"):
            return await self._says(words)
        outcome = await self.world.twin.command(self.member.id, self.world.channel("team"), "/persona", words)
        assert outcome.error is None
        await self.world.twin.wait_for(lambda: outcome.seen)
        return self._panel(outcome.seen[-1])

    async def _says(self, words: str) -> SlackPanel:
        root = await self.world.says(self.who, "hello")
        await self.world.answered(root)
        before = len(self._alone())
        await self.world.says(self.who, f"persona {words}", after=root)
        await self.world.twin.wait_for(lambda: len(self._alone()) > before)
        return self._panel(self._alone()[-1])

    def home(self) -> SlackPanel:
        """The member's Home tab, whether or not anything is on it."""
        return SlackPanel(self.world, self.who, self.did)

    async def looks(self) -> SlackPanel:
        """Look at the Home tab once it is drawn."""
        await self.world.twin.opens_home(self.member.id)
        await self.world.twin.settled()
        await self.world.twin.wait_for(lambda: self.member.id in self.world.twin.views)
        return self.home()

    async def notice(self, words: str) -> SlackPanel:
        found = await self.world.twin.wait_for(lambda: [one for one in self._alone() if words in one.visible])
        return self._panel(found[-1])

    def files(self, panel: Panel) -> dict[str, str]:
        twin = self.world.twin
        shared = [file for message in twin.messages(f"D{self.member.id}") for file in message.files]
        return {file["name"]: twin.workspace.files[file["id"]].decode() for file in shared}

    def _panel(self, message: Message) -> SlackPanel:
        assert message.only_for == self.member.id
        return SlackPanel(self.world, self.who, self.did, message)

    def _alone(self) -> list[Message]:
        return self.world.twin.ephemerals(self.member.id)
