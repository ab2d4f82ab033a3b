"""A killed process: what was accepted is answered once by the next one, wherever the kill struck."""

import asyncio
from pathlib import Path

import pytest

from tests.journeys.processes import python
from tests.journeys.worlds import World, answers
from tests.twins.anthropic import Reply
from tests.twins.server import Fault

pytestmark = pytest.mark.slow


async def test_a_kill_between_acknowledgement_and_answer_loses_nothing(a_world: World, tmp_path: Path) -> None:
    """A message accepted by a process that is killed while the model thinks is answered once by the next process."""
    a_world.claude.script(Reply(text="Never sent.", hold=asyncio.Event()))
    async with python("-m", "bot", folder=tmp_path, environment=a_world.environment()) as first:
        await first.logged("bot.ready")
        post = await a_world.says("Ana", "hello")
        await a_world.claude.wait_for(lambda: answers(a_world.claude))
        await first.kill()
    async with python("-m", "bot", folder=tmp_path, environment=a_world.environment()) as second:
        await a_world.twin.wait_for(lambda: a_world.replies(post), timeout_s=30)
        await second.logged("message.settled")

        assert a_world.replies(post) == ["An answer."]


async def test_a_kill_between_posting_and_noting_it_posts_nothing_twice(a_world: World, tmp_path: Path) -> None:
    """A reply the platform took from a process that never learned so is found by the next one, not posted again.

    Whether it was the whole reply or its beginning is up to the machine; a beginning is completed.
    """
    never = asyncio.Event()
    async with python("-m", "bot", folder=tmp_path, environment=a_world.environment()) as first:
        await first.logged("bot.ready")
        a_world.twin.fault("POST", a_world.post_path, Fault(hold_after=never))
        post = await a_world.says("Ana", "hello")
        await a_world.twin.wait_for(lambda: a_world.replies(post))
        await first.kill()
    async with python("-m", "bot", folder=tmp_path, environment=a_world.environment()) as second:
        await second.logged("message.resumed", "message.settled")

        assert a_world.replies(post) == ["An answer."]


async def test_a_stop_lets_the_answer_finish(a_world: World, tmp_path: Path) -> None:
    """On SIGTERM the answer being written is still shown, and the process ends by itself with status 0."""
    go_on = asyncio.Event()
    a_world.claude.script(Reply(text="Just in time.", hold=go_on))
    async with python("-m", "bot", folder=tmp_path, environment=a_world.environment()) as process:
        await process.logged("bot.ready")
        post = await a_world.says("Ana", "hello")
        await a_world.claude.wait_for(lambda: answers(a_world.claude))
        process.stop()
        await process.logged("bot.stopping")
        go_on.set()

        assert await process.ended() == 0
        assert a_world.replies(post) == ["Just in time."]
