"""Every verb, in every way to give commands: typed as such or said to Rapport, on Slack, Discord and the terminal."""

from __future__ import annotations

import pytest

from bot.commands import registry
from bot.commands.command import Command
from tests.journeys.hands import WAYS, Joining, Way
from tests.journeys.panels import Did
from tests.journeys.verbs import STORIES, unreachable


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("verb", STORIES)
@pytest.mark.parametrize("way", WAYS)
async def test_a_verb_does_what_it_says(joining: Joining, way: Way, verb: str) -> None:
    """What a verb shows and what follows from it, typed, pressed, opened in a form and filled in, as far as it can."""
    hand = await joining(way)
    await STORIES[verb](hand)

    assert offers(registry._BY_NAME[verb]) - unreachable(way) - hand.did == set()


def test_every_verb_has_a_story() -> None:
    """Whoever adds a verb tells what it does for a member, once for all platforms."""
    assert set(STORIES) == set(registry._BY_NAME)


def offers(command: Command) -> Did:
    """What there is of a verb to be used."""
    ways: Did = {(command.name, "run")} if command.is_listed else set()
    return ways | {(command.name, kind) for kind in ("press", "form", "fill") if getattr(command, kind) is not None}
