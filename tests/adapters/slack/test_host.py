"""Our own process on Slack: it gets its connection, and gets it back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters.slack import host
from bot import settings, wiring
from bot.core import Core
from tests.clock import StillClock
from tests.twins.slack import SlackTwin, payloads


@pytest.fixture
async def twin() -> AsyncIterator[SlackTwin]:
    async with SlackTwin() as twin:
        yield twin


@pytest.fixture
async def core(database: Path, twin: SlackTwin) -> AsyncIterator[Core]:
    loaded = settings.load(
        database_url=f"sqlite:///{database}",
        slack_bot_token=twin.bot_token,
        slack_app_token=twin.app_token,
        slack_api_url=twin.api_url,
    )
    async with wiring.open_core(loaded, clock=StillClock(datetime.fromtimestamp(twin.now + 1, UTC))) as core:
        yield core


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK waits for seconds between two tries; a test has no such time."""
    monkeypatch.setattr("adapters.slack.host.PING_S", 0.2)
    monkeypatch.setattr("adapters.slack.host.RENEW_EVERY", timedelta(seconds=0.02))


async def test_a_start_with_an_address_that_is_over(twin: SlackTwin, core: Core) -> None:
    """An address for the socket that is over when it is dialled is not dialled for ever: a new one is asked for."""
    twin.stale_tickets = 3
    async with host.connected(core):
        await twin.connected()

    assert twin.opened == 1


async def test_a_lost_connection_comes_back_though_an_address_is_over(twin: SlackTwin, core: Core) -> None:
    """When the first address after a lost connection does not work, the next one is asked for, and works."""
    async with host.connected(core):
        await twin.connected()
        twin.stale_tickets = 2
        await twin.drop_sockets()
        await twin.connected(opened=2)

    assert twin.opened == 2
    assert len(twin.calls("/link")) == 4


@pytest.mark.parametrize(
    "inner",
    [
        "message",
        {"type": "message", "channel_type": "im", "user": "U1", "text": "hi"},
        {"type": "message", "channel_type": "im", "user": "U1", "channel": "D1", "ts": "soon"},
        {"type": "message", "channel_type": "im", "user": "U1", "channel": "D 1", "ts": "1.1"},
        {"type": "message", "channel_type": "im", "user": "U\ud800", "channel": "D1", "ts": "1.1"},
        {"type": "channel_archive"},
        {"type": "user_change", "user": None},
    ],
    ids=["no event", "no id", "no time", "a space in an id", "half a character", "no channel", "nobody"],
)
async def test_what_cannot_be_read_is_acknowledged(twin: SlackTwin, core: Core, inner: Any) -> None:
    """An event that Slack never makes is named in the log, without what it holds, and not asked for again as it is."""
    payload = payloads.event_callback(twin.workspace, {"type": "message"}) | {"event": inner}
    with capture_logs() as logged:
        async with host.connected(core):
            await twin.connected()
            twin.dispatch(payload)
            await twin.settled()

    told = [entry for entry in logged if entry["event"] == "event.malformed"]
    assert (twin.events[0].acks, twin.events[0].offers) == (1, 1)
    assert [sorted(entry) for entry in told] == [["error", "event", "log_level"]]
