"""Slack's deliveries over HTTP: what is taken, what is refused, and what Slack is told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from adapters.slack import host, over_http
from bot import settings, wiring
from bot.core import Core
from persona.ports import Transaction
from tests.clock import StillClock
from tests.twins.slack import SlackTwin, payloads
from tests.twins.slack.over_http import JSON_TYPE, signed

SECRET = "sesame"
FIVE_MINUTES_S = 300


@pytest.fixture
async def twin() -> AsyncIterator[SlackTwin]:
    async with SlackTwin() as twin:
        twin.member("U1", "ana")
        twin.channel("C1", "team", members=["U1"])
        yield twin


@pytest.fixture
async def core(database: Path, twin: SlackTwin) -> AsyncIterator[Core]:
    """A core that Slack delivers to over HTTP."""
    loaded = settings.load(
        database_url=f"sqlite:///{database}",
        slack_bot_token=twin.bot_token,
        slack_signing_secret=SECRET,
        slack_api_url=twin.api_url,
        persona_consent="off",
    )
    clock = StillClock(datetime.fromtimestamp(twin.now + 1, UTC))
    async with (
        wiring.open_core(loaded, clock=clock) as core,
        core.web.serving(0, host="127.0.0.1") as port,
        host.connected(core),
    ):
        twin.delivers_to(f"http://127.0.0.1:{port}{over_http.PATH}", signing_secret=SECRET)
        yield core


async def delivered(twin: SlackTwin, body: bytes, headers: Mapping[str, str]) -> int:
    """The status with which a request is answered that somebody makes by hand."""
    assert twin.request_url is not None
    async with (
        aiohttp.ClientSession() as session,
        session.post(twin.request_url.url, data=body, headers={"Content-Type": JSON_TYPE, **headers}) as response,
    ):
        return response.status


async def stored(core: Core) -> int:
    rows = await core.store.read(lambda transaction: transaction.fetch("SELECT key FROM inbox"))
    return len(rows)


def mention(twin: SlackTwin) -> bytes:
    """A mention, as the body of a delivery."""
    ts = twin.workspace.tick()
    event = {"type": "app_mention", "user": "U1", "text": "<@U0BOT> hello", "ts": ts, "channel": "C1", "team": "T1"}
    return json.dumps(payloads.event_callback(twin.workspace, event)).encode()


async def test_the_request_url_is_verified(core: Core, twin: SlackTwin) -> None:
    """When the address is entered at Slack, the challenge comes back."""
    assert await twin.verifies_url()


@pytest.mark.parametrize("age_s", [0, FIVE_MINUTES_S - 5, 5 - FIVE_MINUTES_S])
async def test_what_slack_signed_within_five_minutes_is_taken(core: Core, twin: SlackTwin, age_s: int) -> None:
    """A delivery is taken and stored if it is signed, and at most five minutes old."""
    body = mention(twin)

    assert await delivered(twin, body, signed(body, secret=SECRET, at=twin.signs_at() - age_s)) == 200
    assert await stored(core) == 1


@pytest.mark.parametrize(
    "forged",
    [
        {},
        {"X-Slack-Signature": "v0=00"},
        {"X-Slack-Signature": ""},
        {"X-Slack-Signature": "v0=\xe9"},
        {"X-Slack-Request-Timestamp": "soon"},
        {"X-Slack-Request-Timestamp": "²"},
        {"X-Slack-Request-Timestamp": "-1"},
        {"X-Slack-Request-Timestamp": "9" * 400},
    ],
)
async def test_a_forged_signature_is_refused(core: Core, twin: SlackTwin, forged: dict[str, str]) -> None:
    """Nothing without Slack's signature is stored, whatever stands in its place; who sent it hears 401."""
    body = mention(twin)
    headers = signed(body, secret="guessed", at=twin.signs_at()) | forged

    assert await delivered(twin, body, headers) == 401
    assert await delivered(twin, body, forged) == 401
    assert await stored(core) == 0


