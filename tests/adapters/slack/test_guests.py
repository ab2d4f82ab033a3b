"""Guests, on the real SDK against Slack's twin: found in few calls, kept up to date by events, unknown if in doubt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack import guests
from adapters.slack.adapter import SlackAdapter
from adapters.slack.guests import ROSTER_LIFE, Guests
from bot import errors
from bot.messages import Room, TenantId
from tests.clock import StillClock
from tests.twins.server import Fault
from tests.twins.slack import SlackTwin
from tests.twins.slack.payloads import user_json

LIST, MEMBERS, INFO = "/api/users.list", "/api/conversations.members", "/api/conversations.info"
TEAM = Room(tenant=TenantId("slack:T1"), channel="C1", kind="public")


@pytest.fixture
async def twin() -> AsyncIterator[SlackTwin]:
    async with SlackTwin() as twin:
        for number in range(5):
            twin.member(f"U{number}", f"member {number}")
        twin.channel("C1", "team", members=["U1", "U2", "U3"])
        twin.channel("C2", "other", members=["U1", "U9"])
        yield twin


@pytest.fixture
async def client(twin: SlackTwin) -> AsyncIterator[AsyncWebClient]:
    async with aiohttp.ClientSession() as session:
        yield AsyncWebClient(token=twin.bot_token, base_url=twin.api_url, session=session, retry_handlers=[])


@pytest.fixture
def found(client: AsyncWebClient, clock: StillClock) -> Guests:
    return Guests(client, clock=clock)


@pytest.fixture
def adapter(client: AsyncWebClient, clock: StillClock) -> SlackAdapter:
    return SlackAdapter(client, clock=clock)


async def test_where_there_are_no_guests_no_channel_is_looked_into(twin: SlackTwin, found: Guests) -> None:
    """A workspace without guests costs one call in an hour, however many channels are asked about."""
    assert [await found.are_in(channel) for channel in ("C1", "C2", "C1")] == [False] * 3
    assert (len(twin.calls(LIST)), twin.calls(MEMBERS)) == (1, [])


@pytest.mark.parametrize("guest", ["multi", "single"])
async def test_a_guest_is_found_where_they_are(twin: SlackTwin, found: Guests, guest: str) -> None:
    """A guest of either sort is in the channels whose members they are, and in no other."""
    twin.member("U9", "gus", guest=guest)

    assert [await found.are_in(channel) for channel in ("C1", "C2")] == [False, True]


async def test_who_was_deactivated_reads_nothing(twin: SlackTwin, found: Guests) -> None:
    """Slack lists members for ever; a guest who left is none."""
    twin.member("U9", "gus", guest="single", deleted=True)

    assert not await found.are_in("C2")


async def test_many_members_come_in_pages(twin: SlackTwin, found: Guests, monkeypatch: pytest.MonkeyPatch) -> None:
    """A guest on the last page of the workspace and of the channel is found."""
    monkeypatch.setattr(guests, "PAGE", 2)
    twin.member("U9", "gus", guest="single")
    twin.channel("C3", "large", members=["U1", "U2", "U3", "U4", "U9"])

    assert await found.are_in("C3")
    assert (len(twin.calls(LIST)), len(twin.calls(MEMBERS))) == (4, 3)


@pytest.mark.parametrize("large", ["workspace", "channel"])
async def test_what_is_too_large_to_look_through_is_unknown(
    twin: SlackTwin, found: Guests, adapter: SlackAdapter, monkeypatch: pytest.MonkeyPatch, large: str
) -> None:
    """Beyond ten pages nobody is looked for: then outsiders may be among the readers."""
    monkeypatch.setattr(guests, "PAGE", 2)
    twin.member("U9", "gus", guest="single")
    people = [f"U{number}" for number in range(100, 125)]
    if large == "workspace":
        for user in people:
            twin.member(user, user)
    else:
        twin.channel("C1", "team", members=people)

    for _ in range(3):
        with pytest.raises(errors.PlatformError, match="more than 20 members"):
            await found.are_in("C1")
    assert len(twin.calls(LIST)) <= guests.MAX_PAGES  # that it is too large is not found out again for each channel
    assert (await adapter.classified(TEAM)).kind == "external"


@pytest.mark.parametrize("path", [LIST, MEMBERS])
@pytest.mark.parametrize("code", ["missing_scope", "fatal_error"])
async def test_what_slack_does_not_say_of_guests_is_external(
    twin: SlackTwin, adapter: SlackAdapter, path: str, code: str
) -> None:
    """When Slack will not tell who is a guest, or who is in a channel, outsiders may read it, and nothing fails."""
    twin.member("U9", "gus", guest="single")
    twin.fault("GET", path, Fault.json(200, {"ok": False, "error": code}, times=-1))

    assert (await adapter.classified(TEAM)).kind == "external"


async def test_the_list_of_guests_is_read_anew_after_an_hour(twin: SlackTwin, found: Guests, clock: StillClock) -> None:
    """Should an event be missed, a new guest is noticed within the hour."""
    await found.are_in("C2")
    twin.member("U9", "gus", guest="single")
    before = await found.are_in("C2")
    clock.advance(seconds=ROSTER_LIFE.total_seconds() + 1)

    assert (before, await found.are_in("C2")) == (False, True)


async def test_an_event_makes_a_guest_and_ends_one(twin: SlackTwin, found: Guests) -> None:
    """What an event says of a member counts at once, and only a change is one."""
    await found.are_in("C1")
    heard = []
    for guest in ("single", "multi", "", ""):
        heard.append(found.heard(user_json(twin.member("U2", "ben", guest=guest))))
        heard.append(await found.are_in("C1"))

    assert heard == [True, True, False, True, True, False, False, False]


async def test_an_event_is_newer_than_a_list_on_its_way(twin: SlackTwin, found: Guests) -> None:
    """What an event said while the list was being read is not undone by the list."""
    release = asyncio.Event()
    twin.fault("GET", LIST, Fault(hold_after=release))
    asking = asyncio.ensure_future(found.are_in("C1"))
    await twin.wait_for(lambda: twin.calls(LIST))
    found.heard(user_json(twin.member("U2", "ben", guest="single")))
    release.set()

    assert await asking
    assert await found.are_in("C1")


async def test_channels_asked_about_together_read_the_list_once(twin: SlackTwin, found: Guests) -> None:
    """However many channels are classed at a start, the workspace is looked through once."""
    twin.member("U9", "gus", guest="single")

    assert await asyncio.gather(*(found.are_in(channel) for channel in ("C1", "C2") * 3)) == [False, True] * 3
    assert len(twin.calls(LIST)) == 1


async def test_an_answer_from_before_a_change_is_not_kept(twin: SlackTwin, adapter: SlackAdapter) -> None:
    """An event that comes while Slack is asked makes the answer worthless: nobody knows which side it was on."""
    release = asyncio.Event()
    twin.fault("GET", INFO, Fault(hold=release))
    asking = asyncio.ensure_future(adapter.classified(TEAM))
    await twin.wait_for(lambda: twin.calls(INFO))
    adapter.readers.forget("C1")
    release.set()

    assert (await asking).kind == "external"
    assert (await adapter.classified(TEAM)).kind == "public"


async def test_a_change_elsewhere_is_none_here(twin: SlackTwin, adapter: SlackAdapter) -> None:
    """An event about another channel does not spoil an answer that is on its way."""
    release = asyncio.Event()
    twin.fault("GET", INFO, Fault(hold=release))
    asking = asyncio.ensure_future(adapter.classified(TEAM))
    await twin.wait_for(lambda: twin.calls(INFO))
    adapter.readers.forget("C2")
    release.set()

    assert (await asking).kind == "public"


async def test_a_change_of_one_channel_leaves_the_others(twin: SlackTwin, adapter: SlackAdapter) -> None:
    """Only the channel an event names is asked about again; a new guest is one in all of them."""
    other = Room(tenant=TEAM.tenant, channel="C2", kind="public")
    asked = []
    for changed in ("C3", "C1", ""):
        adapter.readers.forget(changed)
        for room in (TEAM, other):
            await adapter.classified(room)
        asked.append(len(twin.calls(INFO)))

    assert asked == [2, 3, 5]
