"""The routes for users, guilds, channels, threads and commands, and the CDN that serves attachments."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.twins.discord.commands import Commands
from tests.twins.discord.http import Api, Asked
from tests.twins.discord.model import JSON, Channel, Permission, RefusedError, invalid
from tests.twins.discord.payloads import user
from tests.twins.discord.rest_messages import MessageRoutes
from tests.twins.discord.session import Intent
from tests.twins.discord.timeline import Timeline


class Rest:
    """Handlers of every route that is neither about messages nor about interactions."""

    def __init__(self, timeline: Timeline, commands: Commands, messages: MessageRoutes) -> None:
        self._timeline, self._commands, self._messages = timeline, commands, messages
        self._server, self._payloads, self._gateway = timeline.server, timeline.payloads, timeline.gateway

    def routes(self, api: Api) -> list[web.RouteDef]:
        """The routes, to be added to the application."""
        guild, channel, application = "/guilds/{guild}", "/channels/{channel}", "/applications/{application}"
        table = [
            ("GET", "/users/@me", lambda _: self._payloads.user(self._server.bot_id)),
            ("GET", "/users/@me/guilds", self.guilds),
            ("DELETE", "/users/@me/guilds/{guild}", self.leave),
            ("POST", "/users/@me/channels", self.open_dm),
            ("GET", "/users/{user}", self.user),
            ("GET", "/oauth2/applications/@me", self.application),
            ("GET", "/gateway", lambda _: {"url": self._gateway.url}),
            ("GET", "/gateway/bot", self.gateway_bot),
            ("GET", guild, lambda asked: self._payloads.guild(self._server.guild(asked.args["guild"]))),
            ("GET", guild + "/channels", self.channels),
            ("GET", guild + "/members/{user}", self.member),
            ("GET", guild + "/threads/active", self.active_threads),
            ("GET", channel, lambda asked: self._payloads.channel(self._server.channel(asked.args["channel"]))),
            ("PATCH", channel, self.alter),
            ("POST", channel + "/messages/{message}/threads", self.thread_from_message),
            ("POST", channel + "/threads", self.thread),
            ("GET", channel + "/threads/archived/public", self.archived_threads),
            ("PUT", channel + "/thread-members/@me", lambda asked: self.join_thread(asked, joined=True)),
            ("DELETE", channel + "/thread-members/@me", lambda asked: self.join_thread(asked, joined=False)),
            ("GET", application + "/commands", self.read_commands),
            ("PUT", application + "/commands", self.write_commands),
            ("GET", application + "/guilds/{guild}/commands", self.read_commands),
            ("PUT", application + "/guilds/{guild}/commands", self.write_commands),
        ]
        nowhere = web.route("*", "/api/{rest:.*}", _nowhere)
        cdn = web.get("/attachments/{channel}/{attachment}/{filename}", self.download)
        return [*(api.route(method, path, handler) for method, path, handler in table), cdn, nowhere]

    # -- users and guilds -----------------------------------------------------------------------------------------

    def application(self, _: Asked) -> JSON:
        granted = self._gateway.granted
        members, content = Intent.GUILD_MEMBERS in granted, Intent.MESSAGE_CONTENT in granted
        return self._payloads.application(message_content=content, members=members)

    def gateway_bot(self, _: Asked) -> JSON:
        """Return where to connect and how many sessions may still be started today."""
        left = 1000 - len(self._gateway.identifies)
        limit = {"total": 1000, "remaining": left, "reset_after": 86_400_000, "max_concurrency": 1}
        return {"url": self._gateway.url, "shards": 1, "session_start_limit": limit}

    def user(self, asked: Asked) -> JSON:
        found = self._server.users.get(asked.args["user"])
        if found is None:
            raise RefusedError(10013)
        return user(found)

    def open_dm(self, asked: Asked) -> JSON:
        """Return the DM channel with a user; the same one every time."""
        recipient = str(asked.body["recipient_id"])
        if recipient not in self._server.users:
            raise RefusedError(10013)
        return self._payloads.channel(self._server.dm(recipient))

    def guilds(self, _: Asked) -> list[JSON]:
        mine = [guild for guild, member in self._server.members if member == self._server.bot_id]
        return [{"id": guild, "name": self._server.guilds[guild].name} for guild in mine]

    def leave(self, asked: Asked) -> None:
        guild = self._server.guild(asked.args["guild"])
        del self._server.members[guild.id, self._server.bot_id]
        self._gateway.dispatch("GUILD_DELETE", {"id": guild.id}, intent=Intent.GUILDS)

    def member(self, asked: Asked) -> JSON:
        guild = self._server.guild(asked.args["guild"])
        found = self._server.members.get((guild.id, asked.args["user"]))
        if found is None:
            raise RefusedError(10007)
        return self._payloads.full_member(found)

    # -- channels and threads -------------------------------------------------------------------------------------

    def channels(self, asked: Asked) -> list[JSON]:
        channels: list[JSON] = self._payloads.guild(self._server.guild(asked.args["guild"]))["channels"]
        return channels

    def active_threads(self, asked: Asked) -> JSON:
        threads = self._server.threads(self._server.guild(asked.args["guild"]).id)
        return {"threads": [self._payloads.channel(thread) for thread in threads], "members": []}

    def archived_threads(self, asked: Asked) -> JSON:
        channel = self._server.channel(asked.args["channel"], Permission.READ_MESSAGE_HISTORY)
        below = [c for c in self._server.channels.values() if c.parent_id == channel.id and c.kind == "thread"]
        found = [self._payloads.channel(thread) for thread in below if thread.archived]
        return {"threads": found, "members": [], "has_more": False}

    def alter(self, asked: Asked) -> JSON:
        """Rename, archive or lock a thread; a channel is not the bot's to change."""
        channel = self._server.channel(asked.args["channel"])
        own = channel.is_thread and channel.owner_id == self._server.bot_id and not channel.locked
        if not own or "locked" in asked.body:
            self._server.channel(channel.id, Permission.MANAGE_THREADS)
        if channel.archived and asked.body.get("archived") is not False:
            raise RefusedError(50083)
        changes = {key: asked.body[key] for key in ("name", "archived", "locked") if key in asked.body}
        return self._payloads.channel(self._timeline.alter(channel, **changes))

    def thread_from_message(self, asked: Asked) -> JSON:
        """Open a thread at a message; it has the message's id."""
        channel = self._server.channel(asked.args["channel"], Permission.CREATE_PUBLIC_THREADS)
        message = self._server.message(channel, asked.args["message"])
        if message.id in self._server.channels:
            raise RefusedError(160004)
        return self._payloads.channel(self._open_thread(channel, asked.body, kind="thread", channel_id=message.id))

    def thread(self, asked: Asked) -> JSON:
        """Open a thread without a message, or, in a forum, with the message it begins with."""
        channel = self._server.channel(asked.args["channel"])
        if channel.kind == "forum":
            self._server.channel(channel.id, Permission.SEND_MESSAGES)
            post = self._open_thread(channel, asked.body, kind="thread")
            first = self._messages.post(post, asked, asked.body["message"])
            return self._payloads.channel(post) | {"message": self._payloads.message(first)}
        private = asked.body.get("type", 12) == 12
        needed = Permission.CREATE_PRIVATE_THREADS if private else Permission.CREATE_PUBLIC_THREADS
        self._server.channel(channel.id, needed)
        kind = "private_thread" if private else "thread"
        return self._payloads.channel(self._open_thread(channel, asked.body, kind=kind))

    def _open_thread(self, parent: Channel, body: JSON, **fields: Any) -> Channel:
        if not 1 <= len(body["name"]) <= 100:
            raise invalid("name", "Must be between 1 and 100 in length.")
        bot = self._server.bot_id
        place = {"name": body["name"], "guild_id": parent.guild_id, "parent_id": parent.id}
        return self._timeline.open(
            self._server.add_channel(owner_id=bot, readers=frozenset({bot}), **place, **fields),
        )

    def join_thread(self, asked: Asked, *, joined: bool) -> None:
        """Make the bot a member of a thread it can see, or no longer."""
        thread, bot = self._server.channel(asked.args["channel"]), {self._server.bot_id}
        self._server.alter(thread, readers=thread.readers | bot if joined else thread.readers - bot)

    # -- commands -------------------------------------------------------------------------------------------------

    def read_commands(self, asked: Asked) -> list[JSON]:
        return self._commands.of(self._scope(asked))

    def write_commands(self, asked: Asked) -> list[JSON]:
        return self._commands.put(self._scope(asked), asked.body)

    def _scope(self, asked: Asked) -> str | None:
        if asked.args["application"] != self._server.bot_id:
            raise RefusedError(20012)
        guild = asked.args.get("guild")
        if guild is not None and (guild, self._server.bot_id) not in self._server.members:
            raise RefusedError(50001)
        return guild

    # -- CDN ------------------------------------------------------------------------------------------------------

    async def download(self, request: web.Request) -> web.Response:
        """Serve the bytes of an attachment as long as its address is good."""
        data = self._server.files.get(request.match_info["attachment"])
        if data is None or int(request.query.get("ex", "0"), 16) < self._server.now.timestamp():
            return web.Response(status=404, text="This content is no longer available.")
        return web.Response(body=data)


async def _nowhere(request: web.Request) -> web.Response:
    """Answer a route that the twin does not have as Discord answers one that does not exist."""
    body = b'{"message": "404: Not Found", "code": 0}'
    return web.Response(status=404, body=body, headers={"Content-Type": "application/json"})
