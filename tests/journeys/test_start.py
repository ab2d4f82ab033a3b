"""Starting and staying: what is wrong is said in a line an operator can act on, and what can be mended is mended."""

import asyncio
import contextlib
import logging
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.delivery import WAITS_S
from tests.journeys.processes import python
from tests.journeys.worlds import DiscordWorld, SlackWorld, World, answers, learns, updates
from tests.twins.server import Fault


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("SLACK_BOT_TOKEN", "xoxb-sesame", "SLACK_BOT_TOKEN: Slack refused the token (invalid_auth)"),
        ("SLACK_APP_TOKEN", "xapp-sesame", "SLACK_APP_TOKEN: Slack refused the token (invalid_auth)"),
        ("SLACK_API_URL", "http://127.0.0.1:9/api/", "Slack could not be reached"),
    ],
)
async def test_a_wrong_slack_setting_is_named(
    slack_world: World, tmp_path: Path, variable: str, value: str, named: str
) -> None:
    """A start with a setting that Slack refuses ends with status 1 and one line that names it, not its value."""
    environment = {**slack_world.environment(), "LOG_LEVEL": "error", variable: value}
    async with python("-m", "bot", folder=tmp_path, environment=environment) as process:
        assert await process.ended() == 1

        (line,) = process.log.splitlines()
        assert line.startswith("rapport: ")
        assert named in line
        assert "sesame" not in line
        assert "test-token" not in line


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("DISCORD_BOT_TOKEN", "sesame.sesame", "DISCORD_BOT_TOKEN: Discord refused the token"),
        ("DISCORD_API_URL", "http://127.0.0.1:9/api/v10", "Discord could not be reached"),
        ("DISCORD_GUILD_ID", "999", "DISCORD_GUILD_ID: Discord lets us register no commands in the server 999"),
    ],
)
async def test_a_wrong_discord_setting_is_named(
    discord_world: World, tmp_path: Path, variable: str, value: str, named: str
) -> None:
    """A start with a setting that Discord refuses ends with status 1 and one line that names it, not its value."""
    environment = {**discord_world.environment(), "LOG_LEVEL": "error", variable: value}
    async with python("-m", "bot", folder=tmp_path, environment=environment) as process:
        assert await process.ended() == 1

        (line,) = process.log.splitlines()
        assert line.startswith("rapport: ")
        assert named in line
        assert "sesame" not in line


@pytest.mark.slow
async def test_switching_socket_mode_off_is_said(slack_world: World, tmp_path: Path) -> None:
    """When Socket Mode is switched off for the app, the process says so and ends instead of dialling for ever."""
    assert isinstance(slack_world, SlackWorld)
    async with python("-m", "bot", folder=tmp_path, environment=slack_world.environment()) as process:
        await process.logged("bot.ready")
        await slack_world.twin.disconnect(reason="link_disabled")

        assert await process.ended() == 1
        assert "Socket Mode was switched off" in process.log


async def test_a_replaced_socket_loses_nothing(slack_world: World) -> None:
    """Slack renews its socket every few hours; what is said around that moment is answered once."""
    assert isinstance(slack_world, SlackWorld)
    async with slack_world.running(persona_consent="off"):
        before = await slack_world.says("Ana", "before")
        await slack_world.twin.disconnect(reason="refresh_requested")
        after = await slack_world.says("Ana", "after")

        assert await slack_world.answered(after) == "An answer."
        assert await slack_world.answered(before) == "An answer."
        assert len(answers(slack_world.claude)) == 2


async def test_an_event_discord_py_cannot_read_does_not_end_us(discord_world: World) -> None:
    """A malformed event ends discord.py's loop: Rapport closes that connection, connects anew and goes on answering."""
    assert isinstance(discord_world, DiscordWorld)
    async with discord_world.running(persona_consent="off"):
        await discord_world.twin.send_raw("MESSAGE_CREATE", {"nonsense": True})
        await discord_world.twin.wait_for(lambda: len(discord_world.twin.identifies) > 1)
        post = await discord_world.says("Ana", "hello")

        assert await discord_world.answered(post) == "An answer."
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("keep-alive")] == []


async def test_commands_are_registered_once(discord_world: World) -> None:
    """The second start does not register the same commands again."""
    assert isinstance(discord_world, DiscordWorld)
    for _ in range(2):
        async with discord_world.running():
            pass

    assert len(discord_world.twin.commands.puts) == 1


