"""What admins do in the Slack twin: the events it sends for it, in Slack's own shapes, and to whom it does not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.twins.slack import SlackTwin
from tests.twins.slack.blocks import Json


@pytest.fixture
async def twin() -> AsyncIterator[SlackTwin]:
    async with SlackTwin() as twin:
        twin.member("U1", "ana")
        twin.channel("C1", "team", members=["U1"])
        twin.channel("P1", "cabin", kind="private", members=["U1"])
        twin.channel("P2", "hidden", kind="private", members=["U1"], bot=False)
        yield twin


@pytest.fixture
async def client(twin: SlackTwin) -> AsyncIterator[AsyncWebClient]:
    async with aiohttp.ClientSession() as session:
        yield AsyncWebClient(token=twin.bot_token, base_url=twin.api_url, session=session, retry_handlers=[])


def sent(twin: SlackTwin) -> list[Json]:
    """The inner events so far, without their times."""
    return [{key: value for key, value in event.inner.items() if key != "event_ts"} for event in twin.events]


async def test_channels_close_and_open(twin: SlackTwin) -> None:
    """A public channel's events are called by `channel`, a private one's by `group`."""
    for channel in ("C1", "P1"):
        await twin.archives("U1", channel)
        await twin.unarchives("U1", channel)
        await twin.removes_channel(channel)

    assert sent(twin) == [
        {"type": "channel_archive", "channel": "C1", "user": "U1"},
        {"type": "channel_unarchive", "channel": "C1", "user": "U1"},
        {"type": "channel_deleted", "channel": "C1"},
        {"type": "group_archive", "channel": "P1", "user": "U1"},
        {"type": "group_unarchive", "channel": "P1", "user": "U1"},
        {"type": "group_deleted", "channel": "P1"},
    ]


async def test_a_deleted_channel_is_not_found(twin: SlackTwin, client: AsyncWebClient) -> None:
    """Whoever asks for a channel that was deleted is refused."""
    await twin.removes_channel("C1")

    with pytest.raises(SlackApiError, match="channel_not_found"):
        await client.conversations_info(channel="C1")


async def test_channels_are_shared_and_unshared(twin: SlackTwin, client: AsyncWebClient) -> None:
    """The events name the other workspace, and what `conversations.info` says follows."""
    await twin.shares("C1")
    shared = await client.conversations_info(channel="C1")
    await twin.unshares("C1")
    alone = await client.conversations_info(channel="C1")

    assert sent(twin) == [
        {"type": "channel_shared", "channel": "C1", "connected_team_id": "T2"},
        {"type": "channel_unshared", "channel": "C1", "previously_connected_team_id": "T2", "is_ext_shared": False},
    ]
    assert [answer["channel"]["is_ext_shared"] for answer in (shared, alone)] == [True, False]


async def test_a_conversion_is_said_in_the_channel(twin: SlackTwin) -> None:
    """That a channel was made private or public is a message of it, of the kind it has now."""
    await twin.converts("U1", "C1", "private")
    await twin.converts("U1", "P1", "public")

    assert [(said["type"], said["subtype"], said["channel_type"]) for said in sent(twin)] == [
        ("message", "channel_convert_to_private", "group"),
        ("message", "channel_convert_to_public", "channel"),
    ]


async def test_members_change_and_join(twin: SlackTwin) -> None:
    """The whole member comes with the event: a guest, and one who was deactivated, are marked."""
    await twin.changes_member("U1", guest="single")
    await twin.changes_member("U1", guest="", deleted=True)
    await twin.enters("U2", "ben", guest="multi")
    marks = ("id", "deleted", "is_restricted", "is_ultra_restricted")

    assert [(event["type"], *(event["user"][mark] for mark in marks)) for event in sent(twin)] == [
        ("user_change", "U1", False, True, True),
        ("user_change", "U1", True, False, False),
        ("team_join", "U2", False, True, False),
    ]


@pytest.mark.parametrize(
    ("scope", "act"),
    [
        ("users:read", lambda twin: twin.changes_member("U1", name="anna")),
        ("users:read", lambda twin: twin.enters("U2", "ben")),
        ("channels:read", lambda twin: twin.archives("U1", "C1")),
        ("groups:read", lambda twin: twin.archives("U1", "P1")),
        ("channels:read", lambda twin: twin.joins("U1", "C1")),
    ],
)
async def test_without_the_scope_an_event_is_not_heard(twin: SlackTwin, scope: str, act: Any) -> None:
    """Slack sends an app nothing it has no scope for."""
    twin.scopes = set(twin.scopes) - {scope}
    await act(twin)
    without = sent(twin)
    twin.scopes = {*twin.scopes, scope}
    await act(twin)

    assert (without, len(sent(twin))) == ([], 1)


async def test_a_private_channel_without_the_bot_is_silent(twin: SlackTwin) -> None:
    """Of a private channel the bot is not in it hears nothing."""
    await twin.archives("U1", "P2")

    assert sent(twin) == []


async def test_an_app_that_is_uninstalled_hears_so_and_nothing_else(twin: SlackTwin, client: AsyncWebClient) -> None:
    """Its token is dead at once; both events come, in the order a test asks for; a second install has another token."""
    await twin.uninstalls(tells=["tokens_revoked", "app_uninstalled"])
    await twin.says("U1", "C1", "<@U0BOT> still there?")
    with pytest.raises(SlackApiError, match="token_revoked"):
        await client.auth_test()
    told = sent(twin)
    twin.reinstalls(bot_token="xoxb-another")
    with pytest.raises(SlackApiError, match="invalid_auth"):
        await client.auth_test()
    client.token = "xoxb-another"

    assert told == [
        {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": ["U0BOT"]}},
        {"type": "app_uninstalled"},
    ]
    assert (await client.auth_test())["ok"]


async def test_a_members_token_is_revoked_alone(twin: SlackTwin, client: AsyncWebClient) -> None:
    """The event names the member, and the app's own token lives on."""
    await twin.revokes_user_token("U1")

    assert sent(twin) == [{"type": "tokens_revoked", "tokens": {"oauth": ["U1"], "bot": []}}]
    assert (await client.auth_test())["ok"]


async def test_everybody_is_listed_in_pages(twin: SlackTwin, client: AsyncWebClient) -> None:
    """`users.list` gives everybody, the bot and the deactivated included, as many at a time as asked for."""
    for number in range(2, 6):
        twin.member(f"U{number}", f"member {number}", guest="multi" if number == 3 else "", deleted=number == 4)
    listed: list[Json] = []
    cursor = ""
    for _ in range(3):
        page = await client.users_list(limit=2, cursor=cursor)
        listed += page["members"]
        cursor = page["response_metadata"]["next_cursor"]

    assert cursor == ""
    assert [user["id"] for user in listed] == ["U0BOT", "U1", "U2", "U3", "U4", "U5"]
    assert [user["id"] for user in listed if user["is_restricted"] or user["deleted"]] == ["U3", "U4"]


async def test_listing_everybody_takes_a_scope(twin: SlackTwin, client: AsyncWebClient) -> None:
    """Without `users:read` nobody is listed."""
    twin.scopes = set(twin.scopes) - {"users:read"}

    with pytest.raises(SlackApiError, match="missing_scope"):
        await client.users_list()
