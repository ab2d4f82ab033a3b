"""The main job, end to end, on both platforms: Rapport answers, goes idle, learns, and answers better."""

import asyncio

from tests.journeys.worlds import CONSENT_NO, CONSENT_YES, World, answers, learns, updates
from tests.twins.anthropic import Reply


async def test_a_mention_gets_one_answer_in_its_thread(a_world: World) -> None:
    """A member who mentions Rapport gets exactly one answer, in reply to the mention, and nobody is pinged."""
    a_world.claude.default = "Hi <!channel> @everyone <@U2>!"
    async with a_world.running():
        post = await a_world.says("Ana", "hello")
        await a_world.answered(post)

        assert len(a_world.replies(post)) == 1
        assert not a_world.pings
        assert len(answers(a_world.claude)) == 1


async def test_a_direct_message_is_answered(a_world: World) -> None:
    """A member who writes to Rapport directly gets an answer there."""
    a_world.claude.default = "In private."
    async with a_world.running():
        post = await a_world.dms("Ana", "psst")

        assert await a_world.answered(post) == "In private."


async def test_nothing_is_learned_before_the_member_agreed(a_world: World) -> None:
    """At first contact a member is asked once, in private, and what they said before agreeing is never learned."""
    learns(a_world.claude, ("set", "location", "Lisbon", "I live in Lisbon"))
    async with a_world.running():
        await a_world.answered(await a_world.says("Ana", "I live in Lisbon"))
        await a_world.answered(await a_world.says("Ana", "and again hello"))
        assert len(a_world.notices("Ana")) == 1
        assert a_world.notices("Bo") == []
        await a_world.press("Ana", CONSENT_YES)
        a_world.pass_time(minutes=31)

        assert (await a_world.core.learning.sweep()).operations == 0
        assert updates(a_world.claude) == []
        assert "nothing about you" in await a_world.command("Ana", "show")


async def test_a_slow_first_answer_changes_no_decision(a_world: World) -> None:
    """A member who decides while another first question of theirs is still being answered has decided; one notice."""
    go_on = asyncio.Event()
    a_world.claude.script(Reply(text="Slow.", hold=go_on), "Quick.")
    async with a_world.running():
        slow = await a_world.says("Ana", "hello")
        await a_world.claude.wait_for(lambda: answers(a_world.claude))
        quick = await a_world.says("Ana", "hello", place="random")
        await a_world.twin.wait_for(lambda: a_world.notices("Ana"))
        await a_world.press("Ana", CONSENT_NO)
        go_on.set()
        await a_world.answered(slow)

        assert a_world.replies(quick) == ["Quick."]
        assert len(a_world.notices("Ana")) == 1
        assert "Remembering is on, beginning" in await a_world.command("Ana", "resume")


async def test_a_member_who_declines_is_answered_and_never_learned_from(a_world: World) -> None:
    """Declining changes nothing about answers, and nothing is learned afterwards either."""
    learns(a_world.claude, ("set", "location", "Lisbon", "I live in Lisbon"))
    async with a_world.running():
        await a_world.answered(await a_world.says("Ana", "hello"))
        await a_world.press("Ana", CONSENT_NO)
        assert await a_world.answered(await a_world.says("Ana", "I live in Lisbon")) == "An answer."
        a_world.pass_time(minutes=31)

        assert (await a_world.core.learning.sweep()).operations == 0
        assert updates(a_world.claude) == []


async def test_declining_leaves_the_conversation(a_world: World) -> None:
    """Who declines goes on where they were: the next answer is given in sight of what was said before."""
    async with a_world.running():
        post = await a_world.says("Ana", "plan the Xanadu launch")
        await a_world.answered(post)
        await a_world.press("Ana", CONSENT_NO)
        await a_world.answered(await a_world.says("Ana", "make it shorter", after=post))

        assert "plan the Xanadu launch" in str(answers(a_world.claude)[-1])


async def test_two_members_get_their_own_facts_only(a_world: World) -> None:
    """An idle conversation of two is learned in one call, and each member's next prompt holds their facts alone."""
    learns(
        a_world.claude,
        ("set", "location", "Lisbon", "I moved to Lisbon"),
        ("add", "tools", "Neovim", "I use Neovim"),
    )
    async with a_world.running(persona_consent="on"):
        first = await a_world.says("Ana", "I moved to Lisbon last month")
        await a_world.answered(first)
        await a_world.answered(await a_world.says("Bo", "I use Neovim", after=first))
        a_world.pass_time(minutes=31)
        swept = await a_world.core.learning.sweep()
        assert (swept.calls, swept.operations, len(updates(a_world.claude))) == (1, 2, 1)
        assert (await a_world.core.learning.sweep()).sessions == 0

        await a_world.answered(await a_world.says("Ana", "what next?", place="random"))
        assert "Lisbon" in answers(a_world.claude)[-1].text
        assert "Neovim" not in answers(a_world.claude)[-1].text
        await a_world.answered(await a_world.says("Bo", "what next?", place="random"))
        assert "Neovim" in answers(a_world.claude)[-1].text
        assert '"location"' not in answers(a_world.claude)[-1].text


