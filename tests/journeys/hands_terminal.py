"""A terminal with Rapport behind it, and members who read before they type the next line."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from adapters.terminal import chat
from adapters.terminal.adapter import TerminalAdapter
from adapters.terminal.clock import SessionClock
from adapters.terminal.screen import PlainScreen
from adapters.terminal.translate import TENANT, member_id
from bot import settings, wiring
from bot.core import Core
from bot.messages import Member, TenantId
from bot.tasks import alongside
from tests.journeys.hands import Hand, Where, newcomer
from tests.journeys.panels import Panel, done
from tests.twins.anthropic import AnthropicTwin

LINE = re.compile(r"^ {4}\[(\d+)\] (.+)$", re.MULTILINE)
BUTTONS = re.compile(r"^ {2}(\[.+) {3}\(type /press and the number\)$", re.MULTILINE)
BUTTON = re.compile(r"\[(\d+)\] (.+?)(?= {3}\[|$)")


class Keyboard(PlainScreen):
    """A plain screen whose lines come when somebody types them."""

    def __init__(self) -> None:
        self._shown = io.StringIO()
        super().__init__(io.StringIO(), self._shown)
        self._typed: asyncio.Queue[str] = asyncio.Queue()
        self._asked = asyncio.Event()

    async def read(self, who: str, where: str) -> str | None:
        """See `Screen.read`."""
        self._asked.set()
        return await self._typed.get()

    async def types(self, line: str) -> str:
        """Type a line once the program asks for one; what appears until it asks again."""
        await self._asked.wait()
        self._asked.clear()
        before = self._shown.tell()
        self._typed.put_nowait(line)
        await self._asked.wait()
        return self._shown.getvalue()[before:].rstrip("\n")


class TerminalWorld:
    """One session at a terminal, as long as its context is entered; the model behind it is the twin's."""

    def __init__(self, claude: AnthropicTwin, core: Core, keyboard: Keyboard) -> None:
        self.claude, self.core, self.types = claude, core, keyboard.types

    @property
    def actions(self) -> tuple[str, ...]:
        """What each number that can be pressed stands for, from 1."""
        adapter = self.core.adapters["terminal"]
        assert isinstance(adapter, TerminalAdapter)
        return adapter.actions

    @staticmethod
    async def joins(who: str) -> Member:
        """Whoever is named first is there."""
        return Member(tenant=TenantId(TENANT), id=member_id(who), name=who)


@asynccontextmanager
async def terminal(folder: Path) -> AsyncIterator[TerminalWorld]:
    """A terminal with a database of its own."""
    async with AnthropicTwin() as claude:
        loaded = settings.load(
            database_url=f"sqlite:///{folder / 'rapport.db'}",
            anthropic_api_key="test-key",
            anthropic_base_url=claude.url,
        )
        clock, keyboard = SessionClock(), Keyboard()
        async with (
            wiring.open_core(loaded, clock=clock, default="on") as core,
            alongside(lambda: chat.talk(core, clock, keyboard)),
        ):
            yield TerminalWorld(claude, core, keyboard)


class TerminalPanel:
    """What appeared last on a screen."""

    def __init__(self, hand: TerminalHand, text: str) -> None:
        self._hand = hand
        self.text = text
        self._form = ""

    @property
    def labels(self) -> list[str]:
        return [label for _, label in self._buttons()]

    @property
    def lines(self) -> list[str]:
        return [line for _, line in LINE.findall(self.text)]

    @property
    def standing(self) -> dict[str, str]:
        (value,) = re.findall(r"\[(.*)\]:$", self.text) or [""]
        return {"value": value}

    async def press(self, label: str) -> None:
        await self._press(next(number for number, found in self._buttons() if found == label))

    async def open(self, line: str) -> None:
        await self._press(next(number for number, found in LINE.findall(self.text) if found.startswith(line)))

    def _buttons(self) -> list[tuple[str, str]]:
        """The numbers of buttons, and what they say."""
        return [found for row in BUTTONS.findall(self.text) for found in BUTTON.findall(row)]

    async def _press(self, number: str) -> None:
        action = self._hand.actions[int(number) - 1]
        self.text = await self._hand.types(f"/press {number}")
        self._hand.did.add(done(action))
        self._form = done(action)[0]

    async def fill(self, **answers: str) -> None:
        for answer in answers.values():
            self.text = await self._hand.types(answer)
        self._hand.did.add((self._form, "fill"))


class TerminalHand(Hand):
    """At a terminal, at which one member after the other sits; it has no room that few read but the member's own."""

    def __init__(self, world: TerminalWorld, member: Member) -> None:
        super().__init__(member, "terminal typed")
        self.core, self.claude, self.world = world.core, world.claude, world
        self._last = ""

    @property
    def team(self) -> tuple[str, str]:
        return TENANT, "team"

    async def other(self) -> TerminalHand:
        return TerminalHand(self.world, await self.world.joins(newcomer()))

    @property
    def actions(self) -> tuple[str, ...]:
        return self.world.actions

    def waits(self, *, minutes: float) -> None:
        clock = self.core.clock
        assert isinstance(clock, SessionClock)
        clock.advance(timedelta(minutes=minutes))

    async def types(self, line: str) -> str:
        self._last = await self.world.types(line)
        return self._last

    async def gives(self, words: str, options: dict[str, str]) -> TerminalPanel:
        await self._sits("team")
        return TerminalPanel(self, await self.types(f"/persona {words}"))

    async def talks(self, text: str, where: Where = "team") -> None:
        await self._sits(where)
        await self.types(text)
        await self.core.lanes.drained()

    async def _sits(self, where: Where) -> None:
        await self.types(f"/as {self.who}")
        await self.types(f"/room #{where}" if where in {"team", "random"} else "/dm")

    async def notice(self, words: str) -> TerminalPanel:
        assert words in self._last
        return TerminalPanel(self, self._last)

    def files(self, panel: Panel) -> dict[str, str]:
        return {path.name: path.read_text(encoding="utf-8") for path in Path.cwd().glob("persona*")}
