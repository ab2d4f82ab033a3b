"""A form as a modal, within Discord's limits, and what was filled into it: it comes back as another interaction."""

from collections.abc import Iterator, Mapping
from typing import Any

import discord

from adapters.discord import views
from bot.views import Form, Input

MAX_TITLE_CHARS = 45
MAX_LABEL_CHARS = 45
MAX_HINT_CHARS = 100
MAX_INPUT_CHARS = 4_000
MAX_COMPONENTS = 5
LONG_CHARS = 200
"""An input that takes more gets several lines."""


def modal(form: Form) -> discord.ui.Modal:
    """The form. It is stopped, so that discord.py does not keep it in memory: we hear its interaction ourselves.

    A modal has five places. If the inputs take all of them, the form's text stands below the first label.
    """
    drawn = discord.ui.Modal(
        title=views.plain(form.title, MAX_TITLE_CHARS), custom_id=f"{views.ACTION_PREFIX}{form.action}"
    )
    inputs = form.inputs[:MAX_COMPONENTS]
    has_room = len(inputs) < MAX_COMPONENTS
    if form.text and has_room:
        drawn.add_item(discord.ui.TextDisplay(views.escape(form.text)[:MAX_INPUT_CHARS]))
    for number, asked in enumerate(inputs):
        about = form.text if number == 0 and not has_room else ""
        drawn.add_item(_label(asked, about))
    drawn.stop()
    return drawn


def answers(data: Mapping[str, Any]) -> dict[str, str]:
    """What was filled in, by the names of the inputs, of the data of a modal's interaction."""
    found = {}
    for node in _inputs(data.get("components", ())):
        picked = node.get("values")
        found[str(node["custom_id"])] = str(node.get("value") or "") if picked is None else "".join(picked[:1])
    return found


def _inputs(components: Any) -> Iterator[Mapping[str, Any]]:
    """Whatever has an id, in rows as in labels: which of them Discord sends is up to Discord."""
    for node in components:
        if "custom_id" in node:
            yield node
        yield from _inputs(node.get("components", ()))
        yield from _inputs([node["component"]] if "component" in node else ())


def _label(asked: Input, about: str) -> discord.ui.Label[Any]:
    return discord.ui.Label(
        text=views.plain(asked.label, MAX_LABEL_CHARS),
        description=views.plain(about, MAX_HINT_CHARS) if about else None,
        component=_select(asked) if any(asked.choices) else _text(asked),
    )


def _select(asked: Input) -> discord.ui.Select[Any]:
    choices = dict.fromkeys(choice[: views.MAX_OPTION_CHARS] for choice in asked.choices if choice)
    options = [
        discord.SelectOption(
            label=views.plain(choice, views.MAX_OPTION_CHARS), value=choice, default=choice == asked.value
        )
        for choice in choices
    ][: views.MAX_OPTIONS]
    return discord.ui.Select(
        custom_id=asked.name,
        placeholder=views.plain(asked.hint, MAX_HINT_CHARS) if asked.hint else None,
        options=options,
        required=asked.is_required,
        min_values=1 if asked.is_required else 0,
    )


def _text(asked: Input) -> discord.ui.TextInput[Any]:
    """What stands there already is never cut: it would be lost when the form is sent."""
    most = min(MAX_INPUT_CHARS, max(asked.max_chars, len(asked.value)))
    return discord.ui.TextInput(
        custom_id=asked.name,
        style=discord.TextStyle.paragraph if most > LONG_CHARS else discord.TextStyle.short,
        default=asked.value[:MAX_INPUT_CHARS] or None,
        placeholder=views.plain(asked.hint, MAX_HINT_CHARS) if asked.hint else None,
        required=asked.is_required,
        max_length=most,
    )
