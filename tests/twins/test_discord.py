"""The Discord twin, tested through unmodified discord.py: what it delivers, what it refuses, what people see."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import discord
import pytest
import zstandard
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route
from yarl import URL

from tests.twins.discord import DiscordTwin, Permission, banned, ratelimited
from tests.twins.server import Fault

PLAIN = discord.Intents.default()
READING = discord.Intents.default()
READING.message_content = True
MEMBERS = discord.Intents.default()
MEMBERS.members = True
LINK = {"type": 2, "style": 5, "url": "https://example.org", "label": "x"}


class Bot(discord.Client):
    """A client that keeps every event until the test asks for it."""

    def __init__(self, *, intents: discord.Intents = PLAIN, **options: Any) -> None:
        super().__init__(intents=intents, guild_ready_timeout=0.02, **options)
        self.tree = app_commands.CommandTree(self)
        self._events: defaultdict[str, asyncio.Queue[Any]] = defaultdict(asyncio.Queue)

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        super().dispatch(event, *args, **kwargs)
        self._events[event].put_nowait(args[0] if len(args) == 1 else args)

    async def next(self, event: str) -> Any:
        async with asyncio.timeout(5):
            return await self._events[event].get()

    def count(self, event: str) -> int:
        return self._events[event].qsize()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Identify again at once; the library waits five seconds."""

    def at(self, channel_id: str) -> Any:
        return self.get_channel(int(channel_id)) or self.get_partial_messageable(int(channel_id))


@pytest.fixture
async def twin(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DiscordTwin]:
    async with furnished(monkeypatch, message_content=False) as twin:
        yield twin


@contextlib.asynccontextmanager
async def furnished(monkeypatch: pytest.MonkeyPatch, **options: Any) -> AsyncIterator[DiscordTwin]:
    """A twin that discord.py will find, with one guild, one channel and two members."""
    async with DiscordTwin(**options) as twin:
        monkeypatch.setattr(Route, "BASE", twin.api_url)
        monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", URL(twin.gateway_url))
        guild = twin.guild("HQ")
        twin.channel(guild, "team")
        twin.member("Ana", guilds=[guild])
        twin.member("Ben", guilds=[guild])
        yield twin


@contextlib.asynccontextmanager
async def online(bot: Bot) -> AsyncIterator[Bot]:
    """The bot, ready; it is closed afterwards and must have run without an error."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(bot.start("test-token"))
        try:
            await bot.next("ready")
            yield bot
        finally:
            await bot.close()


def guild_of(twin: DiscordTwin) -> str:
    return next(iter(twin.server.guilds))


def team(twin: DiscordTwin) -> str:
    return twin.server.room("team").id


async def post(bot: Bot, channel: str, **body: Any) -> Any:
    """Send a body as it is, so that the twin and not the library judges it."""
    return await bot.http.request(Route("POST", "/channels/{channel_id}/messages", channel_id=channel), json=body)


# -- login and ready --------------------------------------------------------------------------------------------------


async def test_wrong_token_cannot_log_in(twin: DiscordTwin) -> None:
    """Another token than the twin's is refused with 401."""
    async with Bot() as bot:
        with pytest.raises(discord.LoginFailure):
            await bot.login("stolen")


async def test_bot_sees_its_guild(twin: DiscordTwin) -> None:
    """After READY the client knows the guild, its channels, itself and what it may do."""
    async with online(Bot()) as bot:
        guild = bot.guilds[0]

        assert (guild.name, guild.me.id, guild.member_count) == ("HQ", int(twin.bot_id), 4)
        assert [channel.name for channel in guild.text_channels] == ["team"]
        assert guild.text_channels[0].permissions_for(guild.me).send_messages
        assert guild.self_role is not None
        assert guild.self_role.id == int(twin.bot_role(str(guild.id)))
        assert bot.application_id == int(twin.bot_id)
        assert len(twin.identifies) == 1


async def test_sharded_client_asks_where_to_connect(twin: DiscordTwin) -> None:
    """An AutoShardedClient finds the gateway through GET /gateway/bot."""

    class Sharded(Bot, discord.AutoShardedClient):
        pass

    async with online(Sharded()) as bot:
        assert bot.shard_count == 1
        assert twin.calls("/gateway/bot")


@pytest.mark.parametrize("compress", ["zlib-stream", "zstd-stream", None])
async def test_gateway_speaks_every_compression(twin: DiscordTwin, compress: str | None) -> None:
    """Payloads of one connection come as one stream in the compression the query asks for, or as text."""
    inflate = zlib.decompressobj()
    zstd = zstandard.ZstdDecompressor().decompressobj()
    read: dict[str | None, Callable[[Any], Any]] = {
        "zlib-stream": inflate.decompress,
        "zstd-stream": zstd.decompress,
        None: str,
    }
    async with raw_gateway(twin, compress) as ws:
        hello = json.loads(read[compress](await ws.receive_data()))
        await ws.send_json(identify())
        ready = json.loads(read[compress](await ws.receive_data()))

    assert hello["d"]["heartbeat_interval"] == 41250
    assert (ready["t"], ready["s"], ready["d"]["user"]["id"]) == ("READY", 1, twin.bot_id)


class RawSocket:
    """A gateway client that says what the test says."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws
        self.send_json, self.send_str = ws.send_json, ws.send_str

    async def receive_data(self) -> Any:
        return (await self.ws.receive(timeout=5)).data

    async def receive_close(self) -> int:
        while (message := await self.ws.receive(timeout=5)).type is not aiohttp.WSMsgType.CLOSE:
            pass
        return int(message.data)


@contextlib.asynccontextmanager
async def raw_gateway(twin: DiscordTwin, compress: str | None = None) -> AsyncIterator[RawSocket]:
    query = {"v": "10", "encoding": "json"} | ({"compress": compress} if compress else {})
    async with aiohttp.ClientSession() as session, session.ws_connect(twin.gateway_url, params=query) as ws:
        yield RawSocket(ws)


def identify(**more: Any) -> dict[str, Any]:
    return {"op": 2, "d": {"token": "test-token", "intents": 513, "properties": {}} | more}


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([{"op": 77}], 4001),
        (["{"], 4002),
        ([{"op": 8, "d": {"guild_id": "1"}}], 4003),
        ([identify(token="stolen")], 4004),
        ([{"op": 6, "d": {"token": "stolen", "session_id": "x", "seq": 1}}], 4004),
        ([identify(), identify()], 4005),
        ([identify(), {"op": 6, "d": {"token": "test-token", "session_id": "session-1", "seq": 99}}], 4007),
        ([identify(shard=[3, 2])], 4010),
        ([identify(intents="all")], 4013),
        ([identify(intents=1 << 15)], 4014),
    ],
)
async def test_gateway_closes_with_the_code_for_the_mistake(twin: DiscordTwin, frames: list[Any], code: int) -> None:
    """Each mistake of a client meets Discord's close code."""
    async with raw_gateway(twin) as ws:
        for frame in frames:
            await (ws.send_str(frame) if isinstance(frame, str) else ws.send_json(frame))

        assert await ws.receive_close() == code


async def test_unknown_gateway_version_is_refused(twin: DiscordTwin) -> None:
    """A connection for another API version is closed with 4012."""
    async with aiohttp.ClientSession() as session, session.ws_connect(twin.gateway_url + "?v=6") as ws:
        assert await RawSocket(ws).receive_close() == 4012


async def test_privileged_intent_needs_the_grant(twin: DiscordTwin) -> None:
    """Asking for message content without the grant ends the client with PrivilegedIntentsRequired."""
    async with Bot(intents=READING) as bot:
        with pytest.raises(discord.PrivilegedIntentsRequired):
            await bot.start("test-token")


# -- messages of people -----------------------------------------------------------------------------------------------


async def test_message_reaches_the_bot(twin: DiscordTwin) -> None:
    """What a member says arrives with author, member, guild, channel, mention and time."""
    async with online(Bot()) as bot:
        said = await twin.says("Ana", "team", f"hi <@{twin.bot_id}>")
        message = await bot.next("message")

        assert (str(message.id), message.content, message.author.name) == (said.id, said.content, "ana")
        assert message.author.joined_at is not None
        assert message.guild == bot.guilds[0]
        assert message.channel.name == "team"
        assert bot.user in message.mentions
        assert message.created_at == twin.server.now.replace(microsecond=0)


