"""Three hundred facts of one member, as long as facts can be: all of them are shown, narrowed, opened and exported."""

from __future__ import annotations

import json
import re

import pytest

from tests.journeys.hands import SCHEMA, Hand, Joining, Way
from tests.journeys.hands_slack import SlackHand
from tests.journeys.panels import Panel

NUMBER = 300
NUMBERED = re.compile(r"No\\?\. (\d+) ")
"""Which fact a line shows."""
FIELDS = [field for field in SCHEMA.fields if not field.choices]

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def knowing(joining: Joining, way: Way) -> Hand:
    """A member who said three hundred things, some of which are over, each as long as its field allows."""
    hand, share = await joining(way), NUMBER // len(FIELDS)
    for place, field in enumerate(FIELDS):
        numbers = range(place * share, NUMBER if field is FIELDS[-1] else (place + 1) * share)
        values = [_long(f"No. {number} R&D <b>", field.max_chars) for number in numbers]
        await hand.has(field.name, values, quote="I said that it was {} when I was asked for it, as far as I remember")
    return hand


def _long(words: str, most: int) -> str:
    """Words that go on for as long as they may."""
    return (f"{words} " + "and *so* on " * 20)[:most].rstrip()


def numbers(*texts: str) -> list[int]:
    """Which of them these texts show, line by line."""
    lines = "\n".join(texts).splitlines()
    return [int(found[-1]) for line in lines if (found := NUMBERED.findall(line))]


async def leafed(panel: Panel, label: str) -> list[str]:
    """What can be read on each page from here on: nothing is said to be missing."""
    pages = [panel.text]
    while label in panel.labels:
        await panel.press(label)
        pages.append(panel.text)
    assert not any("… and more" in page for page in pages)
    return pages


@pytest.mark.parametrize("way", ["slack typed", "discord typed"])
async def test_three_hundred_facts_are_all_there(joining: Joining, way: Way) -> None:
    """There and back again, narrowed, opened on the last page and in the files: none is left out, and one can go."""
    hand = await knowing(joining, way)
    every, current = (await hand.persona()).facts, len(await hand.known())
    panel = await hand.type("show")
    there = await leafed(panel, "Next")
    assert [len(numbers(page)) for page in there] == [10] * 30
    assert [fact.value for fact in every if fact.value not in "".join(there)] == []
    assert (await leafed(panel, "Previous"))[::-1] == there

    tools = await leafed(await hand.type("show", field="tools"), "Next")
    assert sorted(numbers(*tools)) == sorted(numbers(*(fact.value for fact in every if fact.field == "tools")))
    assert f"page {-(-(NUMBER - current) // 10)} of" in (await hand.type("show", field="earlier", page="99")).text
    meant = await hand.type("why", field="R&D")
    await meant.press("Next")
    assert f"page 2 of {-(-current // 10)}" in meant.text
    assert len(numbers(meant.text)) == len(meant.lines) == 10

    files = hand.files(await hand.type("export"))
    assert len(json.loads(files["persona.json"])["facts"]) == NUMBER
    assert set(numbers(files["persona.md"])) == {*range(NUMBER)}
    last = await hand.type("show", page="30")
    assert len(last.lines) == 10
    await last.open(last.lines[-1][:20])
    await last.press("Forget this")
    assert len((await hand.persona()).facts) == NUMBER - 1


@pytest.mark.parametrize("way", ["slack typed", "discord typed"])
async def test_a_long_history_is_all_there(joining: Joining, way: Way) -> None:
    """Each change stands on a page, with what it replaced, however long both are."""
    hand = await knowing(joining, way)
    pages = await leafed(await hand.type("history"), "Next")

    assert sorted(numbers(*pages)) == [*range(NUMBER)]


@pytest.mark.parametrize("way", ["slack typed", "discord typed", "terminal typed"])
async def test_an_answer_that_knew_much_says_all_of_it(joining: Joining, way: Way) -> None:
    """However many facts an answer had before it, each is listed and can be opened."""
    hand = await joining(way)
    for field in FIELDS:
        if field.is_list:
            await hand.has(field.name, [f"{field.name} No. {number} x" for number in range(field.max_items)])
    asked = await hand.prompt()
    pages = await leafed(await hand.type("used"), "Next")

    assert len(numbers(*pages)) == len(NUMBERED.findall(asked)) > 25


async def test_three_hundred_facts_are_on_home(joining: Joining) -> None:
    """Slack's Home tab leafs as well, with the switches below each page; what is opened there stands above it."""
    hand = await knowing(joining, "slack typed")
    assert isinstance(hand, SlackHand)
    home = await hand.looks()
    await home.press("Next")
    assert "page 2 of 30" in home.text
    await home.press("Next")
    assert "page 3 of 30" in home.text
    assert len(numbers(home.text)) == 20
    await home.open(home.lines[9][:30])
    assert "It rests on" in home.text
    assert "Pause" in home.labels
