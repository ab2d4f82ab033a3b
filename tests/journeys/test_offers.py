"""Asked in public for something private, on every platform: the member alone hears that there is more."""

from bot.wording import wording
from tests.journeys.worlds import World, answers, learns

OFFER = wording("offer", "en")


async def test_who_asks_in_public_for_something_private_hears_of_it_alone(a_world: World) -> None:
    """The channel sees an answer that knows nothing; the member alone is told where to ask, once, and can stop it."""
    learns(a_world.claude, ("add", "projects", "the Atlas merger", "I am working on the Atlas merger"))
    async with a_world.running(persona_consent="on"):
        await a_world.answered(await a_world.dms("Ana", "I am working on the Atlas merger"))
        a_world.pass_time(minutes=31)
        assert (await a_world.core.learning.sweep()).operations == 1

        for _ in range(2):
            assert await a_world.answered(await a_world.says("Ana", "When does the merger close?")) == "An answer."
        await a_world.quiet()
        assert [notice for notice in a_world.notices("Ana") if OFFER in notice] == [a_world.notices("Ana")[-1]]
        assert a_world.notices("Bo") == []
        assert all("Atlas" not in answer.text for answer in answers(a_world.claude)[1:])
        assert all(OFFER not in shown for shown in a_world.posted())
        await a_world.press("Ana", "offers:off")
        assert "do not point out" in await a_world.command("Ana", "offers")
