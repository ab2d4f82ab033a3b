"""What a platform gave out to answer with, and takes back: three seconds for a form, minutes for an answer."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest

from adapters.slack import surfaces
from bot.commands import wording
from tests.journeys.hands import Joining
from tests.journeys.hands_discord import DiscordHand, DiscordPanel
from tests.journeys.hands_slack import SlackHand, SlackPanel
from tests.twins.server import Fault

LISBON, PORTO = "location: Lisbon", "location: Porto"

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def on_slack(joining: Joining) -> tuple[SlackHand, SlackPanel]:
    """A member of Slack, who looks at a fact."""
    hand = await joining("slack typed")
    assert isinstance(hand, SlackHand)
    await hand.tells("I moved to Lisbon")
    panel = await hand.type("why", field="location")
    assert isinstance(panel, SlackPanel)
    return hand, panel


async def on_discord(joining: Joining) -> tuple[DiscordHand, DiscordPanel]:
    """A member of Discord, who looks at a fact."""
    hand = await joining("discord typed")
    assert isinstance(hand, DiscordHand)
    await hand.tells("I moved to Lisbon")
    panel = await hand.type("why", field="location")
    assert isinstance(panel, DiscordPanel)
    return hand, panel


# -- Slack ------------------------------------------------------------------------------------------------------------


async def test_a_form_that_slack_opens_no_more_can_be_asked_for_again(joining: Joining) -> None:
    """Three seconds after a press Slack opens no form for it: the member reads so, and the button stays."""
    hand, panel = await on_slack(joining)
    twin, held = hand.world.twin, asyncio.Event()
    twin.fault("POST", "/api/views.open", Fault(hold=held))
    sent = await panel.sends("Edit")
    await twin.wait_for(lambda: len(twin.calls("/api/views.open")))
    hand.waits(minutes=4 / 60)
    held.set()
    await panel.sees(sent)
    assert sent.seen[-1].visible == surfaces.TOO_LATE.text
    assert sent.seen[-1].only_for == hand.member.id

    await panel.press("Edit")
    await panel.fill(value="Porto")
    assert await hand.known() == [PORTO]


@pytest.mark.parametrize(("limit", "value"), [("response_url_life_s", -1.0), ("response_url_uses", 0)])
async def test_an_answer_whose_address_is_over_comes_another_way(
    joining: Joining, monkeypatch: pytest.MonkeyPatch, limit: str, value: float
) -> None:
    """What was done is said to the member, if not in the panel then beside it, and it was done once."""
    hand, panel = await on_slack(joining)
    monkeypatch.setattr(hand.world.twin.workspace, limit, value)
    sent = await panel.sends("Forget this")
    beside = await hand.notice("I forgot location: Lisbon")

    assert sent.seen == []
    assert LISBON in panel.text
    assert await hand.known() == []
    assert "Undo" not in beside.labels


async def test_a_form_that_is_taken_too_late_is_taken_once(joining: Joining, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack gives up on a form after three seconds and lets it be sent again: its member reads that it says so now."""
    hand, panel = await on_slack(joining)
    await panel.press("Edit")
    monkeypatch.setattr(hand.world.twin, "ack_timeout_s", 0.05)
    with closing(sqlite3.connect(hand.world.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        late = await hand.world.twin.submits(hand.member.id, {"value": {"answer": "Porto"}})
    assert late.error == "operation_timeout"
    monkeypatch.undo()
    await panel.fill(value="Porto")

    assert "It says so already: location: Porto" in panel.text
    assert await hand.known() == [PORTO]


# -- Discord ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", ["Forget this", "Edit", "Back"])
async def test_what_discord_gave_up_on_is_not_done(
    joining: Joining, monkeypatch: pytest.MonkeyPatch, label: str
) -> None:
    """Discord tells the member that it failed after three seconds, so nothing was done; pressed again, it is."""
    hand, panel = await on_discord(joining)
    twin, held = hand.world.twin, asyncio.Event()
    before = panel.shown
    twin.fault("POST", "/callback", Fault(hold=held))
    with monkeypatch.context() as impatient:
        impatient.setattr(twin.interactions, "timeout_s", 0.05)
        assert (await panel.sends(label)).failed
    held.set()
    await hand.talks("Hello?")
    assert panel.shown == before
    assert await hand.known() == [LISBON]

    await panel.press(label)
    assert (panel.form is not None) == (label == "Edit")
    assert await hand.known() == ([] if label == "Forget this" else [LISBON])


async def test_what_is_done_stays_done_when_it_can_be_shown_no_more(joining: Joining) -> None:
    """A quarter of an hour later Discord shows no answer any more; whoever looks again sees what was done."""
    hand, panel = await on_discord(joining)
    twin, held = hand.world.twin, asyncio.Event()
    twin.fault("PATCH", "/messages/@original", Fault(hold=held))
    sent = await panel.sends("Forget this")
    filled = f"/{sent.token}/messages/@original"
    await twin.wait_for(lambda: twin.calls(filled))
    hand.waits(minutes=16)
    held.set()
    await hand.talks("Hello?")

    assert LISBON in panel.text
    await panel.press("Forget this")
    assert wording.GONE.text[:40] in panel.text
    assert await hand.known() == []
