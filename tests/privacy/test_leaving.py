"""Members who have everything erased while they, or others, are being answered: nothing comes back with it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.messages import Member, Message, Room, TenantId
from bot.prompt import Prompt
from persona.ports import Usage
from tests.clock import StillClock
from tests.models import ScriptedModel
from tests.privacy.house import House, wire

TENANT = TenantId("slack:T1")
ANA, BO = (Member(tenant=TENANT, id=id_, name=name) for id_, name in (("U1", "Ana"), ("U2", "Bo")))
ROOM = Room(tenant=TENANT, channel="C1", kind="public")
WORDS = "I fly a kite"


class Parrot(ScriptedModel):
    """Repeats everything it was given, as soon as it may."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.asked = asyncio.Event()

    async def answer(self, prompt: Prompt) -> AsyncIterator[str | Usage]:
        self.prompts.append(prompt)
        self.asked.set()
        await self.go_on.wait()
        yield wire(prompt)
        yield Usage(input_tokens=1, output_tokens=1)


@pytest.fixture
def model() -> Parrot:
    return Parrot()


@pytest.fixture
async def house(database: Path, clock: StillClock, model: Parrot) -> AsyncIterator[House]:
    async with House.opened(database, clock, model=model) as opened:
        opened.rooms.kinds[TENANT, ROOM.channel] = "public"
        yield opened


async def says(house: House, who: Member, text: str) -> Message:
    message = house.message(who, ROOM, text)
    assert await house.intake.accept(message)
    return message


async def given(house: House, model: Parrot, who: Member) -> str:
    """What the model gets when somebody asks something in the room."""
    await says(house, who, "What was said here?")
    await house.lanes.drained()
    return wire(model.prompts[-1])


@pytest.mark.parametrize("way", ["forget all", "consent withdraw"])
async def test_what_waits_for_its_answer_leaves_with_it(house: House, model: Parrot, way: str) -> None:
    """A message that is being answered when its author leaves is answered, and forgotten with that answer."""
    model.go_on.clear()
    await says(house, ANA, WORDS)
    await model.asked.wait()
    await house.commands.run(way, ANA)
    model.go_on.set()
    await house.lanes.drained()

    assert WORDS in house.rooms.posts[-1].text
    assert WORDS not in repr(await house.commands.run("export", ANA))
    assert WORDS not in await given(house, model, BO)


async def test_an_answer_to_somebody_else_does_not_bring_them_back(house: House, model: Parrot) -> None:
    """What is being answered to others with the words of who leaves meanwhile is answered, and not remembered."""
    await says(house, ANA, WORDS)
    await house.lanes.drained()
    model.asked.clear()
    model.go_on.clear()
    await says(house, BO, "What did Ana say?")
    await model.asked.wait()
    await house.commands.run("forget all", ANA)
    model.go_on.set()
    await house.lanes.drained()

    assert WORDS in house.rooms.posts[-1].text
    assert WORDS not in await given(house, model, BO)


async def test_answers_that_repeat_who_left_leave_too(house: House, model: Parrot) -> None:
    """What others were answered in a room where somebody spoke may repeat them: it leaves with them."""
    await says(house, ANA, WORDS)
    await says(house, BO, "What did Ana say?")
    await house.lanes.drained()
    await house.commands.run("forget all", ANA)

    assert WORDS not in await given(house, model, BO)


async def test_others_keep_their_words(house: House, model: Parrot) -> None:
    """Whoever leaves takes nothing along that others said, nor what these are told afterwards."""
    await says(house, BO, "I sail a boat")
    await says(house, ANA, WORDS)
    await house.lanes.drained()
    await house.commands.run("forget all", ANA)
    await says(house, ANA, "Good morning")
    await house.lanes.drained()
    asked = await given(house, model, BO)

    assert "I sail a boat" in asked
    assert "Good morning" in asked
