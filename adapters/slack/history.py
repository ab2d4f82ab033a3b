"""What stands in a Slack channel or thread now, page by page: for what changed while no event reached us.

By moments instead of cursors: a page is a whole by itself, the next one may be read after a restart, and apps that get
far less on a page than they ask for (Slack sheet, Rates) need nothing else.
"""

from collections.abc import Awaitable
from dataclasses import replace
from datetime import datetime
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.slack import translate
from adapters.slack.errors import called, is_no_thread, understood
from bot import errors
from bot.messages import MessageId, Room
from bot.ports import Clock, History, Standing
from persona.moments import to_micros

PAGE = 200
"""What Slack advises to ask for at most; it gives a thousand."""

TOMBSTONE = "tombstone"
"""The subtype of what stands in the place of a deleted message that has replies."""


async def read(
    client: AsyncWebClient, room: Room, *, since: datetime, until: datetime, bot_user: str, clock: Clock
) -> History | None:
    """See `Adapter.history`: a channel's page ends with the newest message, a thread's begins with the oldest.

    A thread that Slack does not have, in a channel that it shows us, has lost every message.

    Raises:
        PlatformError: Slack could not be asked now.
    """
    try:
        answer = await called(lambda: _page(client, room, since, until), clock=clock)
    except errors.NotDeliveredError as refused:
        is_empty = room.thread is not None and is_no_thread(refused)
        return History(since=since, until=until, standing={}) if is_empty else None
    with understood():
        return _read(answer, room, since, until, bot_user)


def _read(answer: AsyncSlackResponse, room: Room, since: datetime, until: datetime, bot_user: str) -> History | None:
    posts: list[dict[str, Any]] = answer["messages"]
    if answer.get("has_more"):
        moments = [translate.moment(post["ts"]) for post in posts if post["ts"] != room.thread]
        if not moments:
            return None
        since, until = (min(moments), until) if room.thread is None else (since, max(moments))
    found = (translate.posted(post, room=room, bot_user=bot_user) for post in posts if _is_within(post, since, until))
    return History(
        since=since,
        until=until,
        standing=_standing(posts, bot_user),
        to_us=[message for message in found if message is not None],
        threads=[] if room.thread else [replace(room, thread=str(post["ts"])) for post in posts if _grew(post, since)],
    )


def _page(client: AsyncWebClient, room: Room, since: datetime, until: datetime) -> Awaitable[AsyncSlackResponse]:
    channel, oldest, latest = room.channel, _ts(since), _ts(until)
    if room.thread is None:
        return client.conversations_history(channel=channel, oldest=oldest, latest=latest, inclusive=True, limit=PAGE)
    return client.conversations_replies(
        channel=channel, ts=room.thread, oldest=oldest, latest=latest, inclusive=True, limit=PAGE
    )


def _standing(posts: list[dict[str, Any]], bot_user: str) -> dict[MessageId, Standing]:
    return {
        MessageId(post["ts"]): Standing(
            text=translate.text(str(post.get("text") or ""), bot_user=bot_user), is_edited="edited" in post
        )
        for post in posts
        if post.get("subtype") != TOMBSTONE
    }


def _is_within(post: dict[str, Any], since: datetime, until: datetime) -> bool:
    """Not so the first message of a thread, which stands on each of its pages."""
    return since <= translate.moment(post["ts"]) <= until


def _grew(post: dict[str, Any], since: datetime) -> bool:
    """Whether somebody spoke in the thread below a post."""
    return "latest_reply" in post and translate.moment(str(post["latest_reply"])) >= since


def _ts(moment: datetime) -> str:
    """A moment as Slack writes it: the reverse of `translate.moment`."""
    seconds, micros = divmod(to_micros(moment), 1_000_000)
    return f"{seconds}.{micros:06d}"
