"""Members at each way to give commands: typed as such, or said like anything else, on Slack, Discord and the terminal.

A story told with a `Hand` is told on all of them. Every member is a new one, so stories can share a running world.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Literal, TypeAlias

from bot.core import Core
from bot.messages import Member
from bot.store import members
from persona import schema as schemas
from persona import store as personas
from persona.audience import Place as Reading
from persona.audience import RoomKind, learned_in
from persona.operations import Operation, UpdateId
from persona.persona import Evidence, Persona
from persona.ports import Transaction
from tests.journeys.panels import Did, Panel
from tests.journeys.worlds import World, answers
from tests.twins.anthropic import AnthropicTwin

Way: TypeAlias = Literal["slack typed", "slack said", "discord typed", "discord said", "terminal typed"]
WAYS: tuple[Way, ...] = ("slack typed", "slack said", "discord typed", "discord said", "terminal typed")

Where: TypeAlias = Literal["team", "random", "closed", "direct"]
"""Two public rooms, one that few read, and the member's own."""

TAUGHT = (
    ("set", "location", "Lisbon", "I moved to Lisbon"),
    ("add", "tools", "Vim", "I use Vim"),
    ("add", "projects", "the Atlas merger", "I am working on the Atlas merger"),
)
"""What the model proposes for these words, whoever says them."""

SCHEMA = schemas.load()
_NUMBERS = count(1)


class Hand(ABC):
    """A member who gives commands in one way, and sees what comes of it."""

    core: Core
    claude: AnthropicTwin

    def __init__(self, member: Member, way: Way) -> None:
        self.member, self.way = member, way
        self.did: Did = set()

    @property
    def who(self) -> str:
        """The name."""
        return self.member.name

    @property
    @abstractmethod
    def team(self) -> tuple[str, str]:
        """The tenant and the channel of what is said in public."""

    @abstractmethod
    async def other(self) -> Hand:
        """Somebody else, who does it the same way."""

    @abstractmethod
    async def gives(self, words: str, options: dict[str, str]) -> Panel:
        """Give a command; `words` and `options` say the same."""

    @abstractmethod
    async def talks(self, text: str, where: Where = "team") -> None:
        """Say something to Rapport, and wait for the answer and for what it was asked to learn at once."""

    @abstractmethod
    async def notice(self, words: str) -> Panel:
        """What this member was shown without asking that says this."""

    @abstractmethod
    def files(self, panel: Panel) -> dict[str, str]:
        """The files this member was given with a panel, by name."""

    async def type(self, verb: str, **options: str) -> Panel:
        """Give a command with what follows it, in order; each named as the usage names it."""
        lead = {"page": "page "}
        words = " ".join([verb, *(f"{lead.get(name, '')}{value}" for name, value in options.items())])
        panel = await self.gives(words, options)
        self.did.add((verb, "run"))
        return panel

    async def tells(self, words: str, where: Where = "team") -> None:
        """Have something remembered."""
        await self.talks(f"Remember that {words}", where)

    async def prompt(self, where: Where = "random", question: str = "And now?") -> str:
        """What the model is given when this member asks something there; elsewhere than where things were told."""
        await self.talks(question, where)
        return answers(self.claude)[-1].raw.decode()

    async def has(self, field: str, values: Sequence[str], *, kind: RoomKind = "public", quote: str = "{}") -> None:
        """Let this member have said so much of a field, a thing a minute, the last of them a day ago."""
        operations = [self._said(field, value, number, kind, quote) for number, value in enumerate(values, 1)]
        keep = partial(_learned, operations=operations, update=f"{field}-{kind}", core=self.core)
        await self.core.store.write(keep)

    def _said(self, field: str, value: str, number: int, kind: RoomKind, quote: str) -> Operation:
        at = self.core.clock.now() - timedelta(days=2) + timedelta(minutes=number)
        message = f"{at.timestamp():.6f}"
        tenant, room = self.team
        evidence = Evidence(tenant=tenant, room=room, message=message, quote=quote.format(value), said_at=at)
        found = SCHEMA.by_name[field]
        return Operation(
            member=self.member.key,
            op="add" if found.is_list else "set",
            field=field,
            value=value,
            evidence=(evidence,),
            audience=learned_in(Reading(tenant=tenant, room=room, kind=kind), style=found.style),
            session=message,
        )

    @abstractmethod
    def waits(self, *, minutes: float) -> None:
        """Let time pass."""

    async def persona(self) -> Persona:
        """All that is kept of this member."""
        return await self.core.store.read(
            partial(personas.read_history, member=self.member.key, schema=SCHEMA, at=self.core.clock.now())
        )

    async def known(self) -> list[str]:
        """What holds of it, in no order of meaning."""
        persona = await self.persona()
        return [f"{fact.field}: {fact.value}" for fact in persona.current]

    async def consent(self) -> str:
        """What this member decided."""
        return (await self.core.store.read(partial(members.consent, member=self.member.key))).state


async def _learned(transaction: Transaction, *, operations: Sequence[Operation], update: str, core: Core) -> None:
    now = core.clock.now()
    await personas.learn(transaction, operations, schema=SCHEMA, update=UpdateId(update), now=now)


class PlatformHand(Hand):
    """What is the same on Slack and Discord."""

    def __init__(self, world: World, member: Member, way: Way) -> None:
        super().__init__(member, way)
        self.core, self.claude, self._world = world.core, world.claude, world

    def waits(self, *, minutes: float) -> None:
        self._world.pass_time(minutes=minutes)

    async def talks(self, text: str, where: Where = "team") -> None:
        world = self._world
        world.pass_time(minutes=1)
        if where == "direct":
            post = await world.dms(self.who, text)
        else:
            post = await world.says(self.who, text, place="cabin" if where == "closed" else where)
        await world.answered(post)


def newcomer() -> str:
    """A name that nobody had before."""
    return f"Member {next(_NUMBERS)}"


Joining: TypeAlias = Callable[[Way], Awaitable[Hand]]
"""Lets somebody new come, who gives commands that way."""
