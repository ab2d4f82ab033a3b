"""B5: gaps of Discord's gateway, short and long, with a session that lives on or does not, and restarts between."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from random import Random
from typing import Literal, TypeAlias

import discord

from adapters.discord import attach
from adapters.discord import host as discord_host
from bot import wiring
from bot.core import Core
from tests.adapters.discord.clients import Client, running
from tests.reliability import open_rows
from tests.reliability.prop import Property, Report, Trial
from tests.reliability.town import DiscordTown, Echo, by_question, town, until
from tests.twins.server import Fault

Kind: TypeAlias = Literal["dropped", "asked to reconnect", "expired", "invalid", "restarted"]

SHARES: dict[Kind, float] = {"invalid": 0.1, "expired": 0.02, "restarted": 0.02, "asked to reconnect": 0.2}
"""How often what happens, each at least once; else the line is cut."""

SHORT_S, LONG_S = (5.0, 290.0), (310.0, 600.0)
"""Gaps after which a session can be resumed, and after which it cannot."""

MAX_TALK = 100
"""Events that are not for us, at most, which a resumed session brings with the rest."""

MAX_IDENTIFIES = 50
ROOMS = 8
DIRECT = 3
"""Members who wrote to us directly before anything broke: Discord lists no direct messages, so others are not found."""

CHANCES_LIVE = 0.3


class Impatient(Client):
    """A client that identifies again at once: its own wait is five seconds of real time, and may be overridden."""

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        pass


async def run(trial: Trial) -> Report:
    """Ask on while the line breaks again and again."""
    async with town("discord", trial) as here:
        assert isinstance(here, DiscordTown)
        storm = _Storm(here, trial)
        async with storm:
            await storm.asks(DIRECT)
            for kind in _kinds(trial):
                await storm.breaks(kind)
        return await storm.judged(trial.url)


def _kinds(trial: Trial) -> list[Kind]:
    """What happens, in the order in which it does."""
    count = trial.size["disconnects"]
    kinds: list[Kind] = [kind for kind, share in SHARES.items() for _ in range(max(1, round(share * count)))]
    kinds += ["dropped"] * (count - len(kinds))
    trial.chance("kinds").shuffle(kinds)
    return kinds


class _Storm:
    """A town whose line to Rapport breaks."""

    def __init__(self, here: DiscordTown, trial: Trial) -> None:
        self.here = here
        self.chance: Random = trial.chance()
        self.messages = trial.size["messages"]
        self.each = -(-self.messages // trial.size["disconnects"])
        self.asked: dict[str, str] = {}
        self.model = Echo(self._says)
        self.met = Counter[str]()
        self.faults: list[str] = []
        self.core: Core
        self._life = AsyncExitStack()

    async def __aenter__(self) -> None:
        await self._start()

    async def __aexit__(self, *error: object) -> None:
        await self._life.aclose()

    @staticmethod
    async def _says(question: str) -> str:
        return f"To {question}."

    async def asks(self, count: int) -> None:
        """Let members ask, one after the other in each room."""
        for _ in range(count):
            await self._ask()
        await self._answered()

    async def _ask(self) -> None:
        number = len(self.asked)
        is_direct = number < DIRECT or number % ROOMS == 0
        room = f"@{number % DIRECT}" if is_direct else f"room {number % ROOMS}"
        self.asked[await self.here.asks(f"q{number}", room=room)] = f"q{number}"

    async def breaks(self, kind: Kind) -> None:
        """Let the line break, members ask meanwhile, and everything be answered once it is back."""
        twin, back = self.here.twin, asyncio.Event()
        self.met[kind] += 1
        if kind == "restarted":
            await self._life.aclose()
        else:
            twin.fault("GET", "/gw/", Fault(hold=back))
            await self._cut(kind)
        await self._gap(kind)
        back.set()
        if kind == "restarted":
            await self._start()
        if self.chance.random() < CHANCES_LIVE:  # the last one comes live as well, while the gap is read
            await twin.redeliver(twin.server.messages[next(reversed(self.asked))])
        await self._answered()
        await self.core.catching_up.sweep()

    async def _cut(self, kind: Kind) -> None:
        twin = self.here.twin
        if kind == "invalid":
            await twin.invalidate(resumable=False)
        elif kind == "asked to reconnect":
            await twin.reconnect()
        else:
            await twin.drop()
        if not await until(lambda: not twin.gateway.connections):
            self.faults.append(f"the client stays connected when it is {kind}")

    async def _gap(self, kind: Kind) -> None:
        """Time in which nothing reaches us, and what is said in it."""
        gap_s = self.chance.uniform(*(LONG_S if kind == "expired" else SHORT_S))
        count = min(self.each, self.messages - len(self.asked))
        rooms = [one.name for one in self.here.twin.server.channels.values() if one.name.startswith("room")]
        for _ in range(self.chance.randint(0, MAX_TALK) if rooms else 0):
            await self.here.twin.says("Ana", self.chance.choice(rooms), "lunch?")
        for _ in range(count):
            self.here.clock.advance(seconds=gap_s / count)
            await self._ask()
        if not count:
            self.here.clock.advance(seconds=gap_s)

    async def _answered(self) -> None:
        """Wait for every answer; what is missing is for the judge to say."""
        await until(partial(_is_shown, self.here, set(self.asked)))
        await self.core.lanes.drained()

    async def _start(self) -> None:
        self.core = await self._life.enter_async_context(_rapport(self.here, self.model))

    async def judged(self, url: str) -> Report:
        """Every message is answered once, in so many sessions."""
        shown = by_question(self.here.seen())
        wrong = [post for post, question in self.asked.items() if shown.get(post) != [f"To {question}."]]
        faults = [*self.faults, *(f"{self.asked[post]} shows {shown.get(post)}" for post in wrong)]
        faults += [f"{stray} was answered, and nobody asked" for stray in set(shown) - set(self.asked)]
        identifies = len(self.here.twin.identifies)
        faults += [f"{identifies} sessions were begun"] * (identifies > MAX_IDENTIFIES)
        rows = await open_rows.outcomes(url)
        faults += [f"{len(rows)} messages were accepted, {len(self.asked)} asked"] * (len(rows) != len(self.asked))
        faults += ["some messages are not settled"] * any(not is_settled for _, is_settled in rows)
        figures = {name.replace(" ", "_"): count for name, count in sorted(self.met.items())}
        counted = {"messages": len(self.asked), "identifies": identifies, "resumes": len(self.here.twin.resumes)}
        histories = len([call for call in self.here.twin.calls("/messages") if call.method == "GET"])
        return Report(figures={**counted, "histories": histories, **figures}, faults=faults)


@asynccontextmanager
async def _rapport(here: DiscordTown, model: Echo) -> AsyncIterator[Core]:
    """Rapport in a client of somebody else's."""
    loaded = here.settings()
    discord_host._point_at(loaded)
    client = Impatient(allowed_mentions=discord.AllowedMentions.none())
    async with (
        wiring.open_core(loaded, clock=here.clock, model=model) as core,
        running(client),
        attach(client, core),
        core.working(),
    ):
        yield core


def _is_shown(here: DiscordTown, asked: set[str]) -> bool:
    return asked <= {one.reply_to for one in here.seen()}


PROPERTY = Property(
    name="gateway",
    reference="B5",
    promise="Whatever the gateway loses, every message within the horizon is answered once.",
    run=run,
    quick={"messages": 200, "disconnects": 30},
    full={"messages": 3000, "disconnects": 300},
)
