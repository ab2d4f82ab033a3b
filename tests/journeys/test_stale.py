"""What was shown before something changed, what is pressed twice, and what somebody else shows as if it were theirs."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from bot.commands import forget, wording
from bot.commands.command import OUTDATED
from persona import store as personas
from tests.journeys.hands import Hand, Joining, Way
from tests.journeys.hands_discord import DiscordPanel
from tests.journeys.hands_slack import SlackPanel
from tests.journeys.panels import Panel

BOTH: tuple[Way, ...] = ("slack typed", "discord typed")
LISBON, PORTO, VIM = "location: Lisbon", "location: Porto", "tools: Vim"
GONE, CHANGED, OLD = wording.GONE.text[:40], wording.CHANGED.text[:40], OUTDATED.text[:40]

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.parametrize("way", BOTH)]


async def opened(hand: Hand) -> SlackPanel | DiscordPanel:
    """What is known of where a member lives, in full."""
    return forgeable(await hand.type("why", field="location"))


def forgeable(panel: Panel) -> SlackPanel | DiscordPanel:
    assert isinstance(panel, SlackPanel | DiscordPanel)
    return panel


async def widening(hand: Hand) -> SlackPanel | DiscordPanel:
    """The question whether what few may know may be known to all."""
    panel = await opened(hand)
    await panel.press(next(label for label in panel.labels if label.startswith("Let it be used")))
    return panel


# -- the fact is another one meanwhile --------------------------------------------------------------------------------


async def test_a_fact_that_was_forgotten_meanwhile_is_gone(joining: Joining, way: Way) -> None:
    """Buttons of a fact that was forgotten since, its form too, say that it is gone, and nothing else goes or comes."""
    hand = await joining(way)
    await hand.tells("I moved to Lisbon")
    await hand.tells("I use Vim")
    panels = [await opened(hand) for _ in range(3)]
    await panels[2].press("Edit")
    await hand.type("forget", field="location")
    await panels[0].press("Forget this")
    await panels[1].press("Edit")
    await panels[2].fill(value="Porto")

    assert all(GONE in panel.text for panel in panels)
    assert await hand.known() == [VIM]


async def test_a_fact_that_was_corrected_meanwhile_stays_so(joining: Joining, way: Way) -> None:
    """A form that still shows the old value does not overwrite the new one."""
    hand = await joining(way)
    await hand.tells("I moved to Lisbon")
    panel = await opened(hand)
    await panel.press("Edit")
    await hand.type("edit", field="location", value="Porto")
    await panel.fill(value="Lisboa")

    assert "That holds no longer" in panel.text
    assert await hand.known() == [PORTO]


async def test_a_fact_that_changed_meanwhile_is_not_widened(joining: Joining, way: Way) -> None:
    """A yes to one value is none to another: whoever may know it, the new value stays where it was."""
    hand = await joining(way)
    await hand.tells("I moved to Lisbon", "closed")
    panel = await widening(hand)
    await hand.type("edit", field="location", value="Porto")
    await panel.press("Yes, use it there")

    assert CHANGED in panel.text
    (now,) = (await hand.persona()).of("location")
    assert CHANGED in await drawn(hand, f"widen:{now.id}:{'0' * 16}:yes")
    asked = await hand.prompt()
    assert ("Lisbon" in asked, "Porto" in asked) == (False, False)


async def test_what_was_taken_back_meanwhile_is_not_taken_back_again(joining: Joining, way: Way) -> None:
    """A button to undo one change never undoes another one."""
    hand = await joining(way)
    await hand.type("add", field="location", value="Lisbon")
    panel = await hand.type("add", field="tools", value="Vim")
    await hand.type("undo")
    await panel.press("Undo")

    assert "nothing of that to take back" in panel.text
    assert await hand.known() == [LISBON]


async def test_a_page_that_there_is_no_more_is_the_last_there_is(joining: Joining, way: Way) -> None:
    """Who leafs through what was forgotten meanwhile reads that there is nothing, or less."""
    hand = await joining(way)
    await hand.has("tools", [f"Tool {number}" for number in range(25)])
    panels = [await hand.type("show") for _ in range(2)]
    await panels[0].press("Next")
    await hand.type("forget", field="all")
    for panel in panels:
        await panel.press("Next")

    assert all("nothing about you" in panel.text for panel in panels)


async def test_what_another_version_drew_says_so(joining: Joining, way: Way) -> None:
    """Whatever an action says that nobody draws any more, its member reads an honest sentence and keeps what is."""
    hand = await joining(way)
    await hand.tells("I moved to Lisbon")
    for action in ("remember:f1", "form:remember:f1", "form:why:f1", "consent:maybe", "offers:perhaps", "help:all"):
        assert OLD in await drawn(hand, action)
    for action in ("why:", "why:zz", "forget:", "forget:zz", "form:edit:", "form:edit:zz"):
        assert GONE in await drawn(hand, action)
    for action in ("widen:", "widen:zz", "widen:a:b:yes", "widen:a:b:yes:yes"):
        assert CHANGED in await drawn(hand, action)
    assert forget.NOTHING_TAUGHT.text in await drawn(hand, "forget:message:zz")
    assert "nothing of that to take back" in await drawn(hand, "undo:zz")
    assert LISBON in await drawn(hand, "show:location:9999")

    form = await opened(hand)
    await form.press("Edit")
    form.forges("remember:f1")
    await form.fill(value="Porto")
    assert OLD in form.text

    assert await hand.known() == [LISBON]
    assert "Remembering is on already" in await drawn(hand, "resume")


async def drawn(hand: Hand, action: str) -> str:
    """What a member is shown who presses a button with this action."""
    panel = forgeable(await hand.type("help"))
    panel.draws(action, "From before")
    await panel.press("From before")
    return panel.text


# -- somebody else ----------------------------------------------------------------------------------------------------


async def test_somebody_elses_buttons_are_about_who_presses_them(joining: Joining, way: Way) -> None:
    """Whoever presses a copy of another's button is answered as if there were no such fact, and nothing changes."""
    hand = await joining(way)
    other = await hand.other()
    await hand.tells("I moved to Lisbon", "closed")
    await hand.type("add", field="tools", value="Vim")
    before = await hand.persona()
    (fact,) = before.of("location")
    yes = (await widening(hand)).action("Yes, use it there")
    update = (await hand.core.store.read(partial(personas.read_log, member=hand.member.key)))[-1].update
    copied = [f"why:{fact.id}", f"forget:{fact.id}", f"form:edit:{fact.id}", f"undo:{update}", yes]
    made_up = [action.replace(fact.id, "0" * 12).replace(update, "add-0") for action in copied]

    assert [await drawn(other, action) for action in copied] == [await drawn(other, action) for action in made_up]
    assert (await hand.persona()).facts == before.facts
    assert await other.known() == []


