"""What each verb does for a member, told once for every way to give commands. A new verb needs a story here."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from bot.commands.registry import COMMANDS
from bot.store import members, offers
from bot.wording import wording
from tests.journeys.hands import Hand, Way
from tests.journeys.panels import Kind

LISBON, VIM = "location: Lisbon", "tools: Vim"
NOTHING = "nothing about you"


async def show(hand: Hand) -> None:
    """All that is known is shown to its member alone, narrowed by filters, and on as many pages as it takes."""
    await hand.tells("I moved to Lisbon")
    await hand.has("tools", [f"Tool {number}" for number in range(12)])
    panel = await hand.type("show")
    assert LISBON in panel.text
    assert "page 1 of 2" in panel.text
    await panel.press("Next")
    assert "page 2 of 2" in panel.text
    assert "Tool 0" in panel.text
    assert LISBON not in panel.text
    await panel.press("Previous")
    assert LISBON in panel.text

    narrowed = await hand.type("show", field="location")
    assert LISBON in narrowed.text
    assert "Tool" not in narrowed.text
    assert "Tool 0" in (await hand.type("show", field="patterns", page="2")).text
    assert NOTHING in (await (await hand.other()).type("show")).text


async def why(hand: Hand) -> None:
    """A fact says in which words it was told, and who may know it; a line of what is known opens it."""
    await hand.tells("I moved to Lisbon")
    named = await hand.type("why", field="location")
    assert "I moved to Lisbon" in named.text
    assert "who may know: everybody" in named.text
    panel = await hand.type("show")
    await panel.open(LISBON)
    assert "how I know: you said so" in panel.text
    await panel.press("Back")
    assert LISBON in panel.text


async def used(hand: Hand) -> None:
    """Who was answered sees all that the model had before it, and can correct it on the spot."""
    await hand.tells("I moved to Lisbon")
    await hand.tells("I use Vim", "closed")
    await hand.has("skills", [f"Skill {number}" for number in range(10)])
    assert "Lisbon" in await hand.prompt("team")
    panel = await hand.type("used")
    assert LISBON in panel.text
    assert "Vim" not in panel.text
    await panel.press("Next")
    assert "Skill" in panel.text
    await panel.press("Previous")
    await panel.open(LISBON)
    await panel.press("Edit")
    await panel.fill(value="Porto")
    assert "location: Porto" in await hand.known()
    others = (await (await hand.other()).type("used")).text
    assert ("location" in others, "Skill" in others) == (False, False)


async def history(hand: Hand) -> None:
    """What was learned, corrected and taken back is told newest first, page by page."""
    await hand.has("tools", [f"Tool {number}" for number in range(11)])
    await hand.type("add", field="location", value="Lisbon")
    await hand.type("edit", field="location", value="Porto")
    await hand.type("undo")
    panel = await hand.type("history")
    assert "taken back" in panel.text
    assert "you corrected it" in panel.text
    await panel.press("Next")
    assert "Tool 0" in panel.text
    assert "Lisbon" in (await hand.type("history", field="location")).text


async def add(hand: Hand) -> None:
    """What is entered is known to the member alone, typed and filled in alike."""
    assert LISBON in (await hand.type("add", field="location", value="Lisbon")).text
    assert "Lisbon" in await hand.prompt("direct")
    assert "Lisbon" not in await hand.prompt("random")
    if ("add", "form") not in unreachable(hand.way):
        panel = await hand.type("add", field="tools")
        await panel.press("Fill it in")
        await panel.fill(value="Vim")
        assert VIM in panel.text
        assert VIM in await hand.known()


async def edit(hand: Hand) -> None:
    """A corrected fact is what the next answer knows, typed and filled in alike; the form shows what it was."""
    await hand.tells("I moved to Lisbon")
    assert "Lisbon → Porto" in (await hand.type("edit", field="location", value="Porto")).text
    asked = await hand.prompt()
    assert "Porto" in asked
    panel = await hand.type("why", field="location")
    await panel.press("Edit")
    assert panel.standing == {"value": "Porto"}
    await panel.fill(value="Faro")
    assert "location: Porto → Faro" in panel.text
    asked = await hand.prompt()
    assert ("Faro" in asked, "Porto" in asked) == (True, False)


async def forget(hand: Hand) -> None:
    """What is forgotten, by its field or by its button, is in no prompt any more, nor in the database."""
    await hand.tells("I moved to Lisbon")
    await hand.tells("I use Vim")
    assert "I forgot your location: 1 fact" in (await hand.type("forget", field="location")).text
    panel = await hand.type("show")
    await panel.open(VIM)
    await panel.press("Forget this")
    assert "I forgot tools: Vim" in panel.text
    assert (await hand.persona()).facts == ()
    asked = await hand.prompt("direct")
    assert ("Lisbon" in asked, "Vim" in asked) == (False, False)


async def undo(hand: Hand) -> None:
    """The last change is taken back by the verb; exactly that one by the button below it, whoever made it."""
    await hand.tells("I moved to Lisbon")
    await hand.type("edit", field="location", value="Porto")
    assert "location: Porto" in (await hand.type("undo")).text
    assert await hand.known() == [LISBON]
    panel = await hand.type("add", field="skills", value="Chess")
    await panel.press("Undo")
    assert "Taken back" in panel.text
    assert await hand.known() == [LISBON]
    await hand.tells("I use Vim")
    note = await hand.notice(VIM)
    await note.press("Undo")
    assert await hand.known() == [LISBON]
    assert "Vim" not in await hand.prompt()


async def consent(hand: Hand) -> None:
    """Each decision can be taken by its button and typed, and the next answer is as it says."""
    await hand.tells("I moved to Lisbon")
    panel = await hand.type("consent")
    assert "Remembering is on" in panel.text
    await panel.press("Pause")
    assert await hand.consent() == "paused"
    assert "Lisbon" not in await hand.prompt()
    await hand.type("consent", choice="on")
    assert "Lisbon" in await hand.prompt()
    panel = await hand.type("consent")
    await panel.press("Stop and forget everything")
    assert "I remember nothing about you" in panel.text
    assert (await hand.consent(), await hand.known()) == ("withdrawn", [])


async def pause(hand: Hand) -> None:
    """While it is paused nothing is used and nothing is learned; what was known is kept."""
    await hand.tells("I moved to Lisbon")
    assert "Paused" in (await hand.type("pause")).text
    await hand.tells("I use Vim")
    assert "Lisbon" not in await hand.prompt("direct")
    assert await hand.known() == [LISBON]


async def resume(hand: Hand) -> None:
    """After a pause what was known is used again, by the verb as by the button below what is kept."""
    await hand.tells("I moved to Lisbon")
    await hand.type("pause")
    assert "Remembering is on" in (await hand.type("resume")).text
    assert "Lisbon" in await hand.prompt()
    await hand.type("pause")
    await (await hand.type("show")).press("Remember me")
    assert await hand.consent() == "on"


async def observe(hand: Hand) -> None:
    """Noticing is a switch of its own, that says how it stands."""
    is_observed = partial(hand.core.store.read, partial(members.is_observed, member=hand.member.key))
    assert "only what you tell me" in (await hand.type("observe", choice="off")).text
    assert not await is_observed()
    assert "I may notice" in (await hand.type("observe", choice="on")).text
    assert "I may notice" in (await hand.type("observe")).text
    assert await is_observed()


async def offer(hand: Hand) -> None:
    """Who asks in public for something private is told where to ask, alone, and stops that with the button below."""
    await hand.tells("I am working on the Atlas merger", "closed")
    assert "Atlas" not in await hand.prompt("random", "When does the merger close?")
    notice = await hand.notice(wording("offer", "en")[:40])
    await notice.press(wording("offer_no", "en"))
    assert "do not point out" in notice.text
    assert not await hand.core.store.read(partial(offers.are_on, member=hand.member.key))
    assert "at most once a day" in (await hand.type("offers", choice="on")).text


async def privacy(hand: Hand) -> None:
    """One screen says what is kept, how long and who can see it, and leads to what is."""
    panel = await hand.type("privacy")
    assert all(title in panel.text for title in ("What, and how long", "Who can see it", "What you can do"))
    await panel.press("Show what is kept")
    assert NOTHING in panel.text


async def export(hand: Hand) -> None:
    """All of it comes as files, for programs and for people, to nobody else."""
    await hand.tells("I moved to Lisbon")
    other = await hand.other()
    panel = await hand.type("export")
    files = hand.files(panel)
    assert json.loads(files["persona.json"])["facts"][0]["value"] == "Lisbon"
    assert "I moved to Lisbon" in files["persona.md"]
    if "terminal" not in hand.core.adapters:  # a terminal writes into the folder that both sit in
        assert other.files(await other.type("show")) == {}


async def link(hand: Hand) -> None:
    """A code that one account is shown links it with the account that types it: how both like answers, no more."""
    await hand.tells("I moved to Lisbon")
    await hand.type("add", field="answer_length", value="short")
    found = re.search(r"/persona link ([A-Z0-9-]+)", (await hand.type("link")).text)
    assert found is not None
    assert "code of this very account" in (await hand.type("link", code=found[1])).text
    other = await hand.other()
    assert "is linked with yours" in (await other.type("link", code=found[1])).text
    asked = await other.prompt("direct")
    assert ("answer_length" in asked, "Lisbon" in asked) == (True, False)


async def unlink(hand: Hand) -> None:
    """Either account ends the link, and nothing crosses any more."""
    other = await hand.other()
    await link(hand)
    assert "ended" in (await hand.type("unlink")).text
    assert "No other account" in (await other.type("unlink")).text


async def help_(hand: Hand) -> None:
    """Every verb that can be typed is listed with what it takes."""
    text = (await hand.type("help")).text
    assert [name for name, command in COMMANDS.items() if f"/persona {command.usage}" not in text] == []


async def widen(hand: Hand) -> None:
    """What few may know is used in public once its member said so, after having been told who will know."""
    await hand.tells("I moved to Lisbon", "closed")
    assert "Lisbon" not in await hand.prompt("random")
    panel = await hand.type("why", field="location")
    await panel.press(next(label for label in panel.labels if label.startswith("Let it be used anywhere in")))
    assert "everybody who reads there may come to know it" in panel.text
    assert "Lisbon" not in await hand.prompt("random")
    await panel.press("Yes, use it there")
    assert "Lisbon" in await hand.prompt("random")


async def special(hand: Hand) -> None:
    """As Rapport ships, nothing of a special category is offered or kept, not even in private."""
    await hand.talks("I am diabetic", "direct")
    panel = await hand.type("consent")
    assert [label for label in panel.labels if "health" in label] == []
    assert await hand.known() == []


STORIES: Mapping[str, Callable[[Hand], Awaitable[None]]] = {
    "show": show,
    "why": why,
    "used": used,
    "history": history,
    "add": add,
    "edit": edit,
    "forget": forget,
    "undo": undo,
    "consent": consent,
    "pause": pause,
    "resume": resume,
    "observe": observe,
    "offers": offer,
    "privacy": privacy,
    "export": export,
    "link": link,
    "unlink": unlink,
    "help": help_,
    "widen": widen,
    "special": special,
}
"""By verb."""

ELSEWHERE: Mapping[tuple[str, Kind], tuple[str, str]] = {
    ("pause", "press"): ("", "its button stands on Slack's Home tab alone: tests/journeys/test_home_tab.py"),
    ("observe", "press"): ("", "likewise"),
    ("resume", "press"): ("", "no button of this version; one of an older one is in tests/journeys/test_stale.py"),
    ("special", "press"): ("", "only where it is allowed, in a Slack direct message: tests/journeys/test_special.py"),
    ("add", "form"): ("discord typed", "Discord asks for both options itself"),
    ("add", "fill"): ("discord typed", "likewise"),
}
"""What no story can use, in the ways that begin so, and why."""


def unreachable(way: Way) -> set[tuple[str, Kind]]:
    """What cannot be used this way."""
    return {what for what, (ways, _) in ELSEWHERE.items() if way.startswith(ways)}
