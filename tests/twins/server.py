"""What every twin has: a loopback server, a ledger of what reached it, and a script of faults.

A twin stands in for a platform that cannot be reached from a test. It speaks the platform's protocol over real
sockets, refuses what the platform refuses, and never waits on the wall clock: tests wait for ledger entries.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from aiohttp import web

T = TypeVar("T")

WAIT_S = 10.0
"""How long a test waits for something to reach a twin before it fails; seconds, generous for a busy machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as it arrived, in order of arrival."""

    method: str
    path: str
    """Path below the twin's root, e.g. `/api/chat.postMessage`."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    """Parsed JSON, a dictionary for a form, or the raw text."""
    raw: bytes
    """The exact bytes of the body."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """What the next matching request meets instead of, or around, its ordinary answer."""

    status: int | None = None
    """Answer with this status and never run the handler."""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    hold: asyncio.Event | None = None
    """Wait for this event before anything else: a silent server, under the test's control."""
    hold_after: asyncio.Event | None = None
    """Run the handler, then wait for this event before answering: it took effect and nobody is told for now."""
    reset_before: bool = False
    """Cut the connection before the handler runs: the request is lost."""
    reset_after: bool = False
    """Run the handler, then cut the connection: the request took effect and nobody was told."""
    status_after: int | None = None
    """Run the handler, then answer with this status and no body: it took effect, and it looks like a failure."""
    times: int = 1
    """How many requests meet it; -1 means every one."""

    @classmethod
    def json(cls, status: int, body: object, *, headers: Mapping[str, str] | None = None, times: int = 1) -> Self:
        """Answer `times` requests with this status and JSON body."""
        typed = {"Content-Type": "application/json", **(headers or {})}
        return cls(status=status, body=json.dumps(body).encode(), headers=typed, times=times)


class Twin:
    """A server on a free loopback port.

    Use as `async with SomeTwin() as twin:`; subclasses add their routes in `routes()`.
    """

    def __init__(self) -> None:
        self.ledger: list[Call] = []
        """Every HTTP request that reached the twin, faulted ones included."""
        self.weather: Callable[[str, str], Fault | None] = lambda _method, _path: None
        """What a request meets for which no fault is in the script, by its method and path: for chance with a seed."""
        self._faults: deque[tuple[str, str, Fault]] = deque()
        self._changed = asyncio.Condition()
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Root of the twin, e.g. `http://127.0.0.1:40123`."""
        return f"http://127.0.0.1:{self.port}"

    def routes(self) -> list[web.RouteDef]:
        """The protocol: what subclasses are for."""
        return []

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._record], client_max_size=64 * 2**20)
        app.add_routes(self.routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_exc: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    # -- faults ---------------------------------------------------------------------------------------------------

    def fault(self, method: str, path: str, fault: Fault) -> None:
        """Let the next request whose method is `method` and whose path ends with `path` meet `fault`."""
        self._faults.append((method, path, fault))

    def _next_fault(self, request: web.Request) -> Fault | None:
        for entry in self._faults:
            method, path, fault = entry
            if request.method == method and request.path.endswith(path):
                fault.times -= 1
                if fault.times == 0:
                    self._faults.remove(entry)
                return fault
        return self.weather(request.method, request.path)

    # -- ledger ---------------------------------------------------------------------------------------------------

    @web.middleware
    async def _record(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        raw = await request.read()
        self.ledger.append(
            Call(
                method=request.method,
                path=request.path,
                query=dict(request.query),
                headers=dict(request.headers),
                body=await _parsed(request, raw),
                raw=raw,
            )
        )
        fault = self._next_fault(request)
        await self.changed()
        return await (handler(request) if fault is None else self._meet(fault, request, handler))

    async def _meet(
        self, fault: Fault, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if fault.hold is not None:
            await fault.hold.wait()
        if fault.reset_before:
            return _cut(request)
        if fault.status is not None:
            return web.Response(status=fault.status, body=fault.body, headers=dict(fault.headers))
        response = await handler(request)
        if fault.hold_after is not None:
            await fault.hold_after.wait()
        if fault.status_after is not None:
            return web.Response(status=fault.status_after)
        return _cut(request) if fault.reset_after else response

    async def changed(self) -> None:
        """Wake everybody who waits in `wait_for`; subclasses call it whenever their state moved."""
        async with self._changed:
            self._changed.notify_all()

    async def wait_for(self, found: Callable[[], T | None], *, timeout_s: float = WAIT_S) -> T:
        """Return the first truthy result of `found`, asked now and after every change.

        Raises:
            AssertionError: nothing was found within `timeout_s` seconds; the message lists the ledger.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s), self._changed:
                while not (result := found()):
                    await self._changed.wait()
                return result
        seen = "\n".join(f"  {call.method} {call.path}" for call in self.ledger[-30:])
        raise AssertionError(f"nothing found within {timeout_s} s; the ledger ends with\n{seen}")

    def calls(self, path: str, *, method: str | None = None) -> list[Call]:
        """The recorded requests whose path ends with `path`, oldest first."""
        return [call for call in self.ledger if call.path.endswith(path) and method in {None, call.method}]


async def _parsed(request: web.Request, raw: bytes) -> Any:
    if request.content_type == "application/json":
        try:
            return json.loads(raw or b"null")
        except ValueError:
            return raw.decode(errors="replace")
    if request.content_type == "application/x-www-form-urlencoded":
        return dict(await request.post())
    return raw.decode(errors="replace")


def _cut(request: web.Request) -> web.StreamResponse:
    """Close the client's connection without an answer, as a peer that was reset would."""
    transport = request.transport
    if transport is not None:
        transport.abort()
    raise asyncio.CancelledError
