"""The Home tab, through the real Bolt app and its socket: what stands there, what can be pressed, what is not sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack import attach, host, surfaces
from bot import errors, settings, wiring
from bot.core import Core
from bot.messages import Member, TenantId
from bot.store.sqlite import SqliteStore
from bot.views import Button, File, Line, Section, View
from tests.adapters.slack.test_interactions import EDIT, FORM, LINE, Verbs
from tests.bot.commands.members import ANA, told
from tests.clock import StillClock
from tests.twins.server import Fault
from tests.twins.slack import SlackTwin
from tests.twins.slack.blocks import Json, strings

PUBLISH = "/api/views.publish"


@pytest.fixture
async def twin() -> AsyncIterator[SlackTwin]:
    async with SlackTwin() as twin:
        twin.member("U1", "ana")
        twin.member("U2", "ben")
        twin.channel("D1", "", kind="im", members=["U1"])
        yield twin


@pytest.fixture
async def core(database: Path, twin: SlackTwin) -> AsyncIterator[Core]:
    loaded = settings.load(
        database_url=f"sqlite:///{database}",
        slack_bot_token=twin.bot_token,
        slack_app_token=twin.app_token,
        slack_api_url=twin.api_url,
        persona_consent="on",
    )
    async with wiring.open_core(loaded, clock=StillClock(datetime.fromtimestamp(twin.now + 1, UTC))) as core:
        yield core


@pytest.fixture
async def connected(twin: SlackTwin, core: Core) -> AsyncIterator[Core]:
    async with host.connected(core):
        await twin.connected()
        yield core


class PageVerbs(Verbs):
    """Verbs that a test arranges, with a page of them."""

    page: tuple[View, ...] = (View(text="What I know:", buttons=(EDIT,)),)

    async def home(self, member: Member, *, tenant: TenantId) -> tuple[View, ...]:
        return self.page


@pytest.fixture
async def verbs(twin: SlackTwin, core: Core) -> AsyncIterator[PageVerbs]:
    verbs = PageVerbs(core.commands._context)
    async with host.connected(replace(core, commands=verbs)):
        await twin.connected()
        yield verbs


async def looked_at(twin: SlackTwin, user: str = "U1") -> Json:
    """The Home tab that a member sees after opening it."""
    await twin.opens_home(user)
    return await twin.wait_for(lambda: twin.views.get(user))


async def pressed(twin: SlackTwin, action: str) -> None:
    """Let Ana press a button on her Home tab, and wait for the tab that follows."""
    before = twin.views["U1"]
    assert (await twin.press("U1", before, f"rapport:{action}")).acked
    await twin.wait_for(lambda: twin.views["U1"]["id"] != before["id"])


async def answered(twin: SlackTwin) -> None:
    """Wait until a command was answered that came after everything else."""
    outcome = await twin.command("U1", "D1", "/persona", "help")
    await twin.wait_for(lambda: outcome.seen)


def reads(twin: SlackTwin, user: str = "U1") -> str:
    return "\n".join(strings(twin.views[user]["blocks"]))


# -- what stands there ------------------------------------------------------------------------------------------------


async def test_home_shows_the_members_persona(twin: SlackTwin, connected: Core) -> None:
    """Who opens the Home tab sees what is remembered of them, switches, what they used, and who reads it."""
    assert isinstance(connected.store, SqliteStore)
    now = connected.clock.now()
    await told(connected.store, ANA, "location", "Lisbon", quote="I live in Lisbon", at=now)
    await looked_at(twin)

    text = reads(twin)
    for part in ("location: Lisbon", "I live in Lisbon", "Pause", "last 30 days", "Only you see this page"):
        assert part in text


async def test_home_is_each_members_own(twin: SlackTwin, connected: Core) -> None:
    """Another member sees nothing of it."""
    assert isinstance(connected.store, SqliteStore)
    await told(connected.store, ANA, "location", "Lisbon")
    await looked_at(twin, "U2")

    assert "nothing about you" in reads(twin, "U2")


async def test_the_messages_tab_is_not_home(twin: SlackTwin, connected: Core) -> None:
    """Opening the conversation is acknowledged and publishes nothing."""
    await twin.opens_home("U1", tab="messages")
    await twin.settled()

    assert twin.lost == []
    assert twin.calls(PUBLISH) == []


async def test_a_home_that_is_up_to_date_is_not_sent_again(twin: SlackTwin, connected: Core) -> None:
    """Opening the tab again changes nothing until something changed; that holds across restarts."""
    await looked_at(twin)
    for _ in range(3):
        await twin.opens_home("U1")
    await twin.settled()
    await looked_at(twin, "U2")
    assert [call.body["user_id"] for call in twin.calls(PUBLISH)] == ["U1", "U2"]

    assert isinstance(connected.store, SqliteStore)
    await told(connected.store, ANA, "location", "Lisbon")
    await twin.opens_home("U1")
    await twin.wait_for(lambda: "Lisbon" in reads(twin))


async def test_trouble_stands_on_home(twin: SlackTwin, connected: Core) -> None:
    """When our notes cannot be reached, the tab says so instead of staying empty."""
    await connected.store.close()
    await looked_at(twin)

    assert reads(twin) == errors.StoreError.for_member


@pytest.mark.parametrize("error", ["not_enabled", "internal_error"])
async def test_a_home_that_slack_does_not_take_is_logged(
    twin: SlackTwin, connected: Core, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An app without a Home tab, or a failing Slack, is the operator's to read, and nobody's failure."""
    twin.fault("POST", PUBLISH, Fault.json(200, {"ok": False, "error": error}))
    await twin.opens_home("U1")
    await twin.wait_for(lambda: twin.calls(PUBLISH))
    await looked_at(twin)

    assert "home.not_published" in caplog.text
    assert error in caplog.text
    assert twin.lost == []


