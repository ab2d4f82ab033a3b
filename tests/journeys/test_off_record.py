"""Off the record, as members go there and come back on every platform."""

from bot.wording import wording
from tests.journeys.worlds import World, answers, learns


async def test_a_conversation_off_the_record_is_neither_read_nor_learned(a_world: World) -> None:
    """From "off the record" to "on the record" a thread is answered without a persona and teaches nothing."""
    learns(
        a_world.claude,
        ("set", "location", "Lisbon", "I moved to Lisbon"),
        ("add", "tools", "Vim", "I started with Vim"),
    )
    async with a_world.running(persona_consent="on"):
        first = await a_world.says("Ana", "I moved to Lisbon")
        await a_world.answered(first)
        a_world.pass_time(minutes=31)
        await a_world.core.learning.sweep()

        off = await a_world.says("Ana", "off the record", after=first)
        assert wording("off_record", "en")[:60] in await a_world.answered(off)
        await a_world.answered(await a_world.says("Ana", "I started with Vim", after=first))
        assert '"location"' not in answers(a_world.claude)[-1].text
        on = await a_world.says("Ana", "on the record", after=first)
        assert wording("on_record", "en")[:60] in await a_world.answered(on)
        await a_world.answered(await a_world.says("Ana", "where am I?", after=first))
        assert '"location"' in answers(a_world.claude)[-1].text
        a_world.pass_time(minutes=31)
        await a_world.core.learning.sweep()

        assert "Vim" not in await a_world.command("Ana", "show")


async def test_a_message_off_the_record_is_answered_and_not_learned(a_world: World) -> None:
    """One message that begins with the words is kept out of what is learned, and the model is told to say so."""
    learns(a_world.claude, ("set", "location", "Lisbon", "I move to Lisbon"))
    async with a_world.running(persona_consent="on"):
        await a_world.answered(await a_world.says("Ana", "Off the record: I move to Lisbon"))
        assert "They say this off the record" in answers(a_world.claude)[-1].text
        a_world.pass_time(minutes=31)

        assert (await a_world.core.learning.sweep()).calls == 0


async def test_a_message_edited_to_be_off_the_record_takes_back_what_it_taught(a_world: World) -> None:
    """Adding the words to a message is as good as having said them."""
    learns(a_world.claude, ("set", "location", "Lisbon", "I moved to Lisbon"))
    async with a_world.running(persona_consent="on"):
        post = await a_world.says("Ana", "I moved to Lisbon")
        await a_world.answered(post)
        a_world.pass_time(minutes=31)
        await a_world.core.learning.sweep()
        await a_world.edits(post, "off the record: I moved to Lisbon")

        assert "nothing about you" in await a_world.command("Ana", "show")
