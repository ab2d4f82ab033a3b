"""Once: whatever a platform delivers again, and however a post changes, a message has one answer."""

from tests.journeys.worlds import World, answers, learns


async def test_a_post_delivered_again_has_one_answer(a_world: World) -> None:
    """Redelivery and doubled events cause no second answer and no second call of the model."""
    async with a_world.running():
        post = await a_world.says("Ana", "hello")
        await a_world.answered(post)
        await a_world.redeliver(post)
        await a_world.redeliver(post)

        assert len(a_world.replies(post)) == 1
        assert len(answers(a_world.claude)) == 1


async def test_a_post_delivered_again_after_a_restart_has_one_answer(a_world: World) -> None:
    """What was answered before a restart is not answered again after it."""
    async with a_world.running():
        post = await a_world.says("Ana", "hello")
        await a_world.answered(post)
    async with a_world.running():
        await a_world.redeliver(post)

        assert len(a_world.replies(post)) == 1
        assert len(answers(a_world.claude)) == 1


async def test_edits_and_previews_cause_no_second_answer(a_world: World) -> None:
    """Neither a link preview nor an edited question is answered again."""
    async with a_world.running():
        post = await a_world.says("Ana", "see https://example.org")
        await a_world.answered(post)
        await a_world.unfurls(post)
        await a_world.edits(post, "see https://example.org, please")

        assert len(a_world.replies(post)) == 1
        assert len(answers(a_world.claude)) == 1


async def test_an_edit_retracts_what_its_words_no_longer_say(a_world: World) -> None:
    """A fact that rests on words a member edited away is forgotten; deleting the message does the same."""
    learns(a_world.claude, ("set", "location", "Lisbon", "I moved to Lisbon"), ("add", "tools", "Vim", "I use Vim"))
    async with a_world.running(persona_consent="on"):
        moved = await a_world.says("Ana", "I moved to Lisbon")
        await a_world.answered(moved)
        uses = await a_world.says("Ana", "I use Vim", after=moved)
        await a_world.answered(uses)
        a_world.pass_time(minutes=31)
        assert (await a_world.core.learning.sweep()).operations == 2

        await a_world.edits(moved, "I moved")
        assert "Lisbon" not in await a_world.command("Ana", "show")
        assert "Vim" in await a_world.command("Ana", "show")
        await a_world.deletes(uses)
        assert "nothing about you" in await a_world.command("Ana", "show")


async def test_messages_of_one_room_are_answered_in_order(a_world: World) -> None:
    """Each question of a conversation is answered before the next, and the next sees it."""
    a_world.claude.script("First.", "Second.", "Third.")
    async with a_world.running():
        one = await a_world.says("Ana", "one")
        await a_world.says("Bo", "two", after=one)
        three = await a_world.says("Ana", "three", after=one)
        await a_world.answered(three)

        asked = [request.text for request in answers(a_world.claude)]
        assert ["First." in text for text in asked] == [False, True, True]
        assert ["Second." in text for text in asked] == [False, False, True]
