"""The question whether a member may be remembered, as they get it on every platform."""

from bot import consent
from tests.journeys.worlds import CONSENT_YES, SlackWorld, World


async def test_a_member_is_asked_in_their_language(a_world: World) -> None:
    """Who has set German, or writes it where the platform does not say, is asked in German, once and alone."""
    if isinstance(a_world, SlackWorld):
        a_world.twin.member("U1", "Ana", locale="de-DE")
    async with a_world.running():
        await a_world.answered(await a_world.says("Ana", "Kannst du mir bitte mit dem Build helfen?"))
        await a_world.answered(await a_world.says("Ana", "Danke, und wie geht es weiter?"))

        (asked,) = a_world.notices("Ana")
        assert consent.notice("de").text[:60] in asked
        assert a_world.notices("Bo") == []
        await a_world.press("Ana", CONSENT_YES)
        assert "Remembering is on already" in await a_world.command("Ana", "resume")


async def test_what_a_member_has_set_comes_before_what_they_write(slack_world: World) -> None:
    """Slack says what a member has set: who reads French and writes English is asked in French."""
    assert isinstance(slack_world, SlackWorld)
    slack_world.twin.member("U1", "Ana", locale="fr-FR")
    async with slack_world.running():
        await slack_world.answered(await slack_world.says("Ana", "Can you help me with the build, please?"))

        (asked,) = slack_world.notices("Ana")
        assert consent.notice("fr").text[:60] in asked