@pytest.mark.parametrize("age_s", [FIVE_MINUTES_S + 5, -FIVE_MINUTES_S - 5, 86_400])
async def test_an_old_delivery_is_refused(core: Core, twin: SlackTwin, age_s: int) -> None:
    """What somebody recorded and sends again later than five minutes is refused, though Slack signed it."""
    body = mention(twin)

    assert await delivered(twin, body, signed(body, secret=SECRET, at=twin.signs_at() - age_s)) == 401
    assert await stored(core) == 0


async def test_a_delivery_sent_again_at_once_is_the_same_message(core: Core, twin: SlackTwin) -> None:
    """A recording that is sent again within five minutes changes nothing: a post has one row."""
    body = mention(twin)
    headers = signed(body, secret=SECRET, at=twin.signs_at())

    assert [await delivered(twin, body, headers) for _ in range(5)] == [200] * 5
    assert await stored(core) == 1


async def test_a_body_that_was_changed_is_refused(core: Core, twin: SlackTwin) -> None:
    """The signature is of the bytes that came: another text, another order and other spaces are refused."""
    body = mention(twin)
    headers = signed(body, secret=SECRET, at=twin.signs_at())
    others = [body.replace(b"hello", b"helln"), body + b" ", json.dumps(json.loads(body), sort_keys=True).encode()]

    assert [await delivered(twin, other, headers) for other in others] == [401, 401, 401]
    assert await stored(core) == 0


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"[1]", b'"x"', b"{", b'{"team": 5}', b"\xff\xfe", b"payload=%7B", b"\x00"]
)
async def test_what_strangers_send_is_not_parsed(
    core: Core, twin: SlackTwin, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever is not signed is refused before anybody looks into it, without a line in the log for each."""
    assert await delivered(twin, body, {}) == 401
    assert [record for record in caplog.records if record.name.startswith(("bot", "adapters"))] == []


@pytest.mark.parametrize("number", ["1", "3", "999", "x"])
async def test_a_retry_of_what_was_never_seen_is_taken(core: Core, twin: SlackTwin, number: str) -> None:
    """The retry headers are hints: the delivery before may be the one that was lost."""
    body = mention(twin)
    retry = {"X-Slack-Retry-Num": number, "X-Slack-Retry-Reason": "http_timeout"}

    assert await delivered(twin, body, {**signed(body, secret=SECRET, at=twin.signs_at()), **retry}) == 200
    assert await stored(core) == 1


async def limit(transaction: Transaction, *, more_pages: int) -> None:
    """Let the file grow by so many pages and no more, as a full disk would."""
    row = await transaction.fetch_one("PRAGMA page_count")
    assert row
    await transaction.fetch(f"PRAGMA max_page_count = {row['page_count'] + more_pages}")


async def test_what_could_not_be_stored_is_not_acknowledged(core: Core, twin: SlackTwin) -> None:
    """While the disk is full Slack hears 503 and sends again; once there is room nothing is lost."""
    await core.store.write(partial(limit, more_pages=0))
    await twin.says("U1", "C1", "<@U0BOT> " + "hello " * 5_000, emits=["app_mention"])
    await twin.settled()
    await core.store.write(partial(limit, more_pages=1_000))
    twin.now += 60
    await twin.settled()

    assert [(one.attempt, one.status) for one in twin.deliveries] == [(0, 503), (1, 503), (2, 200)]
    assert await stored(core) == 1


async def test_slack_says_that_it_drops_events(core: Core, twin: SlackTwin) -> None:
    """That Slack holds events back because there are too many is acknowledged, and somebody should look today."""
    body = json.dumps(
        {"type": "app_rate_limited", "team_id": "T1", "api_app_id": "A1", "minute_rate_limited": 1}
    ).encode()

    assert await delivered(twin, body, signed(body, secret=SECRET, at=twin.signs_at())) == 200
