"""A member who edits our mention out of a post takes it back: Discord hides from us what it says now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.journeys.worlds import DiscordWorld, answers, learns, world
from tests.twins.anthropic import Reply
from tests.twins.discord import Message

LIVES = "I live in Lisbon"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[DiscordWorld]:
    """A server with Rapport in it, without the message content intent."""
    async with world("discord", tmp_path) as made:
        assert isinstance(made, DiscordWorld)
        yield made


async def learned(place: DiscordWorld) -> Message:
    """Ana's post, from which her location was learned."""
    learns(place.claude, ("set", "location", "Lisbon", LIVES))
    post = await place.says("Ana", LIVES)
    await place.answered(post)
    place.pass_time(minutes=31)
    await place.core.learning.sweep()
    assert "Lisbon" in await place.command("Ana", "show")
    found = place.twin.message(post)
    assert found is not None
    return found


@pytest.mark.parametrize("text", ["never mind", LIVES, f"<@{{bo}}> {LIVES}"])
async def test_a_post_that_is_for_us_no_more_is_taken_back(place: DiscordWorld, text: str) -> None:
    """What was learned from a post is gone once the post is edited so that it does not mention us."""
    async with place.running(persona_consent="on"):
        post = await learned(place)
        await place.twin.edits(post, text.format(bo=place.twin.server.user("Bo").id))
        await place.delivered()

        assert "Lisbon" not in await place.command("Ana", "show")


async def test_a_post_that_is_still_for_us_keeps_what_it_says(place: DiscordWorld) -> None:
    """An edit that leaves our mention and the words keeps what was learned from them."""
    async with place.running(persona_consent="on"):
        post = await learned(place)
        await place.edits(post.id, f"{LIVES}!")

        assert "Lisbon" in await place.command("Ana", "show")


async def test_a_preview_takes_nothing_back(place: DiscordWorld) -> None:
    """A link preview that Discord adds to a post is no edit, and neither is one below talk that was never for us."""
    async with place.running(persona_consent="on"):
        post = await learned(place)
        talk = await place.twin.says("Ana", "team", "see https://example.org")
        await place.unfurls(talk.id)
        await place.unfurls(post.id)
        await place.edits(post.id, f"{LIVES}!")
        await place.unfurls(post.id)

        assert "Lisbon" in await place.command("Ana", "show")


async def test_a_question_that_is_for_us_no_more_is_not_answered(place: DiscordWorld) -> None:
    """A question that is edited away from us while its answer is thought of gets none."""
    go_on = asyncio.Event()
    place.claude.default = Reply(text="Too late.", hold=go_on)
    async with place.running(persona_consent="off"):
        post = place.twin.message(await place.says("Ana", "hello"))
        assert post is not None
        await place.claude.wait_for(lambda: answers(place.claude))
        await place.twin.edits(post, "hello, everybody")
        await place.delivered()
        go_on.set()
        await place.quiet()

        assert place.posted() == []
