"""Forms as modals: what is drawn, what comes back filled in, and where it was asked for. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from adapters.slack import views
from adapters.slack.views import ACTION_PREFIX, Block
from bot.messages import Room
from bot.views import Form, Input, View

MAX_TITLE_CHARS = 24
MAX_LABEL_CHARS = 2_000
MAX_HINT_CHARS = 150
MAX_CHOICE_CHARS = 75
MAX_TYPED_CHARS = 3_000
MANY_LINES_FROM = 200
"""An answer that may be longer than this gets several lines to type in."""

ANSWER = "answer"
"""The action id of every input; its block carries its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a modal was opened; it travels with the modal, since Slack says nothing of it later."""

    room: Room | None = None
    is_home: bool = False

    @classmethod
    def of(cls, modal: Mapping[str, Any]) -> Self:
        """What `as_metadata` wrote into a modal."""
        found = json.loads(modal.get("private_metadata") or "{}")
        return cls(room=Room(**found["room"]) if found.get("room") else None, is_home=bool(found.get("home")))

    def as_metadata(self) -> str:
        """The origin as a modal's private metadata, far below its 3,000 characters."""
        room = self.room and {
            "tenant": self.room.tenant,
            "channel": self.room.channel,
            "thread": self.room.thread,
            "kind": self.room.kind,
        }
        return json.dumps({"room": room, "home": self.is_home})


def form(asked: Form, origin: Origin) -> Block:
    """A modal to fill in; its submission comes back with the form's action as callback id."""
    over = [views.sentence(asked.text)] if asked.text else []
    return {
        "type": "modal",
        "callback_id": f"{ACTION_PREFIX}{asked.action}",
        "private_metadata": origin.as_metadata(),
        "title": views.plain(asked.title, MAX_TITLE_CHARS),
        "submit": views.plain("Save", MAX_TITLE_CHARS),
        "close": views.plain("Cancel", MAX_TITLE_CHARS),
        "blocks": [*over, *(_input(one) for one in asked.inputs)],
    }


def shown(view: View, origin: Origin, *, link: views.Link, title: str = "Rapport") -> Block:
    """A modal that shows a view, such as what came of a form."""
    return {
        "type": "modal",
        "private_metadata": origin.as_metadata(),
        "title": views.plain(title, MAX_TITLE_CHARS),
        "close": views.plain("Close", MAX_TITLE_CHARS),
        "blocks": views.blocks(view, link=link),
    }


def action(modal: Mapping[str, Any]) -> str:
    """The action of the form that a submitted modal drew."""
    return str(modal["callback_id"]).removeprefix(ACTION_PREFIX)


def answers(modal: Mapping[str, Any]) -> dict[str, str]:
    """What was filled in, by the name of its input; empty where nothing was; without what we never asked."""
    values = modal["state"]["values"]
    return {name: _answer(answered[ANSWER]) for name, answered in values.items() if ANSWER in answered}


def complaint(modal: Mapping[str, Any], sentence: str) -> dict[str, str] | None:
    """The sentence as an error that leaves the modal open with all that was typed; None if it has no inputs."""
    first = next((block["block_id"] for block in modal["blocks"] if block["type"] == "input"), None)
    return None if first is None else {first: sentence}


def _input(asked: Input) -> Block:
    return {
        "type": "input",
        "block_id": asked.name,
        "label": views.plain(asked.label, MAX_LABEL_CHARS),
        "optional": not asked.is_required,
        "element": _select(asked) if asked.choices else _text(asked),
    }


def _text(asked: Input) -> Block:
    most = min(asked.max_chars, MAX_TYPED_CHARS)
    element: Block = {
        "type": "plain_text_input",
        "action_id": ANSWER,
        "max_length": most,
        "multiline": most > MANY_LINES_FROM,
    }
    if asked.value:
        element["initial_value"] = asked.value[:most]
    return {**element, **_hint(asked)}


def _select(asked: Input) -> Block:
    options = [{"text": views.plain(choice, MAX_CHOICE_CHARS), "value": choice} for choice in asked.choices]
    element: Block = {"type": "static_select", "action_id": ANSWER, "options": options}
    if asked.value in asked.choices:
        element["initial_option"] = options[asked.choices.index(asked.value)]
    return {**element, **_hint(asked)}


def _hint(asked: Input) -> Block:
    return {"placeholder": views.plain(asked.hint, MAX_HINT_CHARS)} if asked.hint else {}


def _answer(answered: Mapping[str, Any]) -> str:
    picked = answered.get("selected_option") or {}
    return str(answered.get("value") or picked.get("value") or "")
