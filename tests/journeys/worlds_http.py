"""The same workspace, with Slack delivering over HTTP."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

from adapters.slack import host, over_http
from bot import wiring
from tests.journeys.worlds import SlackWorld, slack_twin
from tests.twins.anthropic import AnthropicTwin
from tests.twins.slack import SlackTwin

SIGNING_SECRET = "sesame"


class HttpSlackWorld(SlackWorld):
    """See `World`."""

    def __init__(self, twin: SlackTwin, claude: AnthropicTwin, folder: Path) -> None:
        super().__init__(twin, claude, folder)
        self.port = free_port()
        twin.delivers_to(f"http://127.0.0.1:{self.port}{over_http.PATH}", signing_secret=SIGNING_SECRET)
        twin.retry_after_s = (0.0, 0.0, 0.0)

    def environment(self) -> dict[str, str]:
        over_a_socket = super().environment()
        del over_a_socket["SLACK_APP_TOKEN"]
        return {**over_a_socket, "SLACK_SIGNING_SECRET": SIGNING_SECRET, "PORT": str(self.port)}

    @asynccontextmanager
    async def running(self, **overrides: Any) -> AsyncIterator[Self]:
        loaded = self._settings(overrides)
        async with (
            wiring.open_core(loaded, clock=self.clock) as self.core,
            self.core.web.serving(self.port, host="127.0.0.1"),
            host.connected(self.core),
            self.core.working(),
        ):
            yield self


@asynccontextmanager
async def http_world(folder: Path) -> AsyncIterator[HttpSlackWorld]:
    """A fresh world."""
    async with AnthropicTwin() as claude, slack_twin() as twin:
        yield HttpSlackWorld(twin, claude, folder)


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
