"""What stands in a Discord channel, thread or direct message, read by the real discord.py from Discord's twin."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from adapters.discord import translate
from adapters.discord.adapter import DiscordAdapter
from adapters.discord.history import PAGE, TICK
from bot import errors
from bot.messages import MessageId, Room, TenantId
from bot.ports import History
from tests.adapters.discord.clients import UNTOLD, Client, online
from tests.twins.discord import DiscordTwin, Message, Permission, ratelimited
from tests.twins.server import Fault


@pytest.fixture
def adapter(client: Client) -> DiscordAdapter:
    return DiscordAdapter(client)


def guild_of(twin: DiscordTwin) -> str:
    return next(iter(twin.server.guilds))


def room(twin: DiscordTwin, name: str) -> Room:
    found = twin.server.room(name)
    tenant = TenantId(f"discord:{found.guild_id}")
    if found.kind == "thread":
        return Room(tenant=tenant, channel=str(found.parent_id), thread=found.id, kind="public")
    return Room(tenant=tenant, channel=found.id, kind="public")


async def say(twin: DiscordTwin, text: str, place: str = "team") -> Message:
    twin.advance(0.01)
    return await twin.says("Ana", place, f"<@{twin.bot_id}> {text}")


async def read(adapter: DiscordAdapter, where: Room, first: Message, last: Message) -> History | None:
    return await adapter.history(where, since=first.created_at, until=last.created_at)


async def stands(adapter: DiscordAdapter, where: Room, first: Message, last: Message) -> dict[MessageId, str]:
    found = await read(adapter, where, first, last)
    assert found is not None
    assert (found.since, found.until) == (first.created_at, last.created_at)
    return {name: standing.text for name, standing in found.standing.items() if name in {first.id, last.id}}


# -- what stands ------------------------------------------------------------------------------------------------------


async def test_both_ends_belong_to_the_stretch(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """A stretch of one message holds it, with the words of the event; what is deleted is not in it."""
    said = [await say(twin, text) for text in ("one", "two")]
    assert await stands(adapter, room(twin, "team"), said[0], said[1]) == {said[0].id: "one", said[1].id: "two"}
    await twin.deletes(said[0])

    assert await stands(adapter, room(twin, "team"), said[0], said[0]) == {}
    assert await stands(adapter, room(twin, "team"), said[1], said[1]) == {said[1].id: "two"}


async def test_an_edit_shows_and_a_preview_is_none(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """Only a message that its author changed counts as edited."""
    plain, edited = await say(twin, "plain"), await say(twin, "tpyo")
    await twin.unfurls(plain, {"type": "link", "title": "A page"})
    await twin.edits(edited, "typo")
    found = await read(adapter, room(twin, "team"), plain, edited)

    assert found is not None
    assert [(one.text, one.is_edited) for one in found.standing.values()] == [("typo", True), ("plain", False)]


@pytest.mark.parametrize("kind", ["direct", "thread", "archived", "forum"])
async def test_every_kind_of_room_is_read(twin: DiscordTwin, adapter: DiscordAdapter, kind: str) -> None:
    """Direct messages, threads, threads that discord.py does not keep any more, and what begins a forum's thread."""
    if kind == "direct":
        said = await twin.dms("Ana", "hello")
        where = Room(tenant=translate.DIRECT, channel=twin.dm("Ana"), kind="direct")
    else:
        parent = twin.channel(guild_of(twin), "board2", kind="forum") if kind == "forum" else "team"
        thread = twin.channel(guild_of(twin), "plan", kind="thread", parent=parent)
        said = await say(twin, "hello", thread)
        if kind == "archived":
            await twin.alters(thread, archived=True)
        where = room(twin, "plan")

    assert adapter.listed_in(where, MessageId(said.id)) == where
    assert await stands(adapter, where, said, said) == {said.id: "hello"}


