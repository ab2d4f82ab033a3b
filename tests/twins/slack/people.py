"""What people do in conversations: write, edit, delete, react, come and go; each becomes the events Slack sends."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal, TypeAlias

from tests.twins.slack import payloads
from tests.twins.slack.blocks import Json
from tests.twins.slack.over_http import HttpDelivery
from tests.twins.slack.workspace import BOT_USER, Channel, Kind, Member, Message, Workspace

Emitted: TypeAlias = Literal["message", "app_mention"]
TWINS: tuple[Emitted, ...] = ("message", "app_mention")
MESSAGE_EVENTS = {"public": "message.channels", "private": "message.groups", "im": "message.im", "mpim": "message.mpim"}


class People(HttpDelivery):
    """A workspace full of people, on top of the connection that carries what they do."""

    def __init__(self, workspace: Workspace, *, ack_timeout_s: float, subscriptions: Collection[str] | None) -> None:
        super().__init__(workspace, ack_timeout_s=ack_timeout_s)
        self.subscriptions = subscriptions
        """The events the app is subscribed to, e.g. `message.im`; None stands for all."""
        self.member(BOT_USER, "rapport", is_bot=True)

    # -- who is there ---------------------------------------------------------------------------------------------

    def member(self, user: str, name: str, **more: Any) -> Member:
        """Add a member, or change one; `more` are fields of `Member`."""
        self.workspace.members[user] = Member(id=user, name=name, **{"team": self.workspace.team} | more)
        return self.workspace.members[user]

    def channel(
        self,
        channel: str,
        name: str,
        *,
        kind: Kind = "public",
        members: Sequence[str] = (),
        bot: bool = True,
        external: bool = False,
        archived: bool = False,
    ) -> Channel:
        """Add a conversation with these members, and the bot unless told otherwise."""
        inside = [*members, *([BOT_USER] if bot else [])]
        made = Channel(id=channel, name=name, kind=kind, members=inside, external=external, archived=archived)
        self.workspace.channels[channel] = made
        return made

    def _present(self, user: str, channel: str) -> tuple[Member, Channel]:
        room = self.workspace.channels[channel]
        assert user in room.members, f"{user} is not in {channel} and cannot act there"
        return self.workspace.members[user], room

    # -- messages -------------------------------------------------------------------------------------------------

    async def says(
        self,
        user: str,
        channel: str,
        text: str,
        *,
        thread: str | None = None,
        files: Sequence[Json] = (),
        subtype: str | None = None,
        emits: Sequence[Emitted] = TWINS,
    ) -> str:
        """Post as this member and return the timestamp; `text` is in wire form, with `<@U0BOT>` for a mention.

        `emits` names the events in the order in which they go out; a mention is only sent where Slack would.
        """
        member, room = self._present(user, channel)
        message = Message(
            channel=channel,
            ts=self.workspace.tick(),
            user=user,
            text=text,
            thread=thread,
            blocks=payloads.rich_text(text) if text else [],
            files=list(files),
            subtype=subtype or ("file_share" if files else None),
            bot_id=f"B{user[1:]}" if member.is_bot else None,
            client_msg_id=None if member.is_bot else self.workspace.unique(),
        )
        inner = payloads.message_event(self.workspace, self.workspace.add(message))
        for kind in emits:
            if kind == "message":
                await self.send_event(inner)
            elif f"<@{BOT_USER}" in text and not room.is_direct:
                await self.send_event({k: v for k, v in inner.items() if k != "channel_type"} | {"type": kind})
        return message.ts

    async def edits(self, user: str, channel: str, ts: str, text: str) -> None:
        """Let a member change a message of theirs."""
        message = self._own(user, channel, ts)
        previous = payloads.message_json(self.workspace, message)
        message.text, message.blocks, message.edited = text, payloads.rich_text(text), self.workspace.tick()
        self.workspace.change(message)
        await self.send_event(payloads.changed_event(self.workspace, message, previous))

    async def unfurls(self, channel: str, ts: str, url: str = "https://example.org/") -> None:
        """Let Slack add a link preview to a message: a change without a change of the text."""
        message = self._standing(channel, ts)
        previous = payloads.message_json(self.workspace, message)
        message.attachments = [*message.attachments, {"id": 1, "from_url": url, "title": "Preview", "fallback": url}]
        await self.send_event(payloads.changed_event(self.workspace, message, previous))

    async def deletes(self, user: str, channel: str, ts: str) -> None:
        """Let a member delete a message of theirs."""
        message = self._own(user, channel, ts)
        previous = payloads.message_json(self.workspace, message)
        message.deleted = True
        await self.send_event(payloads.deleted_event(self.workspace, message, previous))

    def _standing(self, channel: str, ts: str) -> Message:
        message = self.workspace.find(channel, ts)
        assert message is not None, f"no message {ts} in {channel}"
        return message

    def _own(self, user: str, channel: str, ts: str) -> Message:
        message = self._standing(channel, ts)
        assert message.user == user, f"{user} cannot touch a message of {message.user}"
        return message

    async def reacts(self, user: str, channel: str, ts: str, name: str, *, away: bool = False) -> None:
        """Let a member add a reaction, or take it away."""
        self._present(user, channel)
        message = self._standing(channel, ts)
        users = message.reactions.setdefault(name, [])
        users.remove(user) if away else users.append(user)
        item = {"type": "message", "channel": channel, "ts": ts}
        kind = "reaction_removed" if away else "reaction_added"
        about = {"type": kind, "user": user, "reaction": name, "item": item, "item_user": message.user}
        await self.send_event(about | {"event_ts": self.workspace.tick()})

    # -- coming and going -----------------------------------------------------------------------------------------

    async def joins(self, user: str, channel: str, *, inviter: str | None = None) -> None:
        """Let a member, or the bot, come into a conversation."""
        room = self.workspace.channels[channel]
        room.members.append(user)
        await self._moved("member_joined_channel", user, room, {"inviter": inviter} if inviter else {})

    async def leaves(self, user: str, channel: str) -> None:
        """Let a member leave a conversation."""
        room = self.workspace.channels[channel]
        room.members.remove(user)
        await self._moved("member_left_channel", user, room, {})

    async def _moved(self, kind: str, user: str, room: Channel, more: Json) -> None:
        where = {"channel": room.id, "channel_type": payloads.CHANNEL_TYPE[room.kind][0].upper()}
        about = {"type": kind, "user": user, "team": payloads.team_of(self.workspace, user)} | where
        await self.send_event(about | more | {"event_ts": self.workspace.tick()})

    async def opens_home(self, user: str, *, tab: Literal["home", "messages"] = "home") -> None:
        """Let a member look at the app's Home or at its messages."""
        view = self.workspace.homes.get(user) if tab == "home" else None
        seen = {"type": "app_home_opened", "user": user, "channel": self.workspace.direct(user).id, "tab": tab}
        await self.send_event(seen | ({"view": view} if view else {}) | {"event_ts": self.workspace.tick()})

    async def stops(self, user: str, channel: str, thread: str) -> None:
        """Let a member press the stop button of a working agent; Slack ends the streams in that thread itself."""
        streams = [m for m in self.workspace.replies(channel, thread) if m.streaming == "in_progress"]
        for message in streams:
            message.streaming = "stopped"
        about = {"type": "agent_session_stopped", "channel": channel, "user": user, "thread_ts": thread}
        stopped = {"streaming_message_ts": [m.ts for m in streams], "event_ts": self.workspace.tick()}
        await self.send_event(about | stopped)

    async def send_event(self, inner: Json, **outer: object) -> str:
        """Send one event if the app hears of it, and return its id, "" if not; `outer` overrides the outer fields."""
        if not self._hears(inner):
            return ""
        return self.dispatch(payloads.event_callback(self.workspace, inner) | outer).id

    def _hears(self, inner: Json) -> bool:
        """Whether the app is subscribed to this event and the bot is where it happened."""
        kind, room = str(inner["type"]), self.workspace.channels.get(str(inner.get("channel")))
        if kind in TWINS and room and BOT_USER not in room.members:
            return False
        name = MESSAGE_EVENTS[room.kind] if kind == "message" and room else kind
        return self.subscriptions is None or name in self.subscriptions