async def test_somebody_elses_form_changes_nothing(joining: Joining, way: Way) -> None:
    """Whoever sends a form that names another's fact is answered as if there were no such fact."""
    hand = await joining(way)
    other = await hand.other()
    await hand.tells("I moved to Lisbon")
    await other.tells("I moved to Lisbon")
    (fact,) = (await hand.persona()).of("location")
    panel = await opened(other)
    await panel.press("Edit")
    panel.forges(f"edit:{fact.id}")
    await panel.fill(value="Porto")

    assert GONE in panel.text
    assert (await hand.known(), await other.known()) == ([LISBON], [LISBON])


# -- twice ------------------------------------------------------------------------------------------------------------


async def test_what_is_pressed_twice_is_done_once(joining: Joining, way: Way) -> None:
    """Two presses at one moment take back one change, forget one fact, and widen once."""
    hand = await joining(way)
    await hand.type("add", field="location", value="Faro")
    await hand.type("edit", field="location", value="Lisbon")
    await forgeable(await hand.type("edit", field="location", value="Porto")).press_twice("Undo")
    assert await hand.known() == [LISBON]

    await hand.tells("I use Vim", "closed")
    panel = forgeable(await hand.type("why", field="tools"))
    await panel.press(next(label for label in panel.labels if label.startswith("Let it be used")))
    await panel.press_twice("Yes, use it there")
    assert await changes(hand, "widen") == 1

    await forgeable(await hand.type("why", field="tools")).press_twice("Forget this")
    assert await hand.known() == [LISBON]


async def test_a_form_that_is_sent_twice_is_taken_once(joining: Joining, way: Way) -> None:
    """Who sends the same form from two devices has made one change."""
    hand = await joining(way)
    await hand.tells("I moved to Lisbon")
    panels = [await opened(hand) for _ in range(2)]
    for panel in panels:
        await panel.press("Edit")
    await asyncio.gather(*(panel.fill(value="Porto") for panel in panels))

    assert await hand.known() == [PORTO]
    assert await changes(hand, "edit") == 1


async def changes(hand: Hand, act: str) -> int:
    """How many changes of this kind a member has made by hand."""
    log = await hand.core.store.read(partial(personas.read_log, member=hand.member.key))
    return sum(one.update.startswith(act) for one in log)


# -- long ago ---------------------------------------------------------------------------------------------------------


async def test_what_was_shown_long_ago_works(joining: Joining, way: Way) -> None:
    """Hours later, when whatever the platform gave out is over, a panel can be pressed and an open form be sent."""
    hand = await joining(way)
    await hand.tells("I moved to Lisbon")
    panel, form = await opened(hand), await opened(hand)
    await form.press("Edit")
    hand.waits(minutes=200)
    await form.fill(value="Porto")
    assert f"{LISBON} → Porto" in form.text
    await panel.press("Back")
    assert PORTO in panel.text
