"""The gateway: who may connect, identify and resume, what is dispatched to whom, and how all of it can fail."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

from aiohttp import WSMsgType, web

from tests.twins.discord.model import JSON, Guild
from tests.twins.discord.payloads import Payloads
from tests.twins.discord.server import Server
from tests.twins.discord.session import Connection, Intent, Session, encoder
from tests.twins.server import Twin

HEARTBEAT_INTERVAL_MS = 41250
SESSION_LIFE = timedelta(minutes=5)
"""How long a session without a connection can be resumed; Discord says "some minutes"."""
FATAL = {1000, 1001, 4004, 4007, 4009, 4010, 4011, 4012, 4013, 4014}
"""Close codes after which a session cannot be resumed."""


PRIVILEGED = Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES | Intent.MESSAGE_CONTENT
ANY_INTENT = Intent(0)


class Gateway:
    """Every connection and every session of the bot."""

    def __init__(self, twin: Twin, server: Server, payloads: Payloads, *, granted: Intent) -> None:
        self._twin, self._server, self._payloads = twin, server, payloads
        self.granted = granted
        self.connections: list[Connection] = []
        self.sessions: dict[str, Session] = {}
        self.frames: list[JSON] = []
        self.identifies: list[JSON] = []
        self.resumes: list[JSON] = []
        self.heartbeat_interval_ms = HEARTBEAT_INTERVAL_MS

    @property
    def url(self) -> str:
        """Where clients connect, and resume."""
        return self._server.url.replace("http", "ws", 1) + "/gw/"

    def dispatch(self, event: str, data: JSON, *, intent: Intent = ANY_INTENT, bare: JSON | None = None) -> None:
        """Push an event to every session that asked for `intent`; those without message content get `bare` instead."""
        guild = data.get("guild_id") or (data.get("id") if event.startswith("GUILD_") else None)
        for session in self.sessions.values():
            if intent in session.intents and session.sees(guild):
                full = bare is None or Intent.MESSAGE_CONTENT in session.intents
                session.push(event, data if full else bare)

    # -- faults ---------------------------------------------------------------------------------------------------

    async def reconnect(self) -> None:
        """Ask every client to reconnect and resume (op 7)."""
        await self._send({"op": 7, "d": None})

    async def invalidate(self, *, resumable: bool) -> None:
        """Tell every client that its session is invalid (op 9); unless `resumable` it is forgotten."""
        if not resumable:
            self.sessions.clear()
        await self._send({"op": 9, "d": resumable})

    async def ask_heartbeat(self) -> None:
        """Ask every client for a heartbeat at once (op 1)."""
        await self._send({"op": 1, "d": None})

    async def _send(self, frame: JSON) -> None:
        for connection in self.connections:
            connection.send(frame)
        await self._twin.changed()

    async def drop(self) -> None:
        """Cut the TCP connection of every client; sessions stay and collect."""
        lost = list(self.connections)
        for connection in lost:
            if connection.transport is not None:
                connection.transport.abort()
        await self._twin.wait_for(lambda: not any(connection in self.connections for connection in lost))

    async def close_gateway(self, code: int) -> None:
        """Close every connection with this code and wait until they are gone."""
        lost = list(self.connections)
        for connection in lost:
            connection.close(code)
        await self._twin.wait_for(lambda: not any(connection in self.connections for connection in lost))

    def mute(self) -> None:
        """Let the present connections stay open and send nothing any more, not even acknowledgements."""
        for connection in self.connections:
            connection.muted = True

    def deafen(self) -> None:
        """Let the present connections stay open and acknowledge heartbeats, but carry no event any more."""
        for connection in self.connections:
            connection.deaf = True

    def stop_acks(self) -> None:
        """Let the present connections get events, but no heartbeat acknowledgements."""
        for connection in self.connections:
            connection.acking = False

    async def send_raw(self, event: str, data: object) -> None:
        """Dispatch an event to every session exactly as given, however malformed."""
        for session in self.sessions.values():
            session.push(event, data)
        await self._twin.changed()

    # -- one connection -------------------------------------------------------------------------------------------

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Hold one connection from HELLO to its end."""
        ws = web.WebSocketResponse(compress=False, timeout=1.0)
        await ws.prepare(request)
        encode = encoder(request.query.get("compress"))
        connection = Connection(ws=ws, transport=request.transport, encode=encode)
        self.connections.append(connection)
        connection.send({"op": 10, "d": {"heartbeat_interval": self.heartbeat_interval_ms}})
        if request.query.get("v") != "10" or request.query.get("encoding") != "json":
            connection.close(4012)
        try:
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(connection.write())
                await self._read(connection)
                writer.cancel()
        finally:
            self._ended(connection)
            await self._twin.changed()
        return ws

    async def _read(self, connection: Connection) -> None:
        async for message in connection.ws:
            if message.type is not WSMsgType.TEXT:
                return
            try:
                frame = json.loads(message.data)
            except ValueError:
                connection.close(4002)
                continue
            self.frames.append(frame)
            self._receive(connection, frame.get("op"), frame.get("d"))
            await self._twin.changed()

    def _ended(self, connection: Connection) -> None:
        self.connections.remove(connection)
        session = connection.session
        if session is None or session.connection is not connection:
            return
        session.connection, session.down_since = None, self._server.now
        # A server that closes with 1000 invites a resume; a client that does so is done.
        code = connection.closed_with if connection.closed_with != 1000 else None
        if (connection.ws.close_code if connection.closed_with is None else code) in FATAL:
            self.sessions.pop(session.id, None)

    def _receive(self, connection: Connection, op: object, data: Any) -> None:
        if op == 1:
            if connection.acking:
                connection.send({"op": 11})
        elif op == 2:
            self._identify(connection, data)
        elif op == 6:
            self._resume(connection, data)
        elif op not in {3, 4, 8}:
            connection.close(4001)
        elif connection.session is None:
            connection.close(4003)
        elif op == 8:
            self._chunk(connection.session, data)

    def _identify(self, connection: Connection, data: JSON) -> None:
        self.identifies.append(data)
        code = self._refusal(connection, data)
        if code is not None:
            connection.close(code)
            return
        number, count = data.get("shard", [0, 1])
        session = Session(
            id=f"session-{len(self.identifies)}",
            intents=Intent(data["intents"]),
            connection=connection,
            shard=(number, count),
        )
        connection.session = self.sessions[session.id] = session
        ours = [self._server.guilds[g] for g, user in self._server.members if user == self._server.bot_id]
        guilds = [guild for guild in ours if session.sees(guild.id)]
        session.push("READY", self._ready(session.id, [number, count], guilds))
        for guild in guilds if Intent.GUILDS in session.intents else ():
            if not guild.unavailable:
                everybody = Intent.GUILD_MEMBERS in session.intents
                session.push("GUILD_CREATE", self._payloads.guild(guild, everybody=everybody) | {"unavailable": False})

    def _ready(self, session_id: str, shard: list[int], guilds: list[Guild]) -> JSON:
        return {
            "v": 10,
            "user": self._payloads.user(self._server.bot_id),
            "application": {"id": self._server.bot_id, "flags": 0},
            "guilds": [{"id": guild.id, "unavailable": True} for guild in guilds],
            "shard": shard,
            "session_id": session_id,
            "resume_gateway_url": self.url,
        }

    def _refusal(self, connection: Connection, data: JSON) -> int | None:
        """The close code that answers this IDENTIFY, if any."""
        intents = data.get("intents")
        if connection.session is not None:
            return 4005
        if data.get("token") != self._server.token:
            return 4004
        number, count = data.get("shard", [0, 1])
        if not 0 <= number < count:
            return 4010
        if not isinstance(intents, int) or not 0 <= intents < 1 << 26:
            return 4013
        return 4014 if intents & PRIVILEGED & ~self.granted else None

    def _resume(self, connection: Connection, data: JSON) -> None:
        self.resumes.append(data)
        session = self.sessions.get(data["session_id"])
        if data["token"] != self._server.token:
            connection.close(4004)
        elif session is None or (session.down_since or self._server.now) + SESSION_LIFE < self._server.now:
            self.sessions.pop(data["session_id"], None)
            connection.send({"op": 9, "d": False})
        elif data["seq"] > len(session.events):
            connection.close(4007)
        else:
            connection.session, session.connection, session.down_since = session, connection, None
            session.replay(data["seq"])

    def _chunk(self, session: Session, data: JSON) -> None:
        """Answer op 8 in one chunk: members by id, or by the beginning of their name."""
        guild_id, wanted = str(data["guild_id"]), [str(u) for u in data.get("user_ids", ())]
        query, limit = (data.get("query") or "").lower(), data.get("limit") or None
        if not wanted and not query and Intent.GUILD_MEMBERS not in session.intents:
            return
        found = [m for (g, _), m in self._server.members.items() if g == guild_id]
        names = {m.user_id: self._server.users[m.user_id].name.lower() for m in found}
        found = [m for m in found if (m.user_id in wanted if wanted else names[m.user_id].startswith(query))][:limit]
        chunk = {"guild_id": guild_id, "members": [self._payloads.full_member(m) for m in found]}
        session.push("GUILD_MEMBERS_CHUNK", chunk | {"chunk_index": 0, "chunk_count": 1, "nonce": data.get("nonce")})