async def test_commands_say_what_they_take(discord_world: World) -> None:
    """Each verb asks for its words by a name, and offers them where there are only a few."""
    assert isinstance(discord_world, DiscordWorld)
    async with discord_world.running():
        pass
    (persona,) = [command for command in discord_world.twin.commands.of(None) if command["name"] == "persona"]

    assert {
        verb["name"]: [
            (option["name"], option.get("required", False), [choice["value"] for choice in option.get("choices", [])])
            for option in verb.get("options", [])
        ]
        for verb in persona["options"]
    } == {
        "show": [("field", False, []), ("page", False, [])],
        "why": [("field", True, [])],
        "used": [],
        "history": [("field", False, []), ("page", False, [])],
        "add": [("field", True, []), ("value", True, [])],
        "edit": [("field", True, []), ("value", True, [])],
        "forget": [("field", True, [])],
        "undo": [],
        "consent": [("choice", False, ["on", "pause", "withdraw"])],
        "pause": [],
        "resume": [],
        "observe": [("choice", False, ["on", "off"])],
        "offers": [("choice", False, ["on", "off"])],
        "privacy": [],
        "export": [],
        "link": [("code", False, [])],
        "unlink": [],
        "help": [],
    }


async def test_without_commands_mentions_are_answered(discord_world: World) -> None:
    """When Discord does not take our commands at the start, Rapport starts all the same and answers."""
    discord_world.twin.fault("PUT", "/commands", Fault(status=503, body=b"no"))
    async with discord_world.running(persona_consent="off"):
        assert await discord_world.answered(await discord_world.says("Ana", "hello")) == "An answer."


async def left_open(discord_world: World) -> str:
    """A post that a run of Rapport accepted, and could not answer while Discord took no posts."""
    async with discord_world.running(persona_consent="off"):
        discord_world.core.adapters["discord"].grow_every_s = None
        down = Fault(reset_before=True, times=1 + len(WAITS_S))
        discord_world.twin.fault("POST", discord_world.post_path, down)
        post = await discord_world.says("Ana", "hello")
        await discord_world.twin.wait_for(lambda: down.times == 0)
        await discord_world.quiet()
    assert discord_world.replies(post) == []
    return post


async def test_a_gateway_that_is_down_holds_nothing_up(discord_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """With Discord's gateway down at the start all else begins, and what was left open is answered once it is back."""
    post = await left_open(discord_world)
    monkeypatch.setattr("adapters.discord.host.READY_WAIT_S", 0.01)
    comes_back = asyncio.Event()
    discord_world.twin.fault("GET", "/gw/", Fault(hold=comes_back))
    async with discord_world.running(persona_consent="off"):
        assert await discord_world.core.intake.recover() == 0
        assert discord_world.replies(post) == []
        comes_back.set()

        assert await discord_world.answered(post) == "An answer."
        assert len(answers(discord_world.claude)) == 1


@pytest.mark.slow
async def test_slack_works_while_discord_is_down(slack_world: World, discord_world: World, tmp_path: Path) -> None:
    """With Discord's gateway down a process answers on Slack, learns, and ends on SIGTERM as it should."""
    learns(slack_world.claude, ("set", "location", "Lisbon", "I live in Lisbon"))
    environment = {
        **discord_world.environment(),
        **slack_world.environment(),
        "DISCORD_GATEWAY_URL": "ws://127.0.0.1:9/",
        "PERSONA_CONSENT": "on",
        "IDLE_AFTER": "1s",
        "SWEEP_EVERY": "1s",
    }
    async with python("-m", "bot", folder=tmp_path, environment=environment) as process:
        await process.logged("slack.connected")
        post = await slack_world.says("Ana", "I live in Lisbon")
        await slack_world.twin.wait_for(lambda: slack_world.replies(post) == ["An answer."], timeout_s=30)
        await slack_world.claude.wait_for(lambda: updates(slack_world.claude), timeout_s=30)
        process.stop()

        assert await process.ended() == 0
        assert "discord.not_connected" in process.log


async def logged(words: str) -> None:
    """Wait until a log line holds `words`."""
    found = asyncio.Event()

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if words in str(record.msg):
                found.set()

    handler = Listening()
    logging.getLogger().addHandler(handler)
    try:
        await asyncio.wait_for(found.wait(), 10)
    finally:
        logging.getLogger().removeHandler(handler)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program holds the database."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


async def test_slack_delivers_again_what_could_not_be_stored(
    slack_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event that meets a locked database is not acknowledged, and is answered once it can be stored."""
    assert isinstance(slack_world, SlackWorld)
    monkeypatch.setattr("bot.store.sqlite.BUSY_TIMEOUT_MS", 10)
    async with slack_world.running(persona_consent="off"):
        with locked(tmp_path / "rapport.db"):
            saying = asyncio.ensure_future(slack_world.says("Ana", "hello"))
            await logged("store.failing")
        post = await saying

        assert await slack_world.answered(post) == "An answer."


async def test_on_discord_the_author_hears_that_nothing_was_stored(
    discord_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Discord delivers nothing again, so the author of a message that could not be stored is told to ask again."""
    monkeypatch.setattr("bot.store.sqlite.BUSY_TIMEOUT_MS", 10)
    async with discord_world.running(persona_consent="off"):
        with locked(tmp_path / "rapport.db"):
            post = await discord_world.says("Ana", "hello")
            await discord_world.twin.wait_for(lambda: discord_world.replies(post))

        assert "ask again" in discord_world.replies(post)[0]
        assert answers(discord_world.claude) == []
