"""Asked in public for something private: who asks is told alone, and nothing that others can see knows of it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.messages import Member, Room
from bot.models import anthropic_requests
from bot.store.sqlite import SqliteStore
from bot.wording import wording
from persona.audience import RoomKind
from tests.bot.commands.members import ANA, BEN, everything, told
from tests.bot.desk import DIRECT, CountingStore, Desk, room
from tests.clock import StillClock

ASKED = "When does the Atlas merger close?"


async def atlas(desk: Desk, *, kind: RoomKind = "direct", where: str = "D1") -> None:
    """Let Ana have said, somewhere, what she works on."""
    await told(desk.store, ANA, "projects", "the Atlas merger", kind=kind, room=where)


def offered(desk: Desk) -> list[tuple[Room, Member, str]]:
    return [(where, who, view.text) for where, who, view in desk.slack.slipped]


async def test_who_asks_in_public_is_told_alone(desk: Desk) -> None:
    """The member alone sees that a direct message would help, without a word of what is known."""
    await atlas(desk)
    await desk.says(ANA, ASKED)

    assert offered(desk) == [(room(), ANA, wording("offer", "en"))]
    assert "Atlas" not in everything(desk.slack.slipped[0][2])
    assert desk.model.prompts[-1].persona is None


@pytest.mark.parametrize("kind", ["private", "public", "external"])
async def test_wherever_others_read(desk: Desk, kind: RoomKind) -> None:
    """In every kind of room but a direct one."""
    await atlas(desk)
    await desk.says(ANA, ASKED, room("X1", kind=kind))

    assert len(offered(desk)) == 1


async def test_in_the_direct_message_it_is_simply_used(desk: Desk) -> None:
    """Where the member is alone with me there is nothing to offer."""
    await atlas(desk)
    await desk.says(ANA, ASKED, DIRECT)

    assert offered(desk) == []
    assert "Atlas" in (desk.model.prompts[-1].persona or "")


async def test_what_belongs_to_another_room_is_offered_too(desk: Desk) -> None:
    """What was said in a private channel may be used there and with the member alone."""
    await atlas(desk, kind="private", where="G1")
    await desk.says(ANA, ASKED, room("G1", kind="private"))
    assert offered(desk) == []
    await desk.says(ANA, ASKED)

    assert len(offered(desk)) == 1


@pytest.mark.parametrize(
    "text",
    ["What is for lunch?", "The Atlas merger closes in May.", "> When does the Atlas merger close?\nNo idea.", ""],
)
async def test_nothing_is_offered_that_was_not_asked_for(desk: Desk, text: str) -> None:
    """Another question, a statement, and somebody else's words bring no offer."""
    await atlas(desk)
    await desk.says(ANA, text)

    assert offered(desk) == []


async def test_what_the_room_knows_anyway_is_not_offered(desk: Desk) -> None:
    """A value that was said in public as well is simply used."""
    await told(desk.store, ANA, "projects", "the atlas merger")
    desk.clock.advance(seconds=1)
    await told(desk.store, ANA, "projects", "the Atlas merger", kind="direct", room="D1", at=desk.clock.now())
    assert await desk.rows("SELECT count(*) AS number FROM fact") == [(2,)]
    await desk.says(ANA, ASKED)

    assert offered(desk) == []


async def test_style_is_never_offered(desk: Desk) -> None:
    """What shapes answers everywhere is no secret, wherever it was learned."""
    await told(desk.store, ANA, "answer_length", "short", kind="direct", room="D1")
    await desk.says(ANA, "How short is the answer length limit?")

    assert offered(desk) == []


async def test_nobody_is_offered_what_is_anothers(desk: Desk) -> None:
    """It is about what the member who asks said themself."""
    await atlas(desk)
    await desk.says(BEN, ASKED)

    assert offered(desk) == []


