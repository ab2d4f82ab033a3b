"""Forms as modals: within Slack's limits, and what comes back is what was filled in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack import modals
from adapters.slack.modals import Origin
from bot.messages import Room, TenantId
from bot.views import Button, Form, Input, Source, View
from tests.twins.slack import payloads
from tests.twins.slack.blocks import Json, view_errors
from tests.twins.slack.workspace import Workspace

ROOM = Room(tenant=TenantId("slack:T1"), channel="C1", thread="1.0", kind="private")
VALUE = Input(name="value", label="Value", value="Lisbon", hint="where you live", max_chars=60)
TONE = Input(name="tone", label="Tone", value="dry", choices=("warm", "dry"), is_required=False)


def form(*inputs: Input, title: str = "Edit", text: str = "") -> Form:
    return Form(action="edit:f1", title=title, text=text, inputs=inputs)


def drawn(asked: Form, origin: Origin | None = None) -> Json:
    """The modal, which Slack must take."""
    modal = modals.form(asked, origin or Origin())
    assert view_errors(modal) == []
    return modal


def submitted(modal: Json, **typed: str) -> Json:
    """The modal as it comes back with this filled in."""
    shown = payloads.view_json(Workspace("T1"), modal)
    return shown | {"state": payloads.state(shown, {name: {modals.ANSWER: value} for name, value in typed.items()})}


def no_link(_source: Source) -> str:
    return "https://twin.slack.com/"


def test_a_form_shows_what_is_there_and_what_is_asked() -> None:
    """Title, sentence, labels, hints, what stands there already and what can be picked are all drawn."""
    modal = drawn(form(VALUE, TONE, text="This <changes> what I know."))
    sentence, value, tone = modal["blocks"]

    assert modal["title"]["text"] == "Edit"
    assert sentence["text"]["text"] == "This &lt;changes&gt; what I know."
    assert (value["label"]["text"], value["element"]["initial_value"]) == ("Value", "Lisbon")
    assert (value["element"]["placeholder"]["text"], value["element"]["max_length"]) == ("where you live", 60)
    assert [option["value"] for option in tone["element"]["options"]] == ["warm", "dry"]
    assert tone["element"]["initial_option"]["value"] == "dry"
    assert (value["optional"], tone["optional"]) == (False, True)


def test_a_form_without_a_sentence_has_only_inputs() -> None:
    """Nothing is drawn for what a form does not say."""
    modal = drawn(form(Input(name="code", label="Code")))

    assert [block["type"] for block in modal["blocks"]] == ["input"]
    assert set(modal["blocks"][0]["element"]) == {"type", "action_id", "max_length", "multiline"}


def test_what_was_filled_in_comes_back_by_name() -> None:
    """A typed and a picked answer come back under the names of their inputs, what was left alone as it stood."""
    modal = submitted(drawn(form(VALUE, TONE)), value="Porto")

    assert modals.action(modal) == "edit:f1"
    assert modals.answers(modal) == {"value": "Porto", "tone": "dry"}


def test_what_was_left_empty_comes_back_empty() -> None:
    """An input that nothing was put into has the empty answer."""
    modal = submitted(drawn(form(Input(name="value", label="Value"), Input(name="tone", label="T", choices=("dry",)))))

    assert modals.answers(modal) == {"value": "", "tone": ""}


def test_what_was_never_asked_is_left_out() -> None:
    """A value that comes back from a block that is none of ours is no answer, and hides none."""
    modal = submitted(drawn(form(VALUE)), value="Porto")
    modal["state"]["values"]["else"] = {"other": {"type": "plain_text_input", "value": "x"}}

    assert modals.answers(modal) == {"value": "Porto"}


@pytest.mark.parametrize("origin", [Origin(), Origin(is_home=True), Origin(room=ROOM)])
def test_a_modal_knows_where_it_was_opened(origin: Origin) -> None:
    """Where a form was asked for is known when it comes back, though Slack does not say it."""
    assert Origin.of(submitted(drawn(form(VALUE), origin))) == origin


def test_a_modal_of_nobody_knows_nothing() -> None:
    """A modal without metadata came from nowhere."""
    assert Origin.of({"private_metadata": ""}) == Origin()


@pytest.mark.parametrize("max_chars", [1, 200, 201, 3_000, 9_000])
def test_an_answer_of_any_length_can_be_asked_for(max_chars: int) -> None:
    """However much may be typed, and however much stands there, Slack takes the input."""
    modal = drawn(form(Input(name="text", label="Text", value="x" * 5_000, max_chars=max_chars)))

    assert modal["blocks"][0]["element"]["multiline"] is (max_chars > 200)


TEXT = st.text(min_size=1, max_size=400).filter(str.strip)


@given(title=TEXT, label=TEXT, hint=TEXT, choice=st.text(min_size=1, max_size=150).filter(str.strip))
def test_any_words_can_be_drawn(title: str, label: str, hint: str, choice: str) -> None:
    """Whatever a form says is shown as far as it fits, and never refused."""
    drawn(
        form(
            Input(name="a", label=label, hint=hint),
            Input(name="b", label=label, hint=hint, choices=(choice,)),
            title=title,
            text=hint,
        )
    )


def test_a_complaint_leaves_the_modal_open() -> None:
    """A sentence about what went wrong stands at the first input, so that nothing typed is lost."""
    assert modals.complaint(drawn(form(VALUE, TONE, text="x")), "No.") == {"value": "No."}
    assert modals.complaint(drawn(form(text="Really?")), "No.") is None


def test_a_view_in_a_modal_keeps_where_it_came_from() -> None:
    """What is shown in a modal can be pressed there, knows its room, and cannot be submitted."""
    view = View(text="Changed.", buttons=(Button(action="undo:o1", label="Undo"),))
    modal = modals.shown(view, Origin(room=ROOM), link=no_link)

    assert view_errors(modal) == []
    assert "submit" not in modal
    assert Origin.of(modal).room == ROOM
    assert modal["blocks"][-1]["elements"][0]["action_id"] == "rapport:undo:o1"
