"""Rapport is removed, a room is closed, a member leaves: what follows, through the real SDKs of both platforms."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import closing
from sqlite3 import connect

import pytest

from bot import errors
from bot.store.purging import KEYS
from tests.journeys.test_rooms import LIVES, is_known, is_known_alone, tells
from tests.journeys.worlds import DiscordWorld, SlackWorld, World, answers, learns
from tests.scan import opened
from tests.twins.anthropic import Reply
from tests.twins.server import Fault
from tests.twins.slack.admins import Removal

HOURS_72 = 72 * 60
DAYS_30 = 30 * 24 * 60


def held(here: World, word: str) -> list[str]:
    """The tables in which a word stands, once what is sealed is opened."""
    return [table for table, key in KEYS.items() if word in str(opened(here.database, table, key))]


def state_of(here: World, tenant: str) -> str | None:
    with closing(connect(here.database)) as connection:
        row = connection.execute("SELECT state FROM origin WHERE tenant = ? AND room = ''", (tenant,)).fetchone()
    return row and str(row[0])


# -- Slack ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tells_us",
    [
        ("app_uninstalled", "tokens_revoked"),
        ("tokens_revoked", "app_uninstalled"),
        ("app_uninstalled",),
        ("tokens_revoked",),
    ],
)
async def test_an_uninstalled_app_stops_and_forgets(slack: SlackWorld, tells_us: Sequence[Removal]) -> None:
    """With the first of the two events, in either order, nothing is answered or learned; after 72 hours all is gone."""
    async with slack.running(persona_consent="on"):
        await tells(slack, "team")
        asked = len(slack.claude.requests)
        await slack.answered(await slack.says("Ana", "Not learned yet"))
        await slack.twin.uninstalls(tells=tells_us)
        await slack.delivered()
        frozen = state_of(slack, "slack:T1")
        slack.pass_time(minutes=HOURS_72 - 1)
        swept = await slack.core.learning.sweep()
        await slack.core.departures.sweep()
        early = held(slack, "T1")
        slack.pass_time(minutes=1)
        await slack.core.departures.sweep()

        assert (frozen, swept.sessions) == ("gone", 0)
        assert len(slack.claude.requests) == asked + 1
        assert {"operation", "message", "member"} <= set(early)
        assert held(slack, "T1") == []


async def test_a_token_of_a_members_own_is_not_ours(slack: SlackWorld) -> None:
    """A member who takes back a token of theirs removes nothing."""
    async with slack.running(persona_consent="on"):
        await tells(slack, "team")
        await slack.twin.revokes_user_token("U2")
        await slack.delivered()

        assert state_of(slack, "slack:T1") == "here"
        assert await is_known(slack, "team")


async def test_what_waits_for_an_answer_when_we_are_removed_gets_none(slack: SlackWorld) -> None:
    """A question whose answer is being written when the app goes ends there: it is not asked about again."""
    go_on = asyncio.Event()
    slack.claude.default = Reply(chunks=["The beginning", " and the end."], hold_after=(1, go_on))
    async with slack.running(persona_consent="on"):
        await slack.says("Ana", "Hello")
        await slack.claude.wait_for(lambda: answers(slack.claude))
        await slack.twin.uninstalls()
        await slack.delivered()
        go_on.set()
        await slack.core.lanes.drained()

        assert await slack.core.intake.recover() == 0
        assert slack.posted() == []


async def test_an_app_installed_again_asks_again(slack: SlackWorld) -> None:
    """Within 72 hours members keep what is known of them, once they agree anew to the same private question."""
    async with slack.running():
        await slack.answered(await slack.says("Ana", "Hello"))
        await slack.press("Ana", "consent:on")
        await tells(slack, "team")
        shown = len(slack.notices("Ana"))
        await slack.twin.uninstalls()
        await slack.delivered()
    slack.twin.reinstalls(bot_token="xoxb-another")
    slack.pass_time(minutes=60)
    async with slack.running(slack_bot_token="xoxb-another"):
        before = await is_known(slack, "team")
        asked = slack.notices("Ana")[shown:]
        await slack.press("Ana", "consent:on")

        assert not before
        assert ["May I remember" in notice for notice in asked] == [True]
        assert await is_known(slack, "team")


async def test_a_removal_while_we_were_down_is_noticed_at_the_start(slack: SlackWorld) -> None:
    """A token that worked before and is refused now ends the start, and freezes the workspace it was for."""
    async with slack.running(persona_consent="on"):
        await tells(slack, "team")
    await slack.twin.uninstalls(tells=())
    with pytest.raises(errors.PlatformKeyError, match="SLACK_BOT_TOKEN"):
        async with slack.running(persona_consent="on"):
            pass

    assert state_of(slack, "slack:T1") == "gone"


async def test_a_token_slack_does_not_know_today_removes_nothing(slack: SlackWorld) -> None:
    """Only that a token was revoked is a removal; that Slack does not know one may be Slack's own mistake."""
    async with slack.running(persona_consent="on"):
        await tells(slack, "team")
    slack.twin.fault("POST", "/api/auth.test", Fault.json(200, {"ok": False, "error": "invalid_auth"}))
    with pytest.raises(errors.PlatformKeyError):
        async with slack.running(persona_consent="on"):
            pass

    assert state_of(slack, "slack:T1") == "here"


