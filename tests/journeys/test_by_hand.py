"""What members change by hand, on both platforms: known where they said so, and nowhere else."""

from tests.journeys.worlds import World, answers, learns


async def test_what_is_entered_by_hand_is_the_members_alone(a_world: World) -> None:
    """A fact that was entered is in the prompt of the direct message, in no channel's, and gone once it is undone."""
    async with a_world.running(persona_consent="on"):
        assert "location: Lisbon" in await a_world.command("Ana", "add location Lisbon")
        await a_world.answered(await a_world.says("Ana", "where am I?"))
        assert b"Lisbon" not in answers(a_world.claude)[-1].raw
        await a_world.answered(await a_world.dms("Ana", "where am I?"))
        assert b"Lisbon" in answers(a_world.claude)[-1].raw
        assert "Lisbon" in await a_world.command("Ana", "undo")
        await a_world.answered(await a_world.dms("Ana", "and now?"))

        assert b"Lisbon" not in answers(a_world.claude)[-1].raw
        assert "nothing about you" in await a_world.command("Ana", "show")


async def test_a_correction_is_what_the_next_answer_knows(a_world: World) -> None:
    """A learned fact that its member corrects is known in its new value, where the old one was."""
    learns(a_world.claude, ("set", "location", "Lisbon", "I moved to Lisbon"))
    async with a_world.running(persona_consent="on"):
        await a_world.answered(await a_world.says("Ana", "I moved to Lisbon"))
        a_world.pass_time(minutes=31)
        await a_world.core.learning.sweep()
        assert "Lisbon → Porto" in await a_world.command("Ana", "edit location Porto")
        await a_world.answered(await a_world.says("Ana", "where am I?", place="random"))

        assert "Porto" in answers(a_world.claude)[-1].text
        assert "Lisbon" not in answers(a_world.claude)[-1].text
        assert "you corrected it" in await a_world.command("Ana", "history")


async def test_nobody_finds_out_about_somebody_elses_facts(a_world: World) -> None:
    """Asked by somebody else, a fact that exists and one that does not are answered alike."""
    async with a_world.running(persona_consent="on"):
        await a_world.command("Ana", "add location Lisbon")
        asked = [await a_world.command("Bo", f"{verb} location") for verb in ("why", "history", "show")]

        assert not any("Lisbon" in shown for shown in asked)
        assert "nothing under" in asked[0]
