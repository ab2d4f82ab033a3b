"""Our listeners beside a host's: on a plain client and on a bot, while we are there and after we left."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

import discord
import pytest
from discord.ext import commands

from adapters.discord import events
from bot import errors

NOTHING = discord.Intents.none()


class Plain(discord.Client):
    """A host with a handler of its own in its class."""

    def __init__(self) -> None:
        super().__init__(intents=NOTHING)
        self.heard: list[str] = []
        self.failed: list[str] = []

    async def on_word(self, word: str) -> None:
        self.heard.append(word)
        if word == "fail":
            raise ValueError(word)

    async def on_error(self, event_method: str, /, *_arguments: object, **_more: object) -> None:
        self.failed.append(event_method)


class WithCommands(Plain, commands.Bot):
    """The same as a bot."""

    def __init__(self) -> None:
        commands.Bot.__init__(self, "!", intents=NOTHING)
        self.heard, self.failed = [], []


class WithShards(Plain, commands.AutoShardedBot):
    """The same as a bot in very many servers, which is no `commands.Bot`."""

    def __init__(self) -> None:
        commands.AutoShardedBot.__init__(self, "!", intents=NOTHING)
        self.heard, self.failed = [], []


@pytest.fixture(params=[Plain, WithCommands, WithShards])
async def host(request: pytest.FixtureRequest) -> AsyncIterator[Plain]:
    """Hosts of every kind; none of them connects."""
    made: Callable[[], Plain] = request.param
    async with made() as client:
        yield client


class Ours:
    """A listener of ours: it keeps what it hears, and waits and fails as it is told to."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.error: Exception | None = None

    async def hear(self, word: str) -> None:
        await self.go_on.wait()
        if self.error:
            raise self.error
        self.heard.append(word)


async def settled() -> None:
    """Let everything that can run without waiting run."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_both_hear_until_we_leave(host: Plain) -> None:
    """While we are there the host and we hear everything, before and afterwards the host alone."""
    ours = Ours()
    host.dispatch("word", "before")
    await settled()
    async with events.heard(host, {"on_word": ours.hear}):
        host.dispatch("word", "during")
        await settled()
    host.dispatch("word", "after")
    await settled()

    assert host.heard == ["before", "during", "after"]
    assert ours.heard == ["during"]


async def test_leaving_leaves_nothing_behind(host: Plain) -> None:
    """A client that we left is as it was, also if it had a handler of its own or none at all."""
    handler = Ours().hear
    host.on_handled = handler  # type: ignore[attr-defined]  # as `client.event` does it
    before = dict(vars(host))
    async with events.heard(host, {"on_word": Ours().hear, "on_handled": Ours().hear, "on_nothing": Ours().hear}):
        pass

    assert {name: value for name, value in vars(host).items() if name.startswith("on_")} == {"on_handled": handler}
    assert vars(host).keys() == before.keys()
    if isinstance(host, events.BOTS):
        assert not any(host.extra_events.values())


async def test_a_handler_put_before_ours_stays(host: Plain) -> None:
    """Who wrapped a handler while we were there keeps it, and the host's, when we have left."""
    ours, wrapping = Ours(), Ours()
    async with events.heard(host, {"on_word": ours.hear}):
        inner = host.on_word

        async def wrapped(word: str) -> None:
            await wrapping.hear(word)
            await inner(word)

        host.on_word = wrapped  # type: ignore[method-assign]
    host.dispatch("word", "after")
    await settled()

    assert (wrapping.heard, host.heard, ours.heard) == (["after"], ["after"], [])


async def test_what_we_wait_for_delays_no_host(host: Plain) -> None:
    """The host hears at once, however long we take."""
    ours = Ours()
    ours.go_on.clear()
    async with events.heard(host, {"on_word": ours.hear}):
        host.dispatch("word", "hello")
        await settled()
        assert (host.heard, ours.heard) == (["hello"], [])
        ours.go_on.set()

    assert ours.heard == ["hello"]


async def test_an_error_of_ours_is_ours_alone(host: Plain, caplog: pytest.LogCaptureFixture) -> None:
    """What goes wrong in our listener is logged by us, without words of others, and the host does not notice."""
    caplog.set_level(logging.ERROR)
    ours = Ours()
    async with events.heard(host, {"on_word": ours.hear}):
        for ours.error in (errors.StoreBusyError(), ValueError("the purple elephant")):
            host.dispatch("word", "hello")
            await settled()

    assert host.heard == ["hello", "hello"]
    assert host.failed == []
    logged = [str(record.msg) for record in caplog.records]
    assert "StoreBusyError" in logged[0]
    assert "Another program holds the database" in logged[0]
    assert "ValueError" in logged[1]
    assert not any("elephant" in line or "Traceback" in line for line in logged)


async def test_an_error_of_the_host_is_the_hosts(host: Plain) -> None:
    """What goes wrong in the host's handler goes to its own error handler, as without us, and we have heard."""
    ours = Ours()
    async with events.heard(host, {"on_word": ours.hear}):
        host.dispatch("word", "fail")
        await settled()

    assert host.failed == ["on_word"]
    assert ours.heard == ["fail"]


async def test_leaving_gives_up_what_takes_too_long(host: Plain, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaving waits for what we are doing, but not for ever."""
    monkeypatch.setattr(events, "GRACE_S", 0.01)
    ours = Ours()
    ours.go_on.clear()
    async with events.heard(host, {"on_word": ours.hear}):
        host.dispatch("word", "hello")
        await settled()
    ours.go_on.set()
    await settled()

    assert ours.heard == []
