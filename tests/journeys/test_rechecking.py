"""What was deleted or edited while Rapport did not run is found out after the next start, through the real SDKs.

Reliability sheet, D.5 and D.7: a message deleted while the bot was down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from adapters.discord import translate as discord_words
from adapters.slack import translate as slack_words
from bot.messages import Member, MessageId, Room, TenantId
from bot.rechecking import EVIDENCE_LIFE, PAUSE_S
from bot.responder import GREETING
from bot.store import conversations, retention
from persona.ports import Transaction
from tests.journeys.test_rooms import LIVES, is_known
from tests.journeys.worlds import DiscordWorld, SlackWorld, World, learns
from tests.twins.discord import Permission
from tests.twins.server import Call, Fault

VIM = "I use Vim"


async def learned(here: World) -> tuple[str, str]:
    """Let Ana say two things in one conversation, and learn both; returns the posts, the first one first."""
    learns(here.claude, ("set", "location", "Lisbon", LIVES), ("add", "tools", "Vim", VIM))
    lives = await here.says("Ana", LIVES)
    await here.answered(lives)
    uses = await here.says("Ana", VIM, after=lives)
    await here.answered(uses)
    here.pass_time(minutes=31)
    assert (await here.core.learning.sweep()).operations == 2
    return lives, uses


async def known(here: World) -> list[str]:
    """Which of the two Rapport shows to Ana."""
    shown = await here.command("Ana", "show")
    return [word for word in ("Lisbon", "Vim") if word in shown]


def histories(here: World) -> list[Call]:
    """The calls for a room's messages so far."""
    ends = ("/conversations.history", "/conversations.replies", "/messages")
    return [call for call in here.twin.ledger if call.method == "GET" and call.path.endswith(ends)]


async def texts(here: World) -> list[str]:
    """The texts that are kept, our own included, oldest first; without those that only ask whether we listen."""

    async def unit(transaction: Transaction) -> list[str]:
        rows = await transaction.fetch("SELECT * FROM message ORDER BY room, position")
        return [line.text for line in await conversations.lines_from(transaction, rows)]

    return [text for text in await here.core.store.read(unit) if text not in {"", GREETING}]


# -- what is found out ------------------------------------------------------------------------------------------------


async def test_what_was_deleted_while_we_were_down_is_forgotten(a_world: World) -> None:
    """After the start the fact is gone, and with the text our answer leaves the conversation, as with the event.

    On Slack it is the first message of a thread, of which a tombstone stays.
    """
    async with a_world.running(persona_consent="on"):
        lives, _ = await learned(a_world)
        before = await texts(a_world)
    await a_world.deletes(lives, is_heard=False)
    async with a_world.running(persona_consent="on"):
        found = await a_world.core.rechecking.sweep()

        assert found == 1
        assert await known(a_world) == ["Vim"]
        assert (before[0], await texts(a_world)) == (LIVES, before[2:])


async def test_what_was_edited_while_we_were_down_is_taken_over(a_world: World) -> None:
    """What rests on words that are gone is taken back, and the conversation has the new ones."""
    async with a_world.running(persona_consent="on"):
        lives, _ = await learned(a_world)
    await a_world.edits(lives, "I moved", is_heard=False)
    async with a_world.running(persona_consent="on"):
        found = await a_world.core.rechecking.sweep()

        assert found == 0
        assert await known(a_world) == ["Vim"]
        assert "I moved" in await texts(a_world)


async def test_what_is_erased_here_is_still_looked_after(a_world: World) -> None:
    """A message whose text is not kept any more is found deleted, or edited, by what rests on it.

    The deleted one was said in a thread, on Slack, and is looked for in there.
    """
    async with a_world.running(persona_consent="on"):
        lives, uses = await learned(a_world)
        a_world.pass_time(minutes=4 * 24 * 60)
        now = a_world.clock.now()
        await a_world.core.store.write(partial(retention.erase_old, now=now, message_life=timedelta(hours=72)))
        assert await texts(a_world) == []
    await a_world.deletes(uses, is_heard=False)
    await a_world.edits(lives, "I live", is_heard=False)
    async with a_world.running(persona_consent="on"):
        await a_world.core.rechecking.sweep()

        assert await known(a_world) == []


