"""What the Slack SDK raises, as our own errors: whether the call had an effect, and whether it may be made again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.errors import LONGEST_WAIT_S, called, text_of, understood
from bot import errors
from tests.clock import StillClock
from tests.twins.server import Fault
from tests.twins.slack import SlackTwin

METHOD = "/api/chat.postMessage"


@pytest.fixture
async def twin() -> AsyncIterator[SlackTwin]:
    async with SlackTwin() as twin:
        twin.member("U1", "ana")
        twin.channel("C1", "team", members=["U1"])
        yield twin


@pytest.fixture
async def client(twin: SlackTwin) -> AsyncIterator[AsyncWebClient]:
    async with aiohttp.ClientSession() as session:
        yield AsyncWebClient(token=twin.bot_token, base_url=twin.api_url, session=session, retry_handlers=[])


async def posted(client: AsyncWebClient, clock: StillClock, text: str = "hi") -> str:
    """Post, and return the timestamp."""
    answer = await called(lambda: client.chat_postMessage(channel="C1", text=text), clock=clock)
    return str(answer["ts"])


def refused(code: str) -> Fault:
    return Fault.json(200, {"ok": False, "error": code})


def limited(times: int = 1, headers: Mapping[str, str] | None = None) -> Fault:
    return Fault.json(429, {"ok": False, "error": "ratelimited"}, headers=headers, times=times)


async def test_a_call_that_works_is_made_once(twin: SlackTwin, client: AsyncWebClient, clock: StillClock) -> None:
    """The SDK's answer comes back, after one call and no wait."""
    ts = await posted(client, clock)

    assert [message.ts for message in twin.messages("C1")] == [ts]
    assert len(twin.calls(METHOD)) == 1
    assert clock.slept == []


# -- rate limits ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "3600"}, LONGEST_WAIT_S),
        ({"Retry-After": "soon"}, 1.0),
        ({}, 1.0),
    ],
)
async def test_a_rate_limited_call_is_made_again_after_the_wait(
    twin: SlackTwin, client: AsyncWebClient, clock: StillClock, headers: Mapping[str, str], waited: float
) -> None:
    """After a rate limit the call is repeated when Slack says, within reason: nothing was done before."""
    twin.fault("POST", METHOD, limited(headers=headers))
    await posted(client, clock)

    assert clock.slept == [waited]
    assert len(twin.messages("C1")) == 1


async def test_a_rate_limit_that_stays_is_left_to_the_caller(
    twin: SlackTwin, client: AsyncWebClient, clock: StillClock
) -> None:
    """After three rate limits in a row the call had no effect and may be made again later."""
    twin.limit("chat.postMessage", retry_after_s=5, times=-1)
    with pytest.raises(errors.PlatformUnreachableError):
        await posted(client, clock)

    assert len(twin.calls(METHOD)) == 3
    assert clock.slept == [5.0, 5.0]
    assert twin.messages("C1") == []


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "msg_too_long",
        "no_text",
        "missing_scope",
        "invalid_blocks",
    ],
)
async def test_a_refused_call_is_not_made_again(
    twin: SlackTwin, client: AsyncWebClient, clock: StillClock, code: str
) -> None:
    """What Slack refuses it would refuse again; its own word for why is kept for the operator."""
    twin.fault("POST", METHOD, refused(code))
    with pytest.raises(errors.NotDeliveredError, match=code) as caught:
        await posted(client, clock)

    assert len(twin.calls(METHOD)) == 1
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    "code",
    ["invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type"],
)
async def test_a_token_that_is_not_accepted_is_named(
    twin: SlackTwin, client: AsyncWebClient, clock: StillClock, code: str
) -> None:
    """A call refused for its token is neither delivered nor given up: the operator can mend it."""
    twin.fault("POST", METHOD, refused(code))

    with pytest.raises(errors.PlatformKeyError, match=code):
        await posted(client, clock)


async def test_a_revoked_token_is_named(twin: SlackTwin, client: AsyncWebClient, clock: StillClock) -> None:
    """A workspace that took our token back is told apart from a post it does not want."""
    twin.revoke()

    with pytest.raises(errors.PlatformKeyError, match="token_revoked"):
        await posted(client, clock)


async def test_a_wrong_token_is_named_and_not_shown(twin: SlackTwin, clock: StillClock) -> None:
    """A token that Slack does not know is not repeated in the error."""
    stranger = AsyncWebClient(token="xoxb-stranger", base_url=twin.api_url, retry_handlers=[])
    with pytest.raises(errors.PlatformKeyError) as caught:
        await posted(stranger, clock)

    assert "xoxb" not in str(caught.value)


@pytest.mark.parametrize("code", ["internal_error", "fatal_error", "service_unavailable", "request_timeout"])
async def test_a_failure_of_slack_is_unclear(
    twin: SlackTwin, client: AsyncWebClient, clock: StillClock, code: str
) -> None:
    """When Slack fails on its own side, the post may exist all the same."""
    twin.fault("POST", METHOD, refused(code))

    with pytest.raises(errors.UnclearDeliveryError):
        await posted(client, clock)


