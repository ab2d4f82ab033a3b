"""The main journeys once more, with Slack delivering over HTTP: what holds over a socket holds here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from bot.messages import Member
from tests.journeys.hands import TAUGHT, Hand, Joining, Way, newcomer
from tests.journeys.hands_slack import SlackHand
from tests.journeys.panels import Did
from tests.journeys.test_departures import (
    test_an_app_installed_again_asks_again,
    test_an_uninstalled_app_stops_and_forgets,
)
from tests.journeys.test_main_job import (
    test_a_direct_message_is_answered,
    test_a_mention_gets_one_answer_in_its_thread,
    test_nothing_is_learned_before_the_member_agreed,
    test_persona_show_links_each_fact_to_its_message,
)
from tests.journeys.test_once import (
    test_a_post_delivered_again_after_a_restart_has_one_answer,
    test_a_post_delivered_again_has_one_answer,
    test_an_edit_retracts_what_its_words_no_longer_say,
)
from tests.journeys.test_restart import (
    test_a_kill_between_acknowledgement_and_answer_loses_nothing,
    test_a_stop_lets_the_answer_finish,
)
from tests.journeys.verbs import STORIES
from tests.journeys.worlds import learns
from tests.journeys.worlds_http import HttpSlackWorld, http_world
from tests.twins.anthropic import Reply

TOLD_ONCE_MORE = (
    test_a_direct_message_is_answered,
    test_a_kill_between_acknowledgement_and_answer_loses_nothing,
    test_a_mention_gets_one_answer_in_its_thread,
    test_a_post_delivered_again_after_a_restart_has_one_answer,
    test_a_post_delivered_again_has_one_answer,
    test_a_stop_lets_the_answer_finish,
    test_an_app_installed_again_asks_again,
    test_an_edit_retracts_what_its_words_no_longer_say,
    test_an_uninstalled_app_stops_and_forgets,
    test_nothing_is_learned_before_the_member_agreed,
    test_persona_show_links_each_fact_to_its_message,
)
"""A mention, a direct message, a command, a button, an edit, a deletion, an uninstall; repeated, cut short, stopped."""


@pytest.fixture
async def a_world(database: Path) -> AsyncIterator[HttpSlackWorld]:
    """What the journeys above happen in."""
    async with http_world(database.parent) as made:
        yield made


@pytest.fixture
def slack(a_world: HttpSlackWorld) -> HttpSlackWorld:
    """The same, for what only Slack lets people do."""
    return a_world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def joining(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Joining]:
    """A world that runs as long as this module's tests."""
    async with http_world(tmp_path_factory.mktemp("http")) as made, made.running(persona_consent="on"):
        learns(made.claude, *TAUGHT)
        yield partial(_joins, made)


async def _joins(made: HttpSlackWorld, way: Way) -> Hand:
    member: Member = await made.joins(newcomer())
    return SlackHand(made, member, way)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("verb", ["show", "add", "edit", "forget"])
async def test_a_verb_does_what_it_says_over_http(joining: Joining, verb: str) -> None:
    """Commands, buttons, and modals that are opened, filled in and changed by the answer, as they are over a socket."""
    hand = await joining("slack typed")
    await STORIES[verb](hand)

    assert _names(hand.did) >= {verb}


def _names(did: Did) -> set[str]:
    return {name for name, _ in did}


async def test_what_could_not_be_delivered_is_answered_later(a_world: HttpSlackWorld) -> None:
    """A message that Slack could not deliver for six minutes is answered once Slack gets through."""
    a_world.twin.retry_after_s = (0.0, 60.0, 300.0)
    post = await a_world.says("Ana", "hello")
    await a_world.delivered()
    async with a_world.running():
        a_world.pass_time(minutes=1)
        await a_world.answered(post)

        assert len(a_world.replies(post)) == 1
    assert a_world.twin.lost == []


async def test_nobody_waits_for_the_model(a_world: HttpSlackWorld) -> None:
    """While the model thinks, every delivery is acknowledged all the same: Slack repeats nothing."""
    go_on = asyncio.Event()
    a_world.claude.script(*[Reply(text="Late.", hold=go_on)] * 20)
    async with a_world.running():
        posts = [await a_world.says("Ana", f"question {number}") for number in range(20)]
        await a_world.delivered()
        attempts = {one.attempt for one in a_world.twin.deliveries}
        slowest_s = max(one.seconds for one in a_world.twin.deliveries)
        go_on.set()
        for post in posts:
            await a_world.answered(post)

    assert attempts == {0}
    assert slowest_s < 2