# -- in the background, within bounds ---------------------------------------------------------------------------------


async def test_it_happens_by_itself_and_nobody_waits_for_it(a_world: World) -> None:
    """A sweep begins it; while the platform is slow to answer it, members are answered."""
    async with a_world.running(persona_consent="on"):
        await learned(a_world)
    go_on, asked = asyncio.Event(), len(histories(a_world))
    path = "/api/conversations.history" if a_world.platform == "slack" else a_world.post_path
    a_world.twin.fault("GET", path, Fault(hold=go_on))
    async with a_world.running(persona_consent="on", sweep_every="1s", catch_up="0"):
        await a_world.twin.wait_for(lambda: len(histories(a_world)) > asked)
        answer = await a_world.answered(await a_world.says("Bo", "Anybody here?"))
        go_on.set()

        assert answer == "An answer."


async def test_what_is_old_is_not_asked_about(slack: SlackWorld) -> None:
    """Evidence beyond its bound, whose text is erased, costs no call and stays as it is."""
    async with slack.running(persona_consent="on"):
        lives, _ = await learned(slack)
        slack.pass_time(minutes=EVIDENCE_LIFE.total_seconds() / 60)
        now = slack.clock.now()
        await slack.core.store.write(partial(retention.erase_old, now=now, message_life=timedelta(hours=72)))
    asked = len(histories(slack))
    await slack.deletes(lives, is_heard=False)
    async with slack.running(persona_consent="on"):
        await slack.core.rechecking.sweep()

        assert len(histories(slack)) == asked
        assert await known(slack) == ["Lisbon", "Vim"]


class Crowd:
    """Five hundred messages of Ana's in one room, on the platform and kept here."""

    def __init__(self, room: Room, author: Member, said: Sequence[tuple[str, datetime]]) -> None:
        self.room, self.author, self.said = room, author, said

    async def keep(self, transaction: Transaction) -> None:
        for number, (message, said_at) in enumerate(self.said):
            await conversations.append(
                transaction,
                self.room,
                message=MessageId(message),
                author=self.author,
                text=f"number {number}",
                said_at=said_at,
            )


async def slack_crowd(slack: SlackWorld) -> Crowd:
    said = [await slack.twin.says("U1", "DU1", f"number {number}", emits=()) for number in range(500)]
    author = Member(tenant=TenantId("slack:T1"), id="U1")
    room = Room(tenant=author.tenant, channel="DU1", kind="direct")
    return Crowd(room, author, [(ts, slack_words.moment(ts)) for ts in said])


async def discord_crowd(discord: DiscordWorld) -> Crowd:
    said = []
    for number in range(500):  # of many posts of one millisecond a page could end anywhere
        discord.pass_time(minutes=0.001)
        said.append(await discord.twin.dms("Ana", f"number {number}"))
    author = Member(tenant=discord_words.ACCOUNTS, id=discord.twin.server.user("Ana").id)
    room = Room(tenant=discord_words.DIRECT, channel=discord.twin.dm("Ana"), kind="direct")
    return Crowd(room, author, [(message.id, message.created_at) for message in said])


