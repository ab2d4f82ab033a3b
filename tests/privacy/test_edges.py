"""Edge cases of who may know what (docs/decisions/0015-edge-cases.md), as far as they need no platform."""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from bot.commands.registry import COMMANDS
from bot.messages import Member, Room, TenantId
from persona import store as personas
from persona.audience import RoomKind, learned_in
from persona.operations import Operation, UpdateId
from persona.persona import Evidence
from persona.sensitive import category
from tests.clock import StillClock
from tests.models import ScriptedModel
from tests.privacy.house import SCHEMA, House, wire

TENANT = TenantId("slack:T1")
ANA, BO = (Member(tenant=TENANT, id=id_, name=name) for id_, name in (("U1", "Ana"), ("U2", "Bo")))
CHANNELS: dict[str, RoomKind] = {"DU1": "direct", "DU2": "direct", "P1": "private", "C1": "public"}


@pytest.fixture
async def house(database: Path, clock: StillClock) -> AsyncIterator[House]:
    async with House.opened(database, clock, model=ScriptedModel()) as opened:
        opened.rooms.kinds |= {(TENANT, channel): kind for channel, kind in CHANNELS.items()}
        yield opened


async def tells(house: House, member: Member, value: str, channel: str, *, field: str = "tools") -> None:
    """Let a member have told something in a room."""
    room = Room(tenant=TENANT, channel=channel, kind=CHANNELS[channel])
    said = Evidence(tenant=TENANT, room=channel, message=value, quote=value, said_at=house.clock.now())
    operation = Operation(
        member=member.key, op="add", field=field, value=value, evidence=(said,), audience=learned_in(room.place)
    )
    learn = partial(personas.learn, operations=[operation], schema=SCHEMA, update=UpdateId(value))
    await house.store.write(partial(learn, now=house.clock.now()))


async def prompted(house: House, member: Member, channel: str) -> str:
    """What the model gets when a member asks something in a room."""
    room = Room(tenant=TENANT, channel=channel, kind=CHANNELS[channel])
    message = house.message(member, room, "What do you know?")
    await house.intake.accept(message)
    await house.lanes.drained()
    assert isinstance(house.model, ScriptedModel)
    return wire(house.model.prompts[-1])


async def test_who_joins_a_private_room_hears_what_was_said_in_it_and_no_more(house: House) -> None:
    """Whoever reads a private room now may know what was told in it before, and nothing told elsewhere in private."""
    await tells(house, ANA, "told-in-the-room", "P1")
    await tells(house, ANA, "told-directly", "DU1")
    asked = await prompted(house, ANA, "P1")  # Bo may have joined meanwhile: nobody but Slack keeps who is in a room

    assert "told-in-the-room" in asked
    assert "told-directly" not in asked


async def test_what_a_command_shows_is_in_no_prompt(house: House) -> None:
    """What only one member sees does not become part of the room's conversation."""
    await tells(house, ANA, "told-directly", "DU1")
    room = Room(tenant=TENANT, channel="C1", kind="public")
    shown = await house.commands.run("show", ANA, room=room)
    assert "told-directly" in repr(shown)

    for asker in (ANA, BO):
        assert "told-directly" not in await prompted(house, asker, "C1")


async def test_a_name_is_nobodys(house: House) -> None:
    """A member who is called otherwise is still the same, and whoever takes their name is not them."""
    await tells(house, ANA, "of-the-account", "DU1")

    assert "of-the-account" in await prompted(house, replace(ANA, name="Annabel"), "DU1")
    assert "of-the-account" not in await prompted(house, replace(BO, name=ANA.name), "DU2")


@pytest.mark.parametrize("verb", COMMANDS)
@pytest.mark.parametrize("named", ["Bo", "@Bo", "<@U2>", "U2", "slack:T1 U2", "tools of Bo"])
async def test_naming_somebody_shows_nothing_of_them(house: House, verb: str, named: str) -> None:
    """Whatever is typed, what is shown is about whoever typed it, and the other's persona stays as it is."""
    await tells(house, BO, "told-by-bo", "C1")
    shown = await house.commands.run(f"{verb} {named}", ANA)

    assert "told-by-bo" not in repr(shown)
    assert "told-by-bo" in repr(await house.commands.run("show", BO))


@pytest.mark.parametrize("said", ["I am 12 years old", "I'm 9 years old", "aged 15 y/o"])
def test_the_age_of_a_minor_is_not_kept(said: str) -> None:
    """Who says to be a child has said what is kept of nobody."""
    assert category(said) == "minors"
