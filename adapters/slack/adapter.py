"""Slack as an adapter: posts, edits, and finds again what may have been posted."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.slack import guests, history, uploads, views
from adapters.slack.errors import called, is_no_thread, is_too_old, text_of, understood
from adapters.slack.history import PAGE
from adapters.slack.readers import Readers
from adapters.slack.render import mrkdwn, rendered_length
from bot import errors, markdown
from bot.messages import Member, Message, MessageId, Platform, Room, TenantId
from bot.ports import Clock, History, Post
from bot.views import Source, View

MAX_TEXT = 3_500
"""`chat.update` refuses near 4,000 characters; rendered text is counted."""

METADATA = "rapport_reply"

LAG_S = 12.0
"""How long a history may not show what was posted: ten seconds were seen, and some are for the way there."""

MAX_PAGES = 5
"""Of what followed a message, when a post is looked for: a thousand posts, for most apps."""

_log = structlog.get_logger(__name__)


class SlackAdapter:
    """See `bot.ports.Adapter`. `client` must have no retry handlers: they post twice (reliability finding 2)."""

    platform: Platform = "slack"
    lag_s = LAG_S
    streams = ("slack",)  # whichever socket an event comes by

    def __init__(self, client: AsyncWebClient, *, clock: Clock, grow_every_s: float | None = 1.5) -> None:
        assert not client.retry_handlers
        self.grow_every_s = grow_every_s
        self.bot_user = ""
        self.tenant = TenantId("")
        self.readers = Readers(client, clock=clock)
        self.is_connected: Callable[[], Awaitable[bool]] | None = None
        """What tells whether events reach us; None where nobody can, as over HTTP or in somebody else's app."""
        self._client = client
        self._clock = clock
        self._workspace_url = "https://slack.com/"

    @property
    def token(self) -> str:
        """The bot token."""
        return str(self._client.token)

    async def identify(self) -> None:
        """Ask Slack who we are; the first call with the token.

        Raises:
            PlatformKeyError: the token is not accepted.
            PlatformError: Slack could not be asked.
        """
        answer = await called(self._client.auth_test, clock=self._clock)
        tenant = TenantId(f"slack:{text_of(answer, 'team_id')}")
        self.known_as(text_of(answer, "user_id"), tenant=tenant, address=text_of(answer, "url"))

    def known_as(self, bot_user: str, *, tenant: TenantId, address: str) -> None:
        """Who we are, from somebody who knows; `address` is where people open the workspace."""
        self.bot_user = bot_user
        self.tenant = tenant
        self._workspace_url = address

    def serves(self, room: Room) -> bool:
        """See `Adapter.serves`: Slack takes a post from whoever has the token."""
        return True

    async def classified(self, room: Room) -> Room:
        """See `Adapter.classified`."""
        return room if room.kind == "direct" else replace(room, kind=await self.readers.kind(room.channel))

    def parts(self, text: str) -> list[str]:
        """See `Adapter.parts`."""
        return parts(text)

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
            tries=_tries(post),
        )
        return text_of(answer, "ts")

    async def edit(self, post: Post, post_id: str) -> str:
        """See `Adapter.edit`: a workspace may let nobody edit what was posted long ago."""
        update = partial(self._client.chat_update, channel=post.room.channel, ts=post_id, text=mrkdwn(post.text))
        try:
            await called(update, clock=self._clock, tries=_tries(post))
        except errors.NotDeliveredError as refused:
            if post.is_final and is_too_old(refused):
                return await self._replaced(post, post_id)
            raise
        return post_id

    async def _replaced(self, post: Post, old: str) -> str:
        """Show the text in a new post, unless an earlier try did, and then take the old one away, if Slack lets us."""
        others = [found for found in await self._posts_of(post) if found != old]
        new = others[0] if others else await self.post(post)
        await self._take_away(post, old)
        return new

    async def _take_away(self, post: Post, ts: str) -> None:
        """Delete one of our posts of a part that another one shows, if Slack lets us."""
        try:
            await self.remove(post, ts)
        except errors.PlatformError as trouble:
            _log.info("reply.not_removed", answer=post.answer, why=str(trouble))

    async def remove(self, post: Post, post_id: str) -> None:
        """See `Adapter.remove`."""
        delete = partial(self._client.chat_delete, channel=post.room.channel, ts=post_id)
        with suppress(errors.PostGoneError):
            await called(delete, clock=self._clock)

    async def find(self, post: Post) -> str | None:
        """See `Adapter.find`: looks through what followed the message for the answer id; the first post stays."""
        posts = await self._posts_of(post)
        for stray in posts[1:]:
            await self._take_away(post, stray)
        return posts[0] if posts else None

    async def _posts_of(self, post: Post) -> list[str]:
        """Every post of this part that Slack shows, oldest first."""
        found: list[str] = []
        cursor = ""
        for _ in range(MAX_PAGES):
            try:
                page = await called(partial(self._followed, post, cursor), clock=self._clock)
            except errors.NotDeliveredError as refused:
                if is_no_thread(refused):  # a history that lags may not show the first message of the thread either
                    return found
                raise
            with understood():
                found += [
                    str(shown["ts"])
                    for shown in page["messages"]
                    if (shown.get("metadata") or {}).get("event_payload") == _payload(post)
                ]
                cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                break
        return sorted(found)

    def _followed(self, post: Post, cursor: str) -> Awaitable[AsyncSlackResponse]:
        channel, thread, since = post.room.channel, post.room.thread, post.reply_to
        if thread is None:
            return self._client.conversations_history(
                channel=channel, oldest=since, limit=PAGE, cursor=cursor, include_all_metadata=True
            )
        return self._client.conversations_replies(
            channel=channel, ts=thread, oldest=since, limit=PAGE, cursor=cursor, include_all_metadata=True
        )

    @asynccontextmanager
    async def working(self, message: Message) -> AsyncIterator[None]:
        """Slack shows nothing before the first words."""
        yield

    async def locale(self, member: Member) -> str | None:
        """See `Adapter.locale`: told to apps that have the scope `users:read`."""
        ask = partial(self._client.users_info, user=member.id, include_locale=True)
        try:
            answer = await called(ask, clock=self._clock, tries=1)
            with understood():
                return str(answer["user"].get("locale") or "") or None
        except errors.PlatformError:  # without it the member's own words have to do
            return None

    async def is_admin(self, member: Member) -> bool:
        """Whether Slack says that a member runs this workspace. An outsider's own workspace is not this one."""
        if member.tenant != self.tenant:
            return False
        try:
            answer = await called(partial(self._client.users_info, user=member.id), clock=self._clock, tries=1)
            with understood():
                return guests.runs_workspace(answer["user"], team=self.tenant.partition(":")[2])
        except errors.PlatformError as error:
            _log.warning("admin.unknown", why=str(error))
            return False

    async def notify(self, room: Room, member: Member, view: View) -> bool:
        """See `Adapter.notify`: ephemeral in a channel; in the direct message the room is private already."""
        view = await self.without_files(view, member)
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

    def listed_in(self, room: Room, message: MessageId) -> Room:
        """See `Adapter.listed_in`: a channel's history holds the first messages of its threads."""
        return replace(room, thread=None) if message == room.thread else room

    async def history(self, room: Room, *, since: datetime, until: datetime) -> History | None:
        """See `Adapter.history`; another workspace's rooms are not shown to this one's token."""
        if room.tenant != self.tenant:
            return None
        read = partial(history.read, self._client, room, bot_user=self.bot_user, clock=self._clock)
        return await read(since=since, until=until)

    async def hears(self) -> bool:
        """See `Adapter.hears`."""
        return self.is_connected is None or await self.is_connected()

    async def spoken_in(self, known: Sequence[Room], *, since: datetime) -> list[Room]:
        """See `Adapter.spoken_in`: Slack tells of no room without being asked, so it is all that are known."""
        return with_channels(room for room in known if room.tenant == self.tenant)

    async def without_files(self, view: View, member: Member) -> View:
        """The view as it can be shown anywhere: its files go into the member's direct message. Never raises."""
        return await uploads.without_files(view, member, client=self._client, clock=self._clock)

    def blocks(self, view: View, *, most: int = views.MAX_BLOCKS) -> list[views.Block]:
        """The view as this workspace links it."""
        return views.blocks(view, link=self.link, most=most)

    def link(self, source: Source) -> str:
        """The address of a message."""
        channel, _, thread = source.room.partition("/")
        address = f"{self._workspace_url}archives/{channel}/p{source.message.replace('.', '')}"
        return f"{address}?thread_ts={thread}&cid={channel}" if thread and thread != source.message else address


def parts(text: str) -> list[str]:
    """See `Adapter.parts`: the same in every workspace."""
    return markdown.split(text, MAX_TEXT, length=rendered_length)


def with_channels(rooms: Iterable[Room]) -> list[Room]:
    """Each room once, and with a thread its channel, where others may have begun.

    A direct message's threads have it beside them.
    """
    both = [(replace(room, thread=None), room) if room.thread else (room,) for room in rooms]
    return list({(room.tenant, room.id): room for rooms in both for room in rooms}.values())


def _tries(post: Post) -> int:
    return 3 if post.is_final else 1


def _payload(post: Post) -> dict[str, Any]:
    return {"answer": post.answer, "part": post.part}
