"""Health and metrics of a process: what its platform asks, and what an operator watches."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.journeys.processes import python
from tests.journeys.watching import free_port, watching
from tests.journeys.worlds import World, is_update, learns
from tests.twins.anthropic import Reply
from tests.twins.server import Fault

pytestmark = pytest.mark.slow

CANARY = "zqcanary"


async def test_a_process_that_works_says_so(a_world: World, tmp_path: Path) -> None:
    """A process is alive and ready once it is connected; what is asked names its checks and nothing else."""
    port = free_port()
    environment = {**a_world.environment(), "PORT": str(port)}
    async with python("-m", "bot", folder=tmp_path, environment=environment) as process:
        await process.logged("bot.ready")
        async with watching(port) as watch:
            alive, ready = await watch.health("/healthz"), await watch.health("/readyz")

    assert (alive.status, alive.checks) == (200, {"loop": "ok", "database": "ok"})
    assert (ready.status, ready.checks) == (
        200,
        {"begun": "ok", "not stopping": "ok", f"connected to {a_world.platform}": "ok"},
    )


async def test_a_database_that_takes_nothing_is_told(a_world: World, tmp_path: Path) -> None:
    """While another program holds the database the process is not alive as it should be; afterwards it is again."""
    port = free_port()
    environment = {**a_world.environment(), "PORT": str(port)}
    async with python("-m", "bot", folder=tmp_path, environment=environment) as process:
        await process.logged("bot.ready")
        async with watching(port) as watch:
            with closing(sqlite3.connect(a_world.database, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                held = await watch.health("/healthz")
                assert (await watch.metrics())["rapport_loop_lag_seconds_count"] > 0
                other.execute("ROLLBACK")
            await process.settles(lambda: watch.health("/healthz"), lambda now: now.status == 200)

    assert (held.status, held.checks) == (503, {"loop": "ok", "database": "failing"})


async def test_answers_are_counted(a_world: World, tmp_path: Path) -> None:
    """Answers by how they ended, calls with their tokens and prices, and how long it all took; no text, no member."""
    port = free_port()
    environment = {**a_world.environment(), "PORT": str(port)}
    async with python("-m", "bot", folder=tmp_path, environment=environment) as process:
        await process.logged("bot.ready")
        async with watching(port) as watch:
            before = await watch.metrics()
            post = await a_world.says("Ana", f"I live in {CANARY}")
            await a_world.twin.wait_for(lambda: a_world.replies(post), timeout_s=30)
            a_world.claude.fault("POST", "/messages", Fault.json(400, {"type": "error", "error": {"type": "x"}}))
            failed = await a_world.says("Bo", "hello")
            await a_world.twin.wait_for(lambda: a_world.replies(failed), timeout_s=30)
            counted = await process.settles(watch.metrics, lambda now: now["rapport_settled_seconds_count"] == 2)
            text = await watch.text()

    assert before["rapport_inbox_messages"] == 0
    assert counted['rapport_answers_total{outcome="answered"}'] == 1
    assert counted['rapport_answers_total{outcome="failed"}'] == 1
    assert counted['rapport_accepts_total{outcome="stored"}'] == 2
    assert counted['rapport_model_calls_total{outcome="ok",purpose="answer"}'] == 1
    assert counted['rapport_model_calls_total{outcome="ModelRequestError",purpose="answer"}'] == 1
    assert counted['rapport_model_tokens_total{kind="input",purpose="answer"}'] > 0
    assert counted['rapport_model_cost_dollars_total{purpose="answer"}'] > 0
    assert counted[f'rapport_connected{{connection="{a_world.platform}"}}'] == 1
    assert counted["rapport_first_text_seconds_count"] == 2
    assert counted['rapport_unit_seconds_count{kind="write"}'] > 0
    assert counted["rapport_loop_lag_seconds_count"] > 0
    assert [word for word in (CANARY, "Ana", "slack:", "discord:") if word in text] == []


async def test_learning_is_counted(slack_world: World, tmp_path: Path) -> None:
    """A session that is learned and one that fails are told apart, with the moments of the last of each."""
    port = free_port()
    environment = {
        **slack_world.environment(),
        "PORT": str(port),
        "PERSONA_CONSENT": "on",
        "IDLE_AFTER": "1s",
        "SWEEP_EVERY": "1s",
    }
    learns(slack_world.claude, ("set", "location", CANARY, f"I live in {CANARY}"))
    async with python("-m", "bot", folder=tmp_path, environment=environment) as process:
        await process.logged("bot.ready")
        async with watching(port) as watch:
            post = await slack_world.says("Ana", f"I live in {CANARY}")
            await slack_world.twin.wait_for(lambda: slack_world.replies(post), timeout_s=30)
            await process.logged("session.learned")
            learned = await watch.metrics()
            slack_world.claude.match(is_update, "no JSON")
            await slack_world.says("Bo", "hello", place="random")
            await process.logged("session.postponed")
            failed = await watch.metrics()

    assert learned['rapport_sessions_total{outcome="learned"}'] == 1
    assert learned['rapport_last_session_timestamp_seconds{outcome="learned"}'] > 0
    assert learned['rapport_model_calls_total{outcome="ok",purpose="learn"}'] == 1
    assert learned["rapport_unlearned_sessions"] == 0
    assert failed['rapport_sessions_total{outcome="failed"}'] == 1
    assert failed["rapport_unlearned_sessions"] == 1
    assert failed["rapport_unlearned_oldest_seconds"] > 1


async def test_what_waits_has_an_age(a_world: World, tmp_path: Path) -> None:
    """While the model thinks, the inbox holds one message, and its age grows."""
    port = free_port()
    environment = {**a_world.environment(), "PORT": str(port)}
    go_on = asyncio.Event()
    a_world.claude.script(Reply(text="At last.", hold=go_on))
    async with python("-m", "bot", folder=tmp_path, environment=environment) as process:
        await process.logged("bot.ready")
        async with watching(port) as watch:
            post = await a_world.says("Ana", "hello")
            waiting = await process.settles(watch.metrics, lambda now: now["rapport_inbox_oldest_seconds"] > 0.2)
            go_on.set()
            await a_world.twin.wait_for(lambda: a_world.replies(post), timeout_s=30)
            done = await process.settles(watch.metrics, lambda now: now["rapport_inbox_messages"] == 0)

    assert waiting["rapport_inbox_messages"] == 1
    assert waiting["rapport_inbox_oldest_seconds"] < 30
    assert done["rapport_inbox_oldest_seconds"] == 0
