"""Special categories through the platforms: agreed to in a direct message on Slack, and nowhere else to be had."""

import contextlib
import sqlite3

import pytest

from persona.special import LIFE
from tests.journeys.worlds import SlackWorld, World, answers, learns, updates
from tests.twins.slack.interactions import Outcome
from tests.twins.slack.workspace import Message

SAID = "I am diabetic, so no sugar for me"
AGREE = "Keep what I say here about my health, for 30 days"


def offers(slack: SlackWorld, user: str = "U1") -> list[Message]:
    """The messages in a member's direct message that ask whether it may be kept."""
    return [one for one in slack.twin.messages(f"D{user}") if AGREE in str(one.blocks)]


def button(message: Message, begin: str) -> str:
    """The id of the button of a message whose action begins so."""
    ids = [one["action_id"] for block in message.blocks for one in block.get("elements", ()) if "action_id" in one]
    return next(str(name) for name in ids if str(name).startswith(f"rapport:{begin}"))


async def presses(slack: SlackWorld, message: Message, begin: str, *, user: str = "U1") -> Outcome:
    """Press a button in a direct message, and wait for what the app shows then."""
    outcome = await slack.twin.press(user, message, button(message, begin))
    assert outcome.error is None
    await slack.twin.wait_for(lambda: outcome.seen)
    return outcome


async def agrees(slack: SlackWorld) -> Message:
    """Let Ana say it, agree to have it kept, and let it be learned; returns what she saw then."""
    learns(slack.claude, ("add", "health", "diabetic", "I am diabetic"))
    await slack.answered(await slack.dms("Ana", SAID))
    shown = (await presses(slack, offers(slack)[0], "special:agree")).seen[-1]
    slack.pass_time(minutes=31)
    assert (await slack.core.learning.sweep()).operations == 1
    return shown


def stored(slack: SlackWorld) -> list[object]:
    """Whatever the database holds of what was kept."""
    with contextlib.closing(sqlite3.connect(slack.database)) as connection:
        return [
            row
            for table in ("fact", "operation", "evidence")
            for row in connection.execute(f"SELECT * FROM {table}")  # noqa: S608 - our names
        ]


async def test_it_is_offered_agreed_to_learned_and_used_there_alone(slack: SlackWorld) -> None:
    """What was just said is kept, used in the direct message, and in no byte of what is asked for a channel."""
    async with slack.running(persona_consent="on", special_categories="health"):
        shown = await agrees(slack)
        await slack.answered(await slack.dms("Ana", "I am diabetic, still. What may I eat?"))
        in_private = answers(slack.claude)[-1].body["messages"]
        slack.claude.requests.clear()
        await slack.answered(await slack.says("Ana", "What may I eat, given my health?"))
        await slack.answered(await slack.says("Ana", "And my health?", place="cabin"))
        in_public = [request.raw for request in answers(slack.claude)]

        assert len(offers(slack)) == 0  # the button's message says what was decided now
        assert "What you just said counts" in shown.visible
        assert '"health":["diabetic"]' in str(in_private[0]["content"])
        assert len(in_public) == 2
        assert not any(b"diabetic" in raw for raw in in_public)
        assert slack.notices("Bo") == []
        assert all("diabetic" not in posted for posted in slack.posted())
        assert "health: diabetic" in await slack.command("Ana", "show")
        assert "diabetic" not in await slack.command("Bo", "show")


async def test_only_a_session_that_agreed_is_asked_about_with_the_field(slack: SlackWorld) -> None:
    """The request to the model names the field for Ana, and is byte for byte the usual one for Bo."""
    async with slack.running(persona_consent="on", special_categories="health"):
        await agrees(slack)
        await slack.answered(await slack.dms("Bo", "I am diabetic, too"))
        slack.pass_time(minutes=31)
        assert (await slack.core.learning.sweep()).operations == 0
    anas, bos = (str(request.body["system"]) + str(request.body["output_config"]) for request in updates(slack.claude))
    slack.claude.requests.clear()
    async with slack.running(persona_consent="on"):
        await slack.answered(await slack.dms("Bo", "I am diabetic, as I said"))
        slack.pass_time(minutes=31)
        await slack.core.learning.sweep()
    (usual,) = (str(request.body["system"]) + str(request.body["output_config"]) for request in updates(slack.claude))

    assert "- health (list): " in anas
    assert bos == usual
    assert "- health (list): " not in usual


async def test_it_is_withdrawn_by_a_button(slack: SlackWorld) -> None:
    """One press in the direct message erases it, and nobody asks again."""
    async with slack.running(persona_consent="on", special_categories="health"):
        shown = await agrees(slack)
        before = stored(slack)
        outcome = await presses(slack, shown, "special:stop")
        await slack.answered(await slack.dms("Ana", "I am diabetic, by the way"))

        assert before != []
        assert stored(slack) == []
        assert "I keep nothing about your health" in outcome.seen[-1].visible
        assert offers(slack) == []
        assert '"health"' not in str(answers(slack.claude)[-1].body)


