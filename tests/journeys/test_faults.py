"""Faults: a clear sentence to the right person, a log line without text or secrets, and nothing lost."""

import asyncio
import logging

import pytest

from bot.delivery import WAITS_S
from bot.lanes import MAX_WAITING
from tests.journeys.worlds import World, answers, is_update, learns, taking_turns
from tests.twins.anthropic import ApiError, Reply
from tests.twins.server import Fault

SECRET_WORDS = "the purple elephant"

FAILURES = {
    "a wrong key": (Reply(error=ApiError(status=401)), "refuses my key"),
    "a spent budget": (
        Reply(error=ApiError(status=429, error_code="enforced_spend_limit_reached")),
        "budget for answers is used up",
    ),
    "a rate limit": (Reply(error=ApiError(status=429)), "overloaded"),
    "a failing server": (Reply(error=ApiError(status=500)), "overloaded"),
    "an overloaded server": (Reply(error=ApiError(status=529)), "overloaded"),
    "an unknown model": (Reply(error=ApiError(status=404)), "could not take this request"),
    "a refusal": (Reply(text="", stop_reason="refusal"), "declined"),
    "a cut stream": (Reply(text="An answer that", cut_after=2), "broke off"),
    "an empty answer": (Reply(text=""), "broke off"),
    "an overload inside the stream": (
        Reply(text="An answer", error=ApiError(status=529, after=1)),
        "broke off",
    ),
}


@taking_turns("failure", FAILURES)
async def test_a_model_that_fails_is_admitted(a_world: World, failure: str, caplog: pytest.LogCaptureFixture) -> None:
    """A member whose question gets no answer reads one honest sentence with a reference, and half an answer never."""
    a_world.claude.default, sentence = FAILURES[failure]
    caplog.set_level(logging.INFO)
    async with a_world.running(persona_consent="off"):
        post = await a_world.says("Ana", SECRET_WORDS)
        shown = await a_world.answered(post)

        assert sentence in shown
        assert "(reference " in shown
        assert len(a_world.replies(post)) == 1
        assert "An answer" not in shown
        logged = [str(record.msg) for record in caplog.records]
        assert any("message.settled" in line and "'failed'" in line for line in logged)
        assert not any(SECRET_WORDS in line or "test-key" in line for line in logged)


async def test_a_passing_overload_is_waited_out(a_world: World) -> None:
    """One overload costs a pause, not the answer."""
    a_world.claude.script(Reply(error=ApiError(status=529)), "Here you are.")
    async with a_world.running():
        assert await a_world.answered(await a_world.says("Ana", "hello")) == "Here you are."


async def test_an_empty_mention_is_greeted(a_world: World) -> None:
    """A mention without words gets a greeting that says what can be done, without asking the model."""
    async with a_world.running():
        shown = await a_world.answered(await a_world.says("Ana", ""))

        assert "Ask me anything" in shown
        assert answers(a_world.claude) == []


async def test_a_message_beyond_all_bounds_is_refused_kindly(slack_world: World) -> None:
    """A message too long to read says how long it may be, and does not reach the model."""
    async with slack_world.running():
        shown = await slack_world.answered(await slack_world.dms("Ana", "word " * 7_000))

        assert "24,000" in shown
        assert answers(slack_world.claude) == []


async def test_broken_unicode_is_answered(a_world: World) -> None:
    """Half a character is no reason to fail."""
    async with a_world.running():
        assert await a_world.answered(await a_world.says("Ana", "half \ud83d a smile \x00")) == "An answer."


@pytest.mark.parametrize("kind", ["lost", "taken"])
async def test_an_unclear_post_is_one_post(a_world: World, kind: str) -> None:
    """When the connection breaks while posting, the answer is there once, whether the post had arrived or not."""
    fault = Fault(reset_before=True) if kind == "lost" else Fault(reset_after=True)
    async with a_world.running(persona_consent="off"):
        a_world.twin.fault("POST", a_world.post_path, fault)
        post = await a_world.says("Ana", "hello")
        await a_world.answered(post)

        assert a_world.replies(post) == ["An answer."]


async def test_an_answer_that_could_not_be_shown_is_shown_later(a_world: World) -> None:
    """An answer the platform did not take, try after try, is shown by a later sweep; the model is not asked again."""
    async with a_world.running(persona_consent="off"):
        a_world.core.adapters[a_world.platform].grow_every_s = None
        down = Fault(reset_before=True, times=1 + len(WAITS_S))
        a_world.twin.fault("POST", a_world.post_path, down)
        post = await a_world.says("Ana", "hello")
        await a_world.twin.wait_for(lambda: down.times == 0)
        await a_world.quiet()
        assert a_world.replies(post) == []
        assert await a_world.core.intake.recover() == 1

        assert await a_world.answered(post) == "An answer."
        assert len(answers(a_world.claude)) == 1


async def test_garbage_from_the_optimizer_changes_nothing_and_comes_due_again(a_world: World) -> None:
    """An update that is not of its schema is not applied; the session is learned by a later sweep."""
    a_world.claude.match(is_update, '{"operations": [{"op": "explode"}]}')
    async with a_world.running(persona_consent="on"):
        await a_world.answered(await a_world.says("Ana", "I moved to Lisbon"))
        a_world.pass_time(minutes=31)
        assert (await a_world.core.learning.sweep()).failures == 1
        assert "nothing about you" in await a_world.command("Ana", "show")
        assert (await a_world.core.learning.sweep()).sessions == 0
        learns(a_world.claude, ("set", "location", "Lisbon", "I moved to Lisbon"))
        a_world.pass_time(minutes=2)

        assert (await a_world.core.learning.sweep()).operations == 1
        assert "Lisbon" in await a_world.command("Ana", "show")


async def test_a_full_room_says_so(a_world: World) -> None:
    """Who writes into a room where too much waits is told, and the answers that wait still come."""
    go_on = asyncio.Event()
    a_world.claude.default = Reply(text="An answer.", hold=go_on)
    async with a_world.running(persona_consent="off"):
        first = await a_world.says("Ana", "one")
        await a_world.claude.wait_for(lambda: answers(a_world.claude))
        posts = [await a_world.says("Ana", f"more {number}", after=first) for number in range(MAX_WAITING + 1)]
        await a_world.twin.wait_for(lambda: any("skip this one" in text for text in a_world.replies(posts[-1])))
        go_on.set()
        await a_world.quiet()

        assert len(answers(a_world.claude)) == 1 + MAX_WAITING
