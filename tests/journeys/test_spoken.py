"""Commands that are said to Rapport like anything else, where there is no slash command to type."""

from __future__ import annotations

import pytest

from bot.commands.spoken import NO_PRIVATE_WAY
from tests.journeys.worlds import SlackWorld, World, answers
from tests.twins.server import Fault


async def shown(world: World, before: int = 0) -> str:
    """What Ana is shown alone for a command that she said."""
    await world.quiet()
    await world.twin.wait_for(lambda: world.notices("Ana")[before:])
    (notice,) = world.notices("Ana")[before:]
    return notice


@pytest.mark.parametrize("words", ["persona show", "/persona show", "Persona show"])
async def test_a_command_is_answered_to_its_author_alone(a_world: World, words: str) -> None:
    """A mention that says a command is answered by the command: nobody else sees it, and no model is asked."""
    async with a_world.running(persona_consent="on"):
        await a_world.says("Ana", words)

        assert "nothing about you" in await shown(a_world)
        assert a_world.posted() == []
        assert a_world.notices("Bo") == []
        assert answers(a_world.claude) == []


async def test_a_command_can_be_said_in_a_conversation(a_world: World) -> None:
    """In a thread, where Slack knows no slash commands, a command is answered there and the talk goes on."""
    async with a_world.running(persona_consent="on"):
        post = await a_world.says("Ana", "hello")
        await a_world.answered(post)
        await a_world.says("Ana", "persona help", after=post)

        assert "/persona show" in await shown(a_world)
        assert len(a_world.posted()) == 1


async def test_a_command_in_a_direct_message(a_world: World) -> None:
    """In a direct message, which is private already, the answer is a message."""
    async with a_world.running(persona_consent="on"):
        await a_world.dms("Ana", "persona help")

        assert "/persona show" in await shown(a_world)
        assert answers(a_world.claude) == []


async def test_a_command_is_answered_once(a_world: World) -> None:
    """A command that is delivered again, by the same run or after a restart, is not run again."""
    async with a_world.running(persona_consent="on"):
        post = await a_world.says("Ana", "persona help")
        await shown(a_world)
        await a_world.redeliver(post)
    async with a_world.running(persona_consent="on"):
        await a_world.redeliver(post)

        assert len(a_world.notices("Ana")) == 1
        assert a_world.posted() == []


async def test_a_command_is_nothing_to_learn_from(a_world: World) -> None:
    """What a command says is not stored, is in no later prompt, and is never learned, whether or not it is edited."""
    async with a_world.running(persona_consent="on"):
        post = await a_world.says("Ana", "persona forget I live in Lisbon")
        await shown(a_world)
        await a_world.edits(post, "persona forget I live in Porto")
        a_world.pass_time(minutes=31)
        await a_world.core.learning.sweep()
        await a_world.answered(await a_world.says("Ana", "hello", after=post))

        sent = "".join(str(request.body) for request in a_world.claude.requests)
        assert "hello" in sent
        assert "Lisbon" not in sent
        assert "Porto" not in sent
        assert b"Lisbon" not in a_world.database.read_bytes()


async def test_a_member_who_cannot_be_told_alone_is_told_what_to_type(a_world: World) -> None:
    """Where the platform has no private way to the member, they hear what they can type, and nothing private."""
    refusal = {"ok": False, "error": "user_not_in_channel", "code": 50007, "message": "Cannot send messages"}
    async with a_world.running(persona_consent="on"):
        path = "/api/chat.postEphemeral" if isinstance(a_world, SlackWorld) else "/messages"
        status = 200 if isinstance(a_world, SlackWorld) else 403
        a_world.twin.fault("POST", path, Fault.json(status, refusal))
        post = await a_world.says("Ana", "persona show")
        await a_world.twin.wait_for(lambda: a_world.replies(post))

        assert a_world.replies(post) == [NO_PRIVATE_WAY]
        assert a_world.notices("Ana") == []
