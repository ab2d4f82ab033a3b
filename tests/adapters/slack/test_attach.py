"""Rapport in somebody else's Bolt app: what it takes, what it leaves to the host, and that it can be left."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack import attach, modals
from bot import settings, wiring
from bot.commands.command import OUTDATED
from bot.core import Core
from bot.views import Form
from tests.clock import StillClock
from tests.twins.slack import SlackTwin, payloads


@pytest.fixture
async def twin() -> AsyncIterator[SlackTwin]:
    async with SlackTwin() as twin:
        twin.member("U1", "ana")
        twin.member("U9", "another bot", is_bot=True)
        twin.channel("C1", "team", members=["U1", "U9"])
        yield twin


@asynccontextmanager
async def opened(database: Path, twin: SlackTwin) -> AsyncIterator[Core]:
    """A core of our own, with the offline model."""
    loaded = settings.load(database_url=f"sqlite:///{database}", persona_consent="off")
    async with wiring.open_core(loaded, clock=StillClock(datetime.fromtimestamp(twin.now + 1, UTC))) as core:
        yield core


@pytest.fixture
async def core(database: Path, twin: SlackTwin) -> AsyncIterator[Core]:
    async with opened(database, twin) as core:
        yield core


class Host:
    """A Bolt app that was there before, with a listener for mentions of its own if `listens`."""

    def __init__(self, twin: SlackTwin, *, listens: bool = True) -> None:
        client = AsyncWebClient(token=twin.bot_token, base_url=twin.api_url)
        self.app = AsyncApp(client=client, request_verification_enabled=False)
        self.heard: list[str] = []
        if listens:
            self.app.event("app_mention")(self._hear)

    async def _hear(self, body: dict[str, dict[str, str]]) -> None:
        self.heard.append(body["event"]["text"])

    @asynccontextmanager
    async def connected(self, twin: SlackTwin) -> AsyncIterator[None]:
        handler = AsyncSocketModeHandler(self.app, twin.app_token)
        await handler.connect_async()  # type: ignore[no-untyped-call]  # the SDK has no types there
        try:
            await twin.connected()
            yield
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("kind", ["app_uninstalled", "tokens_revoked", "channel_archive", "user_change"])
async def test_what_changes_is_heard_beside_the_host(twin: SlackTwin, core: Core, kind: Any) -> None:
    """Events that the host does not listen for are acknowledged, so that Slack sends them once, and do their work."""
    host = Host(twin)
    async with attach(host.app, core), host.connected(twin):
        if kind in {"app_uninstalled", "tokens_revoked"}:
            await twin.uninstalls(tells=[kind])
        elif kind == "channel_archive":
            await twin.archives("U1", "C1")
        else:
            await twin.changes_member("U1", deleted=True)
        await twin.settled()

        assert [(event.acks, event.offers) for event in twin.events] == [(1, 1)]
        origins = await core.store.read(lambda transaction: transaction.fetch("SELECT state FROM origin"))
        is_removal = kind in {"app_uninstalled", "tokens_revoked"}
        assert [row["state"] for row in origins] == ["gone" if is_removal else "here"]


async def test_what_changed_unheard_is_found_out_in_a_host(twin: SlackTwin, database: Path) -> None:
    """What was deleted while a host did not run is found out after its start, as in a process of our own."""
    host = Host(twin)
    async with opened(database, twin) as core, attach(host.app, core), host.connected(twin):
        ts = await twin.says("U1", "C1", "<@U0BOT> hello")
        await twin.wait_for(lambda: replies(twin, ts))
        await core.lanes.drained()
    twin.waits = False
    await twin.deletes("U1", "C1", ts)
    twin.now += 300
    async with opened(database, twin) as core, attach(Host(twin).app, core):
        assert await core.rechecking.sweep() == 1


def replies(twin: SlackTwin, ts: str) -> list[str]:
    """What shows in the thread of a post."""
    return [message.visible for message in twin.messages("C1", ts) if message.bot_id and message.ts != ts]


# -- starting ---------------------------------------------------------------------------------------------------------


async def test_a_host_on_http_needs_no_app_token(twin: SlackTwin, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that takes its events over HTTP has no app-level token; Rapport attaches and answers all the same."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", twin.bot_token)
    monkeypatch.setenv("PERSONA_CONSENT", "off")
    host = Host(twin, listens=False)
    async with attach(host.app):
        ts = await twin.says("U1", "C1", "<@U0BOT> hello", emits=("app_mention",))
        request = AsyncBoltRequest(
            body=json.dumps(twin.event().payload), headers={"content-type": ["application/json"]}
        )
        response = await host.app.async_dispatch(request)

        assert response.status == 200
        assert await twin.wait_for(lambda: replies(twin, ts))


async def test_a_form_is_answered_over_http_too(twin: SlackTwin, core: Core) -> None:
    """Where a host takes its interactions over HTTP, what came of a form is in the response to its submission."""
    host = Host(twin, listens=False)
    form = modals.form(Form(action="gone:f1", title="Edit", inputs=()), modals.Origin())
    view = payloads.view_json(twin.workspace, form)
    about = payloads.interaction(twin.workspace, twin.workspace.members["U1"], "view_submission")
    async with attach(host.app, core):
        body = urlencode({"payload": json.dumps(about | {"view": view, "response_urls": []})})
        request = AsyncBoltRequest(body=body, headers={"content-type": ["application/x-www-form-urlencoded"]})
        response = await host.app.async_dispatch(request)

    answer = json.loads(response.body)
    assert (response.status, answer["response_action"]) == (200, "update")
    assert OUTDATED.text in json.dumps(answer["view"])


# -- beside the host --------------------------------------------------------------------------------------------------


async def test_the_hosts_own_listener_hears_what_is_for_both(twin: SlackTwin, core: Core) -> None:
    """A mention reaches the host's own listener and is answered by Rapport."""
    host = Host(twin)
    async with attach(host.app, core), host.connected(twin):
        ts = await twin.says("U1", "C1", "<@U0BOT> hello")
        await twin.wait_for(lambda: replies(twin, ts))
        await twin.settled()

    assert host.heard == ["<@U0BOT> hello"]
    assert [event.offers for event in twin.events] == [1] * len(twin.events)


