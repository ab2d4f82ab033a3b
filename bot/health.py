"""Health: what is asked of us over HTTP by whoever keeps us running. Short answers without secrets.

`/healthz`: is the process worth keeping? `/readyz`: does it take messages? `/metrics`: how does it get on?
"""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial

import structlog
from aiohttp import web

from bot import errors
from bot.core import Core
from bot.metrics import Metrics
from bot.store import backlog, notes

DATABASE_WAIT_S = 5.0
"""A database that takes longer for the smallest unit of work is no use."""
MAX_LAG_S = 10.0
"""An event loop that stood still this long answered nobody meanwhile."""

PROMETHEUS = "text/plain; version=1.0.0; charset=utf-8"

_log = structlog.get_logger(__name__)


class Health:
    """Answers for one core."""

    def __init__(self, core: Core, metrics: Metrics) -> None:
        self._core = core
        self._metrics = metrics
        self._writing: asyncio.Task[bool] | None = None

    @contextmanager
    def offered(self) -> Iterator[None]:
        """Answer until the context is left, also while we stop."""
        with ExitStack() as routes:
            for path, handler in (("/healthz", self._alive), ("/readyz", self._ready), ("/metrics", self._told)):
                routes.enter_context(self._core.web.offering("GET", path, handler, is_last=True))
            yield

    async def _alive(self, _request: web.BaseRequest) -> web.StreamResponse:
        is_prompt = self._metrics.lag_s < MAX_LAG_S
        return _answer({"loop": is_prompt, "database": await self._can_write()})

    async def _ready(self, _request: web.BaseRequest) -> web.StreamResponse:
        connected = {f"connected to {name}": is_up for name, is_up in self._core.connected().items()}
        return _answer(
            {"begun": self._core.begun.is_set(), "not stopping": not self._core.stopping.is_set(), **connected}
        )

    async def _told(self, _request: web.BaseRequest) -> web.StreamResponse:
        try:
            async with asyncio.timeout(DATABASE_WAIT_S):
                waiting = await self._core.store.read(backlog.read)
        except (errors.StoreError, TimeoutError) as error:  # all else is worth the more now
            _log.warning("backlog.unknown", error=type(error).__name__)
            waiting = None
        text = self._metrics.text(waiting, connected=self._core.connected())
        return web.Response(body=text, headers={"Content-Type": PROMETHEUS})

    async def _can_write(self) -> bool:
        """Whether the database takes a unit of work; who asks meanwhile is told the same."""
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._written())  # noqa: TID251 - awaited below
        return await asyncio.shield(self._writing)

    async def _written(self) -> bool:
        note = partial(notes.write, tenant="", name="alive", value=self._core.clock.now().isoformat())
        try:
            async with asyncio.timeout(DATABASE_WAIT_S):
                await self._core.store.write(note)
        except (errors.StoreError, TimeoutError):
            return False
        return True


def _answer(checks: Mapping[str, bool]) -> web.Response:
    """200 if all is well, else 503, with each check by its name."""
    is_well = all(checks.values())
    body = {
        "status": "ok" if is_well else "failing",
        "checks": {name: "ok" if ok else "failing" for name, ok in checks.items()},
    }
    return web.Response(status=200 if is_well else 503, body=json.dumps(body).encode(), content_type="application/json")
