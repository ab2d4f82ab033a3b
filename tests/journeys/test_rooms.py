"""Who reads a room decides what is said in it, whatever happens to the room: the rows of the reliability sheet, D.7."""

from __future__ import annotations

import pytest

from tests.journeys.worlds import DiscordWorld, Place, SlackWorld, World, answers, learns

LIVES = "I live in Lisbon"
KNOWN = '"location":"Lisbon"'


async def tells(here: World, place: Place) -> None:
    """Let Ana say in a channel where she lives, and learn it."""
    learns(here.claude, ("set", "location", "Lisbon", LIVES))
    await here.answered(await here.says("Ana", LIVES, place=place))
    here.pass_time(minutes=31)
    await here.core.learning.sweep()
    assert "Lisbon" in await here.command("Ana", "show location")


async def is_known(here: World, place: Place) -> bool:
    """Whether the model is told where Ana lives when she asks something in a channel now."""
    await here.answered(await here.says("Ana", "And now?", place=place))
    return KNOWN in answers(here.claude)[-1].text


async def is_known_alone(here: World) -> bool:
    """Likewise in her direct message."""
    post = await here.dms("Ana", "And now?")
    await here.twin.wait_for(lambda: here.replies(post))
    await here.core.lanes.drained()
    return KNOWN in answers(here.claude)[-1].text


# -- both platforms ---------------------------------------------------------------------------------------------------


async def test_what_was_said_in_private_is_known_there_and_alone(a_world: World) -> None:
    """A private channel's fact is used in that channel and in the member's direct message, and in no other room."""
    async with a_world.running(persona_consent="on"):
        await tells(a_world, "cabin")

        assert [await is_known(a_world, place) for place in ("cabin", "team", "random")] == [True, False, False]
        assert await is_known_alone(a_world)


async def test_what_a_command_shows_is_not_repeated_in_the_room(a_world: World) -> None:
    """What a member had shown to them alone in a channel is in no later prompt of that channel."""
    async with a_world.running(persona_consent="on"):
        await tells(a_world, "cabin")
        assert "Lisbon" in await a_world.command("Ana", "show", place="team")

        assert not await is_known(a_world, "team")
        assert "Lisbon" not in answers(a_world.claude)[-1].text


async def test_another_member_is_told_nothing(a_world: World) -> None:
    """What is known of one member is in no prompt of another's question, even in the room it was said in."""
    async with a_world.running(persona_consent="on"):
        await tells(a_world, "cabin")
        await a_world.answered(await a_world.says("Bo", "And now?", place="cabin"))

        assert KNOWN not in answers(a_world.claude)[-1].text
        assert "Lisbon" not in await a_world.command("Bo", "show")


# -- Slack ------------------------------------------------------------------------------------------------------------


async def test_a_private_channel_made_public_withholds_what_it_knew(slack: SlackWorld) -> None:
    """With the message that says so, not a minute later, what was said in private is used there no more."""
    async with slack.running(persona_consent="on"):
        await tells(slack, "cabin")
        assert await is_known(slack, "cabin")
        await slack.twin.converts("U1", slack.channel("cabin"), "public")
        await slack.delivered()

        assert not await is_known(slack, "cabin")
        assert await is_known_alone(slack)


async def test_a_public_channel_made_private_learns_in_private(slack: SlackWorld) -> None:
    """What is said after a channel was made private stays in it."""
    async with slack.running(persona_consent="on"):
        await slack.answered(await slack.says("Ana", "Hello"))
        await slack.twin.converts("U1", slack.channel("team"), "private")
        await slack.delivered()
        await tells(slack, "team")

        assert [await is_known(slack, place) for place in ("team", "random")] == [True, False]


@pytest.mark.parametrize("place", ["team", "cabin"])
async def test_a_channel_that_becomes_shared_withholds_what_it_knew(slack: SlackWorld, place: Place) -> None:
    """With the event, outsiders read the channel: nothing that was said before is used there until it is unshared."""
    async with slack.running(persona_consent="on"):
        await tells(slack, place)
        known = [await is_known(slack, place)]
        await slack.twin.shares(slack.channel(place))
        await slack.delivered()
        known.append(await is_known(slack, place))
        await slack.twin.unshares(slack.channel(place))
        await slack.delivered()
        known.append(await is_known(slack, place))

        assert known == [True, False, True]


@pytest.mark.parametrize("place", ["team", "cabin"])
async def test_a_guest_makes_a_channel_one_with_outsiders(slack: SlackWorld, place: Place) -> None:
    """While a guest is in a channel nothing said elsewhere, or before, is used there; once they leave it is again."""
    slack.twin.member("U3", "Gus", guest="single")
    async with slack.running(persona_consent="on"):
        await tells(slack, place)
        known = [await is_known(slack, place)]
        await slack.twin.joins("U3", slack.channel(place))
        await slack.delivered()
        known.append(await is_known(slack, place))
        await slack.twin.leaves("U3", slack.channel(place))
        await slack.delivered()
        known.append(await is_known(slack, place))

        assert known == [True, False, True]