BODIES = {
    "json": ("application/json", b'{"ok": false, "error": "internal_error"}'),
    "html": ("text/html", b"<html>Bad gateway</html>"),
    "text": ("text/plain", b"upstream connect error"),
    "broken": ("application/json", b"not JSON"),
    "empty": ("application/json", b""),
    "list": ("application/json", b"[]"),
}


@pytest.mark.parametrize(
    ("status", "answer"), [(500, "json"), (503, "json"), (504, "html"), *((502, answer) for answer in BODIES)]
)
async def test_a_server_error_is_unclear(
    twin: SlackTwin, client: AsyncWebClient, clock: StillClock, status: int, answer: str
) -> None:
    """Whatever stands in a 5xx answer, from Slack or from what stands before it, the post may exist."""
    kind, body = BODIES[answer]
    twin.fault("POST", METHOD, Fault(status=status, body=body, headers={"Content-Type": kind}))
    with pytest.raises(errors.UnclearDeliveryError):
        await posted(client, clock)

    assert len(twin.calls(METHOD)) == 1


@pytest.mark.parametrize("answer", ["html", "broken"])
async def test_an_answer_that_is_not_slacks_is_one_of_our_errors(
    twin: SlackTwin, client: AsyncWebClient, clock: StillClock, answer: str
) -> None:
    """A proxy that answers 200 in Slack's place does not surprise anybody with an error of another kind."""
    kind, body = BODIES[answer]
    twin.fault("POST", METHOD, Fault(status=200, body=body, headers={"Content-Type": kind}))

    with pytest.raises(errors.PlatformError):
        await posted(client, clock)


@pytest.mark.parametrize(
    "body",
    [b"null", b"[]", b"3", b'""', b"{}", b'{"ok": "false"', b"\xff\xfe", b'{"ok": true}', b'{"ok": true, "ts": null}'],
)
async def test_what_is_shaped_like_nothing_of_slacks_is_unclear(
    twin: SlackTwin, client: AsyncWebClient, clock: StillClock, body: bytes
) -> None:
    """Where the answer to a post holds no id of it, the post may exist all the same: it has to be looked for."""
    twin.fault("POST", METHOD, Fault(status=200, body=body, headers={"Content-Type": "application/json"}))

    with pytest.raises(errors.UnclearDeliveryError):
        text_of(await called(lambda: client.chat_postMessage(channel="C1", text="hi"), clock=clock), "ts")


def test_what_is_read_wrongly_is_one_of_our_errors() -> None:
    """Whatever reading an answer meets deep inside, it is an error that callers know, and it shows nothing of it."""
    answer = {"members": [{"id": "U1"}, None]}

    with pytest.raises(errors.UnclearDeliveryError) as caught, understood():
        [member["id"] for member in answer["members"]]  # type: ignore[index]  # as it would be

    assert "U1" not in str(caught.value)


# -- connections ------------------------------------------------------------------------------------------------------


async def test_a_connection_cut_before_the_post_is_unclear(
    twin: SlackTwin, client: AsyncWebClient, clock: StillClock
) -> None:
    """A request that was cut off may have arrived: from here nobody can tell, so it is not repeated blindly."""
    twin.fault("POST", METHOD, Fault(reset_before=True))
    with pytest.raises(errors.UnclearDeliveryError):
        await posted(client, clock)

    assert twin.messages("C1") == []
    assert len(twin.calls(METHOD)) == 1


async def test_a_connection_cut_after_the_post_is_unclear(
    twin: SlackTwin, client: AsyncWebClient, clock: StillClock
) -> None:
    """A request that took effect without an answer is not repeated blindly: it would be a second post."""
    twin.fault("POST", METHOD, Fault(reset_after=True))
    with pytest.raises(errors.UnclearDeliveryError):
        await posted(client, clock)

    assert len(twin.messages("C1")) == 1
    assert len(twin.calls(METHOD)) == 1


async def test_silence_is_unclear(twin: SlackTwin, clock: StillClock) -> None:
    """A request that is not answered in time may have had its effect."""
    silence = asyncio.Event()
    twin.fault("POST", METHOD, Fault(hold=silence))
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.02)) as impatient:
        client = AsyncWebClient(token=twin.bot_token, base_url=twin.api_url, session=impatient, retry_handlers=[])

        with pytest.raises(errors.UnclearDeliveryError):
            await posted(client, clock)
    silence.set()


async def test_a_slack_that_is_not_there_took_nothing(clock: StillClock) -> None:
    """When no connection can be made, nothing was sent, and sending it again is safe."""
    async with SlackTwin() as gone:
        client = AsyncWebClient(token=gone.bot_token, base_url=gone.api_url, retry_handlers=[])

    with pytest.raises(errors.PlatformUnreachableError):
        await posted(client, clock)


async def test_our_errors_speak_without_the_text(twin: SlackTwin, client: AsyncWebClient, clock: StillClock) -> None:
    """What a log may show of a failure holds neither the words of the post nor the token."""
    twin.fault("POST", METHOD, refused("is_archived"))
    with pytest.raises(errors.NotDeliveredError) as caught:
        await posted(client, clock, text="the secret plan")

    assert "secret" not in str(caught.value)
    assert "xoxb" not in str(caught.value)