async def test_a_mistyped_token_removes_nothing(slack: SlackWorld) -> None:
    """A token nobody has seen before says nothing about the workspace that is there."""
    async with slack.running(persona_consent="on"):
        await tells(slack, "team")
    with pytest.raises(errors.PlatformKeyError):
        async with slack.running(slack_bot_token="xoxb-mistyped"):
            pass

    assert state_of(slack, "slack:T1") == "here"


async def test_an_archived_channel_rests_until_it_is_opened(slack: SlackWorld) -> None:
    """What only an archived channel's readers knew is used nowhere, and again once somebody opens it."""
    async with slack.running(persona_consent="on"):
        await tells(slack, "cabin")
        await slack.twin.archives("U1", "P1")
        await slack.delivered()
        known = [await is_known_alone(slack), "Lisbon" in await slack.command("Ana", "show")]
        await slack.twin.unarchives("U1", "P1")
        await slack.delivered()
        known += [await is_known_alone(slack), await is_known(slack, "cabin")]

        assert known == [False, False, True, True]


@pytest.mark.parametrize("is_deleted", [False, True])
async def test_a_closed_channel_is_erased_in_time(slack: SlackWorld, *, is_deleted: bool) -> None:
    """Thirty days after a private channel was archived or deleted nothing of it is left."""
    async with slack.running(persona_consent="on"):
        await tells(slack, "cabin")
        await (slack.twin.removes_channel("P1") if is_deleted else slack.twin.archives("U1", "P1"))
        await slack.delivered()
        slack.pass_time(minutes=DAYS_30 - 1)
        await slack.core.departures.sweep()
        early = held(slack, "Lisbon")
        slack.pass_time(minutes=1)
        await slack.core.departures.sweep()

        assert early != held(slack, "Lisbon") == []


async def test_a_public_channel_that_is_archived_takes_nothing_along(slack: SlackWorld) -> None:
    """What every member may know stays known when the channel it was said in is archived."""
    async with slack.running(persona_consent="on"):
        await tells(slack, "team")
        await slack.twin.archives("U1", "C1")
        await slack.delivered()

        assert await is_known(slack, "random")


async def test_a_channel_whose_opening_we_missed_is_open_once_somebody_speaks(slack: SlackWorld) -> None:
    """An event that was missed is made up for: whoever mentions us in a channel shows that it is open."""
    async with slack.running(persona_consent="on"):
        await tells(slack, "cabin")
        await slack.twin.archives("U1", "P1")
        await slack.delivered()
        slack.twin.workspace.channels["P1"].archived = False
        await slack.answered(await slack.says("Ana", "Anybody here?", place="cabin"))
        await slack.core.departures.sweep()

        assert await is_known(slack, "cabin")


async def test_a_deactivated_member_rests_and_is_erased(slack: SlackWorld) -> None:
    """What is known of a member who was deactivated is erased after thirty days; until then a yes brings it back."""
    async with slack.running(persona_consent="on"):
        await tells(slack, "team")
        await slack.twin.changes_member("U1", deleted=True)
        await slack.delivered()
        paused = "paused" in await slack.command("Ana", "show")
        await slack.twin.changes_member("U1", deleted=False)
        await slack.delivered()
        before = await is_known(slack, "team")
        await slack.command("Ana", "resume")
        slack.pass_time(minutes=DAYS_30 + 1)
        await slack.core.departures.sweep()

        assert (paused, before) == (True, False)
        assert await is_known(slack, "team")
        await slack.twin.changes_member("U1", deleted=True)
        await slack.delivered()
        slack.pass_time(minutes=DAYS_30 + 1)
        await slack.core.departures.sweep()
        assert held(slack, "Lisbon") == []
        assert held(slack, "'U1'") == ["fence"]


# -- Discord ----------------------------------------------------------------------------------------------------------


