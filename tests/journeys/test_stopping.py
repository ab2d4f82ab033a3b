"""Stopping a process: nothing more is taken in, what is being answered is finished or waits, and it ends by itself."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import pytest

from bot.stopping import EXIT_FORCED, LIMIT_S
from tests.journeys.hurried import RATE
from tests.journeys.processes import python
from tests.journeys.watching import free_port, watching
from tests.journeys.worlds import SlackWorld, World, answers
from tests.twins.anthropic import Reply

pytestmark = pytest.mark.slow


async def test_what_asks_is_turned_away_while_an_answer_is_finished(a_world: World, tmp_path: Path) -> None:
    """From the signal on the process is not ready, but alive; the answer that is being written is still shown."""
    port, go_on = free_port(), asyncio.Event()
    a_world.claude.script(Reply(text="Just in time.", hold=go_on))
    environment = {**a_world.environment(), "PORT": str(port)}
    async with python("-m", "bot", folder=tmp_path, environment=environment) as process:
        await process.logged("bot.ready")
        post = await a_world.says("Ana", "hello")
        await a_world.claude.wait_for(lambda: answers(a_world.claude))
        async with watching(port) as watch:
            process.stop()
            await process.logged("bot.stopping")
            ready, alive = await watch.health("/readyz"), await watch.health("/healthz")
        go_on.set()

        assert await process.ended() == 0
    assert (ready.status, ready.checks["not stopping"]) == (503, "failing")
    assert alive.status == 200
    assert a_world.replies(post) == ["Just in time."]
    assert "messages.parked" not in process.log


async def test_slack_is_left_at_once(slack_world: World, tmp_path: Path) -> None:
    """The socket closes with the signal, so that Slack hands what is said then to the next process, which answers."""
    assert isinstance(slack_world, SlackWorld)
    go_on = asyncio.Event()
    slack_world.claude.script(Reply(text="The first.", hold=go_on))
    async with python("-m", "bot", folder=tmp_path, environment=slack_world.environment()) as first:
        await first.logged("bot.ready")
        early = await slack_world.says("Ana", "hello")
        await slack_world.claude.wait_for(lambda: answers(slack_world.claude))
        first.stop()
        await slack_world.twin.wait_for(lambda: not slack_world.twin.sockets)
        late = await slack_world.says("Bo", "are you there?", place="random")
        go_on.set()
        assert await first.ended() == 0
    async with python("-m", "bot", folder=tmp_path, environment=slack_world.environment()):
        await slack_world.twin.wait_for(lambda: slack_world.replies(late), timeout_s=30)

    assert slack_world.replies(early) == ["The first."]
    assert len(answers(slack_world.claude)) == 2


async def test_an_answer_that_takes_too_long_waits_for_the_next_process(a_world: World, tmp_path: Path) -> None:
    """A model that does not answer holds a stop up for less than its limit; the message is said to be parked.

    The next process answers it, once.
    """
    a_world.claude.script(Reply(text="Never sent.", hold=asyncio.Event()))
    async with python("-m", "tests.journeys.hurried", folder=tmp_path, environment=a_world.environment()) as first:
        await first.logged("bot.ready")
        post = await a_world.says("Ana", "hello")
        await a_world.claude.wait_for(lambda: answers(a_world.claude))
        began = time.monotonic()
        first.stop()

        assert await first.ended() == 0
        assert (time.monotonic() - began) * RATE < LIMIT_S
        assert "messages.parked" in first.log
    async with python("-m", "tests.journeys.hurried", folder=tmp_path, environment=a_world.environment()) as second:
        await second.logged("message.settled")

    assert a_world.replies(post) == ["An answer."]


async def test_a_second_signal_ends_at_once(a_world: World, tmp_path: Path) -> None:
    """Whoever does not want to wait asks twice; what was being answered is answered by the next process."""
    a_world.claude.script(Reply(text="Never sent.", hold=asyncio.Event()))
    async with python("-m", "bot", folder=tmp_path, environment=a_world.environment()) as first:
        await first.logged("bot.ready")
        post = await a_world.says("Ana", "hello")
        await a_world.claude.wait_for(lambda: answers(a_world.claude))
        first.stop()
        await first.logged("bot.stopping")
        began = time.monotonic()
        first.stop()

        assert await first.ended() == -signal.SIGTERM
        assert time.monotonic() - began < 5
    async with python("-m", "tests.journeys.hurried", folder=tmp_path, environment=a_world.environment()) as second:
        await second.logged("message.settled")

    assert a_world.replies(post) == ["An answer."]


async def test_patience_has_an_end(tmp_path: Path) -> None:
    """A process whose threads never end is ended all the same, says so, and its status shows it."""
    hanging = (
        "import threading; from bot import logs, stopping; logs.configure('info', 'json');"
        "stopping.limit(0.1); threading.Event().wait()"
    )
    async with python("-c", hanging, folder=tmp_path, environment={}) as process:
        assert await process.ended() == EXIT_FORCED
        assert "bot.stop_forced" in process.log
