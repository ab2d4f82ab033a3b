"""Socket Mode, the connections (sheet 4.1): tickets, sockets, hello, pings, disconnects."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from aiohttp import WSMsgType, web

from tests.twins.server import WAIT_S, Twin
from tests.twins.slack.blocks import Json
from tests.twins.slack.workspace import APP_ID, Workspace

Reason: TypeAlias = Literal["warning", "refresh_requested", "link_disabled", "too_many_websockets"]

CONNECTIONS_MAX = 10
PING_S = 10.0
DEBUG_INFO = {"host": "twin-1", "build_number": 1, "approximate_connection_time": 18060}


@dataclass(slots=True, kw_only=True, eq=False)
class Socket:
    """One open connection of the app."""

    ws: web.WebSocketResponse
    transport: asyncio.BaseTransport | None
    leaving: bool = False
    """Told to go; closed as soon as another one is open."""
    deaf: bool = False
    """Swallows what it should carry, as a half-dead connection does."""
    pongs: bool = True


class Sockets(Twin):
    """The connections of one app, at most ten, and the tasks that work for them in the background."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self.workspace = workspace
        self.enabled = True
        """Whether Socket Mode is switched on in the app's settings."""
        self.sockets: list[Socket] = []
        self.opened = 0
        """Sockets ever opened."""
        self.stale_tickets = 0
        """How many of the next addresses are over before they are used, as when the app takes too long."""
        self._tickets: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures: list[BaseException] = []

    async def __aexit__(self, *exc: object) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for socket in self.sockets:
            _abort(socket)
        await super().__aexit__(*exc)
        if self._failures and exc[0] is None:
            raise self._failures[0]

    def routes(self) -> list[web.RouteDef]:
        return [*super().routes(), web.get("/link", self._link)]

    # -- sockets --------------------------------------------------------------------------------------------------

    def ticket_url(self) -> str:
        """Where to open a socket, once."""
        ticket = self.workspace.unique()
        if self.stale_tickets:
            self.stale_tickets -= 1
        else:
            self._tickets.add(ticket)
        return f"ws://127.0.0.1:{self.port}/link?ticket={ticket}&app_id={APP_ID}"

    async def _link(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=403)
        self._tickets.discard(ticket)
        ws = web.WebSocketResponse(autoping=False, heartbeat=PING_S, timeout=1.0)
        await ws.prepare(request)
        socket = Socket(ws=ws, transport=request.transport)
        if len(self.sockets) >= CONNECTIONS_MAX:
            await self._send_off(socket, "too_many_websockets")
            await ws.close()
            return ws
        await self._serve(socket)
        return ws

    async def _serve(self, socket: Socket) -> None:
        self.sockets.append(socket)
        self.opened += 1
        try:
            hello = {"type": "hello", "num_connections": len(self.sockets), "debug_info": DEBUG_INFO}
            await socket.ws.send_json(hello | {"connection_info": {"app_id": APP_ID}})
            self._close_leaving()
            await self.changed()
            async for frame in socket.ws:
                await self._hear(socket, frame.type, frame.data)
        finally:
            self.sockets.remove(socket)
            await self.changed()

    async def _hear(self, socket: Socket, kind: WSMsgType, data: Any) -> None:
        if kind is WSMsgType.PING and socket.pongs:
            await socket.ws.pong(data)
        elif kind is WSMsgType.TEXT:
            await self.heard(json.loads(data))

    async def heard(self, frame: Json) -> None:
        """Take a frame from the app."""
        raise NotImplementedError

    async def _send_off(self, socket: Socket, reason: Reason) -> None:
        socket.leaving = True
        with contextlib.suppress(ConnectionError):
            await socket.ws.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "twin-1"}})

    def _close_leaving(self) -> None:
        for socket in self.sockets:
            if socket.leaving:
                self.spawn(socket.ws.close)

    async def disconnect(self, *, reason: Reason = "refresh_requested") -> None:
        """Ask every open socket to go. They stay open until a new one is up; `link_disabled` ends them at once
        and refuses new ones until `enabled` is set again.
        """
        self.enabled = self.enabled and reason != "link_disabled"
        for socket in list(self.sockets):
            await self._send_off(socket, reason)
        if not self.enabled:
            self._close_leaving()

    async def drop_sockets(self) -> None:
        """Cut the TCP connection of every open socket, and return once they are gone."""
        cut = list(self.sockets)
        for socket in cut:
            _abort(socket)
        await self.wait_for(lambda: not any(socket in self.sockets for socket in cut))

    def deafen(self, *, pongs: bool = True) -> None:
        """Let the sockets that are open now stay open and carry nothing any more; without `pongs` not even those."""
        for socket in self.sockets:
            socket.deaf, socket.pongs = True, pongs

    async def connected(self, *, opened: int = 1, timeout_s: float = WAIT_S) -> None:
        """Wait until a socket is open, and `opened` have been opened in all."""
        await self.wait_for(lambda: self.opened >= opened and self.ready(), timeout_s=timeout_s)

    def ready(self) -> list[Socket]:
        """Sockets that may carry something, those that were told to go last."""
        live = [socket for socket in self.sockets if not socket.ws.closed]
        return [socket for socket in live if not socket.leaving] or live

    # -- tasks ----------------------------------------------------------------------------------------------------

    def spawn(self, work: Callable[..., Coroutine[Any, Any, object]], *args: object) -> None:
        """Run something in the background; the twin ends it when it leaves, and raises what it raised."""
        task = asyncio.create_task(self._run(work, *args))  # noqa: TID251 - __aexit__ awaits it; a group needs one task
        self._tasks.add(task)

    async def _run(self, work: Callable[..., Coroutine[Any, Any, object]], *args: object) -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            await work(*args)
        except Exception as error:  # noqa: BLE001 - raised again by __aexit__
            self._failures.append(error)
        finally:
            self._tasks.discard(task)
        await self.changed()


def _abort(socket: Socket) -> None:
    if isinstance(socket.transport, asyncio.Transport):
        socket.transport.abort()
