"""Slack's Home tab, with the verbs as they are: what is known, its buttons, the switches, and whose page it is."""

from __future__ import annotations

from functools import partial

import pytest

from bot.commands import wording
from bot.store import members
from tests.journeys.hands import Joining
from tests.journeys.hands_slack import SlackHand

LISBON, PORTO = "location: Lisbon", "location: Porto"
GONE = wording.GONE.text[:40]

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def member(joining: Joining) -> SlackHand:
    """Somebody on Slack of whom it is known where they live."""
    hand = await joining("slack typed")
    assert isinstance(hand, SlackHand)
    await hand.tells("I moved to Lisbon")
    return hand


async def test_a_fact_is_corrected_on_home(joining: Joining) -> None:
    """A fact is opened, corrected in a form, and taken back on the tab, which shows what holds after each step."""
    hand = await member(joining)
    home = await hand.looks()
    await home.open(LISBON)
    assert "I moved to Lisbon" in home.text
    await home.press("Edit")
    assert home.standing == {"value": "Lisbon"}
    await home.fill(value="Porto")
    assert f"{LISBON} → Porto" in home.text
    await hand.home().says(PORTO)
    assert "Porto" in await hand.prompt()

    await home.press("Undo")
    await hand.home().says(LISBON)
    assert await hand.known() == [LISBON]


async def test_a_fact_is_widened_and_forgotten_on_home(joining: Joining) -> None:
    """What few may know is let be known to all, and then forgotten, without leaving the tab."""
    hand = await member(joining)
    await hand.tells("I use Vim", "closed")
    home = await hand.looks()
    await home.open("tools: Vim")
    await home.press(next(label for label in home.labels if label.startswith("Let it be used")))
    await home.press("Yes, use it there")
    assert "Vim" in await hand.prompt()
    await home.press("Details")
    await home.press("Forget this")
    assert "I forgot tools: Vim" in home.text
    assert await hand.known() == [LISBON]
    assert "Vim" not in await hand.prompt()


async def test_the_switches_switch(joining: Joining) -> None:
    """Remembering and noticing are switched off and on where it is said how they stand."""
    hand = await member(joining)
    is_observed = partial(hand.core.store.read, partial(members.is_observed, member=hand.member.key))
    home = await hand.looks()
    await home.press("Learn only what I say")
    assert not await is_observed()
    await home.press("Also notice how I write")
    assert await is_observed()
    await home.press("Pause")
    assert "Remembering is not on" in home.text
    assert await hand.consent() == "paused"
    assert "Lisbon" not in await hand.prompt()
    await home.press("Remember me")
    assert "Remembering is on:" in home.text
    assert "Lisbon" in await hand.prompt()

    assert {("pause", "press"), ("observe", "press"), ("consent", "press")} <= hand.did


async def test_a_home_that_shows_what_is_no_more_says_so(joining: Joining) -> None:
    """A tab left open shows what was forgotten elsewhere meanwhile: pressed, it says so and is drawn anew."""
    hand = await member(joining)
    home = await hand.looks()
    await hand.type("forget", field="location")
    assert LISBON in home.text
    await home.open(LISBON)

    assert GONE in home.text
    assert LISBON not in home.text


async def test_a_form_of_home_whose_fact_is_gone_keeps_nothing(joining: Joining) -> None:
    """What is sent after its fact was forgotten elsewhere is not kept, and the tab shows that nothing is known."""
    hand = await member(joining)
    home = await hand.looks()
    await home.open(LISBON)
    await home.press("Edit")
    await hand.type("forget", field="location")
    await home.fill(value="Porto")

    assert GONE in home.text
    await hand.home().says("nothing about you")
    assert await hand.known() == []


async def test_home_is_about_whoever_looks_at_it(joining: Joining) -> None:
    """A copy of another's button on one's own tab finds nothing, and does nothing."""
    hand, other = await member(joining), await member(joining)
    (fact,) = (await hand.persona()).facts
    mine = await hand.looks()
    theirs = await other.looks()
    assert [action for _, action in theirs.openings()] != [action for _, action in mine.openings()]
    for action in (f"why:{fact.id}", f"forget:{fact.id}", f"form:edit:{fact.id}"):
        theirs.draws(action, "Copied")
        await theirs.press("Copied")
        assert GONE in theirs.text

    assert await hand.known() == await other.known() == [LISBON]