async def test_a_server_that_removes_us_is_forgotten(discord: DiscordWorld) -> None:
    """With the event what was said on the server is used nowhere; after 72 hours it is gone, and the account is not."""
    async with discord.running(persona_consent="on"):
        await tells(discord, "team")
        await discord.twin.bot_leaves(discord.guild)
        await is_known_alone(discord)  # what came after the event was answered: the event was heard
        known = await is_known_alone(discord)
        frozen = state_of(discord, f"discord:{discord.guild}")
        discord.pass_time(minutes=HOURS_72 - 1)
        await discord.core.departures.sweep()
        early = held(discord, "Lisbon")
        discord.pass_time(minutes=1)
        await discord.core.departures.sweep()

        assert (known, frozen) == (False, "gone")
        assert {"operation", "evidence"} <= set(early)
        assert held(discord, "Lisbon") == held(discord, discord.guild) == []
        assert "member" in held(discord, "discord:accounts")


@pytest.mark.parametrize("number", range(5))
async def test_an_outage_takes_nothing(discord: DiscordWorld, number: int) -> None:
    """A server that Discord cannot reach, however long and however often, loses nothing and asks nobody anew.

    Property B24: five outages, of one to five days, across restarts.
    """
    async with discord.running(persona_consent="on"):
        await tells(discord, "team")
        await discord.twin.outage(discord.guild)
        discord.pass_time(minutes=number * 24 * 60)
        await discord.core.departures.sweep()
    async with discord.running(persona_consent="on"):
        discord.pass_time(minutes=24 * 60)
        await discord.core.departures.sweep()
        state = state_of(discord, f"discord:{discord.guild}")
        await discord.twin.outage_ends(discord.guild)
        await discord.delivered()

        assert state == "here"
        assert await is_known(discord, "team")


async def test_a_server_that_adds_us_again_asks_again(discord: DiscordWorld) -> None:
    """Within 72 hours members keep what is known of them, once they agree anew."""
    async with discord.running():
        await discord.answered(await discord.says("Ana", "Hello"))
        await discord.press("Ana", "consent:on")
        await tells(discord, "team")
        await discord.twin.bot_leaves(discord.guild)
        discord.pass_time(minutes=60)
        await discord.twin.bot_joins(discord.guild)
        before = await is_known(discord, "team")
        asked = len(discord.notices("Ana"))
        await discord.command("Ana", "resume")
        discord.pass_time(minutes=1)

        assert (before, asked) == (False, 2)
        assert await is_known(discord, "team")


async def test_a_server_that_removed_us_while_we_were_down_is_noticed(discord: DiscordWorld) -> None:
    """At a start, a server that we were in and are in no more is gone from then on."""
    async with discord.running(persona_consent="on"):
        await tells(discord, "team")
    await discord.twin.bot_leaves(discord.guild)
    async with discord.running(persona_consent="on"):
        await is_known_alone(discord)  # likewise
        assert not await is_known_alone(discord)
        assert state_of(discord, f"discord:{discord.guild}") == "gone"


async def test_a_deleted_channel_rests_and_is_erased(discord: DiscordWorld) -> None:
    """What only a deleted channel's readers knew is used nowhere, and erased after thirty days."""
    async with discord.running(persona_consent="on"):
        await tells(discord, "cabin")
        await discord.twin.removes_channel(discord.channel("cabin"))
        await discord.delivered()
        known = await is_known_alone(discord)
        discord.pass_time(minutes=DAYS_30)
        await discord.core.departures.sweep()

        assert not known
        assert held(discord, "Lisbon") == []


async def test_a_deleted_thread_rests_alone(discord: DiscordWorld) -> None:
    """A thread takes what was said in it, and leaves what was said in its channel."""
    async with discord.running(persona_consent="on"):
        await tells(discord, "cabin")
        thread = discord.twin.channel(discord.guild, "plan", kind="thread", parent=discord.channel("cabin"))
        learns(discord.claude, ("add", "tools", "Vim", "I use Vim"))
        post = await discord.twin.says("Ana", thread, f"<@{discord.twin.bot_id}> I use Vim")
        await discord.answered(post.id)
        discord.pass_time(minutes=31)
        await discord.core.learning.sweep()
        shown = [await discord.command("Ana", "show")]
        await discord.twin.removes_channel(thread)
        await discord.delivered()
        shown.append(await discord.command("Ana", "show"))

        assert [("Vim" in view, "Lisbon" in view) for view in shown] == [(True, True), (False, True)]


async def test_a_quiet_thread_is_not_closed(discord: DiscordWorld) -> None:
    """Discord archives threads that nobody writes in: that closes nothing."""
    async with discord.running(persona_consent="on"):
        thread = discord.twin.channel(discord.guild, "plan", kind="thread", parent=discord.channel("cabin"))
        learns(discord.claude, ("set", "location", "Lisbon", LIVES))
        post = await discord.twin.says("Ana", thread, f"<@{discord.twin.bot_id}> {LIVES}")
        await discord.answered(post.id)
        discord.pass_time(minutes=31)
        await discord.core.learning.sweep()
        await discord.twin.alters(thread, archived=True)
        await discord.delivered()

        assert await is_known_alone(discord)
        assert answers(discord.claude)
