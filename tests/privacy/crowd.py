"""Members who told things of themselves in many rooms, rooms whose readers change, and who may know what.

Every value holds a canary of its own. Who may know it is written down here once more, from the table of the
reliability sheet (D.2), and not taken from the code that is tested.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from dataclasses import dataclass
from functools import partial
from random import Random

from bot.messages import Member, Message, Room, TenantId
from bot.prompt import Prompt
from persona import store as personas
from persona.audience import RoomKind, learned_in
from persona.operations import Operation, UpdateId
from persona.persona import Evidence, MemberKey
from tests.models import ScriptedModel
from tests.privacy.house import SCHEMA, House, wire

TENANT = TenantId("slack:T1")
CANARY = re.compile(r"zq\d{3}x\d{3}")
SAID = re.compile(r"said-(\w+)-\d+")
FIELDS = [field for field in SCHEMA.fields if not field.choices and field.name != "time_zone"]
AT_ONCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A fact with a canary, and where it was told."""

    operation: Operation
    canary: str
    channel: str
    kind: RoomKind
    """Of the room when it was told."""

    def is_known(self, asker: Member, channel: str, kind: RoomKind) -> bool:
        """Whether everybody who reads in a channel of that kind may know it, when `asker` asks there."""
        if asker.key != self.operation.member:
            return False
        match kind:
            case "direct":
                return True
            case "private":
                return self.kind == "public" or (self.kind == "private" and self.channel == channel)
            case "public":
                return self.kind == "public"
            case "external":
                return self.kind == "external" and self.channel == channel


class Crowd:
    """The members, their facts and the rooms, in a house."""

    def __init__(self, house: House, model: ScriptedModel, *, members: int, rooms: int, random: Random) -> None:
        self.house, self.model, self.random = house, model, random
        self.members = [Member(tenant=TENANT, id=f"U{number:03}", name=f"Member {number}") for number in range(members)]
        self.channels = [f"C{number:02}" for number in range(rooms)]
        self.facts: dict[str, Told] = {}
        """By canary."""
        self.seen: set[str] = set()
        """Canaries that stood in a prompt where they may."""
        self.leaks: list[str] = []
        """What stood in a prompt where it may not."""
        self.prompts = 0
        self._told: Counter[MemberKey] = Counter()
        for member in self.members:
            house.rooms.kinds[TENANT, _direct(member)] = "direct"
        for channel in self.channels:
            house.rooms.kinds[TENANT, channel] = random.choice(["public", "public", "private", "external"])

    def kind(self, channel: str) -> RoomKind:
        return self.house.rooms.kinds[TENANT, channel]

    def happens(self) -> None:
        """Something changes who reads in a room: it is converted, shared, guests join, outsiders leave."""
        channel = self.random.choice(self.channels)
        others: list[RoomKind] = [kind for kind in ("public", "private", "external") if kind != self.kind(channel)]
        self.house.rooms.kinds[TENANT, channel] = self.random.choice(others)

    async def learns(self, each: int) -> None:
        """Let every member have told so many things more, each somewhere else."""
        for number, member in enumerate(self.members):
            told = [self.told(number, member) for _ in range(each)]
            await self.keep(*told)

    async def keep(self, *told: Told) -> None:
        operations = [one.operation for one in told]
        update = UpdateId(f"u{len(self.facts)}")
        learn = partial(personas.learn, operations=operations, schema=SCHEMA, update=update, now=self.house.clock.now())
        assert len(await self.house.store.write(learn)) == len(told)

    def told(self, number: int, member: Member, *, channel: str | None = None) -> Told:
        """A new fact of a member, told somewhere by chance if no channel is given."""
        if channel is None:
            channel = _direct(member) if self.random.random() < 0.2 else self.random.choice(self.channels)
        count = self._told[member.key]
        self._told[member.key] += 1
        field, kind = FIELDS[count % len(FIELDS)], self.kind(channel)
        canary = f"zq{number:03}x{count:03}"
        self.house.clock.advance(seconds=1)
        evidence = Evidence(tenant=TENANT, room=channel, message=canary, quote=canary, said_at=self.house.clock.now())
        room = Room(tenant=TENANT, channel=channel, kind=kind)
        operation = Operation(
            member=member.key,
            op="add" if field.is_list else "set",
            field=field.name,
            value=f"{canary} it is",
            evidence=(evidence,),
            audience=learned_in(room.place),
        )
        self.facts[canary] = Told(operation=operation, canary=canary, channel=channel, kind=kind)
        return self.facts[canary]

    async def settle(self, each: int) -> None:
        """Let every member have told `each` things, in rooms whose readers change meanwhile."""
        for _ in range(2):
            await self.learns(each // 2)
            for _ in self.channels[::4]:
                self.happens()

    async def fall_idle(self) -> None:
        """Let every conversation be learned, and look through what the optimizer gets."""
        self.house.clock.advance(hours=1)
        while (await self.house.learning.sweep()).sessions:
            pass
        for request in self.model.requests:
            self.look_at_sessions(request.data)

    async def talk(self, prompts: int) -> None:
        """Let so many questions be asked by anybody anywhere while rooms change, and look through every prompt."""
        for begin in range(0, prompts, AT_ONCE):
            self.happens()
            await asyncio.gather(
                *(self.house.intake.accept(self.question()) for _ in range(min(AT_ONCE, prompts - begin)))
            )
            await self.house.lanes.drained()
            for prompt in self.model.prompts:
                self.look(prompt)
            self.model.prompts.clear()

    def question(self) -> Message:
        member = self.random.choice(self.members)
        channel = self.random.choice([_direct(member), *self.random.choices(self.channels, k=4)])
        other = self.random.choice(self.members).name
        text = f"What do you know of me, and what did {other} tell you? said-{channel}-{self.prompts}"
        return self.house.message(member, Room(tenant=TENANT, channel=channel, kind="external"), text)

    def look(self, prompt: Prompt) -> None:
        """Compare what a prompt holds with what its readers may know."""
        self.prompts += 1
        (channel,) = SAID.findall(prompt.question.text)
        asker = next(member for member in self.members if member.name == prompt.question.name)
        text = wire(prompt)
        found = set(CANARY.findall(text))
        known = {canary for canary in found if self.facts[canary].is_known(asker, channel, self.kind(channel))}
        self.seen |= known
        self.leaks += sorted(found - known)
        self.leaks += [f"said in {other}, asked in {channel}" for other in set(SAID.findall(text)) - {channel}]

    def look_at_sessions(self, data: str) -> None:
        """Compare what the optimizer is told of speakers with what the readers of their sessions may know."""
        for session in json.loads(data)["sessions"]:
            channels = {channel for _, _, text, *_ in session["messages"] for channel in SAID.findall(text)}
            (channel,) = channels
            for canary in CANARY.findall(json.dumps(session["speakers"])):
                told = self.facts[canary]
                asker = next(member for member in self.members if member.key == told.operation.member)
                is_known = told.is_known(asker, channel, self.kind(channel))
                (self.seen.add if is_known else self.leaks.append)(canary)


def _direct(member: Member) -> str:
    return f"D{member.id}"
