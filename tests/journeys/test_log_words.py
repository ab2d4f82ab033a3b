"""The log of whole journeys, as loud as it gets: nothing that was said, and nobody's name, is in any line of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.journeys.processes import python
from tests.journeys.worlds import World, answers, learns
from tests.twins.anthropic import Reply
from tests.twins.server import Fault

pytestmark = pytest.mark.slow

SAID, ANSWERED, NAME, VALUE = "zqsaid", "zqanswered", "Zqname", "zqvalue"
CANARIES = (SAID, ANSWERED, NAME, VALUE, NAME.lower())
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


async def told(a_world: World, folder: Path, form: str) -> str:
    """The log of a process in which much is said, learned, shown, edited, deleted, refused and goes wrong."""
    environment = {
        **a_world.environment(),
        "LOG_LEVEL": "debug",
        "LOG_FORMAT": form,
        "PERSONA_CONSENT": "on",
        "IDLE_AFTER": "1s",
        "SWEEP_EVERY": "1s",
    }
    await a_world.joins(NAME)
    learns(a_world.claude, ("set", "location", VALUE, f"I live in {VALUE}"))
    a_world.claude.default = f"{ANSWERED} https://evil.example/{ANSWERED}"
    async with python("-m", "tests.journeys.hurried", folder=folder, environment=environment) as process:
        await process.logged("bot.ready")
        post = await a_world.says(NAME, f"I live in {VALUE} and {SAID}")
        await process.logged("message.settled")
        assert VALUE in await a_world.command(NAME, f"add location {VALUE}")
        assert VALUE in await a_world.command(NAME, "show")
        await a_world.edits(post, f"{SAID} again", is_heard=False)
        await a_world.unfurls(post) if a_world.platform == "slack" else None
        a_world.claude.script(Reply(text=ANSWERED, cut_after=1))
        a_world.twin.fault("POST", a_world.post_path, Fault(status=500, body=ANSWERED.encode()))
        broken = await a_world.says(NAME, f"{SAID} and more")
        await a_world.twin.wait_for(lambda: a_world.replies(broken), timeout_s=30)
        await a_world.deletes(post, is_heard=False)
        assert answers(a_world.claude)
        process.stop()
        assert await process.ended() == 0
    return process.log


async def test_no_word_is_logged(a_world: World, tmp_path: Path) -> None:
    """At the loudest level, in JSON: one object a line, with time in UTC, level, origin and event, and no canary."""
    log = await told(a_world, tmp_path, "json")

    lines = [json.loads(line) for line in log.splitlines()]
    assert len(lines) > 5
    for line in lines:
        assert {"timestamp", "level", "logger", "event"} <= set(line)
        assert MOMENT.fullmatch(line["timestamp"])
    assert {"bot.ready", "message.settled", "bot.stopping"} <= {line["event"] for line in lines}
    assert [canary for canary in CANARIES if canary in log] == []


async def test_no_word_is_logged_in_text_either(slack_world: World, tmp_path: Path) -> None:
    """The same, a line each, for people."""
    log = await told(slack_world, tmp_path, "text")

    assert all(line.startswith("timestamp='") for line in log.splitlines())
    assert [canary for canary in CANARIES if canary in log] == []
