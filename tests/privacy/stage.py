"""Where the story of erasure happens: a house on a real file, workspaces and servers, a model that repeats."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random
from typing import Self

from adapters.discord import host as discord_host
from bot.messages import Member
from bot.prompt import Prompt
from bot.store.engine import Store
from persona.ports import StructuredReply, StructuredRequest, Usage
from tests.clock import StillClock
from tests.models import ScriptedModel
from tests.privacy.house import House, wire
from tests.privacy.ledger import CANARY, Ledger, Place, Who, found
from tests.privacy.platforms import Gateway, Home, Server, Spot, Workspace
from tests.twins.discord import DiscordTwin
from tests.twins.slack.admins import Removal

ORDERS: tuple[tuple[Removal, ...], ...] = (
    ("app_uninstalled", "tokens_revoked"),
    ("tokens_revoked", "app_uninstalled"),
    ("app_uninstalled",),
    ("tokens_revoked",),
)
LOGGERS = ("bot", "adapters", "persona")
"""Whose logs are ours: what a library would log of the words it carries is kept out by `bot.logs`."""
SAID = {"tools": re.compile(r"I use ([\w-]+)"), "health": re.compile(r"I am (allergic to [\w-]+)")}
"""How members say something of themselves, by field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much happens."""

    members: int = 100
    says: int = 20
    """Messages of each."""
    erased: int = 40
    deletions: int = 500
    edits: int = 300
    uninstalls: int = 5
    removals: int = 5
    outages: int = 5
    crew: int = 2
    """Members of each workspace and server but the first."""


FULL = Size()
SHORT = Size(members=26, says=4, erased=8, deletions=24, edits=14, uninstalls=2, removals=1, outages=1)


class Repeating(ScriptedModel):
    """Repeats every canary of its prompt, finds what members say of themselves, and can be held up."""

    def __init__(self, look: Callable[..., None]) -> None:
        super().__init__()
        self._look = look
        self._go_on = asyncio.Event()
        self._go_on.set()
        self._changed = asyncio.Condition()
        self.waiting = 0
        """How many calls are held up."""

    def hold(self) -> None:
        """Let nobody get an answer until `release`."""
        self._go_on.clear()

    def release(self) -> None:
        self._go_on.set()

    async def holds(self, calls: int) -> None:
        """Wait until so many calls are held up."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.waiting >= calls)

    async def _held(self) -> None:
        if self._go_on.is_set():
            return
        async with self._changed:
            self.waiting += 1
            self._changed.notify_all()
        await self._go_on.wait()
        self.waiting -= 1

    async def answer(self, prompt: Prompt) -> AsyncIterator[str | Usage]:
        text = wire(prompt)
        self._look("a prompt", text)
        self._look("a persona", prompt.persona or "", is_answered_with=True)
        yield "You said "
        if prompt.question.name != Gateway.SENTINEL:
            await self._held()
        yield " ".join(sorted(set(CANARY.findall(text)))) or "nothing"
        yield Usage(model=self.name, input_tokens=3, output_tokens=1)

    async def propose(self, request: StructuredRequest) -> StructuredReply:
        self._look("a request for an update", request.data)
        await self._held()
        said: defaultdict[tuple[int, str, str], list[str]] = defaultdict(list)
        for number, session in enumerate(json.loads(request.data)["sessions"]):
            for message, speaker, text, *_ in session["messages"]:
                for name, words in SAID.items() if speaker != "bot" else ():
                    for quoted in words.finditer(text):
                        said[number, name, quoted[1]].append(f"{message} {quoted[0]}")
        found = [
            {"op": "add", "field": name, "value": value, "evidence": where} for (_, name, value), where in said.items()
        ]
        usage = Usage(model=self.name, input_tokens=5, output_tokens=2)
        return StructuredReply(text=json.dumps({"operations": found}), usage=usage)


