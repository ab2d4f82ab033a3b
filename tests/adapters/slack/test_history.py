"""What stands in a Slack channel or thread, read by the real SDK from Slack's twin."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack import translate
from adapters.slack.adapter import SlackAdapter
from adapters.slack.history import PAGE
from bot import errors
from bot.messages import MessageId, Room, TenantId
from bot.ports import History
from tests.clock import StillClock
from tests.twins.server import Fault
from tests.twins.slack import SlackTwin
from tests.twins.slack.web import ALL_SCOPES

T1 = TenantId("slack:T1")
TEAM = Room(tenant=T1, channel="C1", kind="public")


@pytest.fixture
async def twin() -> AsyncIterator[SlackTwin]:
    async with SlackTwin() as twin:
        twin.member("U1", "ana")
        twin.member("U2", "ben")
        twin.channel("C1", "team", members=["U1", "U2"])
        yield twin


@pytest.fixture
async def adapter(twin: SlackTwin, clock: StillClock) -> AsyncIterator[SlackAdapter]:
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(token=twin.bot_token, base_url=twin.api_url, session=session, retry_handlers=[])
        adapter = SlackAdapter(client, clock=clock)
        await adapter.identify()
        yield adapter


async def say(twin: SlackTwin, text: str, thread: str | None = None) -> str:
    return await twin.says("U1", "C1", text, thread=thread, emits=())


def below(thread: str) -> Room:
    return Room(tenant=T1, channel="C1", thread=thread, kind="public")


async def read(adapter: SlackAdapter, room: Room, first: str, last: str) -> History | None:
    return await adapter.history(room, since=translate.moment(first), until=translate.moment(last))


async def stands(adapter: SlackAdapter, room: Room, first: str, last: str) -> dict[MessageId, str]:
    found = await read(adapter, room, first, last)
    assert found is not None
    return {name: standing.text for name, standing in found.standing.items()}


async def test_both_ends_belong_to_the_stretch(twin: SlackTwin, adapter: SlackAdapter) -> None:
    """Moments are exact to the microsecond: a stretch of one message holds that message and no other."""
    said = [await say(twin, text) for text in ("one", "two", "three")]

    assert await stands(adapter, TEAM, said[1], said[1]) == {said[1]: "two"}
    assert await stands(adapter, TEAM, said[0], said[2]) == dict(zip(said, ("one", "two", "three"), strict=True))


async def test_words_are_what_an_event_says(twin: SlackTwin, adapter: SlackAdapter) -> None:
    """A message reads as when it was delivered, without our mention; an edit shows, a link preview is none."""
    said = await twin.says("U1", "C1", "<@U0BOT> see &lt;this&gt;", emits=())
    edited = await say(twin, "tpyo")
    await twin.edits("U1", "C1", edited, "typo")
    await twin.unfurls("C1", said)
    found = await read(adapter, TEAM, said, edited)

    assert found is not None
    assert [(one.text, one.is_edited) for one in found.standing.values()] == [("typo", True), ("see <this>", False)]


async def test_what_is_deleted_does_not_stand(twin: SlackTwin, adapter: SlackAdapter) -> None:
    """Neither a message that is gone nor the tombstone of one that has replies, with the channel and in its thread."""
    root, gone = await say(twin, "root"), await say(twin, "gone")
    reply, last = await say(twin, "reply", root), await say(twin, "gone too", root)
    for ts in (root, gone, last):
        await twin.deletes("U1", "C1", ts)

    assert await stands(adapter, TEAM, root, gone) == {}
    assert await stands(adapter, below(root), reply, last) == {reply: "reply"}


async def test_a_thread_that_is_not_there_is_empty(twin: SlackTwin, adapter: SlackAdapter) -> None:
    """A thread whose messages were all deleted is one that Slack does not have, in a channel that it shows."""
    root = await say(twin, "root")
    reply = await say(twin, "reply", root)
    for ts in (reply, root):
        await twin.deletes("U1", "C1", ts)

    found = await read(adapter, below(root), root, reply)
    assert found == History(since=translate.moment(root), until=translate.moment(reply), standing={})


async def test_a_channel_lists_the_first_messages_of_threads(twin: SlackTwin, adapter: SlackAdapter) -> None:
    """What began a thread is looked for in the channel, what was said in the thread there."""
    root = await say(twin, "root")
    reply = await say(twin, "reply", root)

    for ts, listed in ((root, TEAM), (reply, below(root))):
        assert adapter.listed_in(below(root), MessageId(ts)) == listed
        assert ts in await stands(adapter, listed, root, reply)
    assert reply not in await stands(adapter, TEAM, root, reply)


@pytest.mark.parametrize(("cap", "is_thread"), [(None, False), (15, False), (15, True)])
async def test_pages_join_without_a_gap(
    twin: SlackTwin, adapter: SlackAdapter, cap: int | None, *, is_thread: bool
) -> None:
    """Each page says what it covers; with the next ones every message is seen, whatever Slack gives at once."""
    twin.workspace.history_cap = cap
    root = await say(twin, "root")
    size = cap or PAGE
    said = [await say(twin, "word", root if is_thread else None) for _ in range(2 * size + 5)]
    room = below(root) if is_thread else TEAM
    since, until = translate.moment(said[0]), translate.moment(said[-1])
    seen: set[MessageId] = set()
    pages: list[tuple[datetime, datetime]] = []
    while since <= until:
        found = await adapter.history(room, since=since, until=until)
        assert found is not None
        seen |= {name for name in found.standing if found.covers(translate.moment(name))}
        pages.append((found.since, found.until))
        if is_thread:
            since = found.until + timedelta(microseconds=1)
        else:
            until = found.since - timedelta(microseconds=1)

    assert seen == set(said)
    assert len(pages) == 3


@pytest.mark.parametrize("trouble", ["not_in_channel", "missing_scope", "channel_not_found", "other workspace"])
@pytest.mark.parametrize("is_thread", [False, True], ids=["channel", "thread"])
async def test_what_slack_does_not_show_is_unknown(
    twin: SlackTwin, adapter: SlackAdapter, trouble: str, *, is_thread: bool
) -> None:
    """A refusal is not an empty room."""
    root = await say(twin, "root")
    room = below(root) if is_thread else TEAM
    if trouble == "not_in_channel":
        twin.workspace.channels["C1"].members.remove("U0BOT")
    elif trouble == "missing_scope":
        twin.scopes = ALL_SCOPES - {"channels:history"}
    elif trouble == "channel_not_found":
        del twin.workspace.channels["C1"]
    else:
        room = Room(tenant=TenantId("slack:T2"), channel="C1", thread=room.thread, kind="external")

    assert await read(adapter, room, root, root) is None


TROUBLES = {
    "failing": Fault(status=503, times=-1),
    "cut off": Fault(reset_after=True, times=-1),
    "not JSON": Fault(status=502, body=b"<html>", times=-1),
}


@pytest.mark.parametrize("name", TROUBLES)
async def test_trouble_is_not_an_empty_room(twin: SlackTwin, adapter: SlackAdapter, name: str) -> None:
    """Whatever goes wrong on the way is an error of ours, which says nothing of the room."""
    root = await say(twin, "root")
    twin.fault("GET", "/api/conversations.history", TROUBLES[name])

    with pytest.raises(errors.PlatformError):
        await read(adapter, TEAM, root, root)


async def test_a_limit_that_does_not_end_is_given_up(twin: SlackTwin, adapter: SlackAdapter, clock: StillClock) -> None:
    """Slack is asked three times, with the waits it wants in between; then the check goes on elsewhere."""
    root = await say(twin, "root")
    twin.limit("conversations.history", retry_after_s=60, times=3)

    with pytest.raises(errors.PlatformUnreachableError):
        await read(adapter, TEAM, root, root)
    assert clock.slept == [60.0, 60.0]
    assert await stands(adapter, TEAM, root, root) == {root: "root"}


async def test_a_revoked_token_says_nothing(twin: SlackTwin, adapter: SlackAdapter) -> None:
    """An app that was removed is told so; its messages are not deleted for that."""
    root = await say(twin, "root")
    twin.revoke()

    with pytest.raises(errors.PlatformKeyError):
        await read(adapter, TEAM, root, root)
