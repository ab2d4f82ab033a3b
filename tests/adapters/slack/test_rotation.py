"""Tokens that end: renewed in time by one process, used by all, and never the reason to forget a workspace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.installations import RENEW_BEFORE, RENEWS_FOR, Installations
from bot import errors
from bot.messages import AnswerId, MessageId, Room, TenantId
from bot.ports import Post
from tests.clock import StillClock
from tests.journeys.test_departures import state_of
from tests.journeys.test_workspaces import installed_in
from tests.journeys.worlds_many import CLIENT_ID, CLIENT_SECRET, ManyWorlds, many_worlds
from tests.twins.server import Fault
from tests.twins.slack.oauth import TOKEN_LIFE_S

ONE = TenantId("slack:T1")
HALF_A_DAY = TOKEN_LIFE_S / 60


@pytest.fixture
async def many(database: Path) -> AsyncIterator[ManyWorlds]:
    """A workspace whose tokens end, and Rapport running in it, over HTTP."""
    async with many_worlds(database.parent, "http", rotates=True) as made, made.running(persona_consent="off"):
        await made.installs(made.one)
        yield made


@pytest.fixture
def kept(many: ManyWorlds) -> Installations:
    """What another process sees of the same installations."""
    return seen_by(many, many.clock)


class Patient(StillClock):
    """A clock that no waiting moves: it does not matter how often somebody looks."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


def seen_by(many: ManyWorlds, clock: StillClock) -> Installations:
    client = AsyncWebClient(base_url=many.app.api_url, retry_handlers=[])
    return Installations(
        client,
        app=CLIENT_ID,
        secret=CLIENT_SECRET,
        account="other",
        store=many.core.store,
        departures=many.core.departures,
        clock=clock,
    )


def renewals(many: ManyWorlds) -> int:
    """How often Slack was asked for a new token."""
    return sum("refresh_token" in call.body for call in many.app.calls("/api/oauth.v2.access"))


async def test_a_token_is_renewed_before_it_ends(many: ManyWorlds, kept: Installations) -> None:
    """Two hours before its end a token is renewed, once, and from then on the new one is used."""
    old = await kept.current(ONE)
    many.pass_time(minutes=HALF_A_DAY - RENEW_BEFORE.total_seconds() / 60 - 1)
    await kept.renew_due()
    early = renewals(many)
    many.pass_time(minutes=1)
    await kept.renew_due()
    await kept.renew_due()
    post = await many.one.says("Ana", "hello")
    await many.one.answered(post)

    assert (early, renewals(many)) == (0, 1)
    assert await kept.current(ONE) != old
    posted = many.app.calls("/api/chat.postMessage")[-1]
    assert posted.headers["Authorization"] == f"Bearer {await kept.current(ONE)}"


async def test_a_token_that_ended_is_renewed_at_its_next_use(many: ManyWorlds) -> None:
    """After a night without a sweep the first answer renews the token, and is given."""
    many.pass_time(minutes=HALF_A_DAY + 1)
    post = await many.one.says("Ana", "hello")

    assert await many.one.answered(post)
    assert renewals(many) == 1


async def test_a_token_that_slack_ends_early_is_renewed(many: ManyWorlds, kept: Installations) -> None:
    """When Slack says that a token is over before we think so, it is renewed and the call repeated."""
    many.app.ends[await kept.current(ONE)] = 0
    post = await many.one.says("Ana", "hello")

    assert await many.one.answered(post)
    assert len(many.one.replies(post)) == 1
    assert renewals(many) == 1


async def test_many_who_need_it_at_once_renew_it_once(many: ManyWorlds) -> None:
    """A refresh token works once, so of all who find a token over one renews it and the others wait for that."""
    many.pass_time(minutes=HALF_A_DAY + 1)
    kept = seen_by(many, Patient(many.clock.now()))
    go_on = asyncio.Event()
    many.app.fault("POST", "/api/oauth.v2.access", Fault(hold=go_on))
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(kept.current(ONE)) for _ in range(5)]
        await many.app.wait_for(lambda: renewals(many))
        go_on.set()

    assert len({one.result() for one in asking}) == 1
    assert renewals(many) == 1


async def test_who_died_while_renewing_blocks_nobody(many: ManyWorlds, kept: Installations) -> None:
    """A claim on a renewal ends by itself, so that another process renews."""
    known = await kept.find(ONE)
    assert known is not None
    assert await kept._claim(known)
    many.pass_time(minutes=HALF_A_DAY + 1)

    assert many.clock.now() > known.installed_at + RENEWS_FOR
    assert await kept.current(ONE)
    assert renewals(many) == 1


@pytest.mark.parametrize(
    "fault",
    [Fault(status=500), Fault(reset_before=True), Fault.json(429, {"ok": False, "error": "ratelimited"}, times=3)],
)
async def test_slack_does_not_renew_today(many: ManyWorlds, kept: Installations, fault: Fault) -> None:
    """What does not work is tried again with the next call; until it ends the old token is used."""
    old = await kept.current(ONE)
    many.pass_time(minutes=HALF_A_DAY - 60)
    many.app.fault("POST", "/api/oauth.v2.access", fault)
    await kept.renew_due()
    meanwhile = await kept.current(ONE)
    await kept.renew_due()

    assert meanwhile == old
    assert await kept.current(ONE) != old


async def test_a_post_whose_token_cannot_be_renewed_was_not_posted(many: ManyWorlds, kept: Installations) -> None:
    """While a token is over and Slack does not renew it, an answer waits: it was certainly not shown."""
    many.pass_time(minutes=HALF_A_DAY + 1)
    many.app.fault("POST", "/api/oauth.v2.access", Fault(reset_before=True))
    room = Room(tenant=ONE, channel="C1", thread="1700000000.000100", kind="public")
    post = Post(room=room, answer=AnswerId("a1"), part=0, text="Hello.", reply_to=MessageId("1700000000.000100"))

    with pytest.raises(errors.PlatformUnreachableError):
        await many.core.adapters["slack"].post(post)


async def test_a_refused_renewal_removes_nobody(many: ManyWorlds, kept: Installations) -> None:
    """A refresh token that Slack does not know may be our own mistake: nothing is erased, and what to do is said."""
    many.pass_time(minutes=HALF_A_DAY + 1)
    many.app._refreshing.clear()

    with pytest.raises(errors.PlatformKeyError, match="install the app again in that workspace"):
        await kept.current(ONE)
    assert installed_in(many) == [ONE]
    assert state_of(many.one, ONE) == "here"
    assert (await many.installs(many.one)).status == 200
    assert await kept.current(ONE)


async def test_a_token_of_a_later_installation_is_used(many: ManyWorlds, kept: Installations) -> None:
    """When Slack refuses a token in whose place there is a later one already, that one is used."""
    old = await kept.current(ONE)
    await many.installs(many.one)

    assert await kept.instead(ONE, refused=old, code="token_revoked") == await kept.current(ONE) != old
    assert installed_in(many) == [ONE]


async def test_where_nobody_installed_us_there_is_no_token(many: ManyWorlds, kept: Installations) -> None:
    """Asked for another workspace, there is nothing; least of all somebody else's."""
    with pytest.raises(errors.PlatformKeyError):
        await kept.current(TenantId("slack:T2"))
    assert await kept.instead(TenantId("slack:T2"), refused="x", code="token_expired") is None
