"""What Slack tells beside messages: channels that change their readers, close or open, members and we ourselves going.

The names are Slack's (docs.slack.dev/reference/events); a channel that was made private or public says so by a message.
"""

from collections.abc import Mapping
from typing import Any

from adapters.slack import translate
from adapters.slack.adapter import SlackAdapter
from bot.departures import Departures
from bot.messages import Member, Room, TenantId

Payload = Mapping[str, Any]

CLOSING = ("channel_archive", "channel_deleted", "group_archive", "group_deleted")
OPENING = ("channel_unarchive", "group_unarchive")
READERS = ("member_joined_channel", "member_left_channel", "channel_shared", "channel_unshared", "channel_id_changed")
MEMBERS = ("user_change", "team_join")
REMOVAL = ("app_uninstalled", "tokens_revoked")
EVENTS = (*CLOSING, *OPENING, *READERS, *MEMBERS, *REMOVAL)
"""What the manifest subscribes to beside messages and mentions."""

CONVERSIONS = {"channel_convert_to_private", "channel_convert_to_public"}
"""Subtypes of a message, which needs no subscription of its own."""


class SlackChanges:
    """Hears of changes, for one workspace."""

    def __init__(self, adapter: SlackAdapter, departures: Departures) -> None:
        self._adapter = adapter
        self._departures = departures

    async def take(self, payload: Payload) -> None:
        """Do what follows from an event, if it is one of these; doing it again changes nothing.

        Raises:
            StoreError: it must not be acknowledged, so that Slack delivers it again.
        """
        inner = payload.get("event") or {}
        kind = inner.get("type")
        if kind in {*CLOSING, *OPENING, *READERS} or inner.get("subtype") in CONVERSIONS:
            self._forget_readers(inner)
        if kind in CLOSING:
            await self._departures.closed(_room(payload, inner))
        elif kind in OPENING:
            await self._departures.opened(_room(payload, inner))
        elif kind in MEMBERS:
            await self._member_changed(payload, inner["user"])

    def _forget_readers(self, inner: Payload) -> None:
        for name in ("channel", "old_channel_id", "new_channel_id"):
            if name in inner:
                self._adapter.readers.forget(str(inner[name]))

    async def _member_changed(self, payload: Payload, user: Payload) -> None:
        self._adapter.readers.heard(user)
        if user.get("deleted"):
            team = user.get("team_id") or payload["team_id"]
            await self._departures.left(Member(tenant=TenantId(f"slack:{team}"), id=str(user["id"])))


def is_removal(payload: Payload, *, bot_user: str) -> bool:
    """Whether an event says that we were removed: a member who revokes a token of theirs takes nothing away."""
    inner = payload.get("event") or {}
    is_ours = bot_user in (inner.get("tokens") or {}).get("bot", ())
    return inner.get("type") == "app_uninstalled" or (inner.get("type") == "tokens_revoked" and is_ours)


def _room(payload: Payload, inner: Payload) -> Room:
    return Room(tenant=translate.tenant(payload), channel=str(inner["channel"]), kind="external")
