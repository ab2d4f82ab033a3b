"""The Slack twin over HTTP, tested through unmodified Bolt: what it signs, and when it tries again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.twins.slack import SlackTwin
from tests.twins.slack.over_http import signed

SECRET = "sesame"
Answering = Callable[[web.Request], web.Response]


@pytest.fixture
async def twin() -> AsyncIterator[SlackTwin]:
    async with SlackTwin() as twin:
        twin.member("U1", "ana")
        twin.channel("C1", "team", members=["U1"])
        yield twin


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    """An application on loopback, and the address of `/slack/events` there."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def bolt(twin: SlackTwin, heard: list[str]) -> AsyncIterator[None]:
    """A Bolt app as its makers serve it, at the twin's request URL."""
    client = AsyncWebClient(token=twin.bot_token, base_url=twin.api_url)
    app = AsyncApp(client=client, signing_secret=SECRET)

    @app.event("message")
    async def hear(body: dict[str, dict[str, str]]) -> None:
        heard.append(body["event"]["text"])

    @app.command("/dice")
    async def dice(ack: AsyncAck) -> None:
        await ack("You rolled a four.")

    async with served(app.web_app()) as url:
        twin.delivers_to(url, signing_secret=SECRET)
        yield


@asynccontextmanager
async def answering(twin: SlackTwin, *answers: web.Response) -> AsyncIterator[list[web.Request]]:
    """An app that gives these answers, one after the other and the last one for ever; yields what it was asked."""
    asked: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request)
        given = answers[min(len(asked), len(answers)) - 1]
        return web.Response(status=given.status, headers=dict(given.headers))

    app = web.Application()
    app.add_routes([web.post("/slack/events", answer)])
    async with served(app) as url:
        twin.delivers_to(url, signing_secret=SECRET)
        yield asked


async def test_bolt_takes_what_the_twin_signs(twin: SlackTwin) -> None:
    """Events, commands and the challenge of a request URL arrive as Bolt expects them, and its answers are shown."""
    heard: list[str] = []
    async with bolt(twin, heard):
        assert await twin.verifies_url()
        await twin.says("U1", "C1", "hello", emits=["message"])
        await twin.settled()
        outcome = await twin.command("U1", "C1", "/dice")
        await twin.wait_for(lambda: heard)

    assert heard == ["hello"]
    assert [event.acks for event in twin.events] == [1]
    assert [message.text for message in outcome.seen] == ["You rolled a four."]


async def test_bolt_refuses_another_secret(twin: SlackTwin) -> None:
    """What is signed with another secret is refused by Bolt, so a test that forges has something to forge."""
    async with bolt(twin, []):
        assert twin.request_url is not None
        twin.delivers_to(twin.request_url.url, signing_secret="guessed")
        assert not await twin.verifies_url()


async def test_an_event_is_tried_at_once_after_one_and_after_five_minutes(twin: SlackTwin) -> None:
    """What is not answered with a 2xx comes again at once, after one minute and after five more, and then never."""
    async with answering(twin, web.Response(status=500)) as asked:
        await twin.says("U1", "C1", "hello", emits=["message"])
        await twin.settled()
        counts = [len(asked)]
        for seconds in (59, 1, 299, 1, 3600):
            twin.now += seconds
            await twin.settled()
            counts.append(len(asked))

    assert counts == [2, 2, 3, 3, 4, 4]
    assert [request.headers.get("X-Slack-Retry-Num") for request in asked] == [None, "1", "2", "3"]
    assert {request.headers.get("X-Slack-Retry-Reason") for request in asked} == {None, "http_error"}
    assert len(twin.lost) == 1


async def test_an_event_that_is_taken_later_comes_no_more(twin: SlackTwin) -> None:
    """The first 2xx ends it."""
    async with answering(twin, web.Response(status=503), web.Response()) as asked:
        await twin.says("U1", "C1", "hello", emits=["message"])
        await twin.settled()
        twin.now += 3600
        await twin.settled()

    assert len(asked) == 2
    assert (twin.events[0].acks, twin.lost) == (1, [])


async def test_an_app_can_ask_for_no_more(twin: SlackTwin) -> None:
    """An error with `X-Slack-No-Retry: 1` is the last word."""
    async with answering(twin, web.Response(status=500, headers={"X-Slack-No-Retry": "1"})) as asked:
        await twin.says("U1", "C1", "hello", emits=["message"])
        await twin.settled()

    assert len(asked) == 1
    assert len(twin.lost) == 1


async def test_nobody_at_the_address(twin: SlackTwin) -> None:
    """Where nobody listens, the reason of the next try says so."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(answering(twin, web.Response()))
        await stack.aclose()
        await twin.says("U1", "C1", "hello", emits=["message"])
        await twin.settled()

    assert [delivered.status for delivered in twin.deliveries] == [None, None]
    assert twin.events[0].failure == "connection_failed"


async def test_a_command_is_not_sent_again(twin: SlackTwin) -> None:
    """A command that fails is not repeated: the member sees an error."""
    async with answering(twin, web.Response(status=500)) as asked:
        outcome = await twin.command("U1", "C1", "/dice")

    assert outcome.error == "operation_timeout"
    assert len(asked) == 1


async def test_a_signature_is_of_body_and_time() -> None:
    """The signature changes with the body, the moment and the secret: as in Slack's documentation."""
    one = signed(b"body", secret=SECRET, at=1_700_000_000)

    assert one["X-Slack-Request-Timestamp"] == "1700000000"
    others = [
        signed(b"other", secret=SECRET, at=1_700_000_000),
        signed(b"body", secret=SECRET, at=1_700_000_001),
        signed(b"body", secret="other", at=1_700_000_000),
    ]
    assert len({headers["X-Slack-Signature"] for headers in [one, *others]}) == 4


async def test_requests_can_be_made_by_hand(twin: SlackTwin) -> None:
    """What a test signs itself is taken by Bolt as if it were Slack's."""
    async with bolt(twin, []), aiohttp.ClientSession() as session:
        assert twin.request_url is not None
        body = b'{"type": "url_verification", "challenge": "c"}'
        headers = {"Content-Type": "application/json", **signed(body, secret=SECRET, at=twin.signs_at())}
        async with session.post(twin.request_url.url, data=body, headers=headers) as response:
            assert await response.json() == {"challenge": "c"}


async def test_an_event_whose_first_delivery_is_lost_comes_as_a_retry(twin: SlackTwin) -> None:
    """What gets lost on its first way is delivered once more, and says that it is a retry."""
    async with answering(twin, web.Response()) as asked:
        twin.retry_after_s = (0.0, 0.0, 0.0)
        twin.misses = 1
        await twin.says("U1", "C1", "hello")
        await twin.acked()

    assert [request.headers["X-Slack-Retry-Num"] for request in asked] == ["1"]