async def test_five_hundred_messages_are_read_in_pages(a_world: World) -> None:
    """Every seventh of five hundred was deleted: those go, all others stay, for a call a page and a pause between."""
    crowd = await (slack_crowd(a_world) if isinstance(a_world, SlackWorld) else discord_crowd(discord_in(a_world)))
    for message, _ in crowd.said[::7]:
        name = f"DU1/{message}" if a_world.platform == "slack" else message
        await a_world.deletes(name, is_heard=False)
    a_world.pass_time(minutes=5)
    async with a_world.running(persona_consent="on"):
        await a_world.core.store.write(crowd.keep)
        began, asked = a_world.clock.now(), len(histories(a_world))
        found = await a_world.core.rechecking.sweep()
        calls = len(histories(a_world)) - asked

        assert found == len(crowd.said[::7])
        assert await texts(a_world) == [f"number {number}" for number in range(500) if number % 7]
        assert calls == (3 if a_world.platform == "slack" else 5)
        assert a_world.clock.now() - began == timedelta(seconds=PAUSE_S) * (calls - 1)


def discord_in(here: World) -> DiscordWorld:
    assert isinstance(here, DiscordWorld)
    return here


# -- what says nothing ------------------------------------------------------------------------------------------------


async def test_a_channel_that_slack_does_not_show_loses_nothing(slack: SlackWorld) -> None:
    """Taken out of a channel, we conclude nothing of it; back in it, the next start finds out what was deleted."""
    async with slack.running(persona_consent="on"):
        lives, _ = await learned(slack)
    await slack.deletes(lives, is_heard=False)
    members = slack.twin.workspace.channels["C1"].members
    members.remove("U0BOT")
    async with slack.running(persona_consent="on"):
        assert await slack.core.rechecking.sweep() == 0
    members.append("U0BOT")
    async with slack.running(persona_consent="on"):
        before = await known(slack)
        await slack.core.rechecking.sweep()

        assert before == ["Lisbon", "Vim"]
        assert await known(slack) == ["Vim"]


async def test_slacks_limit_is_obeyed(slack: SlackWorld) -> None:
    """A 429 is waited out for as long as Slack says, by our clock, and the page is asked for again."""
    async with slack.running(persona_consent="on"):
        lives, _ = await learned(slack)
    await slack.deletes(lives, is_heard=False)
    slack.twin.limit("conversations.history", retry_after_s=30, times=2)
    async with slack.running(persona_consent="on"):
        slept = len(slack.clock.slept)
        await slack.core.rechecking.sweep()

        assert slack.clock.slept[slept:].count(30.0) == 2
        assert await known(slack) == ["Vim"]


async def test_an_empty_history_without_its_permission_is_none(discord: DiscordWorld) -> None:
    """Discord shows an empty channel to whoever may not read its history: that deletes nothing."""
    async with discord.running(persona_consent="on"):
        lives, _ = await learned(discord)
    await discord.deletes(lives, is_heard=False)
    await discord.twin.alters("team", bot_denied=Permission.READ_MESSAGE_HISTORY)
    async with discord.running(persona_consent="on"):
        found = await discord.core.rechecking.sweep()

        assert found == 0
        assert await known(discord) == ["Lisbon", "Vim"]


async def test_an_outage_of_a_server_deletes_nothing(discord: DiscordWorld) -> None:
    """A server that Discord does not reach at the start is not asked; once it is back, a new session asks."""
    async with discord.running(persona_consent="on"):
        lives, _ = await learned(discord)
    await discord.deletes(lives, is_heard=False)
    await discord.twin.outage(discord.guild)
    async with discord.running(persona_consent="on"):
        found = await discord.core.rechecking.sweep()
        await discord.twin.outage_ends(discord.guild)
        await discord.delivered()

        assert found == 0
        assert await is_known(discord, "team")


async def test_an_edit_that_hides_the_words_withdraws_them(discord: DiscordWorld) -> None:
    """Edited not to mention us, a message shows us no words: what rests on it is taken back, as with the event."""
    async with discord.running(persona_consent="on"):
        lives, _ = await learned(discord)
    message = discord.twin.message(lives)
    assert message is not None
    await discord.twin.edits(message, "never mind")
    async with discord.running(persona_consent="on"):
        found = await discord.core.rechecking.sweep()

        assert found == 1
        assert await known(discord) == ["Vim"]