@pytest.mark.parametrize(("granted", "asked"), [(False, PLAIN), (True, PLAIN), (True, READING)])
async def test_content_needs_intent_or_address(
    monkeypatch: pytest.MonkeyPatch, *, granted: bool, asked: discord.Intents
) -> None:
    """Without the content intent text arrives only in mentions, pinging replies, DMs and the bot's own messages."""
    async with furnished(monkeypatch, message_content=granted) as twin, online(Bot(intents=asked)) as bot:
        own = await bot.at(team(twin)).send("own")
        mine = twin.message(str(own.id))
        await twin.says("Ana", "team", "plain", attachments={"a.txt": b"x"})
        await twin.says("Ana", "team", f"<@!{twin.bot_id}> mention")
        await twin.says("Ana", "team", "pinging reply", reply_to=mine)
        await twin.says("Ana", "team", "silent reply", reply_to=mine, ping=False)
        await twin.says("Ana", "team", f"<@&{twin.bot_role(guild_of(twin))}> role")
        await twin.dms("Ana", "direct")
        got = [await bot.next("message") for _ in range(7)]

        hidden = {"plain", "silent reply", f"<@&{twin.bot_role(guild_of(twin))}> role"}
        texts = ["own", "plain", f"<@!{twin.bot_id}> mention", "pinging reply", "silent reply", *(hidden), "direct"]
        seen = {message.content for message in got}
        assert seen == set(texts) if asked is READING else seen == set(texts) - hidden | {""}
        assert bool(got[1].attachments) == (asked is READING)
        assert [role.id for role in got[5].role_mentions] == [int(twin.bot_role(guild_of(twin)))]
        assert got[6].guild is None


async def test_reply_carries_its_target(twin: DiscordTwin) -> None:
    """A reply has its target as resolved reference; a deleted target is marked as such."""
    async with online(Bot()) as bot:
        first = await twin.says("Ana", "team", f"<@{twin.bot_id}> one")
        await twin.says("Ben", "team", "two", reply_to=first)
        await twin.deletes(first)
        await twin.says("Ben", "team", "three", reply_to=first)
        _, two, three = [await bot.next("message") for _ in range(3)]

        assert two.type is discord.MessageType.reply
        assert two.reference.resolved.id == int(first.id)
        assert isinstance(three.reference.resolved, discord.DeletedReferencedMessage)


async def test_silent_reply_stays_silent_when_edited(twin: DiscordTwin) -> None:
    """Whether a reply pings is settled when it is posted."""
    async with online(Bot()) as bot:
        own = twin.message(str((await bot.at(team(twin)).send("own")).id))
        await twin.edits(await twin.says("Ana", "team", "one", reply_to=own, ping=False), "two")
        await twin.edits(await twin.says("Ana", "team", "one", reply_to=own), "two")
        silent, pinging = await bot.next("raw_message_edit"), await bot.next("raw_message_edit")

        assert (silent.message.mentions, pinging.message.mentions) == ([], [bot.user])


async def test_forward_is_a_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    """A forwarded message has the original's text in its snapshot and none of its own."""
    async with furnished(monkeypatch, message_content=True) as twin, online(Bot(intents=READING)) as bot:
        original = await twin.says("Ana", "team", "the plan")
        await twin.says("Ben", "team", "", forward=original)
        await bot.next("message")
        message = await bot.next("message")

        assert message.content == ""
        assert message.message_snapshots[0].content == "the plan"
        assert message.reference.type is discord.MessageReferenceType.forward


async def test_edits_and_deletes_arrive(twin: DiscordTwin) -> None:
    """Edits, previews, deletes and bulk deletes arrive as raw events, also for messages that are not cached."""
    said = [await twin.says("Ana", "team", f"<@{twin.bot_id}> {n}") for n in range(4)]
    async with online(Bot()) as bot:
        await twin.edits(said[0], f"<@{twin.bot_id}> better")
        await twin.unfurls(said[1], {"type": "link", "url": "https://example.org"})
        await twin.deletes(said[0])
        await twin.bulk_deletes(said[1], said[2])
        edit, preview = await bot.next("raw_message_edit"), await bot.next("raw_message_edit")
        delete, bulk = await bot.next("raw_message_delete"), await bot.next("raw_bulk_message_delete")

        assert edit.message.content.endswith("better")
        assert edit.message.edited_at is not None
        assert (preview.message.edited_at, len(preview.message.embeds)) == (None, 1)
        assert delete.message_id == int(said[0].id)
        assert bulk.message_ids == {int(said[1].id), int(said[2].id)}
        assert [message.id for message in twin.messages("team")] == [said[3].id]


async def test_reactions_and_typing_arrive(twin: DiscordTwin) -> None:
    """Reactions of people come and go as events, and so does their typing."""
    async with online(Bot()) as bot:
        said = await twin.says("Ana", "team", f"<@{twin.bot_id}>")
        await twin.reacts("Ben", said, "👍")
        await twin.reacts("Ben", said, "👍", added=False)
        await twin.types("Ben", "team")
        added, removed = await bot.next("raw_reaction_add"), await bot.next("raw_reaction_remove")
        typing = await bot.next("raw_typing")

        assert (str(added.emoji), added.member.name) == ("👍", "ben")
        assert removed.message_id == int(said.id)
        assert typing.user.name == "ben"


async def test_other_bots_and_webhooks_are_recognizable(twin: DiscordTwin) -> None:
    """Messages of bots and of webhooks say that they are."""
    twin.member("Robo", guilds=[guild_of(twin)], bot=True)
    twin.webhook("CI")
    async with online(Bot()) as bot:
        await twin.says("Robo", "team", "beep")
        await twin.says("CI", "team", "green")
        beep, green = await bot.next("message"), await bot.next("message")

        assert (beep.author.bot, beep.webhook_id) == (True, None)
        assert green.webhook_id == green.author.id


async def test_attachment_is_served_until_its_address_expires(twin: DiscordTwin) -> None:
    """The bytes of an attachment can be read at its address, for a day."""
    async with online(Bot()) as bot:
        await twin.dms("Ana", "see", attachments={"notes.txt": b"hello"})
        attachment = (await bot.next("message")).attachments[0]

        assert (attachment.filename, attachment.size, attachment.content_type) == ("notes.txt", 5, "text/plain")
        assert await attachment.read() == b"hello"
        twin.advance(25 * 3600)
        with pytest.raises(discord.NotFound):
            await attachment.read()


async def test_redelivery_repeats_the_event(twin: DiscordTwin) -> None:
    """The same message can be dispatched twice."""
    async with online(Bot()) as bot:
        said = await twin.says("Ana", "team", f"<@{twin.bot_id}>")
        await twin.redeliver(said)

        assert (await bot.next("message")).id == (await bot.next("message")).id == int(said.id)


# -- sessions ---------------------------------------------------------------------------------------------------------

Break = Callable[[DiscordTwin], Awaitable[None]]


@pytest.mark.parametrize(
    "breaks",
    [
        lambda twin: twin.reconnect(),
        lambda twin: twin.drop(),
        lambda twin: twin.invalidate(resumable=True),
        lambda twin: twin.close_gateway(4000),
        lambda twin: twin.close_gateway(1000),
    ],
    ids=["op7", "cut", "op9", "4000", "1000"],
)
async def test_resume_replays_what_was_missed(twin: DiscordTwin, breaks: Break) -> None:
    """After a lost connection the client resumes and gets every missed event once and in order."""
    async with online(Bot()) as bot:
        await breaks(twin)
        for n in range(3):
            await twin.dms("Ana", str(n))
        await bot.next("resumed")

        assert [(await bot.next("message")).content for _ in range(3)] == ["0", "1", "2"]
        assert (len(twin.identifies), len(twin.resumes), bot.count("message")) == (1, 1, 0)


async def test_invalid_session_starts_over(twin: DiscordTwin) -> None:
    """After op 9 with false the client identifies anew and what happened in between is not delivered."""
    async with online(Bot()) as bot:
        await twin.invalidate(resumable=False)
        await twin.dms("Ana", "lost")
        await bot.next("ready")
        await twin.dms("Ana", "found")

        assert (await bot.next("message")).content == "found"
        assert (len(twin.identifies), len(twin.resumes)) == (2, 0)


async def test_session_expires_while_it_is_down(twin: DiscordTwin) -> None:
    """A session that was down for too long cannot be resumed."""
    async with online(Bot()) as bot:
        await twin.drop()
        twin.advance(301)
        await bot.next("ready")

        assert (len(twin.identifies), len(twin.resumes)) == (2, 1)