async def test_pages_join_without_a_gap(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """Each page says what it covers; with the next ones every message is seen."""
    said = [await say(twin, "word") for _ in range(2 * PAGE + 5)]
    since, until = said[0].created_at, said[-1].created_at
    seen: set[str] = set()
    pages = 0
    while since <= until:
        found = await adapter.history(room(twin, "team"), since=since, until=until)
        assert found is not None
        seen |= set(found.standing)
        until, pages = found.since - TICK, pages + 1

    assert seen == {one.id for one in said}
    assert pages == 3


async def test_a_page_that_ends_within_a_moment_does_not_cover_it(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """Of two messages of one millisecond a page may hold one: what became of the other it does not say."""
    twin.advance(1)
    first = await twin.says("Ana", "team", "one")
    same = [await twin.says("Ana", "team", "two") for _ in range(2)]
    twin.advance(1)
    last = [await twin.says("Ana", "team", "three") for _ in range(PAGE - 1)][-1]
    found = await read(adapter, room(twin, "team"), first, last)

    assert found is not None
    assert {one.id for one in same} - set(found.standing) == {same[0].id}
    assert not found.covers(same[0].created_at)
    assert found.covers(last.created_at)


# -- what is unknown --------------------------------------------------------------------------------------------------


async def test_an_empty_history_without_the_permission_is_unknown(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """Discord answers with nothing where we may not read the past: that is not an empty channel."""
    guild = guild_of(twin)
    twin.channel(guild, "shy", bot_denied=Permission.READ_MESSAGE_HISTORY)
    said = await twin.says("Ana", "shy", "hello")
    async with online() as client:
        late = DiscordAdapter(client)

        assert await read(late, room(twin, "shy"), said, said) is None


async def lose_view(twin: DiscordTwin) -> None:
    await twin.alters("team", bot_denied=Permission.VIEW_CHANNEL)


async def lose_channel(twin: DiscordTwin) -> None:
    await twin.removes_channel("team")


async def lose_server(twin: DiscordTwin) -> None:
    await twin.bot_leaves(guild_of(twin))


async def outage(twin: DiscordTwin) -> None:
    await twin.outage(guild_of(twin))


LOSSES: dict[str, Callable[[DiscordTwin], Awaitable[None]]] = {
    "may not see it": lose_view,
    "it is deleted": lose_channel,
    "not in the server": lose_server,
}


@pytest.mark.parametrize("loss", [*LOSSES, "outage"])
async def test_what_discord_does_not_show_is_unknown(twin: DiscordTwin, client: Client, loss: str) -> None:
    """A channel we may not see, one that is gone, a server we are not in, an outage: none is an empty channel."""
    said, where = await say(twin, "hello"), room(twin, "team")
    await twin.deletes(said)
    await {**LOSSES, "outage": outage}[loss](twin)
    await twin.dms("Ana", "heard?")
    while (await client.next("message")).content != "heard?":
        pass

    assert await read(DiscordAdapter(client), where, said, said) is None


@pytest.mark.parametrize("loss", LOSSES)
async def test_a_loss_that_we_did_not_hear_of_is_unknown_too(
    twin: DiscordTwin, adapter: DiscordAdapter, loss: str
) -> None:
    """What discord.py remembers of our permissions may be old: then Discord's refusal says it."""
    said, where = await say(twin, "hello"), room(twin, "team")
    await twin.deletes(said)
    twin.gateway.mute()
    await LOSSES[loss](twin)

    assert await read(adapter, where, said, said) is None


async def test_a_server_that_is_not_there_costs_no_call(twin: DiscordTwin) -> None:
    """Where an outage hides a server from the start on, nothing of it is asked."""
    said, where = await say(twin, "hello"), room(twin, "team")
    await outage(twin)
    async with online() as client:
        calls = len(twin.ledger)

        assert await read(DiscordAdapter(client), where, said, said) is None
        assert len(twin.ledger) == calls


async def test_a_thread_of_a_channel_we_were_not_told_of_is_unknown(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """Who reads a thread is decided by its channel: without it nobody knows whether we may."""
    twin.gateway.mute()
    parent = twin.channel(guild_of(twin), "new")
    thread = twin.channel(guild_of(twin), "plan", kind="thread", parent=parent)
    said = await say(twin, "hello", thread)

    assert await read(adapter, room(twin, "plan"), said, said) is None


async def test_a_host_that_is_told_of_no_server_finds_out_nothing(twin: DiscordTwin) -> None:
    """Without the guilds intent nobody knows what we may read."""
    said = await say(twin, "hello")
    async with online(UNTOLD) as client:
        assert await read(DiscordAdapter(client), room(twin, "team"), said, said) is None


async def test_a_failing_discord_is_not_an_empty_room(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """An error on the way is an error of ours, which says nothing of the room."""
    said = await say(twin, "hello")
    twin.fault("GET", f"/channels/{said.channel_id}/messages", Fault(status=503, times=-1))

    with pytest.raises(errors.PlatformError):
        await read(adapter, room(twin, "team"), said, said)


async def test_discords_limit_is_waited_out(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """discord.py waits as long as Discord says, and asks again."""
    said = await say(twin, "hello")
    path = f"/channels/{said.channel_id}/messages"
    twin.fault("GET", path, ratelimited(retry_after=0.01, times=2))

    assert await stands(adapter, room(twin, "team"), said, said) == {said.id: "hello"}
    assert len(twin.calls(path, method="GET")) == 3