async def test_swapping_the_speakers_swaps_the_personas(a_world: World) -> None:
    """Whose fact it is follows the platform's author id and nothing else."""
    learns(
        a_world.claude,
        ("set", "location", "Lisbon", "I moved to Lisbon"),
        ("add", "tools", "Neovim", "I use Neovim"),
    )
    async with a_world.running(persona_consent="on"):
        first = await a_world.says("Bo", "I moved to Lisbon last month")
        await a_world.answered(first)
        await a_world.answered(await a_world.says("Ana", "I use Neovim", after=first))
        a_world.pass_time(minutes=31)
        await a_world.core.learning.sweep()

        ana, bo = await a_world.command("Ana", "show"), await a_world.command("Bo", "show")
        assert ("Neovim" in ana, "Lisbon" in ana) == (True, False)
        assert ("Neovim" in bo, "Lisbon" in bo) == (False, True)


async def test_what_was_said_before_a_decision_is_before_it_on_any_clock(a_world: World) -> None:
    """A platform whose clock is ahead of ours does not turn what was said before a yes, or a forget, into after it."""
    learns(a_world.claude, ("set", "location", "Lisbon", "I live in Lisbon"), ("add", "tools", "Vim", "I use Vim"))
    async with a_world.running():
        a_world.clock.advance(seconds=-90)
        await a_world.answered(await a_world.says("Ana", "I live in Lisbon"))
        await a_world.press("Ana", CONSENT_YES)
        a_world.clock.advance(seconds=-60)
        await a_world.answered(await a_world.says("Ana", "I use Vim"))
        assert "nothing to forget" in await a_world.command("Ana", "forget all")
        a_world.pass_time(minutes=35)
        await a_world.core.learning.sweep()

        assert "nothing about you" in await a_world.command("Ana", "show")


async def test_persona_show_links_each_fact_to_its_message(a_world: World) -> None:
    """`/persona show` gives date, quote and a link to the message; only the member sees it."""
    learns(a_world.claude, ("set", "location", "Lisbon", "I moved to Lisbon"))
    async with a_world.running(persona_consent="on"):
        post = await a_world.says("Ana", "I moved to Lisbon last month")
        await a_world.answered(post)
        a_world.pass_time(minutes=31)
        await a_world.core.learning.sweep()

        shown = await a_world.command("Ana", "show")
        message_id = post.rpartition("/")[2].replace(".", "")
        assert "location: Lisbon" in shown
        assert message_id in shown
        assert f"said {a_world.clock.now():%Y-%m-%d}" in shown


async def test_forgetting_removes_the_fact_for_good(a_world: World) -> None:
    """`/persona forget` takes a fact out of prompts at once, and the same message cannot teach it again."""
    learns(a_world.claude, ("set", "location", "Lisbon", "I moved to Lisbon"))
    async with a_world.running(persona_consent="on"):
        await a_world.answered(await a_world.says("Ana", "I moved to Lisbon last month"))
        a_world.pass_time(minutes=31)
        await a_world.core.learning.sweep()
        first = await a_world.says("Ana", "I moved to Lisbon, remember")
        await a_world.answered(first)
        assert "1 fact" in await a_world.command("Ana", "forget location")
        a_world.pass_time(minutes=31)
        await a_world.core.learning.sweep()

        assert "nothing about you" in await a_world.command("Ana", "show")
        await a_world.answered(await a_world.says("Ana", "where am I?", place="random"))
        assert "Lisbon" not in answers(a_world.claude)[-1].text


async def test_a_pause_stops_reading_and_writing(a_world: World) -> None:
    """While paused, facts are neither used nor learned; resuming uses them again."""
    learns(a_world.claude, ("set", "location", "Lisbon", "I moved to Lisbon"), ("add", "tools", "Vim", "I use Vim"))
    async with a_world.running(persona_consent="on"):
        await a_world.answered(await a_world.says("Ana", "I moved to Lisbon last month"))
        a_world.pass_time(minutes=31)
        await a_world.core.learning.sweep()

        assert "Paused" in await a_world.command("Ana", "pause")
        await a_world.answered(await a_world.says("Ana", "I use Vim", place="random"))
        assert "Lisbon" not in answers(a_world.claude)[-1].text
        a_world.pass_time(minutes=31)
        assert (await a_world.core.learning.sweep()).operations == 0
        await a_world.command("Ana", "resume")
        await a_world.answered(await a_world.says("Ana", "where am I?"))
        assert "Lisbon" in answers(a_world.claude)[-1].text


async def test_what_was_said_in_private_stays_out_of_channels(a_world: World) -> None:
    """The prompt for a channel holds no fact learned in a direct message; the direct message's own does."""
    learns(a_world.claude, ("add", "projects", "the Atlas merger", "I am working on the Atlas merger"))
    async with a_world.running(persona_consent="on"):
        await a_world.answered(await a_world.dms("Ana", "I am working on the Atlas merger"))
        a_world.pass_time(minutes=31)
        assert (await a_world.core.learning.sweep()).operations == 1

        await a_world.answered(await a_world.says("Ana", "what am I working on?"))
        assert b"Atlas" not in answers(a_world.claude)[-1].raw
        await a_world.answered(await a_world.dms("Ana", "and here?"))
        assert b'"projects\\":[\\"the Atlas merger\\"]' in answers(a_world.claude)[-1].raw
