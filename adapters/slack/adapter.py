"""Slack as an adapter: posts, edits, and finds again what may have been posted."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.slack import views
from adapters.slack.errors import called
from adapters.slack.render import mrkdwn, rendered_length
from bot import errors, markdown
from bot.messages import Member, Message, Platform, Room
from bot.ports import Clock, Post
from bot.views import Source, View
from persona.audience import RoomKind

MAX_TEXT = 3_500
"""`chat.update` refuses near 4,000 characters; rendered text is counted."""

METADATA = "rapport_reply"
KIND_LIFE = timedelta(seconds=60)
"""How long what Slack said of a channel is believed."""

_log = structlog.get_logger(__name__)


class SlackAdapter:
    """See `bot.ports.Adapter`. `client` must have no retry handlers: they post twice (reliability finding 2)."""

    platform: Platform = "slack"

    def __init__(self, client: AsyncWebClient, *, clock: Clock, grow_every_s: float | None = 1.5) -> None:
        assert not client.retry_handlers
        self.grow_every_s = grow_every_s
        self.bot_user = ""
        self._client = client
        self._clock = clock
        self._workspace_url = "https://slack.com/"
        self._kinds: dict[str, tuple[RoomKind, datetime]] = {}

    async def identify(self) -> None:
        """Ask Slack who we are; the first call with the token.

        Raises:
            PlatformKeyError: the token is not accepted.
            PlatformError: Slack could not be asked.
        """
        answer = await called(self._client.auth_test, clock=self._clock)
        self.bot_user = str(answer["user_id"])
        self._workspace_url = str(answer["url"])

    async def classified(self, room: Room) -> Room:
        """See `Adapter.classified`: most events say it themselves; `app_mention` does not."""
        if room.kind != "external":
            return room
        known = self._kinds.get(room.channel)
        if known is None or self._clock.now() - known[1] > KIND_LIFE:
            known = await self._asked_kind(room.channel), self._clock.now()
            self._kinds[room.channel] = known
        return replace(room, kind=known[0])

    async def _asked_kind(self, channel: str) -> RoomKind:
        try:
            answer = await called(lambda: self._client.conversations_info(channel=channel), clock=self._clock)
        except errors.PlatformError as error:
            _log.warning("room.unclassified", why=str(error))
            return "external"
        found: dict[str, Any] = answer["channel"]
        if found.get("is_ext_shared") or found.get("is_org_shared") or found.get("is_pending_ext_shared"):
            return "external"
        if found.get("is_im"):
            return "direct"
        return "private" if found.get("is_private") or found.get("is_mpim") else "public"

    def parts(self, text: str) -> list[str]:
        """See `Adapter.parts`."""
        return markdown.split(text, MAX_TEXT, length=rendered_length)

    async def post(self, post: Post) -> str:
        """See `Adapter.post`. The answer id travels in the metadata, where `find` sees it."""
        answer = await called(
            lambda: self._client.chat_postMessage(
                channel=post.room.channel,
                thread_ts=post.room.thread,
                text=mrkdwn(post.text),
                metadata={"event_type": METADATA, "event_payload": _payload(post)},
                unfurl_links=False,
                unfurl_media=False,
            ),
            clock=self._clock,
        )
        return str(answer["ts"])

    async def edit(self, post: Post, post_id: str) -> None:
        """See `Adapter.edit`."""
        await called(
            lambda: self._client.chat_update(channel=post.room.channel, ts=post_id, text=mrkdwn(post.text)),
            clock=self._clock,
        )

    async def find(self, post: Post) -> str | None:
        """See `Adapter.find`: looks through what followed the message, newest two hundred at most."""
        answer = await called(lambda: self._followed(post), clock=self._clock)
        for found in answer["messages"]:
            if (found.get("metadata") or {}).get("event_payload") == _payload(post):
                return str(found["ts"])
        return None

    def _followed(self, post: Post) -> Awaitable[AsyncSlackResponse]:
        channel, thread, since = post.room.channel, post.room.thread, post.reply_to
        if thread is None:
            return self._client.conversations_history(
                channel=channel, oldest=since, limit=200, include_all_metadata=True
            )
        return self._client.conversations_replies(
            channel=channel, ts=thread, oldest=since, limit=200, include_all_metadata=True
        )

    @asynccontextmanager
    async def working(self, message: Message) -> AsyncIterator[None]:
        """Slack shows nothing before the first words."""
        yield

    async def notify(self, room: Room, member: Member, view: View) -> bool:
        """See `Adapter.notify`: ephemeral in a channel; in the direct message the room is private already."""
        text, blocks = views.text(view), self.blocks(view)
        client, channel, thread = self._client, room.channel, room.thread

        def show() -> Awaitable[AsyncSlackResponse]:
            if room.kind == "direct":
                return client.chat_postMessage(channel=channel, thread_ts=thread, text=text, blocks=blocks)
            return client.chat_postEphemeral(
                channel=channel, user=member.id, thread_ts=thread, text=text, blocks=blocks
            )

        try:
            await called(show, clock=self._clock)
        except errors.NotDeliveredError as refused:
            _log.info("notice.refused", why=str(refused))
            return False
        return True

    def blocks(self, view: View) -> list[views.Block]:
        """The view as this workspace links it."""
        return views.blocks(view, link=self._link)

    def _link(self, source: Source) -> str:
        channel, _, thread = source.room.partition("/")
        address = f"{self._workspace_url}archives/{channel}/p{source.message.replace('.', '')}"
        return f"{address}?thread_ts={thread}&cid={channel}" if thread and thread != source.message else address


def _payload(post: Post) -> dict[str, Any]:
    return {"answer": post.answer, "part": post.part}
