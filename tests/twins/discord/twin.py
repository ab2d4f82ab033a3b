"""A Discord that runs on loopback: REST API, gateway, interactions and CDN, close enough for unmodified discord.py.

Point a client at it with `discord.http.Route.BASE = twin.api_url` and
`discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(twin.gateway_url)`, both before it logs in.
Parts: `discord_server` is the state, `discord_timeline` changes it, `discord_gateway` tells of it, `discord_rest*` are
the routes, `discord_people` and `discord_interactions` are what people do.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from aiohttp import web

from tests.twins.discord.commands import Commands
from tests.twins.discord.gateway import Gateway
from tests.twins.discord.http import PREFIX, Api, banned, ratelimited
from tests.twins.discord.interactions import Interactions
from tests.twins.discord.model import Channel, Message, Permission, Ping, Post
from tests.twins.discord.payloads import Payloads
from tests.twins.discord.people import People
from tests.twins.discord.rest import Rest
from tests.twins.discord.rest_interactions import Interaction, InteractionRoutes
from tests.twins.discord.rest_messages import MessageRoutes
from tests.twins.discord.server import START, Server
from tests.twins.discord.session import Intent
from tests.twins.discord.timeline import Timeline
from tests.twins.server import Twin

__all__ = ["DiscordTwin", "Intent", "Interaction", "Message", "Permission", "Ping", "Post", "banned", "ratelimited"]


class DiscordTwin(Twin):
    """Discord, as one bot and the people around it see it.

    Args:
        token: The only bot token it takes.
        application_id: The id of the application and of the bot's user.
        message_content: Whether the privileged message content intent was granted in the portal.
        members: Whether the privileged guild members intent was granted.
        interaction_timeout_s: How long people wait for the first response to an interaction, in real seconds.
        now: Where the clock stands; it moves by `advance` alone.
    """

    def __init__(
        self,
        *,
        token: str = "test-token",  # noqa: S107  # no secret: the twin takes nothing else
        application_id: str = "1000000000000000001",
        message_content: bool = False,
        members: bool = False,
        interaction_timeout_s: float = 3.0,
        now: datetime = START,
    ) -> None:
        super().__init__()
        granted = Intent(0)
        granted |= Intent.MESSAGE_CONTENT if message_content else granted
        granted |= Intent.GUILD_MEMBERS if members else granted
        self.server = server = Server(application_id=application_id, token=token, now=now)
        payloads = Payloads(server)
        self.gateway = gateway = Gateway(self, server, payloads, granted=granted)
        timeline = Timeline(server, payloads, gateway)
        self.identifies, self.resumes, self.frames = gateway.identifies, gateway.resumes, gateway.frames
        """What clients sent: the data of every IDENTIFY and RESUME, and every frame whole."""
        self.posts, self.pings = server.posts, server.pings
        """Everything the bot created, edited and deleted, and every notification that caused; in order."""
        self.commands = Commands(server)
        self._api = Api(self, server)
        self._messages = MessageRoutes(timeline, message_content=message_content)
        self.typing = self._messages.typing
        """The channel id of every typing request, in order."""
        self._callbacks = InteractionRoutes(timeline)
        self._rest = Rest(timeline, self.commands, self._messages)

        people = People(self, timeline)
        self.guild, self.role, self.member, self.webhook = people.guild, people.role, people.member, people.webhook
        self.alters_role, self.alters_guild = people.alters_role, people.alters_guild
        self.channel, self.alters, self.removes_channel = people.channel, people.alters, people.removes_channel
        self.says, self.dms, self.dm, self.types = people.says, people.dms, people.dm, people.types
        self.elsewhere = people.elsewhere
        self.edits, self.unfurls, self.reacts = people.edits, people.unfurls, people.reacts
        self.deletes, self.bulk_deletes, self.redeliver = people.deletes, people.bulk_deletes, people.redeliver
        self.bot_leaves, self.bot_joins = people.bot_leaves, people.bot_joins
        self.outage, self.outage_ends = people.outage, people.outage_ends
        self.member_joins, self.member_leaves = people.member_joins, people.member_leaves

        self.interactions = used = Interactions(
            self, timeline, self.commands, self._callbacks, timeout_s=interaction_timeout_s
        )
        self.command, self.autocompletes = used.command, used.autocompletes
        self.press, self.selects, self.submits_modal = used.press, used.selects, used.submits_modal
        self.repeats = used.repeats

        self.reconnect, self.invalidate, self.drop = gateway.reconnect, gateway.invalidate, gateway.drop
        self.close_gateway, self.mute, self.stop_acks = gateway.close_gateway, gateway.mute, gateway.stop_acks
        self.deafen = gateway.deafen
        self.ask_heartbeat, self.send_raw = gateway.ask_heartbeat, gateway.send_raw
        self.exhaust = self._api.exhaust

    def routes(self) -> list[web.RouteDef]:
        """The protocol: the gateway and every route of the API."""
        gateway = web.get("/gw/", self.gateway.serve)
        interactions, messages = self._callbacks.routes(self._api), self._messages.routes(self._api)
        return [gateway, *interactions, *messages, *self._rest.routes(self._api)]

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.server.url = self.url
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.drop()
        await super().__aexit__(*exc)

    # -- where it is ----------------------------------------------------------------------------------------------

    @property
    def api_url(self) -> str:
        """For `discord.http.Route.BASE`."""
        return self.url + PREFIX

    @property
    def gateway_url(self) -> str:
        """For `DiscordWebSocket.DEFAULT_GATEWAY`."""
        return self.gateway.url

    @property
    def bot_id(self) -> str:
        """The id of the bot's user; `<@id>` mentions it."""
        return self.server.bot_id

    def bot_role(self, guild: str) -> str:
        """Return the id of the bot's managed role, which people tag by mistake."""
        return self.server.guilds[guild].bot_role_id

    def advance(self, seconds: float) -> None:
        """Move the clock: ids, expiry of tokens, links, nonces and sessions follow."""
        self.server.now += timedelta(seconds=seconds)

    # -- what humans see, and what arrived ------------------------------------------------------------------------

    def messages(self, channel: str) -> list[Message]:
        """Return what everyone in a channel sees now, oldest first."""
        return self.server.visible(self.server.room(channel).id)

    def message(self, message: Message | str) -> Message | None:
        """Return the newest version of a message, or None if it is gone."""
        return self.server.messages.get(message if isinstance(message, str) else message.id)

    def ephemerals(self, member: str) -> list[Message]:
        """Return what only this member sees now, oldest first."""
        viewer = self.server.user(member).id
        return [message for message in self.server.messages.values() if message.viewer == viewer]

    def threads(self, channel: str) -> list[Channel]:
        """Return the threads below a channel, oldest first."""
        parent = self.server.room(channel).id
        return [thread for thread in self.server.channels.values() if thread.parent_id == parent]
