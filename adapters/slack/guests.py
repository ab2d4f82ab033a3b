"""Guests: whether one reads a Slack channel. A workspace's few guests are looked up once and kept up to date by events.

To ask about each member of each channel would cost a call a member; so Slack is asked who the guests are, and of a
channel's members only who they are, and only where there are guests at all. What is too large to find out is unknown.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.errors import called, understood
from bot import errors
from bot.ports import Clock

ROSTER_LIFE = timedelta(hours=1)
"""How long the list of guests is believed without looking at all members anew; events change it meanwhile."""
PAGE = 1_000
MAX_PAGES = 10
"""Ten thousand members, of a workspace or of a channel, in calls that Slack allows twenty times a minute."""

User = Mapping[str, Any]


class Guests:
    """The guests of one workspace."""

    def __init__(self, client: AsyncWebClient, *, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._guests: set[str] | None = None
        """None if there are too many members to look through."""
        self._heard: dict[str, bool] = {}
        """What events said while the list was being read, which may be older than they are."""
        self._read_at: datetime | None = None
        self._reading = asyncio.Lock()

    async def are_in(self, channel: str) -> bool:
        """Whether a guest reads a channel.

        Raises:
            PlatformError: it cannot be told, since a scope is missing or there are too many members.
        """
        async with self._reading:  # held across the calls, so that channels asked about together read the list once
            await self._read()
        guests = _known(self._guests, "the workspace")
        return bool(guests) and not guests.isdisjoint(_known(await self._members(channel), "the channel"))

    def heard(self, user: User) -> bool:
        """Take over what an event says of a member. Returns whether it changes who is a guest."""
        member, is_guest = str(user["id"]), _is_guest(user)
        was_guest = self._guests is not None and member in self._guests
        self._heard[member] = is_guest
        self._mark(member, is_guest=is_guest)
        return was_guest != is_guest

    def _mark(self, member: str, *, is_guest: bool) -> None:
        if self._guests is not None:
            (self._guests.add if is_guest else self._guests.discard)(member)

    async def _read(self) -> None:
        now = self._clock.now()
        if self._read_at is not None and now - self._read_at <= ROSTER_LIFE:
            return
        self._heard.clear()
        users = await self._pages("users_list")
        with understood():
            self._guests = None if users is None else {str(user["id"]) for user in users if _is_guest(user)}
        for member, is_guest in self._heard.items():
            self._mark(member, is_guest=is_guest)
        self._read_at = now

    async def _members(self, channel: str) -> set[str] | None:
        members = await self._pages("conversations_members", channel=channel)
        with understood():
            return None if members is None else set(map(str, members))

    async def _pages(self, method: str, **arguments: str) -> list[Any] | None:
        """All members that Slack lists, page by page; None if there are more than we look through."""
        found: list[Any] = []
        cursor = ""
        for _ in range(MAX_PAGES):
            ask = partial(getattr(self._client, method), **arguments, limit=PAGE, cursor=cursor)
            page = await called(ask, clock=self._clock)
            with understood():
                found += page["members"]
                cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return found
        return None


def _known(members: set[str] | None, where: str) -> set[str]:
    if members is None:
        raise errors.PlatformError(f"{where} has more than {PAGE * MAX_PAGES:,} members to look through")
    return members


def _is_guest(user: User) -> bool:
    return bool(user.get("is_restricted") or user.get("is_ultra_restricted")) and not user.get("deleted")


def runs_workspace(user: User, *, team: str) -> bool:
    """Whether somebody is an admin or owner of this workspace; never a guest, nor an account that was deactivated."""
    is_one = bool(user.get("is_admin") or user.get("is_owner")) and user.get("team_id") == team
    return is_one and not user.get("deleted") and not _is_guest(user)
