"""Rapport in somebody else's Bolt app that many workspaces installed: it uses the host's tokens, and changes none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.oauth.installation_store import Bot, Installation
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.installation_store.sqlite3 import SQLite3InstallationStore
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack import attach
from adapters.slack.hosted import HostedInstallations
from bot import errors, settings, wiring
from bot.core import Core
from bot.messages import TenantId
from tests.clock import StillClock
from tests.twins.slack import SlackTwin
from tests.twins.slack.workspace import BOT_ID, BOT_USER

CLIENT_ID = "12.34"


@pytest.fixture
async def twins() -> AsyncIterator[list[SlackTwin]]:
    """Two workspaces, in both of which the host's app is installed, by two tokens."""
    async with SlackTwin() as one, SlackTwin(team="T2", bot_token="xoxb-two") as two:
        one.known_as(CLIENT_ID, "secret", redirect_url="https://host.example.com/")
        one.joined_by(two)
        for twin in (one, two):
            twin._revoked = False
            twin.member("U1", "ana")
            twin.channel("C1", "team", members=["U1"])
        yield [one, two]


@pytest.fixture
async def core(database: Path, twins: list[SlackTwin]) -> AsyncIterator[Core]:
    loaded = settings.load(database_url=f"sqlite:///{database}", persona_consent="off")
    async with wiring.open_core(loaded, clock=StillClock(datetime.fromtimestamp(twins[0].now + 1, UTC))) as core:
        yield core


@pytest.fixture
def kept(tmp_path: Path, twins: list[SlackTwin]) -> SQLite3InstallationStore:
    """The host's installation store, one of slack_sdk's."""
    store = SQLite3InstallationStore(database=str(tmp_path / "host.db"), client_id=CLIENT_ID)
    store.init()  # type: ignore[no-untyped-call]
    for twin in twins:
        store.save(installation(twin))
    return store


def keeps(kept: SQLite3InstallationStore, twin: SlackTwin, *, enterprise_id: str | None = None) -> None:
    """Let the host keep the token of a workspace, in the place of another."""
    kept.delete_all(enterprise_id=None, team_id=twin.workspace.team)
    kept.save(installation(twin, enterprise_id=enterprise_id))


def installation(twin: SlackTwin, *, enterprise_id: str | None = None) -> Installation:
    return Installation(
        app_id="A1",
        enterprise_id=enterprise_id,
        team_id=twin.workspace.team,
        bot_token=twin.bot_token,
        bot_id=BOT_ID,
        bot_user_id=BOT_USER,
        user_id="U1",
        installed_at=twin.now,
    )


@asynccontextmanager
async def hosted(twins: list[SlackTwin], kept: SQLite3InstallationStore, core: Core) -> AsyncIterator[None]:
    """The host's app with Rapport in it, connected."""
    client = AsyncWebClient(base_url=twins[0].api_url)
    app = AsyncApp(client=client, installation_store=kept, request_verification_enabled=False)
    async with attach(app, core):
        handler = AsyncSocketModeHandler(app, twins[0].app_token)
        await handler.connect_async()  # type: ignore[no-untyped-call]
        try:
            await twins[0].connected()
            yield
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]


def replies(twin: SlackTwin) -> list[str]:
    return [message.visible for message in twin.messages("C1") if message.bot_id]


async def asks(twin: SlackTwin, core: Core) -> None:
    """Let somebody ask, and wait for the answer."""
    before = len(replies(twin))
    await twin.says("U1", "C1", "<@U0BOT> hello", emits=["app_mention"])
    await twin.wait_for(lambda: len(replies(twin)) > before)
    await core.lanes.drained()


async def states(core: Core) -> dict[str, str]:
    rows = await core.store.read(lambda transaction: transaction.fetch("SELECT tenant, state FROM origin"))
    return {row["tenant"]: row["state"] for row in rows}


async def test_each_workspace_is_answered_with_the_hosts_token(
    twins: list[SlackTwin], kept: SQLite3InstallationStore, core: Core
) -> None:
    """Every workspace that the host's store knows is answered there, and its commands too, by its own token."""
    async with hosted(twins, kept, core):
        for twin in twins:
            await asks(twin, core)
        outcome = await twins[1].command("U1", "C1", "/persona", "show")
        await twins[1].wait_for(lambda: outcome.seen)

    assert [len(replies(twin)) for twin in twins] == [1, 1]
    assert await states(core) == {"slack:T1": "here", "slack:T2": "here"}
    assert "nothing about you" in outcome.seen[-1].visible