@pytest.mark.parametrize("facts", [1, 300])
async def test_any_page_fits_on_home(twin: SlackTwin, verbs: PageVerbs, facts: int) -> None:
    """However much is remembered and shown, the tab holds no more than Slack takes."""
    lines = tuple(Line(text=f"tools: tool {n}", note="said today", action=f"fact:{n}") for n in range(facts))
    page = View(text="What I know:", sections=(Section(title="Tools", lines=lines),), footer="f", buttons=(EDIT,))
    verbs.page = (page, page)
    verbs.shown["fact:0"] = page
    await looked_at(twin)
    await pressed(twin, "fact:0")

    assert len(twin.views["U1"]["blocks"]) <= 100
    assert twin.views["U1"]["blocks"][-1]["type"] == "actions"


# -- pressing ---------------------------------------------------------------------------------------------------------


async def test_a_switch_works_in_place(twin: SlackTwin, connected: Core) -> None:
    """Pressing a switch says what it did on top of the tab, and the tab shows how it is now."""
    await looked_at(twin)
    await pressed(twin, "pause")
    assert "Paused." in reads(twin)
    assert "Remembering is not on" in reads(twin)

    await pressed(twin, "consent:on")
    assert reads(twin).startswith("Remembering is on")
    assert "Pause" in reads(twin)


async def test_opening_home_again_clears_the_answer(twin: SlackTwin, connected: Core) -> None:
    """What a press said stands there until the tab is opened again."""
    await looked_at(twin)
    await pressed(twin, "observe:off")
    assert "I learn only what you tell me" in reads(twin)
    await twin.opens_home("U1")
    await twin.wait_for(lambda: "I learn only" not in reads(twin))

    assert "What you used here" in reads(twin)


async def test_a_stale_button_on_home_says_so(twin: SlackTwin, verbs: PageVerbs) -> None:
    """A button of an older version on the tab is answered on the tab."""
    verbs.page = (View(text="What I know:", buttons=(Button(action="gone:f1", label="Old"),)),)
    await looked_at(twin)
    await pressed(twin, "gone:f1")

    assert "older version" in reads(twin)
    assert reads(twin).count("What I know:") == 1


async def test_nothing_stands_on_home_twice(twin: SlackTwin, verbs: PageVerbs) -> None:
    """A button that leads back to what the tab shows anyway shows it once."""
    verbs.page = (View(text="What I know:", buttons=(Button(action="back:", label="Back"),)),)
    verbs.shown["back:"] = verbs.page[0]
    await looked_at(twin)
    await pressed(twin, "back:")

    assert reads(twin).count("What I know:") == 1


async def test_pressing_twice_on_home_is_answered_twice(twin: SlackTwin, verbs: PageVerbs) -> None:
    """Two quick presses of one button are two, and the tab shows the last."""
    verbs.page = (View(text="What I know:", buttons=(Button(action="count:", label="Count"),)),)
    verbs.shown["count:"] = View(text="Counted.")
    await looked_at(twin)
    both = await asyncio.gather(*(twin.press("U1", twin.views["U1"], "rapport:count:") for _ in range(2)))
    await twin.wait_for(lambda: len(twin.calls(PUBLISH)) == 3)
    await twin.wait_for(lambda: "Counted." in reads(twin))

    assert [outcome.acked for outcome in both] == [True, True]
    assert [words for words, _, _ in verbs.asked].count("count:") == 2


async def test_home_ends_as_things_are(twin: SlackTwin, connected: Core) -> None:
    """Of two presses shortly after one another, the tab shows what holds after both, however slow the first was."""
    await looked_at(twin)
    stale, held = twin.views["U1"], asyncio.Event()
    twin.fault("POST", PUBLISH, Fault(hold=held))
    await twin.press("U1", stale, "rapport:pause")
    await twin.wait_for(lambda: len(twin.calls(PUBLISH)) == 2)
    await twin.press("U1", stale, "rapport:observe:off")
    await answered(twin)  # time enough for a second tab, were it drawn meanwhile
    held.set()
    await twin.wait_for(lambda: len(twin.calls(PUBLISH)) == 3)
    await answered(twin)

    assert reads(twin).startswith("I learn only what you tell me")
    assert "Remembering is not on" in reads(twin)