@dataclass(slots=True, kw_only=True)
class Report:
    """What the auditor found, and the figures."""

    findings: list[str] = field(default_factory=list)
    found: Counter[str] = field(default_factory=Counter)
    """How many findings there were in each part of the story."""
    counts: Counter[str] = field(default_factory=Counter)
    slowest_s: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def look(self, ledger: Ledger, where: str, text: str, *, is_answered_with: bool = False) -> None:
        """Look for what was erased in something that somebody is shown, or a model; and for what is withheld, if
        somebody is to be answered with it.
        """
        self.counts["looks"] += 1
        hidden = ledger.erased | (ledger.withheld if is_answered_with else set())
        self.finds(f"{canary} stands in {where}" for canary in sorted(found(text) & hidden))

    def finds(self, findings: Iterable[str]) -> None:
        """Note what the auditor found."""
        self.findings += findings

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Note the longest that something took."""
        began = time.perf_counter()
        yield
        self.slowest_s[what] = max(self.slowest_s[what], time.perf_counter() - began)


class Stage:
    """A house with workspaces and servers, and what people do there."""

    def __init__(
        self,
        house: House,
        model: Repeating,
        ledger: Ledger,
        report: Report,
        *,
        size: Size,
        folder: Path,
        random: Random,
    ) -> None:
        self.house, self.clock, self.model, self.ledger, self.report = house, house.clock, model, ledger, report
        self.size, self.random, self.folder = size, random, folder
        self.database = house.core.settings.database_path
        self.first: list[Home] = []
        """Where nothing happens: one workspace and one server."""
        self.uninstalled: list[Home] = []
        self.removed: list[Home] = []
        self.unavailable: list[Server] = []
        self.known: dict[Who, set[str]] = {}
        """The facts that were exported of each member once everything had been learned."""
        self.posts: dict[Place, tuple[Home, Member]] = {}
        """Where everything stands that was not deleted, and who said it."""
        self.sentences: dict[Place, str] = {}
        """What was said in each, without its own canary."""
        self.left: list[Member] = []
        """Who had everything erased."""
        self.withdrawn: set[Member] = set()
        """Who of them does not want to be remembered any more."""

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, folder: Path, *, size: Size, seed: int, around: Callable[[Store], Store] | None = None
    ) -> AsyncIterator[Self]:
        """A stage: everybody is there, and nobody has said anything."""
        ledger, clock, random = Ledger(), StillClock(), Random(seed)  # noqa: S311 - the same again
        report = Report()
        model = Repeating(partial(report.look, ledger))
        data = folder / "data"
        data.mkdir()
        async with AsyncExitStack() as closing:
            closing.enter_context(_logging_to(data / "rapport.log"))
            twin = await closing.enter_async_context(DiscordTwin(now=clock.now()))
            more = {
                "discord_bot_token": "test-token",
                "discord_api_url": twin.api_url,
                "discord_gateway_url": twin.gateway_url,
            }
            house = await closing.enter_async_context(
                House.opened(data / "rapport.db", clock, model=model, around=around, categories="health", **more)
            )
            made = cls(house, model, ledger, report, size=size, folder=folder, random=random)
            await made._settle(closing, twin)
            yield made

    async def _settle(self, closing: AsyncExitStack, twin: DiscordTwin) -> None:
        """Let everybody be where they are."""
        size, names = self.size, iter(f"M{number:03}" for number in range(self.size.members))
        crews = size.uninstalls + size.removals + size.outages + 1
        gateway = Gateway(twin, self.clock)
        servers = [
            Server(gateway, f"Server {number}", list(islice(names, size.crew)))
            for number in range(size.removals + size.outages + 1)
        ]
        workspace = partial(Workspace.opened, core=self.house.core, rooms=self.house.rooms)
        for number in range(size.uninstalls):
            crew = list(islice(names, size.crew))
            orders = ORDERS[number % len(ORDERS)]
            self.uninstalled.append(await closing.enter_async_context(workspace(f"T{number}", crew, tells=orders)))
        self.removed += servers[: size.removals]
        self.unavailable += servers[size.removals : -1]
        assert size.members > crews * size.crew
        self.first += [await closing.enter_async_context(workspace("THQ", list(names))), servers[-1]]
        await closing.enter_async_context(discord_host.connected(self.house.core))

    @property
    def staying(self) -> list[Home]:
        """Where we stay."""
        return [*self.first, *self.unavailable]

    @property
    def lost(self) -> list[Home]:
        """Where we are thrown out."""
        return [*self.uninstalled, *self.removed]

    @property
    def homes(self) -> list[Home]:
        """Everywhere we are at first."""
        return [*self.staying, *self.lost]

    @staticmethod
    def everybody(homes: Iterable[Home]) -> list[tuple[Home, Member]]:
        """All members of some homes, each with theirs."""
        return [(home, who) for home in homes for who in home.members]

    async def says(self, home: Home, who: Member, spot: Spot, text: str) -> Place:
        """Let somebody say something, with a canary of its own."""
        whole = f"{text} Note {self.ledger.canary(key(who), is_fact=False)}."
        post = await home.says(who, spot, whole)
        self.ledger.says(post, whole)
        self.posts[post], self.sentences[post] = (home, who), text
        return post

    async def quiet(self, *homes: Home) -> None:
        """Wait until everything was heard and answered."""
        for home in homes:
            await home.heard()
        await self.house.lanes.drained()

    async def learn(self) -> None:
        """Let all conversations fall idle, and be learned."""
        self.clock.advance(minutes=31)
        while (await self.house.learning.sweep()).sessions:
            pass

    async def exported(self, who: Member) -> str:
        """The file for programs."""
        view = await self.house.commands.run("export", who)
        return view.files[0].text

    async def pass_hour(self) -> None:
        """Let an hour pass, and every sweep run."""
        self.clock.advance(hours=1)
        core = self.house.core
        while (await core.learning.sweep()).sessions:
            pass
        sweeps = (core.tidying.sweep, core.departures.sweep, core.special.sweep)
        for sweep in (*sweeps, core.intake.recover, core._erase_old, core._compact):
            await sweep()
        await self.house.lanes.drained()

    async def pass_hours(self, hours: int) -> None:
        """Let so many hours pass."""
        for _ in range(hours):
            await self.pass_hour()


def key(who: Member) -> Who:
    """Whose persona it is, as the ledger names members."""
    return who.tenant, who.id


def facts_in(export: str) -> set[str]:
    """The canaries among the values of an export's facts."""
    return found(" ".join(fact["value"] for fact in json.loads(export)["facts"]))


@contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """Write whatever anybody logs into a file, as plainly as it can be."""
    handler = logging.FileHandler(path)
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels, root = [logger.level for logger in loggers], logging.getLogger()
    others, root.handlers[:] = root.handlers[:], [handler]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.handlers[:] = others
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        handler.close()