async def test_a_token_that_the_host_changed_is_used(
    twins: list[SlackTwin], kept: SQLite3InstallationStore, core: Core
) -> None:
    """What the host's flow renews is used from the next call on."""
    async with hosted(twins, kept, core):
        await asks(twins[1], core)
        twins[1].reinstalls(bot_token="xoxb-three")
        keeps(kept, twins[1])
        await asks(twins[1], core)

    assert len(replies(twins[1])) == 2


async def test_a_workspace_of_an_organisation_is_found(
    twins: list[SlackTwin], kept: SQLite3InstallationStore, core: Core
) -> None:
    """A store that files a workspace under its organisation is asked for it by that."""
    keeps(kept, twins[1], enterprise_id="E1")
    async with hosted(twins, kept, core):
        mention = {"type": "app_mention", "user": "U1", "text": "<@U0BOT> hi", "channel": "C1", "team": "T2"}
        ts = await twins[1].says("U1", "C1", "<@U0BOT> hi", emits=[])
        await twins[1].send_event(mention | {"ts": ts}, enterprise_id="E1", authorizations=[])
        await twins[1].wait_for(lambda: replies(twins[1]))
        await core.lanes.drained()


async def test_an_uninstall_stops_one_workspace(
    twins: list[SlackTwin], kept: SQLite3InstallationStore, core: Core
) -> None:
    """Where the app is removed everything rests, until it is installed again; the host's store stays the host's."""
    async with hosted(twins, kept, core):
        for twin in twins:
            await asks(twin, core)
        await twins[1].uninstalls(tells=["app_uninstalled"])
        await twins[1].settled()
        gone = await states(core)
        twins[1].now += 60
        twins[1].reinstalls(bot_token="xoxb-three")
        keeps(kept, twins[1])
        await asks(twins[1], core)

    assert gone == {"slack:T1": "here", "slack:T2": "gone"}
    assert await states(core) == {"slack:T1": "here", "slack:T2": "here"}
    assert kept.find_bot(enterprise_id=None, team_id="T2") is not None


class Broken(AsyncInstallationStore):
    """A host's store whose database is away."""

    async def async_find_bot(self, **_: object) -> Bot | None:
        raise OSError


async def test_a_store_that_fails_is_tried_again(core: Core) -> None:
    """While the host's store fails nothing was posted, and nobody counts as gone."""
    directory = HostedInstallations(Broken(), core.departures)

    with pytest.raises(errors.PlatformUnreachableError, match="OSError"):
        await directory.current(TenantId("slack:T1"))
    with pytest.raises(errors.PlatformUnreachableError):
        await directory.instead(TenantId("slack:T1"), refused="xoxb-1", code="token_revoked")
    assert await states(core) == {}


async def test_a_token_that_slack_revoked_means_that_we_are_gone(
    twins: list[SlackTwin], kept: SQLite3InstallationStore, core: Core
) -> None:
    """When Slack says of the token in the host's store that it is revoked, that workspace rests."""
    directory = HostedInstallations(kept, core.departures)
    two = TenantId("slack:T2")
    await core.departures.installed(two, account="host")

    assert await directory.instead(two, refused="an older one", code="token_revoked") == twins[1].bot_token
    assert await directory.instead(two, refused=twins[1].bot_token, code="token_expired") is None
    assert await states(core) == {"slack:T2": "here"}
    assert await directory.instead(two, refused=twins[1].bot_token, code="token_revoked") is None
    assert await states(core) == {"slack:T2": "gone"}


async def test_an_app_whose_tokens_we_cannot_find_is_refused(twins: list[SlackTwin], core: Core) -> None:
    """Tokens that only a function of the host's finds are of no use for what is shown later: that is said at once."""

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id="T1", bot_token=twins[0].bot_token)

    found: Callable[[], Awaitable[AuthorizeResult]] = authorize
    app = AsyncApp(
        client=AsyncWebClient(base_url=twins[0].api_url), authorize=found, request_verification_enabled=False
    )
    with pytest.raises(errors.PlatformKeyError, match="give it an installation_store"):
        async with attach(app, core):
            pass