@pytest.mark.parametrize(("code", "left"), [(1000, 0), (1001, 0), (4000, 1)])
async def test_client_that_says_goodbye_ends_its_session(twin: DiscordTwin, code: int, left: int) -> None:
    """A client that closes with 1000 or 1001 leaves no session behind; with 4000 it can come back."""
    async with raw_gateway(twin) as ws:
        await ws.send_json(identify())
        await twin.wait_for(lambda: twin.gateway.sessions)
        await ws.ws.close(code=code)
    await twin.wait_for(lambda: not twin.gateway.connections)

    assert len(twin.gateway.sessions) == left


async def test_mute_gateway_is_left(twin: DiscordTwin) -> None:
    """A client that hears nothing at all for its heartbeat timeout leaves and resumes elsewhere."""
    async with online(Bot(heartbeat_timeout=0.1)) as bot:
        twin.mute()
        await twin.dms("Ana", "anybody?")

        assert (await bot.next("message")).content == "anybody?"
        assert twin.resumes


async def test_heartbeats_are_acknowledged_until_they_are_not(twin: DiscordTwin) -> None:
    """Heartbeats are answered, can be asked for, and can go unanswered while events still flow."""
    async with online(Bot()) as bot:
        beats = len([frame for frame in twin.frames if frame["op"] == 1])
        await twin.ask_heartbeat()
        await twin.wait_for(lambda: len([f for f in twin.frames if f["op"] == 1]) > beats)
        twin.stop_acks()
        await twin.dms("Ana", "still here")

        assert (await bot.next("message")).content == "still here"
        assert bot.latency < float("inf")


async def test_malformed_dispatch_ends_the_client(twin: DiscordTwin) -> None:
    """A payload without a needed key gets through to the parser, where discord.py gives up."""
    async with Bot() as bot, asyncio.TaskGroup() as tasks:
        await bot.login("test-token")
        tasks.create_task(spoil(twin))
        with pytest.raises(KeyError):
            await bot.connect()


async def spoil(twin: DiscordTwin) -> None:
    await twin.wait_for(lambda: twin.gateway.sessions)
    await twin.send_raw("MESSAGE_CREATE", {"id": "1"})


async def test_members_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the members intent all members are known at start; without it they can be asked for by name or id."""
    async with furnished(monkeypatch, members=True):
        async with online(Bot(intents=MEMBERS)) as bot:
            assert {"ana", "ben"} <= {member.name for member in bot.guilds[0].members}
        async with online(Bot()) as bot:
            found = await bot.guilds[0].query_members("an")
            by_id = await bot.guilds[0].query_members(user_ids=[found[0].id])

        assert [member.name for member in found + by_id] == ["ana", "ana"]


async def test_coming_and_going(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaving a guild, an outage of it, and members that leave are told apart."""
    async with furnished(monkeypatch, members=True) as twin, online(Bot(intents=MEMBERS)) as bot:
        guild = guild_of(twin)
        await twin.member_leaves("Ben", guild)
        assert (await bot.next("raw_member_remove")).user.name == "ben"
        await twin.member_joins("Ben", guild)
        assert (await bot.next("member_join")).name == "ben"
        await twin.outage(guild)
        assert (await bot.next("guild_unavailable")).id == int(guild)
        await twin.says("Ana", "team", f"<@{twin.bot_id}>")
        await twin.outage_ends(guild)
        assert (await bot.next("guild_available")).id == int(guild)
        assert bot.count("message") == 0
        await twin.bot_leaves(guild)
        assert (await bot.next("guild_remove")).id == int(guild)
        with pytest.raises(discord.Forbidden):
            await bot.at(team(twin)).send("still there?")
        await twin.bot_joins(guild)
        assert (await bot.next("guild_join")).id == int(guild)


async def test_roles_and_guilds_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """A role that may do less, and a guild with another feature, arrive as the client's own objects, changed."""
    async with furnished(monkeypatch) as twin, online(Bot()) as bot:
        guild = guild_of(twin)
        await twin.alters_role(guild, permissions=Permission.SEND_MESSAGES)
        await bot.next("guild_role_update")
        await twin.alters_guild(guild, features=("DISCOVERABLE",))
        await bot.next("guild_update")
        (found,) = bot.guilds

    assert found.default_role.permissions.value == int(Permission.SEND_MESSAGES)
    assert found.features == ["DISCOVERABLE"]
    assert found.get_channel(int(team(twin))) is not None


# -- messages of the bot ----------------------------------------------------------------------------------------------


async def test_post_edit_delete_are_seen_and_recorded(twin: DiscordTwin) -> None:
    """What the bot posts, edits and deletes is what people see, comes back to it, and is in the ledger in order."""
    async with online(Bot()) as bot:
        sent = await bot.at(team(twin)).send("one")
        assert [message.content for message in twin.messages("team")] == ["one"]
        await sent.edit(content="two")
        assert [message.content for message in twin.messages("team")] == ["two"]
        await sent.delete()

        assert twin.messages("team") == []
        assert [(p.action, p.body.get("content")) for p in twin.posts] == [
            ("create", "one"),
            ("edit", "two"),
            ("delete", None),
        ]
        assert (await bot.next("message")).id == sent.id
        assert (await bot.next("raw_message_edit")).message_id == sent.id
        assert (await bot.next("raw_message_delete")).message_id == sent.id


async def test_reply_and_its_refusals(twin: DiscordTwin) -> None:
    """A reply names its target by integers or strings; an unknown target is refused unless told not to fail."""
    async with online(Bot()) as bot:
        await twin.says("Ana", "team", f"<@{twin.bot_id}>")
        question = await bot.next("message")
        answer = await question.reply("yes", mention_author=False)
        gone = {"message_id": 1, "channel_id": int(team(twin))}
        with pytest.raises(discord.HTTPException) as refused:
            await post(bot, team(twin), content="late", message_reference=gone)
        await post(bot, team(twin), content="late", message_reference=gone | {"fail_if_not_exists": False})

        assert answer.reference.message_id == question.id
        assert (refused.value.code, twin.pings) == (50035, [])
        assert [message.kind for message in twin.messages("team")] == [0, 19, 0]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"content": "x" * 2001}, 400, 50035),
        ({"content": "  \n"}, 400, 50006),
        ({"content": "x", "nonce": "n" * 26}, 400, 50035),
        ({"embeds": [{"title": "x"}] * 11}, 400, 50035),
        ({"embeds": [{"title": "x" * 257}]}, 400, 50035),
        ({"embeds": [{"description": "x" * 3001}] * 2}, 400, 50035),
        ({"embeds": [{"fields": [{"name": "n", "value": "v" * 1025}]}]}, 400, 50035),
        ({"content": "x", "components": [{"type": 1, "components": [LINK]}] * 6}, 400, 50035),
        ({"content": "x", "components": [LINK]}, 400, 50035),
        ({"content": "x", "components": [{"type": 1, "components": []}]}, 400, 50035),
        ({"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}}, 400, 50035),
        ({"content": "x", "attachments": [{"id": 3, "filename": "x"}]}, 400, 50035),
        ({"content": "x", "flags": 1 << 15, "components": [{"type": 10, "content": "y"}]}, 400, 50035),
        ({"flags": 1 << 15, "components": [{"type": 10, "content": "y" * 4001}]}, 400, 50035),
        ({"content": 7}, 400, 50035),
    ],
)  # fmt: skip
async def test_body_beyond_a_limit_is_refused(twin: DiscordTwin, body: Any, status: int, code: int) -> None:
    """A message that breaks one of Discord's limits is refused and nothing is posted."""
    async with online(Bot()) as bot:
        with pytest.raises(discord.HTTPException) as refused:
            await post(bot, team(twin), **body)

        assert (refused.value.status, refused.value.code, twin.posts) == (status, code, [])