async def test_once_a_day(desk: Desk) -> None:
    """However often a member asks, and wherever, they are told once a day."""
    await atlas(desk)
    for where in (room(), room(), room("C2")):
        await desk.says(ANA, ASKED, where)
    assert len(offered(desk)) == 1
    desk.clock.advance(days=1)
    await desk.says(ANA, ASKED)

    assert len(offered(desk)) == 2


async def test_it_can_be_switched_off_and_on(desk: Desk) -> None:
    """The button of the offer ends it, the command says how it is and begins it again; consent stays as it was."""
    await atlas(desk)
    await desk.says(ANA, ASKED)
    (button,) = desk.slack.slipped[0][2].buttons
    stopped = await desk.commands.press(button.action, ANA)
    desk.clock.advance(days=2)
    await desk.says(ANA, ASKED)
    assert len(offered(desk)) == 1
    assert stopped == await desk.commands.run("offers", ANA)
    resumed = await desk.commands.run("offers on", ANA)
    await desk.says(ANA, ASKED)

    assert len(offered(desk)) == 2
    assert resumed == await desk.commands.run("offers", ANA)
    assert await desk.rows("SELECT consent, offers FROM member") == [("off", 1)]


@pytest.mark.parametrize("action", ["offers:", "offers:maybe"])
async def test_an_odd_button_changes_nothing(desk: Desk, action: str) -> None:
    """A button we never showed is one of another version."""
    assert "older version" in (await desk.commands.press(action, ANA)).text


async def test_who_paused_is_offered_nothing(desk: Desk) -> None:
    """Off means neither read nor write: what is not used is not looked at either."""
    await atlas(desk)
    await desk.commands.run("pause", ANA)
    await desk.says(ANA, ASKED)

    assert offered(desk) == []


async def test_off_the_record_nothing_is_offered(desk: Desk) -> None:
    """What is said off the record is compared with nothing."""
    await atlas(desk)
    await desk.says(ANA, f"off the record: {ASKED}")

    assert offered(desk) == []


async def test_a_platform_that_is_away_is_no_trouble(desk: Desk) -> None:
    """An offer that cannot be shown is lost, and nothing else with it."""
    await atlas(desk)
    desk.slack.is_reachable = False
    await desk.says(ANA, ASKED)
    desk.slack.is_reachable = True
    await desk.says(ANA, ASKED)

    assert [text for _, text in desk.slack.posted] == ["Answer 1.", "Answer 2."]
    assert offered(desk) == []


# -- nobody else notices ----------------------------------------------------------------------------------------------


@asynccontextmanager
async def twin_desk(path: Path) -> AsyncIterator[tuple[Desk, CountingStore]]:
    """A desk on a file of its own, whose room's statements are counted."""
    store = await SqliteStore.open(path)
    counting = CountingStore(store)
    try:
        async with Desk.opened(store, StillClock(), turns=counting) as desk:
            yield desk, counting
    finally:
        await store.close()


@pytest.mark.parametrize("kind", ["private", "public", "external"])
async def test_a_hidden_fact_changes_nothing_that_others_can_see(
    migrated: Path, tmp_path: Path, kind: RoomKind
) -> None:
    """With it and without it prompts and posts are the same, byte for byte, and the turn runs the same statements."""
    seen = []
    for name, is_known in (("with", True), ("without", False)):
        shutil.copy(migrated, tmp_path / name)
        async with twin_desk(tmp_path / name) as (desk, counting):
            await told(desk.store, ANA, "location", "Lisbon", kind=kind, room="X1")
            if is_known:
                await atlas(desk)
            for text in (ASKED, "Where do I live?", "And the Atlas merger?"):
                await desk.says(ANA, text, room("X1", kind=kind))
            bodies = [repr(anthropic_requests.answer(prompt, "claude-sonnet-5-5")) for prompt in desk.model.prompts]
            seen.append((bodies, desk.slack.posted, counting.statements))
            assert len(desk.slack.slipped) == is_known

    assert seen[0] == seen[1]
    assert any("Lisbon" in body for body in seen[0][0])