async def test_what_is_for_nobody_is_acknowledged(twin: SlackTwin, core: Core) -> None:
    """Ordinary talk that comes with our subscriptions is acknowledged, or Slack would deliver all of it four times."""
    host = Host(twin, listens=False)
    async with attach(host.app, core), host.connected(twin):
        ts = await twin.says("U1", "C1", "see https://example.org/")
        await twin.unfurls("C1", ts)
        await twin.says("U9", "C1", "a bot's words")
        await twin.says("U1", "C1", "<@U1> has joined the channel", subtype="channel_join")
        await twin.settled()

    assert [(event.inner.get("subtype"), event.offers, event.lost) for event in twin.events] == [
        (None, 1, False),
        ("message_changed", 1, False),
        (None, 1, False),
        ("channel_join", 1, False),
    ]
    assert replies(twin, ts) == []


async def test_what_cannot_be_stored_is_not_acknowledged(twin: SlackTwin, core: Core) -> None:
    """A mention that could not be stored is left to Slack, which delivers it again; the host does not act on it."""
    host = Host(twin)
    async with attach(host.app, core), host.connected(twin):
        await core.store.close()
        twin.ack_timeout_s = 0.05
        await twin.says("U1", "C1", "<@U0BOT> hello", emits=("app_mention",))
        await twin.settled()

    assert [(event.offers, event.acks) for event in twin.events] == [(1 + twin.redeliveries, 0)]
    assert host.heard == []


# -- leaving ----------------------------------------------------------------------------------------------------------


async def test_after_leaving_the_host_is_as_it_was(twin: SlackTwin, database: Path) -> None:
    """Once Rapport is left, the host's listener runs and acknowledges, and nothing of Rapport answers."""
    host = Host(twin)
    async with host.connected(twin):
        async with opened(database, twin) as core, attach(host.app, core):
            pass
        ts = await twin.says("U1", "C1", "<@U0BOT> hello", emits=("app_mention",))
        await twin.settled()
        twin.ack_timeout_s = 0.05
        typed = await twin.command("U1", "C1", "/persona", "show")

    assert host.heard == ["<@U0BOT> hello"]
    assert [(event.offers, event.acks) for event in twin.events] == [(1, 1)]
    assert replies(twin, ts) == []
    assert (typed.acked, typed.seen) == (False, [])


async def test_rapport_can_be_attached_again(twin: SlackTwin, database: Path) -> None:
    """After it was left, a second Rapport answers in the same app, commands included, and once."""
    host = Host(twin)
    async with host.connected(twin):
        async with opened(database, twin) as core, attach(host.app, core):
            pass
        async with opened(database, twin) as core, attach(host.app, core):
            ts = await twin.says("U1", "C1", "<@U0BOT> hello")
            await twin.wait_for(lambda: replies(twin, ts))
            await twin.settled()
            typed = await twin.command("U1", "C1", "/persona", "help")
            await twin.wait_for(lambda: typed.seen)

    assert len(replies(twin, ts)) == 1
    assert len(typed.seen) == 1