@pytest.mark.parametrize(
    "row",
    [
        [{"type": 2, "style": 1, "custom_id": "a", "label": "x" * 81}],
        [{"type": 2, "style": 1, "custom_id": "a" * 101}],
        [{"type": 2, "style": 1}],
        [{"type": 2, "style": 1, "custom_id": "a"}] * 2,
        [{"type": 2, "style": 1, "custom_id": str(n)} for n in range(6)],
        [{"type": 3, "custom_id": "a", "options": [{"label": "l", "value": str(n)} for n in range(26)]}],
        [{"type": 3, "custom_id": "a", "options": [{"label": "l" * 101, "value": "v"}]}],
        [{"type": 3, "custom_id": "a", "options": [{"label": "l", "value": "v"}] * 2}],
        [{"type": 3, "custom_id": "a", "options": [{"label": "", "value": "v"}]}],
        [{"type": 2, "style": 1, "custom_id": "a", "label": ""}],
        [{"type": 2, "style": 9, "custom_id": "a", "label": "x"}],
        [{"type": 4, "style": 1, "custom_id": "a", "label": "only in modals"}],
    ],
)
async def test_component_beyond_a_limit_is_refused(twin: DiscordTwin, row: list[Any]) -> None:
    """Rows, labels, options and custom ids that are too many, too long, missing, doubled or misplaced are refused."""
    async with online(Bot()) as bot:
        with pytest.raises(discord.HTTPException) as refused:
            await post(bot, team(twin), content="x", components=[{"type": 1, "components": row}])

        assert refused.value.code == 50035


async def test_limits_count_code_points_and_v2_text_is_content(twin: DiscordTwin) -> None:
    """2,000 emoji are one message, and a layout of text displays is one without content."""
    view = discord.ui.LayoutView()
    view.add_item(discord.ui.TextDisplay("shown"))
    async with online(Bot()) as bot:
        await bot.at(team(twin)).send("😀" * 2000)
        await bot.at(team(twin)).send(view=view)

        assert twin.messages("team")[1].components[0]["content"] == "shown"


@pytest.mark.parametrize(
    ("allowed", "pinged"),
    [
        (None, ["user", "role", "everyone", "reply"]),
        (discord.AllowedMentions.none(), []),
        (discord.AllowedMentions(everyone=False, roles=False, users=False, replied_user=True), ["reply"]),
        (discord.AllowedMentions(everyone=False, roles=False, users=True, replied_user=False), ["user"]),
        (discord.AllowedMentions(everyone=False, roles=True, users=False, replied_user=False), ["role"]),
    ],
)
async def test_pings_are_those_allowed(twin: DiscordTwin, allowed: Any, pinged: list[str]) -> None:
    """Only what allowed_mentions lets through notifies, including the reply ping; code and unknown ids never do."""
    role = twin.role(guild_of(twin), "crew", mentionable=True)
    ben = twin.server.user("Ben").id
    async with online(Bot(allowed_mentions=allowed)) as bot:
        await twin.says("Ana", "team", f"<@{twin.bot_id}>")
        question = await bot.next("message")
        await question.reply(f"<@{ben}> <@&{role}> @everyone <@1> `<@{question.author.id}>`")

        assert sorted(ping.kind for ping in twin.pings) == sorted(pinged)


async def test_mass_ping_needs_the_permission(twin: DiscordTwin) -> None:
    """Without the permission @everyone and unmentionable roles are only text; an edit never pings."""
    guild = guild_of(twin)
    quiet = twin.channel(guild, "quiet", bot_denied=Permission.MENTION_EVERYONE)
    role = twin.role(guild, "crew")
    async with online(Bot()) as bot:
        sent = await bot.at(quiet).send(f"@everyone <@&{role}>")
        await sent.edit(content=f"<@{twin.server.user('Ana').id}>")

        assert twin.pings == []


async def test_nonce_makes_a_repeat_the_same_message(twin: DiscordTwin) -> None:
    """A repeated nonce returns the first message for some minutes, and nothing if that was deleted."""
    async with online(Bot()) as bot:
        channel = bot.at(team(twin))
        first = await channel.send("once", nonce="n1")
        again = await channel.send("once", nonce="n1")
        assert (again.id, len(twin.messages("team"))) == (first.id, 1)
        await first.delete()
        with pytest.raises(discord.NotFound):
            await channel.send("once", nonce="n1")
        twin.advance(301)

        assert (await channel.send("once", nonce="n1")).id != first.id


async def test_lost_answer_and_nonce_leave_one_message(twin: DiscordTwin) -> None:
    """A post whose answer was lost took effect; repeating it with the same nonce adds nothing."""
    async with online(Bot()) as bot:
        channel = bot.at(team(twin))
        twin.fault("POST", "/messages", Fault(reset_after=True))
        with pytest.raises((OSError, aiohttp.ClientError)):
            await channel.send("once", nonce="n1")
        await channel.send("once", nonce="n1")

        assert [message.content for message in twin.messages("team")] == ["once"]


async def test_a_failure_may_have_had_its_effect(twin: DiscordTwin) -> None:
    """A post that is answered with a failure afterwards stands all the same; what meets no fault is not touched."""
    async with online(Bot()) as bot:
        channel = bot.at(team(twin))
        met = iter([Fault(status_after=503)])
        twin.weather = lambda method, path: next(met, None) if (method, path[-9:]) == ("POST", "/messages") else None
        with pytest.raises(discord.DiscordServerError):
            await channel.send("taken")
        await channel.send("as usual")

        assert [message.content for message in twin.messages("team")] == ["taken", "as usual"]


async def test_history_may_lag(twin: DiscordTwin) -> None:
    """With a lag set, the history does not show what was posted a moment ago."""
    twin.server.history_lag_s = 5
    async with online(Bot()) as bot:
        channel = bot.at(team(twin))
        await channel.send("fresh")
        before = [message.content async for message in channel.history()]
        twin.advance(6)

        assert before == []
        assert [message.content async for message in channel.history()] == ["fresh"]


@pytest.mark.parametrize("global_", [False, True])
async def test_rate_limit_is_waited_out(twin: DiscordTwin, *, global_: bool) -> None:
    """A 429 of the twin is one that discord.py understands and repeats."""
    async with online(Bot()) as bot:
        twin.fault("POST", "/messages", ratelimited(retry_after=0.01, global_=global_, times=2))
        await bot.at(team(twin)).send("patient")

        assert len(twin.calls("/messages", method="POST")) == 3


async def test_a_ban_is_not_waited_out(twin: DiscordTwin) -> None:
    """A 429 that does not come from Discord itself is an error at once: whoever goes on asking stays banned."""
    async with online(Bot()) as bot:
        twin.fault("POST", "/messages", banned())
        with pytest.raises(discord.HTTPException) as caught:
            await bot.at(team(twin)).send("refused")

        assert caught.value.status == 429
        assert len(twin.calls("/messages", method="POST")) == 1
        assert twin.messages("team") == []


async def test_exhausted_bucket_holds_the_next_call(twin: DiscordTwin) -> None:
    """Remaining 0 makes the client wait for the bucket without meeting a 429."""
    async with online(Bot()) as bot:
        twin.exhaust("POST", "/messages", reset_after_s=0.05)
        began = asyncio.get_running_loop().time()
        await bot.at(team(twin)).send("one")
        await bot.at(team(twin)).send("two")

        assert asyncio.get_running_loop().time() - began >= 0.05


async def test_history_is_newest_first_and_bounded(twin: DiscordTwin) -> None:
    """History goes back from the newest, from before an id, forward from an id, or around one."""
    said = [await twin.says("Ana", "team", f"<@{twin.bot_id}> {n}") for n in range(9)]
    marks = [discord.Object(int(message.id)) for message in said]
    async with online(Bot()) as bot:
        channel = bot.at(team(twin))

        async def numbers(**which: Any) -> str:
            return "".join([message.content[-1] async for message in channel.history(**which)])

        assert await numbers(limit=3) == "876"
        assert await numbers(limit=2, before=marks[4]) == "32"
        assert await numbers(limit=2, after=marks[4]) == "56"
        assert await numbers(limit=3, around=marks[4]) == "543"
        assert (await channel.fetch_message(marks[0].id)).content[-1] == "0"
        with pytest.raises(discord.NotFound):
            await channel.fetch_message(1)


async def test_history_is_as_silent_as_the_gateway(twin: DiscordTwin) -> None:
    """Without the grant history shows no text of messages that were not for the bot."""
    await twin.says("Ana", "team", "private matters")
    async with online(Bot()) as bot:
        assert [message.content async for message in bot.at(team(twin)).history()] == [""]


