"""Forms as modals: every one within Discord's limits, and what comes back by the names of the inputs."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.discord import forms
from bot.views import Form, Input
from tests.twins.discord.drafts import TEXT_DISPLAY, check_modal

TONE = Input(name="tone", label="Tone", value="dry", choices=("warm", "dry"))
VALUE = Input(name="value", label="Value", value="Lisbon", hint="A city", max_chars=80)


def form(*inputs: Input, title: str = "Correct a fact", text: str = "") -> Form:
    return Form(action="edit:7", title=title, text=text, inputs=inputs)


def payload(asked: Form) -> dict[str, Any]:
    """The modal as it is sent, which Discord must take."""
    found = forms.modal(asked).to_dict()
    check_modal(found)
    return found


def inputs(asked: Form) -> list[dict[str, Any]]:
    return [node["component"] for node in payload(asked)["components"] if "component" in node]


async def test_a_form_is_a_modal() -> None:
    """A form has its title, its sentence over the inputs, and comes back under our prefix with its action."""
    drawn = payload(form(VALUE, text="It was said in May."))

    assert (drawn["title"], drawn["custom_id"]) == ("Correct a fact", "rapport:edit:7")
    sentence, label = drawn["components"]
    assert (sentence["type"], sentence["content"]) == (TEXT_DISPLAY, "It was said in May.")
    assert label["label"] == "Value"


async def test_an_input_shows_what_stands_there() -> None:
    """An input has its value, its hint and its length; one that may stay empty says so."""
    value, note = inputs(form(VALUE, Input(name="note", label="Note", is_required=False, max_chars=500)))

    assert (value["custom_id"], value["value"], value["placeholder"]) == ("value", "Lisbon", "A city")
    assert (value["max_length"], value["required"], value["style"]) == (80, True, 1)
    assert (note["max_length"], note["required"], note["style"]) == (500, False, 2)


async def test_choices_are_picked() -> None:
    """An input with choices is a select; the one that stands there is picked already."""
    (tone,) = inputs(form(TONE))

    assert [(option["label"], option["value"], option["default"]) for option in tone["options"]] == [
        ("warm", "warm", False),
        ("dry", "dry", True),
    ]
    assert tone["required"]


async def test_a_form_is_not_waited_for() -> None:
    """What is filled in comes back as an interaction, also after a restart: nothing is kept in memory until then."""
    assert forms.modal(form(VALUE)).is_finished()


@pytest.mark.parametrize("number", [1, 4, 5])
async def test_a_form_with_a_text_fits(number: int) -> None:
    """A modal has five places: with five inputs the form's text stands below the first label."""
    asked = tuple(Input(name=f"i{n}", label=f"Input {n}") for n in range(number))
    drawn = payload(form(*asked, text="Read *this* first."))

    assert len(drawn["components"]) == min(number + 1, 5)
    assert "first" in str(drawn)
    assert drawn["components"][0].get("description", "Read *this* first.") == "Read *this* first."


@pytest.mark.parametrize("text", ["", "x" * 6_000, "é" * 150, "two\nlines"])
async def test_any_text_is_taken_by_discord(text: str) -> None:
    """Titles, labels, hints and choices may be empty or too long: the modal is still one."""
    long = Input(name="a", label=text, hint=text, value=text[:4_000], max_chars=10)
    pick = Input(name="b", label=text, hint=text, choices=("", text or "x", text or "x"), is_required=False)
    drawn = payload(form(long, pick, title=text, text=text))

    assert 0 < len(drawn["title"]) <= 45


async def test_what_stands_there_is_not_cut() -> None:
    """A value that is longer than a new one may be is shown whole, or it would be lost by sending the form."""
    (value,) = inputs(form(Input(name="a", label="A", value="x" * 300, max_chars=80)))

    assert value["value"] == "x" * 300


async def test_hostile_text_is_text() -> None:
    """The sentence over the inputs mentions nobody and is no Markdown."""
    drawn = payload(form(VALUE, text="**bold** @everyone [a](b)"))

    assert drawn["components"][0]["content"] == "\\*\\*bold\\*\\* @\u200beveryone \\[a\\]\\(b\\)"


@pytest.mark.parametrize(
    "components",
    [
        [
            {"type": TEXT_DISPLAY, "id": 1},
            {"type": 18, "component": {"type": 4, "custom_id": "value", "value": "Porto"}},
            {"type": 18, "component": {"type": 3, "custom_id": "tone", "values": ["warm"]}},
        ],
        [
            {"type": 1, "components": [{"type": 4, "custom_id": "value", "value": "Porto"}]},
            {"type": 1, "components": [{"type": 3, "custom_id": "tone", "values": ["warm"]}]},
        ],
    ],
    ids=["labels", "rows"],
)
def test_answers_come_by_name(components: list[dict[str, Any]]) -> None:
    """What was typed and what was picked come back under the names of the inputs, in either form of Discord's."""
    assert forms.answers({"custom_id": "rapport:edit:7", "components": components}) == {
        "value": "Porto",
        "tone": "warm",
    }


def test_nothing_picked_is_an_empty_answer() -> None:
    """A select in which nothing was picked, and an input without words, are empty."""
    empty = [{"type": 3, "custom_id": "tone", "values": []}, {"type": 4, "custom_id": "value", "value": None}]

    assert forms.answers({"components": [{"type": 1, "components": empty}]}) == {"tone": "", "value": ""}
