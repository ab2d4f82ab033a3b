"""Who reads a Slack channel: asked of Slack, believed for a minute, and dropped when an event says that it changed."""

import asyncio
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.errors import called, understood
from adapters.slack.guests import Guests, User
from bot import errors
from bot.ports import Clock
from persona.audience import RoomKind

KIND_LIFE = timedelta(seconds=60)
"""How long what Slack said of a channel is believed."""

_log = structlog.get_logger(__name__)


class Readers:
    """The readers of one workspace's channels. What Slack does not say is "external"."""

    def __init__(self, client: AsyncWebClient, *, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._guests = Guests(client, clock=clock)
        self._kinds: dict[str, tuple[RoomKind, datetime]] = {}
        self._changes = Counter[str]()
        """How often the readers of a channel changed, or of every channel, which has no name."""
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def kind(self, channel: str) -> RoomKind:
        """What a channel is. No event says that other organisations are invited, and events can be missed."""
        async with self._asking[channel]:  # held across the call, so that the turns of a channel ask once
            return await self._kind(channel)

    def forget(self, channel: str = "") -> None:
        """Ask Slack anew who reads a channel, or every channel: an event says that this changed."""
        self._changes[channel] += 1
        for known in [channel] if channel else list(self._kinds):
            self._kinds.pop(known, None)

    def heard(self, user: User) -> None:
        """Take over what an event says of a member: a new guest may be one in any channel."""
        if self._guests.heard(user):
            self.forget()

    async def _kind(self, channel: str) -> RoomKind:
        known = self._kinds.get(channel)
        if known is not None and self._clock.now() - known[1] <= KIND_LIFE:
            return known[0]
        changes, asked_at = self._changed(channel), self._clock.now()
        kind = await self._asked_kind(channel)
        if self._changed(channel) != changes:
            return "external"  # which side of the change Slack's answer was on, nobody knows
        self._kinds[channel] = kind, asked_at
        return kind

    def _changed(self, channel: str) -> tuple[int, int]:
        return self._changes[channel], self._changes[""]

    async def _asked_kind(self, channel: str) -> RoomKind:
        try:
            return await self._kind_now(channel)
        except errors.PlatformError as error:
            _log.warning("room.unclassified", why=str(error))
            return "external"

    async def _kind_now(self, channel: str) -> RoomKind:
        answer = await called(lambda: self._client.conversations_info(channel=channel), clock=self._clock)
        with understood():
            found: dict[str, Any] = answer["channel"]
            is_shared = any(found.get(name) for name in ("is_ext_shared", "is_org_shared", "is_pending_ext_shared"))
        if is_shared:
            return "external"
        if found.get("is_im"):
            return "direct"
        if await self._guests.are_in(channel):
            return "external"
        return "private" if found.get("is_private") or found.get("is_mpim") else "public"