async def test_files_go_both_ways(twin: DiscordTwin) -> None:
    """Uploads are stored with name and text, an edit keeps what it names, and too much is refused."""
    async with online(Bot()) as bot:
        channel = bot.at(team(twin))
        files = [discord.File(io.BytesIO(b"a\r\nb"), "a.txt", description="A"), discord.File(io.BytesIO(b"b"), "b.txt")]
        sent = await channel.send("two", files=files)
        assert [await attachment.read() for attachment in sent.attachments] == [b"a\r\nb", b"b"]
        await sent.edit(attachments=[sent.attachments[1], discord.File(io.BytesIO(b"c"), "c.txt")])
        with pytest.raises(discord.HTTPException) as refused:
            await channel.send(file=discord.File(io.BytesIO(bytes(10 * 2**20 + 1)), "big"))

        kept = twin.messages("team")[0].attachments
        assert [attachment.filename for attachment in kept] == ["b.txt", "c.txt"]
        assert (refused.value.status, refused.value.code) == (413, 40005)


async def test_bot_marks_messages(twin: DiscordTwin) -> None:
    """The bot reacts, unreacts, pins, lists pins, unpins, types and clears up."""
    managed = Permission.MANAGE_MESSAGES | Permission.PIN_MESSAGES
    twin.channel(twin.guild("Lab", bot_permissions=managed), "lab")
    async with online(Bot()) as bot:
        channel = bot.at(twin.server.room("lab").id)
        sent = [await channel.send(str(n)) for n in range(3)]
        await sent[0].add_reaction("👍")
        await sent[0].add_reaction("👎")
        await sent[0].remove_reaction("👎", bot.user)
        await sent[0].pin()
        assert [message.id async for message in channel.pins()] == [sent[0].id]
        await sent[0].unpin()
        async with channel.typing():
            pass
        await channel.delete_messages(sent[1:])

        (left,) = twin.messages("lab")
        assert left.reactions == (("👍", twin.bot_id),)
        assert (left.pinned_at, twin.typing) == (None, [str(channel.id)])


async def test_foreign_messages_are_not_the_bots_to_change(twin: DiscordTwin) -> None:
    """Editing another's message is 50005, deleting it 50013, deleting in bulk 50013."""
    async with online(Bot()) as bot:
        said = [await twin.says("Ana", "team", "mine") for _ in range(2)]
        theirs = bot.at(team(twin)).get_partial_message(int(said[0].id))

        assert await code_of(theirs.edit(content="ours")) == 50005
        assert await code_of(theirs.delete()) == 50013
        assert await code_of(bot.at(team(twin)).delete_messages([discord.Object(int(m.id)) for m in said])) == 50013


async def code_of(request: Awaitable[Any]) -> int:
    """The JSON error code a request is refused with."""
    with pytest.raises(discord.HTTPException) as refused:
        await request
    return refused.value.code


# -- places -----------------------------------------------------------------------------------------------------------


async def test_hidden_channel_is_out_of_reach(twin: DiscordTwin) -> None:
    """From a channel the bot may not view nothing arrives, and everything there is refused with 50001."""
    guild = guild_of(twin)
    hidden = twin.channel(guild, "hidden", everyone_can_view=False, readers=["Ana"], bot_is_reader=False)
    twin.channel(guild, "shared", everyone_can_view=False, readers=["Ana"])
    async with online(Bot()) as bot:
        await twin.says("Ana", "hidden", f"<@{twin.bot_id}> psst")
        await twin.says("Ana", "shared", f"<@{twin.bot_id}> hello")
        with pytest.raises(AssertionError):
            await twin.says("Ben", "shared", "let me in")

        assert (await bot.next("message")).content.endswith("hello")
        assert await code_of(bot.at(hidden).send("hi")) == 50001
        assert not bot.at(hidden).permissions_for(bot.guilds[0].me).view_channel


@pytest.mark.parametrize(
    ("denied", "body"),
    [
        (Permission.SEND_MESSAGES, {"content": "x"}),
        (Permission.EMBED_LINKS, {"embeds": [{"title": "x"}]}),
    ],
)
async def test_missing_permission_is_refused(twin: DiscordTwin, denied: Permission, body: Any) -> None:
    """What the bot may not do in a channel is refused with 50013."""
    limited = twin.channel(guild_of(twin), "limited", bot_denied=denied)
    async with online(Bot()) as bot:
        assert await code_of(post(bot, limited, **body)) == 50013


async def test_history_needs_its_permission(twin: DiscordTwin) -> None:
    """Without the permission for it history is empty, single messages are 50013 and replies 160002."""
    blind = twin.channel(guild_of(twin), "blind", bot_denied=Permission.READ_MESSAGE_HISTORY)
    async with online(Bot()) as bot:
        said = await twin.says("Ana", "blind", f"<@{twin.bot_id}>")
        message = await bot.next("message")

        assert [found async for found in message.channel.history()] == []
        assert await code_of(bot.at(blind).fetch_message(int(said.id))) == 50013
        assert await code_of(message.reply("x")) == 160002


async def test_unknown_places_and_people(twin: DiscordTwin) -> None:
    """Unknown ids have their own refusals; an unknown route has none but 404."""
    async with online(Bot()) as bot:
        codes = [
            await code_of(request)
            for request in (
                bot.fetch_channel(1),
                bot.fetch_guild(1),
                bot.fetch_user(1),
                bot.guilds[0].fetch_member(1),
                bot.http.request(Route("GET", "/nowhere")),
            )
        ]

        assert codes == [10003, 10004, 10013, 10007, 0]
        assert (await bot.fetch_user(int(twin.server.user("Ana").id))).global_name == "Ana"
        assert (await bot.guilds[0].fetch_member(int(twin.server.user("Ana").id))).name == "ana"
        assert (await bot.fetch_guild(int(guild_of(twin)))).name == "HQ"
        assert [channel.name for channel in await bot.guilds[0].fetch_channels()] == ["team"]


async def test_direct_messages(twin: DiscordTwin) -> None:
    """A DM is one channel however it was opened, and members who closed theirs refuse."""
    shy = twin.member("Shy", guilds=[guild_of(twin)], dms_closed=True)
    async with online(Bot()) as bot:
        ana = await bot.fetch_user(int(twin.server.user("Ana").id))
        await ana.send("hello")
        await twin.dms("Ana", "hi")
        await bot.next("message")
        answer = await bot.next("message")
        await answer.reply("good")

        assert isinstance(answer.channel, discord.DMChannel)
        assert [message.content for message in twin.messages(twin.dm("Ana"))] == ["hello", "hi", "good"]
        assert await code_of((await bot.fetch_user(int(shy))).send("hello?")) == 50007


async def test_threads_open_and_talk(twin: DiscordTwin) -> None:
    """Threads begin at a message, without one, or as forum posts; what is said in them arrives there."""
    guild = guild_of(twin)
    twin.channel(guild, "help", kind="forum")
    async with online(Bot()) as bot:
        said = await twin.says("Ana", "team", f"<@{twin.bot_id}>")
        thread = await (await bot.next("message")).create_thread(name="Plans")
        private = await bot.at(team(twin)).create_thread(name="Secret", type=discord.ChannelType.private_thread)
        question = await bot.at(twin.server.room("help").id).create_thread(name="How?", content="like this")
        await thread.send("welcome")
        await twin.says("Ana", "Plans", f"<@{twin.bot_id}> thanks")

        assert str(thread.id) == said.id
        assert [t.kind for t in twin.threads("team")] == ["thread", "private_thread"]
        assert [message.content for message in twin.messages("How?")] == ["like this"]
        assert question.thread.parent.name == "help"
        assert await code_of(bot.at(team(twin)).get_partial_message(int(said.id)).create_thread(name="Again")) == 160004
        assert await code_of(post(bot, twin.server.room("help").id, content="x")) == 50008
        assert {t.name for t in await bot.guilds[0].active_threads()} == {"Plans", "Secret", "How?"}
        with pytest.raises(AssertionError):
            await twin.says("Ana", str(private.id), "I was not invited")


async def test_archived_thread_reopens_and_locked_refuses(twin: DiscordTwin) -> None:
    """Posting reopens an archived thread, editing in it is refused; a locked one takes nothing."""
    guild = guild_of(twin)
    old = twin.channel(guild, "old", kind="thread", parent="team")
    shut = twin.channel(guild, "shut", kind="thread", parent="team", locked=True, archived=True)
    async with online(Bot()) as bot:
        sent = await bot.at(old).send("one")
        await twin.alters(old, archived=True)
        assert (await bot.next("raw_thread_update")).thread_id == int(old)
        assert await code_of(sent.edit(content="two")) == 50083
        await bot.at(old).send("three")

        assert not twin.server.room("old").archived
        assert await code_of(bot.at(shut).send("x")) == 50083
        await twin.alters(shut, archived=False)
        assert await code_of(bot.at(shut).send("x")) == 160005


