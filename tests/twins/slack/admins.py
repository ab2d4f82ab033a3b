"""What admins do: convert, share, archive and delete channels, change and deactivate members, take the app away."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Literal

from tests.twins.slack import payloads
from tests.twins.slack.blocks import Json
from tests.twins.slack.interactions import Interactions
from tests.twins.slack.web import READ
from tests.twins.slack.workspace import BOT_USER, Kind, Message

Removal = Literal["app_uninstalled", "tokens_revoked"]
REMOVALS = ("app_uninstalled", "tokens_revoked")
OF_CHANNELS = ("channel_", "group_", "member_")
"""How the names of events begin that the scopes for reading channels let an app hear."""
NEEDS = {"user_change": "users:read", "team_join": "users:read"}
"""Events that no app hears of without a scope, besides those of channels."""


class Admins(Interactions):
    """A workspace with its admins."""

    scopes: Collection[str]
    bot_token: str
    _revoked = False

    async def converts(self, user: str, channel: str, kind: Kind) -> None:
        """Make a public channel private, or a private one public; the channel says so in a message."""
        room = self.workspace.channels[channel]
        assert {room.kind, kind} == {"public", "private"}, "only channels are converted"
        room.kind = kind
        subtype = f"channel_convert_to_{kind}"
        said = Message(
            channel=channel, ts=self.workspace.tick(), user=user, text=f"made this channel *{kind}*.", subtype=subtype
        )
        await self.send_event(payloads.message_event(self.workspace, self.workspace.add(said)))

    async def shares(self, channel: str, team: str = "T2") -> None:
        """Share a channel with another workspace."""
        self.workspace.channels[channel].external = True
        await self._of_channel("channel_shared", channel, connected_team_id=team)

    async def unshares(self, channel: str, team: str = "T2") -> None:
        """End that."""
        self.workspace.channels[channel].external = False
        await self._of_channel("channel_unshared", channel, previously_connected_team_id=team, is_ext_shared=False)

    async def archives(self, user: str, channel: str) -> None:
        """Archive a channel: nobody can post there any more."""
        self.workspace.channels[channel].archived = True
        await self._of_channel(f"{self._family(channel)}_archive", channel, user=user)

    async def unarchives(self, user: str, channel: str) -> None:
        """Open an archived channel again."""
        self.workspace.channels[channel].archived = False
        await self._of_channel(f"{self._family(channel)}_unarchive", channel, user=user)

    async def removes_channel(self, channel: str) -> None:
        """Delete a channel with its messages."""
        kind = f"{self._family(channel)}_deleted"
        await self._of_channel(kind, channel)
        del self.workspace.channels[channel]
        self.workspace.messages.pop(channel, None)

    def _family(self, channel: str) -> str:
        return "channel" if self.workspace.channels[channel].kind == "public" else "group"

    async def _of_channel(self, kind: str, channel: str, **more: object) -> None:
        await self.send_event({"type": kind, "channel": channel, **more, "event_ts": self.workspace.tick()})

    async def changes_member(self, user: str, **changes: Any) -> None:
        """Change fields of a member, such as `guest`, `name` or `deleted`."""
        changed = replace(self.workspace.members[user], **changes)
        self.workspace.members[user] = changed
        about: Json = {"type": "user_change", "user": payloads.user_json(changed)}
        await self.send_event(about | {"event_ts": self.workspace.tick()})

    async def enters(self, user: str, name: str, **more: Any) -> None:
        """Let somebody new join the workspace."""
        joined = self.member(user, name, **more)
        await self.send_event(
            {"type": "team_join", "user": payloads.user_json(joined), "event_ts": self.workspace.tick()}
        )

    async def revokes_user_token(self, user: str) -> None:
        """Let a member take back a token of their own; the app stays installed."""
        await self.send_event({"type": "tokens_revoked", "tokens": {"oauth": [user], "bot": []}})

    async def uninstalls(self, *, tells: Sequence[Removal] = ("app_uninstalled", "tokens_revoked")) -> None:
        """Uninstall the app. Its tokens are dead at once; `tells` are the events, in the order in which they come."""
        self._revoked = True
        for kind in tells:
            tokens = {"tokens": {"oauth": [], "bot": [BOT_USER]}} if kind == "tokens_revoked" else {}
            await self.send_event({"type": kind, **tokens})

    def reinstalls(self, *, bot_token: str) -> None:
        """Install the app again, which gives it another token; the old one stays dead."""
        self.bot_token, self._revoked = bot_token, False

    def _hears(self, inner: Json) -> bool:
        kind, room = str(inner["type"]), self.workspace.channels.get(str(inner.get("channel")))
        if self._revoked and kind not in REMOVALS:
            return False
        needs = NEEDS.get(kind)
        if room is not None and kind.startswith(OF_CHANNELS):
            needs = READ[room.kind]
            if room.kind != "public" and BOT_USER not in room.members:
                return False
        return super()._hears(inner) and (needs is None or needs in self.scopes)
