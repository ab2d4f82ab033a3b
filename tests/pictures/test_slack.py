"""The pictures in the documents show what Slack gets today."""

from __future__ import annotations

import html
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.pictures import slack, slack_svg
from tests.twins.slack.blocks import Json, strings

WORDS = re.compile(r"[^\s*<>|`]+")


def read(drawn: str) -> str:
    """Everything that can be read in a picture, without the breaks of its lines."""
    root = ET.fromstring(drawn)  # noqa: S314 - our own
    return " ".join("".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text"))


async def test_the_stored_pictures_are_what_is_sent() -> None:
    """The pictures are drawn from the payloads of now, `make pictures` renews them, and they show every word.

    What stands there already in a form is among them; all is whole and in order.
    """
    payloads = await slack.payloads()
    drawn = {name: slack.svg(payload) for name, payload in payloads.items()}

    assert {name: (slack.FOLDER / f"{name}.svg").read_text(encoding="utf-8") for name in slack.PICTURES} == drawn
    assert [word for name, payload in payloads.items() for word in unread(payload, drawn[name])] == []


def test_every_stored_picture_is_drawn() -> None:
    """No picture of Slack is left over from before, and each stands on the page."""
    page = (slack.FOLDER / "README.md").read_text(encoding="utf-8")

    assert {path.stem for path in slack.FOLDER.glob("slack-*.svg")} == set(slack.PICTURES)
    assert [name for name in slack.PICTURES if f"({name}.svg)" not in page] == []


def unread(payload: Json, drawn: str) -> list[str]:
    """The words of a payload that its picture does not show."""
    words = [word for text in strings(payload["blocks"]) for word in WORDS.findall(without_links(html.unescape(text)))]
    assert words != []
    shown, hidden = read(drawn), unpicked(payload)
    return [word for word in words if word not in shown and word not in hidden]


def without_links(text: str) -> str:
    return re.sub(r"<[^|>]+\|", "", text)


def unpicked(payload: Json) -> list[str]:
    """Hints that are covered by what stands there, and choices that are not picked: a closed form hides them."""
    hidden: list[str] = []
    for block in payload["blocks"]:
        element = block.get("element", {})
        if "initial_value" in element:
            hidden += element["placeholder"]["text"].split()
        hidden += [option["value"] for option in element.get("options", ())]
    return hidden


@pytest.mark.parametrize("name", slack.PICTURES)
def test_a_picture_loads_nothing(name: str) -> None:
    """A picture is whole by itself: it needs no font or image from elsewhere."""
    drawn = Path(slack.FOLDER / f"{name}.svg").read_text(encoding="utf-8")

    assert "href" not in drawn
    assert "url(" not in drawn
    assert "@import" not in drawn


def test_nothing_runs_over_the_edge() -> None:
    """Long words and many buttons are broken into lines."""
    button = {"text": {"text": "A button with a long label"}}
    text = {"type": "section", "text": {"text": "a *few bold* words " * 40}, "accessory": button}
    drawn = slack_svg.message([text, {"type": "actions", "elements": [button] * 7}])
    root = ET.fromstring(drawn)  # noqa: S314 - our own
    boxes = list(root.iter("{http://www.w3.org/2000/svg}rect"))

    assert max(float(box.attrib["x"]) + float(box.attrib["width"]) for box in boxes) <= slack_svg.WIDTH
    assert len({box.attrib["y"] for box in boxes}) > 3