async def test_threads_are_listed_joined_and_changed(twin: DiscordTwin) -> None:
    """The bot changes threads of its own, needs a permission for others, and finds the archived ones."""
    foreign = twin.channel(guild_of(twin), "foreign", kind="thread", parent="team")
    async with online(Bot()) as bot:
        thread = await bot.at(team(twin)).create_thread(name="Mine", type=discord.ChannelType.public_thread)
        await thread.edit(name="Done", archived=True)
        assert [found.name async for found in bot.at(team(twin)).archived_threads()] == ["Done"]
        assert await code_of(thread.edit(name="Other")) == 50083
        await thread.edit(archived=False)
        await bot.at(foreign).join()
        await bot.at(foreign).leave()

        assert [found.archived for found in twin.threads("team")] == [False, False]
        assert await code_of(bot.at(foreign).edit(archived=True)) == 50013
        assert await code_of(bot.at(team(twin)).create_thread(name="x" * 101)) == 50035


async def test_bot_leaves_by_itself(twin: DiscordTwin) -> None:
    """A guild the bot left is none of its guilds any more, and nothing there is in reach."""
    lab = twin.guild("Lab")
    async with online(Bot()) as bot:
        assert {guild.name async for guild in bot.fetch_guilds()} == {"HQ", "Lab"}
        guild = bot.get_guild(int(lab))
        assert guild is not None
        await guild.leave()

        assert (await bot.next("guild_remove")).id == int(lab)
        assert [guild.name async for guild in bot.fetch_guilds()] == ["HQ"]
        assert await code_of(bot.http.bulk_upsert_guild_commands(int(twin.bot_id), int(lab), [])) == 50001


async def test_what_is_built_while_online_arrives(twin: DiscordTwin) -> None:
    """Guilds and roles that come later are known to the client."""
    async with online(Bot()) as bot:
        lab = twin.guild("Lab")
        twin.role(lab, "crew")
        assert (await bot.next("guild_join")).name == "Lab"

        assert (await bot.next("guild_role_create")).name == "crew"


async def test_channels_change_and_go(twin: DiscordTwin) -> None:
    """Creation, change and deletion of channels arrive; a deleted one is unknown."""
    async with online(Bot()) as bot:
        made = twin.channel(guild_of(twin), "new")
        assert (await bot.next("guild_channel_create")).name == "new"
        await twin.alters("new", everyone_can_view=False)
        before, after = await bot.next("guild_channel_update")
        assert (len(before.overwrites), after.overwrites_for(bot.guilds[0].default_role).view_channel) == (1, False)
        await twin.removes_channel("new")
        assert (await bot.next("guild_channel_delete")).id == int(made)

        assert await code_of(bot.at(made).send("x")) == 10003


# -- commands ---------------------------------------------------------------------------------------------------------

Answer = Callable[[discord.Interaction[Any]], Awaitable[Any]]


async def answering(bot: Bot, answer: Answer, **options: Any) -> None:
    """Register /ask, which is answered by `answer`."""

    @bot.tree.command(name="ask", description="Ask", **options)
    async def ask(interaction: discord.Interaction[Any]) -> None:
        await answer(interaction)

    await bot.tree.sync()


async def test_commands_are_registered_once_and_keep_their_ids(twin: DiscordTwin) -> None:
    """A bulk overwrite is idempotent, counted, and read back by GET."""
    async with online(Bot()) as bot:
        await answering(bot, lambda interaction: interaction.response.send_message("x"))
        first = await bot.tree.fetch_commands()
        again = await bot.tree.sync()
        await bot.tree.sync(guild=bot.guilds[0])

        assert [command.id for command in first] == [command.id for command in again]
        assert [scope for scope, _ in twin.commands.puts] == [None, None, guild_of(twin)]


def option(**more: Any) -> dict[str, Any]:
    return {"type": 3, "name": "o", "description": "x"} | more


CHOICES = [{"name": f"{n:020}", "value": f"{n:020}"} for n in range(25)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Ask"},
        {"name": "a" * 33},
        {"description": ""},
        {"description": "x" * 101},
        {"type": 3},
        {"options": [option(name=f"o{n}") for n in range(26)]},
        {"options": [option(choices=[{"name": "n" * 101, "value": "v"}])]},
        {"options": [option(), option(type=1, name="s")]},
        {"options": [option(), option(name="r", required=True)]},
        {"options": [option(type=2, options=[option(type=2)])]},
        {"options": [option(name=f"o{n}", description="x" * 100, choices=CHOICES) for n in range(8)]},
        {"name_localizations": {"de": "Zeigen"}},
        {"name_localizations": {"es": "mostrar"}},
        {"description_localizations": {"de": "x" * 101}},
        {"options": [option(name=f"o{n}", name_localizations={"de": "gleich"}) for n in range(2)]},
        {"type": 3, "description": None, "name_localizations": {"de": "x" * 33}},
    ],
)
async def test_command_beyond_a_limit_is_refused(twin: DiscordTwin, wrong: dict[str, Any]) -> None:
    """Names, descriptions, translations, options, choices and the total size of a command are limited."""
    command = {"name": "ask", "description": "x"} | wrong
    async with online(Bot()) as bot:
        assert await code_of(bot.http.bulk_upsert_global_commands(int(twin.bot_id), [command])) == 50035
        assert twin.commands.puts == []


async def test_registration_is_for_ones_own_commands(twin: DiscordTwin) -> None:
    """Another application's commands, too many of them and two of one name are refused."""
    menus = [{"name": f"Menu {n}", "type": 3} for n in range(16)]
    async with online(Bot()) as bot:
        assert await code_of(bot.http.bulk_upsert_global_commands(1, [])) == 20012
        assert await code_of(bot.http.bulk_upsert_global_commands(int(twin.bot_id), menus)) == 30032
        assert await code_of(bot.http.bulk_upsert_global_commands(int(twin.bot_id), menus[:1] * 2)) == 50035


async def test_only_registered_commands_can_be_used(twin: DiscordTwin) -> None:
    """A command nobody registered, a wrong option, or one without permission fails the test that uses it."""
    async with online(Bot()) as bot:
        with pytest.raises(AssertionError, match="no command 'ask'"):
            await twin.command("Ana", "team", "ask")
        await answering(bot, lambda interaction: interaction.response.send_message("x"))
        bot.tree.get_command("ask").default_permissions = discord.Permissions(manage_guild=True)  # type: ignore[union-attr]
        await bot.tree.sync()
        with pytest.raises(AssertionError, match="may not use"):
            await twin.command("Ana", "team", "ask")
        boss = twin.role(guild_of(twin), "boss", permissions=Permission.MANAGE_GUILD)
        twin.member("Boss", guilds=[guild_of(twin)], roles=[boss])
        with pytest.raises(AssertionError, match="has no options"):
            await twin.command("Boss", "team", "ask", options={"what": "x"})

        assert (await twin.command("Boss", "team", "ask")).text == "x"


async def test_subcommand_gets_typed_options(twin: DiscordTwin) -> None:
    """Options of every kind arrive typed and resolved, with locale, member and permissions."""
    seen: list[Any] = []
    group = app_commands.Group(name="persona", description="Persona")

    @group.command(name="add", description="Add")
    @app_commands.choices(field=[app_commands.Choice(name="Role", value="role")])
    async def add(
        interaction: discord.Interaction[Any], field: str, who: discord.Member, place: discord.TextChannel, n: int = 1
    ) -> None:
        seen.extend([field, who.name, place.name, n, interaction.locale, interaction.user.name, interaction.context])
        await interaction.response.send_message("done")

    async with online(Bot()) as bot:
        bot.tree.add_command(group)
        await bot.tree.sync()
        options = {"field": "role", "who": twin.server.user("Ben").id, "place": team(twin), "n": 3}
        shown = await twin.command("Ana", "team", "persona add", options=options, locale="de")
        with pytest.raises(AssertionError, match="offers"):
            await twin.command("Ana", "team", "persona add", options=options | {"field": "mood"})

        assert seen[:6] == ["role", "ben", "team", 3, discord.Locale.german, "ana"]
        assert seen[6].guild
        assert shown.text == "done"


