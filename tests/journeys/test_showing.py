"""How a reply appears: while it is written, in pieces when it is long, and never to anybody's phone."""

import asyncio

from bot.delivery import WITHDRAWN
from tests.journeys.worlds import World, answers
from tests.twins.anthropic import Reply
from tests.twins.server import Fault

LONG = "\n\n".join(
    [f"Paragraph {number}: " + "words and & ampersands < " * 20 for number in range(8)]
    + ["```python", *(f"print({number})" for number in range(400)), "```", "The end."]
)


async def test_a_reply_grows_while_it_is_written(a_world: World) -> None:
    """A member sees the beginning of an answer before its end is written, and in the end all of it, once."""
    go_on = asyncio.Event()
    a_world.claude.default = Reply(chunks=["The beginning", " and the end."], hold_after=(1, go_on))
    async with a_world.running(persona_consent="off"):
        a_world.core.adapters[a_world.platform].grow_every_s = 0
        post = await a_world.says("Ana", "hello")
        await a_world.twin.wait_for(lambda: a_world.replies(post))
        assert a_world.replies(post) == ["The beginning"]
        go_on.set()
        await a_world.quiet()

        assert a_world.replies(post) == ["The beginning and the end."]


async def test_a_long_reply_comes_in_pieces_that_lose_nothing(a_world: World) -> None:
    """An answer beyond the platform's limit is posted in order, in pieces it takes, and every word arrives."""
    a_world.claude.default = LONG
    async with a_world.running(persona_consent="off"):
        await a_world.answered(await a_world.says("Ana", "hello"))

        pieces = a_world.posted()
        assert len(pieces) > 2
        words = " ".join(pieces).replace("&amp;", "&").replace("&lt;", "<").replace("```python", "").split()
        assert [word for word in words if word != "```"] == [
            word for word in LONG.replace("```python", "").split() if word != "```"
        ]
        assert all(piece.count("```") % 2 == 0 for piece in pieces)


async def test_a_rate_limit_is_waited_out(a_world: World) -> None:
    """A platform that says "later" is asked again later, and the answer arrives once."""
    limited = Fault.json(
        429,
        {"ok": False, "error": "ratelimited", "message": "later", "retry_after": 0.01, "global": False},
        headers={"Retry-After": "1", "Via": "1.1 twin"},
    )
    async with a_world.running(persona_consent="off"):
        a_world.twin.fault("POST", a_world.post_path, limited)
        post = await a_world.says("Ana", "hello")

        assert await a_world.answered(post) == "An answer."
        assert len(a_world.posted()) == 1


async def test_a_channel_that_refuses_us_settles_the_message(a_world: World) -> None:
    """Where the platform refuses the answer for good, Rapport stops trying and answers elsewhere as before."""
    refused = Fault.json(
        403, {"ok": False, "error": "restricted_action", "code": 50013, "message": "Missing Permissions"}
    )
    async with a_world.running(persona_consent="off"):
        a_world.twin.fault("POST", a_world.post_path, refused)
        await a_world.says("Ana", "hello")
        await a_world.twin.wait_for(lambda: a_world.twin.calls(a_world.post_path))
        await a_world.quiet()
        assert a_world.posted() == []

        assert await a_world.answered(await a_world.says("Ana", "still there?", place="random")) == "An answer."
        assert await a_world.core.intake.recover() == 0


async def test_a_question_deleted_while_its_answer_is_thought_of_is_not_answered(a_world: World) -> None:
    """Nothing is posted for a question that was deleted before anything of its answer showed."""
    go_on = asyncio.Event()
    a_world.claude.default = Reply(text="Too late.", hold=go_on)
    async with a_world.running(persona_consent="off"):
        post = await a_world.says("Ana", "hello")
        await a_world.claude.wait_for(lambda: answers(a_world.claude))
        await a_world.deletes(post)
        go_on.set()
        await a_world.quiet()

        assert a_world.posted() == []
        assert await a_world.core.intake.recover() == 0


async def test_an_answer_whose_question_was_deleted_does_not_stay_half(a_world: World) -> None:
    """An answer that shows already when its question is deleted is replaced by a sentence that says so."""
    go_on = asyncio.Event()
    a_world.claude.default = Reply(chunks=["Yes, delete it", ", but only after the backup."], hold_after=(1, go_on))
    async with a_world.running(persona_consent="off"):
        a_world.core.adapters[a_world.platform].grow_every_s = 0
        post = await a_world.says("Ana", "hello")
        await a_world.twin.wait_for(a_world.posted)
        await a_world.deletes(post)
        go_on.set()
        await a_world.quiet()

        assert a_world.posted() == [WITHDRAWN]
        assert await a_world.core.intake.recover() == 0


async def test_an_answer_to_a_deleted_question_is_in_no_later_prompt(a_world: World) -> None:
    """What a member deletes is gone with our reply, which may repeat it."""
    a_world.claude.script("Purple it is.")
    async with a_world.running(persona_consent="off"):
        first = await a_world.says("Ana", "one")
        await a_world.answered(first)
        second = await a_world.says("Ana", "purple", after=first)
        await a_world.answered(second)
        a_world.claude.script("Fine.")
        third = await a_world.says("Bo", "three", after=first)
        await a_world.answered(third)
        await a_world.deletes(second)
        await a_world.answered(await a_world.says("Bo", "four", after=first))

        assert "purple" in answers(a_world.claude)[2].text
        assert "purple" not in answers(a_world.claude)[3].text


async def test_a_deleted_question_is_not_answered(a_world: World) -> None:
    """A question deleted while it waits in line gets no answer."""
    go_on = asyncio.Event()
    a_world.claude.script(Reply(text="The first answer.", hold=go_on))
    async with a_world.running(persona_consent="off"):
        first = await a_world.says("Ana", "one")
        second = await a_world.says("Bo", "two", after=first)
        await a_world.deletes(second)
        go_on.set()
        await a_world.answered(first)

        assert a_world.posted() == ["The first answer."]
