"""Two accounts of one person, linked through the platforms' own commands."""

import re
from pathlib import Path

from tests.journeys.worlds import World, answers, learns, world


async def shown_code(there: World) -> str:
    """The code that Ana is shown."""
    shown = await there.command("Ana", "link")
    found = re.search(r"/persona link ([A-Z0-9-]+)", shown)
    assert found is not None
    return found[1]


async def test_a_code_of_one_platform_is_typed_on_the_other(tmp_path: Path) -> None:
    """How Ana likes answers, said on Slack, shapes those on Discord once she typed the code; nothing else crosses."""
    async with world("slack", tmp_path) as slack, world("discord", tmp_path) as discord:
        discord.pass_time(minutes=(slack.clock.now() - discord.clock.now()).total_seconds() / 60)
        learns(
            slack.claude,
            ("set", "answer_length", "short", "Keep answers short"),
            ("set", "location", "Lisbon", "I live in Lisbon"),
        )
        async with slack.running(persona_consent="on"):
            await slack.answered(await slack.says("Ana", "Keep answers short. I live in Lisbon."))
            slack.pass_time(minutes=31)
            await slack.core.learning.sweep()
            code = await shown_code(slack)
        async with discord.running(persona_consent="on"):
            discord.pass_time(minutes=31)
            assert "linked with yours on Slack" in await discord.command("Ana", f"link {code.lower()}")
            await discord.answered(await discord.says("Ana", "hello"))
            linked = answers(discord.claude)[-1].raw
            assert "ended" in await discord.command("Ana", "unlink")
            await discord.answered(await discord.says("Ana", "hello again"))

            assert b"answer_length" in linked
            assert b"Lisbon" not in linked
            assert b"answer_length" not in answers(discord.claude)[-1].raw