async def test_public_answer_is_in_the_channel(twin: DiscordTwin) -> None:
    """An answer that is not ephemeral is a message everyone sees, and comes back to the bot."""
    async with online(Bot()) as bot:
        await answering(bot, lambda i: i.response.send_message("hello", embed=discord.Embed(title="T")))
        shown = await twin.command("Ana", "team", "ask")

        assert (shown.text, shown.ephemeral, shown.deferred) == ("hello", False, False)
        assert shown.embeds[0]["title"] == "T"
        assert [message.kind for message in twin.messages("team")] == [20]
        assert (await bot.next("message")).interaction_metadata.user.name == "ana"


async def test_ephemeral_answer_is_for_one(twin: DiscordTwin) -> None:
    """An ephemeral answer is in nobody's channel, no event and no history, and keeps hidden when edited."""

    async def answer(interaction: discord.Interaction[Any]) -> None:
        await interaction.response.send_message("secret", ephemeral=True)
        await interaction.edit_original_response(content="still secret")

    async with online(Bot()) as bot:
        await answering(bot, answer)
        shown = await twin.command("Ana", "team", "ask")
        await twin.wait_for(lambda: shown.text == "still secret")

        assert shown.ephemeral
        assert (twin.messages("team"), twin.ephemerals("Ben"), bot.count("message")) == ([], [], 0)
        assert [message.content for message in twin.ephemerals("Ana")] == ["still secret"]
        assert [post.ephemeral for post in twin.posts] == [True, True]
        assert await code_of(bot.at(team(twin)).fetch_message(int(twin.ephemerals("Ana")[0].id))) == 10008


@pytest.mark.parametrize("ephemeral", [False, True])
@pytest.mark.parametrize("followed", [False, True])
async def test_deferred_answer_is_filled(twin: DiscordTwin, *, ephemeral: bool, followed: bool) -> None:
    """Thinking ends with the edit of the original or the first followup, as visible as it was announced."""
    go = asyncio.Event()

    async def answer(interaction: discord.Interaction[Any]) -> None:
        await interaction.response.defer(ephemeral=ephemeral, thinking=True)
        await go.wait()
        if followed:
            await interaction.followup.send("done")
        else:
            await interaction.edit_original_response(content="done")
        await interaction.followup.send("and more", ephemeral=True)

    async with online(Bot()) as bot:
        await answering(bot, answer)
        shown = await twin.command("Ana", "team", "ask")
        assert (shown.deferred, shown.thinking, shown.text) == (True, True, "")
        go.set()
        await twin.wait_for(lambda: shown.followups)

        assert (shown.text, shown.thinking, shown.ephemeral) == ("done", False, ephemeral)
        assert [message.content for message in shown.followups] == ["and more"]
        assert [message.content for message in twin.messages("team")] == ([] if ephemeral else ["done"])


async def test_original_and_followups_can_be_changed(twin: DiscordTwin) -> None:
    """The original and each followup can be fetched, edited and deleted by the interaction's token."""
    done = asyncio.Event()
    uploaded: list[str] = []

    async def answer(interaction: discord.Interaction[Any]) -> None:
        await interaction.response.send_message("one", file=discord.File(io.BytesIO(b"y"), "y.txt"))
        more = await interaction.followup.send("two", wait=True, file=discord.File(io.BytesIO(b"x"), "x.txt"))
        await more.edit(content="three")
        original = await interaction.original_response()
        uploaded.extend(attachment.filename for attachment in original.attachments)
        await original.delete()
        done.set()

    async with online(Bot()) as bot:
        await answering(bot, answer)
        shown = await twin.command("Ana", "team", "ask")
        await done.wait()

        assert (shown.message, uploaded) == (None, ["y.txt"])
        assert [message.content for message in twin.messages("team")] == ["three"]
        assert [attachment.filename for attachment in shown.followups[0].attachments] == ["x.txt"]


async def test_silence_is_a_failure_and_late_answers_are_refused(twin: DiscordTwin) -> None:
    """Without a callback in time the member sees a failure, and what comes later is 10062."""
    codes = promise()
    late = asyncio.Event()

    async def answer(interaction: discord.Interaction[Any]) -> None:
        await late.wait()
        codes.set_result([await code_of(interaction.response.send_message("late"))])

    async with online(Bot()) as bot:
        await answering(bot, answer)
        twin.interactions.timeout_s = 0.02
        shown = await twin.command("Ana", "team", "ask")
        late.set()

        assert shown.failed
        assert await codes == [10062]


def promise() -> asyncio.Future[list[int]]:
    """What a handler will have found out."""
    return asyncio.get_running_loop().create_future()


async def test_interaction_refusals(twin: DiscordTwin) -> None:
    """A second answer, an early @original, a wrong callback type and an expired token are refused."""
    codes = promise()

    async def answer(interaction: discord.Interaction[Any]) -> None:
        found = [await code_of(interaction.original_response())]
        callback = Route("POST", "/interactions/{id}/{token}/callback", id=interaction.id, token=interaction.token)
        found.append(await code_of(bot.http.request(callback, json={"type": 7, "data": {"content": "x"}})))
        found.append(await code_of(bot.http.request(callback, json={"type": 4, "data": {"content": "x" * 2001}})))
        await interaction.response.send_message("one")
        found.append(await code_of(bot.http.request(callback, json={"type": 4, "data": {"content": "two"}})))
        twin.advance(901)
        found.append(await code_of(interaction.edit_original_response(content="x")))
        codes.set_result(found)

    async with online(Bot()) as bot:
        await answering(bot, answer)
        await twin.command("Ana", "team", "ask")

        assert await codes == [10015, 50035, 50035, 40060, 50027]


async def test_command_in_a_dm(twin: DiscordTwin) -> None:
    """In a DM a command comes from a user without guild, and only if it is offered there."""
    async with online(Bot()) as bot:
        await answering(bot, lambda i: i.response.send_message(f"{i.guild} {i.context.dm_channel} {i.user}"))
        shown = await twin.command("Ana", twin.dm("Ana"), "ask")
        assert shown.text == "None True ana"
        bot.tree.get_command("ask").guild_only = True  # type: ignore[union-attr]
        await bot.tree.sync()

        with pytest.raises(AssertionError, match="not offered"):
            await twin.command("Ana", twin.dm("Ana"), "ask")


@pytest.mark.parametrize(
    ("place", "context", "owner"),
    [("team", "guild", 1), ("two", "private_channel", 1), ("three", "private_channel", 1)],
)
async def test_command_where_the_bot_is_not(twin: DiscordTwin, place: str, context: str, owner: int) -> None:
    """Who installed the application for themself uses it in servers and private messages without the bot."""
    twin.member("Cy")
    others = {"two": ("Ana", "Ben"), "three": ("Ana", "Ben", "Cy")}
    async with online(Bot()) as bot:
        heard = promise()

        async def answer(interaction: discord.Interaction[Any]) -> None:
            await interaction.response.send_message("hi", ephemeral=True)
            heard.set_result([getattr(interaction.context, context), *interaction._integration_owners])

        await answering(bot, answer)
        where = twin.elsewhere(*others[place]) if place in others else place
        await twin.bot_leaves(guild_of(twin))
        shown = await twin.command("Ana", where, "ask")

        assert (shown.text, shown.ephemeral) == ("hi", True)
        assert await heard == [True, owner]
        assert await code_of(bot.at(twin.server.room(where).id).send("x")) in {10003, 50001}


async def test_a_repeated_interaction_is_the_same(twin: DiscordTwin) -> None:
    """An interaction whose event comes again was answered already: 40060."""
    codes = promise()
    heard: list[int] = []

    async def answer(interaction: discord.Interaction[Any]) -> None:
        heard.append(interaction.id)
        if len(heard) == 1:
            await interaction.response.send_message("hi")
        else:
            codes.set_result([await code_of(interaction.response.send_message("hi"))])

    async with online(Bot()) as bot:
        await answering(bot, answer)
        await twin.repeats(await twin.command("Ana", "team", "ask"))

        assert await codes == [40060]
        assert len(set(heard)) == 1


async def test_context_menu_brings_the_message(twin: DiscordTwin) -> None:
    """A message context menu command gets the whole message, whatever the content intent says."""
    async with online(Bot()) as bot:

        @bot.tree.context_menu(name="Remember this")
        async def remember(interaction: discord.Interaction[Any], message: discord.Message) -> None:
            await interaction.response.send_message(message.content, ephemeral=True)

        await bot.tree.sync()
        said = await twin.says("Ana", "team", "I like tea")

        assert (await twin.command("Ben", "team", "Remember this", target=said)).text == "I like tea"