async def test_what_is_said_before_guests_stays_in_that_room(slack: SlackWorld) -> None:
    """Room-only in and out: what is learned in a public channel with a guest is used in no other."""
    slack.twin.member("U3", "Gus", guest="multi")
    await slack.twin.joins("U3", slack.channel("team"))
    async with slack.running(persona_consent="on"):
        await tells(slack, "team")

        assert [await is_known(slack, place) for place in ("team", "random")] == [True, False]


async def test_a_member_who_becomes_a_guest_is_one_in_every_channel(slack: SlackWorld) -> None:
    """With the event that makes Bo a guest, every channel Bo is in has outsiders."""
    async with slack.running(persona_consent="on"):
        await tells(slack, "team")
        assert await is_known(slack, "team")
        await slack.twin.changes_member("U2", guest="multi")
        await slack.delivered()

        assert not await is_known(slack, "team")


async def test_a_channel_that_gets_another_id_is_asked_about_anew(slack: SlackWorld) -> None:
    """Slack may change a channel's id with what it is: what was known of either id is not believed any more."""
    async with slack.running(persona_consent="on"):
        asked = []
        for event in ({}, {"old_channel_id": "C9", "new_channel_id": "C1"}, {"old_channel_id": "C1"}):
            if event:
                await slack.twin.send_event({"type": "channel_id_changed", **event})
                await slack.delivered()
            await slack.answered(await slack.says("Ana", "Hello"))
            asked.append(len(slack.twin.calls("/api/conversations.info")))

        assert asked == [1, 2, 3]


async def test_a_new_full_member_changes_nothing(slack: SlackWorld) -> None:
    """Whoever is let into a private channel can read what was said there; it stays usable, and the DM's stays out."""
    slack.twin.member("U4", "Dee")
    async with slack.running(persona_consent="on"):
        await tells(slack, "cabin")
        await slack.twin.joins("U4", slack.channel("cabin"))
        await slack.delivered()

        assert await is_known(slack, "cabin")


async def test_without_the_scope_for_guests_every_channel_has_outsiders(slack: SlackWorld) -> None:
    """An app installed before guests were told apart, without `users:read`, is on the safe side."""
    slack.twin.scopes = set(slack.twin.scopes) - {"users:read"}
    async with slack.running(persona_consent="on"):
        await tells(slack, "team")

        assert [await is_known(slack, place) for place in ("team", "random")] == [True, False]


async def test_a_name_is_nobody(slack: SlackWorld) -> None:
    """Bo, renamed to Ana, is still Bo: ids alone say who somebody is."""
    async with slack.running(persona_consent="on"):
        await tells(slack, "team")
        await slack.twin.changes_member("U2", name="Ana")
        await slack.answered(await slack.says("Bo", "And now?"))

        assert KNOWN not in answers(slack.claude)[-1].text
        assert "Lisbon" not in await slack.command("Bo", "show")


async def test_a_thread_is_read_by_its_channel(slack: SlackWorld) -> None:
    """What is said in a thread of a private channel is known in the channel, and not beyond it."""
    async with slack.running(persona_consent="on"):
        learns(slack.claude, ("set", "location", "Lisbon", LIVES))
        root = await slack.says("Ana", "Hello", place="cabin")
        await slack.answered(root)
        await slack.answered(await slack.says("Ana", LIVES, after=root))
        slack.pass_time(minutes=31)
        await slack.core.learning.sweep()

        assert [await is_known(slack, place) for place in ("cabin", "team")] == [True, False]


# -- Discord ----------------------------------------------------------------------------------------------------------


async def test_a_hidden_channel_that_is_opened_withholds_what_it_knew(discord: DiscordWorld) -> None:
    """A channel that everybody may view now was private when it was said: it is used there no more."""
    async with discord.running(persona_consent="on"):
        await tells(discord, "cabin")
        assert await is_known(discord, "cabin")
        await discord.twin.alters(discord.channel("cabin"), everyone_can_view=True, readers=frozenset())
        await discord.delivered()

        assert not await is_known(discord, "cabin")
        assert await is_known_alone(discord)


@pytest.mark.parametrize("feature", ["DISCOVERABLE", "PREVIEW_ENABLED"])
async def test_a_server_that_anybody_may_look_into_has_outsiders(discord: DiscordWorld, feature: str) -> None:
    """With the event that opens a server to everybody, its public channels withhold what members said among them."""
    async with discord.running(persona_consent="on"):
        await tells(discord, "team")
        known = [await is_known(discord, "random")]
        await discord.twin.alters_guild(discord.guild, features=(feature,))
        await discord.delivered()
        known += [await is_known(discord, "random"), await is_known(discord, "team")]

        assert known == [True, False, False]


async def test_a_forward_teaches_nothing(discord: DiscordWorld) -> None:
    """Words that a member forwards are somebody else's, even to us and in the direct message."""
    async with discord.running(persona_consent="on"):
        learns(discord.claude, ("set", "location", "Lisbon", LIVES))
        said = await discord.twin.says("Bo", discord.channel("team"), LIVES)
        await discord.twin.dms("Ana", "", forward=said)
        await discord.delivered()
        discord.pass_time(minutes=31)
        await discord.core.learning.sweep()

        assert "Lisbon" not in await discord.command("Ana", "show")