async def test_a_form_opens_from_home(twin: SlackTwin, verbs: PageVerbs) -> None:
    """A form is filled in over the tab; what stands behind it is drawn anew."""
    await looked_at(twin)
    assert (await twin.press("U1", twin.views["U1"], "rapport:form:edit:f1")).acked
    await twin.wait_for(lambda: twin.modals["U1"])
    undo = View(text="You live in Porto.", buttons=(Button(action="undo:o1", label="Undo"),))
    verbs.shown |= {"fill:edit:f1": undo, "undo:o1": View(text="Undone.")}
    verbs.page = (View(text="What I know now:"),)
    await twin.submits("U1", {"value": {"answer": "Porto"}})
    await twin.wait_for(lambda: "What I know now:" in reads(twin))
    assert "You live in Porto." in json.dumps(twin.modals["U1"])

    verbs.page = (View(text="What I knew:"),)
    await twin.press("U1", twin.modals["U1"][-1], "rapport:undo:o1")
    await twin.wait_for(lambda: "What I knew:" in reads(twin))
    assert "Undone." in json.dumps(twin.modals["U1"])


async def test_a_form_that_comes_too_late_on_home_says_so(twin: SlackTwin, verbs: PageVerbs) -> None:
    """When three seconds went by before the form was there, the tab says so, and the button is still there."""
    await looked_at(twin)
    held = asyncio.Event()
    twin.fault("POST", "/api/views.open", Fault(hold=held))
    await twin.press("U1", twin.views["U1"], "rapport:form:edit:f1")
    await twin.wait_for(lambda: twin.calls("/api/views.open"))
    twin.now += 4
    held.set()
    await twin.wait_for(lambda: surfaces.TOO_LATE.text in reads(twin))

    assert twin.modals["U1"] == []
    await twin.press("U1", twin.views["U1"], "rapport:form:edit:f1")
    await twin.wait_for(lambda: twin.modals["U1"])
    assert twin.modals["U1"][-1]["title"]["text"] == FORM.title


async def test_an_export_from_home_goes_to_the_direct_message(twin: SlackTwin, verbs: PageVerbs) -> None:
    """A tab cannot carry a file either."""
    verbs.page = (View(text="x", sections=(Section(title="y", lines=(LINE,)),)),)
    verbs.shown["fact:f1"] = View(text="Your export.", files=(File(name="persona.txt", text="x"),))
    await looked_at(twin)
    await pressed(twin, "fact:f1")

    assert "Your export. It is in your direct message" in reads(twin)
    assert [file["name"] for message in twin.messages("D1") for file in message.files] == ["persona.txt"]


# -- beside a host ----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def hosted(twin: SlackTwin, app: AsyncApp) -> AsyncIterator[None]:
    """Somebody else's app, connected."""
    handler = AsyncSocketModeHandler(app, twin.app_token)
    await handler.connect_async()  # type: ignore[no-untyped-call]  # the SDK has no types there
    try:
        await twin.connected()
        yield
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


def an_app(twin: SlackTwin) -> AsyncApp:
    return AsyncApp(client=AsyncWebClient(token=twin.bot_token, base_url=twin.api_url))


async def test_home_works_in_somebody_elses_app(twin: SlackTwin, core: Core) -> None:
    """A host without a Home tab of its own has ours, with buttons that work."""
    app = an_app(twin)
    async with attach(app, core), hosted(twin, app):
        await looked_at(twin)
        await pressed(twin, "pause")

        assert "Paused." in reads(twin)


async def test_a_hosts_own_home_stays_its_own(twin: SlackTwin, core: Core) -> None:
    """A host that shows something on its Home tab goes on showing it: ours is not put over it."""
    app = an_app(twin)

    @app.event("app_home_opened")
    async def _show(event: Json, client: AsyncWebClient) -> None:
        block = {"type": "section", "text": {"type": "plain_text", "text": "The host's."}}
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [block]})

    async with attach(app, core), hosted(twin, app):
        await looked_at(twin)
        await twin.settled()

        assert reads(twin) == "The host's."
        assert len(twin.calls(PUBLISH)) == 1


async def test_after_leaving_nothing_of_ours_answers(twin: SlackTwin, core: Core) -> None:
    """Once Rapport is left, its tab, its buttons, its forms and its commands are silent."""
    app = an_app(twin)
    verbs = PageVerbs(core.commands._context)
    async with hosted(twin, app):
        async with attach(app, replace(core, commands=verbs)):
            await looked_at(twin)
            await twin.press("U1", twin.views["U1"], "rapport:form:edit:f1")
            await twin.wait_for(lambda: twin.modals["U1"])
        published = len(twin.calls(PUBLISH))
        twin.ack_timeout_s = 0.05
        twin.redeliveries = 0
        await twin.opens_home("U1")
        await twin.settled()
        silent = [
            await twin.press("U1", twin.views["U1"], "rapport:form:edit:f1"),
            await twin.submits("U1"),
            await twin.command("U1", "D1", "/persona", "show"),
        ]

    assert [outcome.acked for outcome in silent] == [False] * 3
    assert len(twin.calls(PUBLISH)) == published
    assert [event.acks for event in twin.events if event.inner["type"] == "app_home_opened"] == [1, 0]
    assert "slack" not in core.adapters
