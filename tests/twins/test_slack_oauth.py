"""The Slack twin as several workspaces, tested through the unmodified SDK: what it gives out, and what it refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.twins.slack import SlackTwin
from tests.twins.slack.blocks import Json
from tests.twins.slack.oauth import CODE_LIFE_S, TOKEN_LIFE_S

ID, SECRET, BACK = "12.34", "client-sesame", "https://app.example.com/back"


@pytest.fixture
async def twins() -> AsyncIterator[list[SlackTwin]]:
    async with SlackTwin() as one, SlackTwin(team="T2") as two:
        one.known_as(ID, SECRET, redirect_url=BACK, rotates=True)
        one.joined_by(two)
        for twin in (one, two):
            twin.member("U1", "ana")
            twin.channel("C1", "team", members=["U1"])
        yield [one, two]


@pytest.fixture
def client(twins: list[SlackTwin]) -> AsyncWebClient:
    return AsyncWebClient(base_url=twins[0].api_url)


def code(twins: list[SlackTwin], workspace: SlackTwin, **asked: str) -> str:
    """What a browser brings back after somebody agreed."""
    page = {"client_id": ID, "scope": "chat:write", "state": "s", **asked}
    address = twins[0].approves(f"{twins[0].url}/oauth/v2/authorize?{urlencode(page)}", workspace=workspace)
    assert address.startswith(BACK)
    return parse_qs(urlsplit(address).query)["code"][0]


async def tokens(client: AsyncWebClient, **asked: str) -> Json:
    answer = await client.oauth_v2_access(**{"client_id": ID, "client_secret": SECRET, **asked})
    assert isinstance(answer.data, dict)
    return answer.data


async def refusal(client: AsyncWebClient, **asked: str) -> str:
    with pytest.raises(SlackApiError) as refused:
        await tokens(client, **asked)
    return str(refused.value.response["error"])


async def test_each_workspace_gives_a_token_of_its_own(twins: list[SlackTwin], client: AsyncWebClient) -> None:
    """Whoever installs the app in two workspaces gets two tokens, each good in its own alone."""
    given = [await tokens(client, code=code(twins, twin)) for twin in twins]
    for answer in given:
        told = await client.auth_test(token=answer["access_token"])
        assert told["team_id"] == answer["team"]["id"]
        await client.chat_postMessage(token=answer["access_token"], channel="C1", text=answer["team"]["id"])

    assert [[message.text for message in twin.messages("C1")] for twin in twins] == [["T1"], ["T2"]]


async def test_a_code_is_good_once_and_for_ten_minutes(twins: list[SlackTwin], client: AsyncWebClient) -> None:
    """A code that was used, is old, or was not given out is refused."""
    used, old = code(twins, twins[0]), code(twins, twins[0])
    await tokens(client, code=used)
    twins[0].now += CODE_LIFE_S + 1

    assert await refusal(client, code=used) == "invalid_code"
    assert await refusal(client, code=old) == "code_expired"
    assert await refusal(client, code="guessed") == "invalid_code"


async def test_only_the_app_fetches_tokens(twins: list[SlackTwin], client: AsyncWebClient) -> None:
    """Without the app's id, its secret and the address it named before, a code is worth nothing."""
    one = code(twins, twins[0], redirect_uri=BACK)

    assert await refusal(client, code=one, client_id="other") == "invalid_client_id"
    assert await refusal(client, code=one, client_secret="guessed") == "bad_client_secret"
    assert await refusal(client, code=one) == "bad_redirect_uri"


async def test_a_token_ends_and_is_renewed_once(twins: list[SlackTwin], client: AsyncWebClient) -> None:
    """After twelve hours a token is over; what came with it brings another one, a single time."""
    first = await tokens(client, code=code(twins, twins[0]))
    twins[0].now += TOKEN_LIFE_S
    with pytest.raises(SlackApiError, match="token_expired"):
        await client.auth_test(token=first["access_token"])
    renew = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = await tokens(client, **renew)

    assert (await client.auth_test(token=second["access_token"]))["ok"]
    assert second["expires_in"] == TOKEN_LIFE_S
    assert await refusal(client, **renew) == "invalid_refresh_token"


async def test_an_app_that_is_not_installed_hears_and_may_nothing(
    twins: list[SlackTwin], client: AsyncWebClient
) -> None:
    """Before somebody installs it, and after it uninstalled itself, an app hears nothing, and its tokens are dead."""
    before = await twins[1].send_event({"type": "channel_archive", "channel": "C1"})
    given = await tokens(client, code=code(twins, twins[1]))
    await client.apps_uninstall(client_id=ID, client_secret=SECRET, token=given["access_token"])

    assert before == ""
    with pytest.raises(SlackApiError, match="token_revoked"):
        await client.auth_test(token=given["access_token"])
    assert await refusal(client, grant_type="refresh_token", refresh_token=given["refresh_token"]) == (
        "invalid_refresh_token"
    )