async def test_consent_in_the_direct_message_has_the_button(slack: SlackWorld) -> None:
    """Without waiting to be asked: the command shows it there, and in a channel does not."""
    async with slack.running(persona_consent="on", special_categories="health"):
        learns(slack.claude, ("add", "health", "diabetic", "I am diabetic"))
        await slack.answered(await slack.dms("Ana", "hello"))
        asked = await slack.twin.command("U1", "DU1", "/persona", "consent")
        await slack.twin.wait_for(lambda: asked.seen)
        in_channel = await slack.command("Ana", "consent")
        shown = (await presses(slack, asked.seen[-1], "special:agree")).seen[-1]
        slack.pass_time(minutes=1)
        await slack.answered(await slack.dms("Ana", SAID))
        slack.pass_time(minutes=31)

        assert (await slack.core.learning.sweep()).operations == 1
        assert "does not count, so tell me again" in shown.visible
        assert offers(slack) == []
        assert "your health" not in in_channel


async def test_it_is_gone_after_thirty_days(slack: SlackWorld) -> None:
    """The sweep erases it by itself; at the next occasion Ana is asked once more."""
    async with slack.running(persona_consent="on", special_categories="health"):
        await agrees(slack)
        slack.pass_time(minutes=LIFE.total_seconds() / 60)
        await slack.answered(await slack.dms("Ana", "hello"))
        assert '"health"' not in str(answers(slack.claude)[-1].body)
        assert await slack.core.special.sweep() == 1
        await slack.answered(await slack.dms("Ana", "I am diabetic, as ever"))

        assert stored(slack) == []
        assert len(offers(slack)) == 1


async def test_somebody_else_who_presses_does_nothing(slack: SlackWorld) -> None:
    """A press that comes from another account is of no effect on either of them."""
    async with slack.running(persona_consent="on", special_categories="health"):
        learns(slack.claude, ("add", "health", "diabetic", "I am diabetic"))
        await slack.answered(await slack.dms("Ana", SAID))
        outcome = await presses(slack, offers(slack)[0], "special:agree", user="U2")
        slack.pass_time(minutes=31)

        assert "I did nothing" in outcome.seen[-1].visible
        assert (await slack.core.learning.sweep()).operations == 0
        assert stored(slack) == []


async def test_a_no_is_remembered(slack: SlackWorld) -> None:
    """Who declines is not asked again, and nothing is kept."""
    async with slack.running(persona_consent="on", special_categories="health"):
        learns(slack.claude, ("add", "health", "diabetic", "I am diabetic"))
        await slack.answered(await slack.dms("Ana", SAID))
        await presses(slack, offers(slack)[0], "special:stop")
        await slack.answered(await slack.dms("Ana", "I am diabetic, I said"))
        slack.pass_time(minutes=31)

        assert (await slack.core.learning.sweep()).operations == 0
        assert offers(slack) == []


@pytest.mark.parametrize("place", ["team", "cabin"])
async def test_in_front_of_others_nothing_is_offered_or_kept(a_world: World, place: str) -> None:
    """Said in a channel, public or private, on either platform, it is refused, and nobody is asked anything."""
    learns(a_world.claude, ("add", "health", "diabetic", "I am diabetic"))
    async with a_world.running(persona_consent="on", special_categories="health, belief, union"):
        await a_world.answered(await a_world.says("Ana", SAID, place="team" if place == "team" else "cabin"))
        a_world.pass_time(minutes=31)

        assert (await a_world.core.learning.sweep()).operations == 0
        assert a_world.notices("Ana") == []


async def test_discord_keeps_nothing_of_it_even_in_private(discord_world: World) -> None:
    """Written to Rapport alone on Discord nothing is offered either, and a model that proposes it is refused."""
    learns(discord_world.claude, ("add", "health", "diabetic", "I am diabetic"))
    async with discord_world.running(persona_consent="on", special_categories="health, belief, union"):
        await discord_world.answered(await discord_world.dms("Ana", SAID))
        discord_world.pass_time(minutes=31)

        assert (await discord_world.core.learning.sweep()).operations == 0
        assert discord_world.notices("Ana") == []
        assert "unknown field: 1" in _refused(discord_world)


def _refused(world: World) -> str:
    """What the database says was refused, by reason."""
    with contextlib.closing(sqlite3.connect(world.database)) as connection:
        rows = connection.execute("SELECT reason, count(*) FROM refusal GROUP BY reason").fetchall()
    return ", ".join(f"{reason}: {number}" for reason, number in rows)


async def test_as_it_ships_nothing_is_offered(a_world: World) -> None:
    """Without the setting nobody is asked, and nothing of it is kept, in private either."""
    learns(a_world.claude, ("add", "health", "diabetic", "I am diabetic"))
    async with a_world.running(persona_consent="on"):
        await a_world.answered(await a_world.dms("Ana", SAID))
        a_world.pass_time(minutes=31)

        assert (await a_world.core.learning.sweep()).operations == 0
        assert a_world.notices("Ana") == []