async def test_autocompletion(twin: DiscordTwin) -> None:
    """While typing, a member is offered the choices the bot suggests."""
    async with online(Bot()) as bot:

        @bot.tree.command(name="show", description="Show")
        async def show(interaction: discord.Interaction[Any], field: str) -> None:
            await interaction.response.send_message(field)

        @show.autocomplete("field")
        async def suggest(_: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
            return [app_commands.Choice(name=f"{typed}!", value=typed)]

        await bot.tree.sync()

        assert await twin.autocompletes("Ana", "team", "show", "field", "ro") == [{"name": "ro!", "value": "ro"}]


# -- components and modals --------------------------------------------------------------------------------------------


class Panel(discord.ui.View):
    """A button, a select, and a button that is off."""

    @discord.ui.button(label="Yes", custom_id="yes")
    async def yes(self, interaction: discord.Interaction[Any], _: discord.ui.Button[Any]) -> None:
        await interaction.response.edit_message(content="pressed", view=None)

    @discord.ui.button(label="Later", custom_id="later")
    async def later(self, interaction: discord.Interaction[Any], _: discord.ui.Button[Any]) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(content="later")

    @discord.ui.button(label="No", custom_id="no", disabled=True)
    async def no(self, interaction: discord.Interaction[Any], _: discord.ui.Button[Any]) -> None:
        raise AssertionError

    @discord.ui.select(
        custom_id="tone", options=[discord.SelectOption(label="Dry"), discord.SelectOption(label="Warm")]
    )
    async def tone(self, interaction: discord.Interaction[Any], select: discord.ui.Select[Any]) -> None:
        await interaction.response.send_message(select.values[0], ephemeral=True)


async def test_buttons_and_selects(twin: DiscordTwin) -> None:
    """Buttons and selects reach their view; what is off, absent or not offered cannot be used."""
    async with online(Bot()) as bot:
        sent = await bot.at(team(twin)).send("choose", view=Panel())
        message = twin.messages("team")[0]
        chosen = await twin.selects("Ana", message, "tone", ["Warm"])
        assert (chosen.text, chosen.ephemeral) == ("Warm", True)
        for custom_id in ("no", "gone"):
            with pytest.raises(AssertionError):
                await twin.press("Ana", message, custom_id)
        with pytest.raises(AssertionError):
            await twin.selects("Ana", message, "tone", ["Rude"])
        await twin.press("Ana", message, "later")
        await twin.wait_for(lambda: twin.messages("team")[0].content == "later")
        pressed = await twin.press("Ben", message, "yes")

        assert (pressed.text, pressed.components) == ("pressed", ())
        assert twin.messages("team")[0].id == str(sent.id)


async def test_ephemeral_buttons_are_for_their_viewer(twin: DiscordTwin) -> None:
    """A button under an ephemeral message works for the one who sees it, and the message stays hidden."""
    async with online(Bot()) as bot:
        await answering(bot, lambda i: i.response.send_message("choose", view=Panel(), ephemeral=True))
        shown = await twin.command("Ana", "team", "ask")
        assert shown.message is not None
        with pytest.raises(AssertionError):
            await twin.press("Ben", shown.message, "yes")
        await twin.press("Ana", shown.message, "yes")

        assert (shown.text, shown.ephemeral, twin.messages("team")) == ("pressed", True, [])


INPUT: dict[str, Any] = {"type": 4, "custom_id": "i", "style": 1}
SELECT: dict[str, Any] = {"type": 3, "custom_id": "s", "options": [{"label": "l", "value": "v"}]}
BUTTON: dict[str, Any] = {"type": 2, "custom_id": "b", "style": 1, "label": "l"}


def labelled(component: dict[str, Any]) -> dict[str, Any]:
    """A component of a modal, below its label."""
    return {"type": 18, "label": "l", "component": component}


class OldForm(discord.ui.Modal, title="Edit"):
    """An input in a row, the older form."""

    goal: discord.ui.TextInput[Any] = discord.ui.TextInput(label="Goal", custom_id="goal", default="ship", min_length=2)

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        await interaction.response.send_message(f"goal: {self.goal.value}", ephemeral=True)


class NewForm(discord.ui.Modal, title="Edit"):
    """Inputs in labels, the newer form."""

    goal: discord.ui.Label[Any] = discord.ui.Label(
        text="Goal", component=discord.ui.TextInput(custom_id="goal", required=False)
    )
    tone: discord.ui.Label[Any] = discord.ui.Label(
        text="Tone", component=discord.ui.Select(custom_id="tone", options=[discord.SelectOption(label="Dry")])
    )

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        assert isinstance(self.goal.component, discord.ui.TextInput)
        assert isinstance(self.tone.component, discord.ui.Select)
        text = f"{self.goal.component.value} {self.tone.component.values[0]}"
        await interaction.response.send_message(text, ephemeral=True)


async def test_modals_in_both_forms(twin: DiscordTwin) -> None:
    """A modal is shown, checked as the client checks it, and submitted in the form the bot used."""
    forms: list[type[discord.ui.Modal]] = [OldForm, NewForm]
    async with online(Bot()) as bot:
        await answering(bot, lambda i: i.response.send_modal(forms.pop(0)()))
        old = await twin.command("Ana", "team", "ask")
        with pytest.raises(AssertionError):
            await twin.submits_modal("Ana", old, {"goal": "x"})
        assert (await twin.submits_modal("Ana", old, {})).text == "goal: ship"
        new = await twin.command("Ana", "team", "ask")

        assert (await twin.submits_modal("Ana", new, {"goal": "rest", "tone": ["Dry"]})).text == "rest Dry"


@pytest.mark.parametrize(
    "modal",
    [
        {"title": "", "custom_id": "m", "components": [{"type": 10, "content": "x"}]},
        {"title": "t" * 46, "custom_id": "m", "components": [{"type": 10, "content": "x"}]},
        {"title": "t", "custom_id": "m", "components": []},
        {"title": "t", "custom_id": "m", "components": [{"type": 18, "label": "l" * 46, "component": INPUT}]},
        {"title": "t", "custom_id": "m", "components": [{"type": 18, "label": "l"}]},
        {"title": "t", "custom_id": "m", "components": [{"type": 10, "content": "x"}] * 6},
        {"title": "t", "custom_id": "m", "components": [{"type": 1, "components": [SELECT]}]},
        {"title": "t", "custom_id": "m", "components": [{"type": 1, "components": [BUTTON]}]},
        {"title": "t", "custom_id": "m", "components": [labelled(INPUT | {"placeholder": "p" * 101})]},
        {"title": "t", "custom_id": "m", "components": [labelled(INPUT | {"value": "too long", "max_length": 3})]},
        {"title": "t", "custom_id": "m", "components": [labelled(INPUT | {"max_length": 4001})]},
        {"title": "t", "custom_id": "m", "components": [labelled(INPUT)] * 2},
    ],
)  # fmt: skip
async def test_modal_beyond_a_limit_is_refused(twin: DiscordTwin, modal: dict[str, Any]) -> None:
    """Title, labels, inputs and the number of components of a modal are limited, and so is what may stand in one."""
    codes = promise()

    async def answer(interaction: discord.Interaction[Any]) -> None:
        route = Route("POST", "/interactions/{id}/{token}/callback", id=interaction.id, token=interaction.token)
        codes.set_result([await code_of(bot.http.request(route, json={"type": 9, "data": modal}))])
        await interaction.response.send_message("refused")

    async with online(Bot()) as bot:
        await answering(bot, answer)
        await twin.command("Ana", "team", "ask")

        assert await codes == [50035]


# -- time -------------------------------------------------------------------------------------------------------------


async def test_ids_grow_with_the_clock(twin: DiscordTwin) -> None:
    """Ids grow strictly and carry the time of a clock that moves by the test alone."""
    first = await twin.says("Ana", "team", "one")
    second = await twin.says("Ana", "team", "two")
    twin.advance(60)
    third = await twin.says("Ana", "team", "three")

    assert int(first.id) < int(second.id) < int(third.id)
    times = [discord.utils.snowflake_time(int(message.id)) for message in (first, second, third)]
    assert times[0] == times[1] == first.created_at
    assert (times[2] - times[0]).total_seconds() == 60
