"""What is unclear, and what changes while an answer is on its way: one outcome is shown, and it is the right one."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from bot.delivery import WITHDRAWN
from bot.responder import MAX_REWRITES
from tests.journeys.worlds import SlackWorld, World, answers
from tests.reliability.clocks import SharedClock
from tests.twins.anthropic import Reply
from tests.twins.discord import DiscordTwin
from tests.twins.server import Fault


async def test_a_history_that_lags_makes_no_double(slack: SlackWorld) -> None:
    """A post that was taken and does not show in the history yet is waited for, instead of being made again."""
    slack.clock = SharedClock(
        slack.clock.now(), moves=lambda seconds: setattr(slack.twin, "now", slack.twin.now + seconds)
    )
    slack.twin.workspace.history_lag_s = 10.0
    async with slack.running(persona_consent="off"):
        slack.twin.fault("POST", slack.post_path, Fault(reset_after=True))
        post = await slack.says("Ana", "hello")
        await slack.answered(post)

        assert slack.replies(post) == ["An answer."]
        assert len(slack.twin.calls(slack.post_path)) == 1


async def test_a_question_deleted_while_its_answer_is_posted_keeps_none(a_world: World) -> None:
    """When the question goes while the answer is on its way to the platform, what shows of it is replaced."""
    go_on = asyncio.Event()
    async with a_world.running(persona_consent="off"):
        a_world.core.adapters[a_world.platform].grow_every_s = None
        a_world.twin.fault("POST", a_world.post_path, Fault(hold_after=go_on))
        post = await a_world.says("Ana", "hello")
        await a_world.twin.wait_for(lambda: a_world.replies(post))
        await a_world.deletes(post)
        go_on.set()
        await a_world.quiet()

        assert a_world.posted() == [WITHDRAWN]


@pytest.mark.parametrize("edits", [1, MAX_REWRITES + 1])
async def test_the_newest_words_are_answered(a_world: World, edits: int) -> None:
    """A question edited while its answer is thought of has one answer, to its newest words.

    One that is edited again and again is answered in the words it had when we began for the last time.
    """
    async with a_world.running(persona_consent="off"):
        posts: list[str] = []

        async def asked(body: dict[str, Any]) -> str:
            count = len(answers(a_world.claude))
            said = re.findall(r"question \d+", answers(a_world.claude)[-1].text)[-1]
            if count <= edits:
                await a_world.edits(posts[0], f"question {count}")
            return f"To {said}."

        a_world.claude.default = asked
        posts.append(await a_world.says("Ana", "question 0"))
        await a_world.answered(posts[0])

        assert a_world.replies(posts[0]) == [f"To question {min(edits, MAX_REWRITES)}."]
        assert len(answers(a_world.claude)) == min(edits, MAX_REWRITES) + 1


async def test_an_answer_somebody_deletes_is_not_posted_again(a_world: World) -> None:
    """An admin who deletes a reply that still grows has the last word: it does not come back."""
    go_on = asyncio.Event()
    a_world.claude.default = Reply(chunks=["An ", "answer."], hold_after=(1, go_on))
    async with a_world.running(persona_consent="off"):
        a_world.core.adapters[a_world.platform].grow_every_s = 0.0
        post = await a_world.says("Ana", "hello")
        await a_world.twin.wait_for(lambda: a_world.replies(post))
        await take_away(a_world, post)
        go_on.set()
        await a_world.quiet()

        assert a_world.replies(post) == []
        assert await a_world.core.intake.recover() == 0


async def take_away(here: World, post: str) -> None:
    """Let an admin delete what shows of a reply."""
    if isinstance(here, SlackWorld):
        channel, ts = post.split("/")
        shown = here.twin.messages(channel, ts)[-1]
        shown.deleted = True
        return
    assert isinstance(here.twin, DiscordTwin)
    (answer,) = [one for one in here.twin.messages("team") if one.author_id == here.twin.bot_id]
    await here.twin.deletes(answer)
