"""What discord.py receives as the core's own data: what is for us, who may read where, and what was said."""

from __future__ import annotations

from typing import Any, cast

import discord
import pytest

from adapters.discord import translate
from bot.messages import Member, Message, MessageId, Room, TenantId
from tests.adapters.discord.clients import UNTOLD, Client, online
from tests.twins.discord import DiscordTwin
from tests.twins.discord.model import Kind, Permission
from tests.twins.discord.payloads import Payloads


def guild_of(twin: DiscordTwin) -> str:
    return next(iter(twin.server.guilds))


def hq(twin: DiscordTwin) -> TenantId:
    return TenantId(f"discord:{guild_of(twin)}")


def id_of(twin: DiscordTwin, name: str) -> str:
    """The id of a member."""
    return twin.server.user(name).id


def place(twin: DiscordTwin, name: str) -> str:
    """The id of a channel."""
    return twin.server.room(name).id


async def heard(client: Client) -> Message | None:
    """What the next message says to us."""
    return translate.message(await client.next("message"), me=client.me)


async def message(client: Client) -> Message:
    found = await heard(client)
    assert found is not None
    return found


async def mention(twin: DiscordTwin, client: Client, channel: str, *, by: str = "Ana") -> Message:
    """What a mention in this channel becomes."""
    await twin.says(by, channel, f"<@{twin.bot_id}> hi")
    return await message(client)


# -- what is for us ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spelling", ["<@{}> hi", "<@!{}> hi", "hi <@{}>", "<@{0}> hi <@!{0}>"])
async def test_a_mention_is_a_message(twin: DiscordTwin, client: Client, spelling: str) -> None:
    """A mention in either spelling is for us, and what is left is what was said, by whom, where and when."""
    said = await twin.says("Ana", "team", spelling.format(twin.bot_id))

    assert await heard(client) == Message(
        id=MessageId(said.id),
        room=Room(tenant=hq(twin), channel=place(twin, "team"), kind="public"),
        author=Member(tenant=translate.ACCOUNTS, id=id_of(twin, "Ana"), name="Ana"),
        text="hi",
        said_at=twin.server.now,
    )


async def test_a_direct_message_is_for_us(twin: DiscordTwin, client: Client) -> None:
    """Whatever is said to us directly is for us, and belongs to no server."""
    said = await twin.dms("Ana", "hi")
    found = await message(client)

    assert found.text == "hi"
    assert found.room == Room(tenant=translate.DIRECT, channel=said.channel_id, kind="direct")
    assert found.author == Member(tenant=translate.ACCOUNTS, id=id_of(twin, "Ana"), name="Ana")


async def test_a_member_is_the_same_in_every_server(twin: DiscordTwin, client: Client) -> None:
    """A member is one person in both servers and in the direct message, while the rooms are of different tenants."""
    other = twin.guild("Elsewhere")
    twin.channel(other, "lobby")
    await twin.member_joins("Ana", other)
    here = await mention(twin, client, "team")
    there = await mention(twin, client, "lobby")
    await twin.dms("Ana", "hi")
    alone = await message(client)

    assert here.author.key == there.author.key == alone.author.key
    assert len({here.room.tenant, there.room.tenant, alone.room.tenant}) == 3


async def test_our_role_mentioned_by_mistake_is_us(twin: DiscordTwin, reader: Client) -> None:
    """People tag the role Discord made for the bot instead of the bot; they mean the bot."""
    await twin.says("Ana", "team", f"<@&{twin.bot_role(guild_of(twin))}> hi")

    assert (await message(reader)).text == "hi"


async def test_our_role_is_us_even_if_the_words_are_hidden(twin: DiscordTwin, client: Client) -> None:
    """Without the content intent a role mention arrives without its words: an empty message, which gets a hint."""
    await twin.says("Ana", "team", f"<@&{twin.bot_role(guild_of(twin))}> hi")

    assert (await message(client)).text == ""


@pytest.mark.parametrize("text", ["hi all", "@everyone hi", "@here hi", "<@&{role}> hi", "<@{ben}> hi", "@Rapport hi"])
async def test_talk_to_others_is_not_for_us(twin: DiscordTwin, reader: Client, text: str) -> None:
    """Talk, mentions of everybody, of others and of their roles are not for us, even if we can read them."""
    role = twin.role(guild_of(twin), "devs", mentionable=True)
    await twin.says("Ana", "team", text.format(role=role, ben=id_of(twin, "Ben")))

    assert await heard(reader) is None


async def test_everyone_and_we_are_meant(twin: DiscordTwin, client: Client) -> None:
    """A mention of us beside one of everybody is for us."""
    await twin.says("Ana", "team", f"@everyone ask <@{twin.bot_id}>")

    assert (await message(client)).text == "@everyone ask"


@pytest.mark.parametrize("ping", [True, False])
async def test_a_reply_is_for_us_if_it_pings(twin: DiscordTwin, reader: Client, *, ping: bool) -> None:
    """A reply to a post of ours addresses us unless its author switched the ping off."""
    ours = await reader.get_partial_messageable(int(place(twin, "team"))).send("own")
    await reader.next("message")
    await twin.says("Ana", "team", "and then?", reply_to=twin.message(str(ours.id)), ping=ping)
    found = await heard(reader)

    assert (found.text if found else None) == ("and then?" if ping else None)


async def test_a_reply_to_somebody_else_is_not_for_us(twin: DiscordTwin, reader: Client) -> None:
    """A reply pings whom it answers, which is not us."""
    said = await twin.says("Ana", "team", "one")
    await twin.says("Ben", "team", "two", reply_to=said)

    assert await heard(reader) is None
    assert await heard(reader) is None


@pytest.mark.parametrize("where", ["team", "dm"])
async def test_our_own_posts_are_not_for_us(twin: DiscordTwin, client: Client, where: str) -> None:
    """What we post comes back as an event and is dropped."""
    channel = twin.dm("Ana") if where == "dm" else place(twin, where)
    await client.get_partial_messageable(int(channel)).send(f"<@{twin.bot_id}>")

    assert await heard(client) is None


async def test_bots_and_webhooks_are_not_heard(twin: DiscordTwin, client: Client) -> None:
    """Other bots and webhooks cannot make us talk, not even by mentioning us."""
    twin.member("Robo", guilds=[guild_of(twin)], bot=True)
    twin.webhook("CI")
    await twin.says("Robo", "team", f"<@{twin.bot_id}> beep")
    await twin.says("CI", "team", f"<@{twin.bot_id}> green")

    assert await heard(client) is None
    assert await heard(client) is None


@pytest.mark.parametrize("kind", [6, 7, 8, 12, 18, 20, 21, 23, 24])
async def test_what_discord_says_itself_is_not_for_us(twin: DiscordTwin, client: Client, kind: int) -> None:
    """Pins, joins, boosts, new threads and answers to commands are no words of a member, even in a direct message."""
    said = await twin.dms("Ana", "hi")
    await client.next("message")
    payload = Payloads(twin.server).message(said, event=True)
    await twin.send_raw("MESSAGE_CREATE", payload | {"id": twin.server.snowflake(), "type": kind})

    assert await heard(client) is None


async def test_a_forward_holds_no_words_of_its_sender(twin: DiscordTwin, reader: Client) -> None:
    """What somebody forwards to us are another's words: a message without text, in a channel not even that."""
    original = await twin.says("Ben", "team", "I live in Lisbon")
    await twin.dms("Ana", "", forward=original)
    await twin.says("Ana", "team", "", forward=original)
    await heard(reader)

    assert (await message(reader)).text == ""
    assert await heard(reader) is None


# -- where ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", ["text", "voice", "announcement"])
@pytest.mark.parametrize("is_open", [True, False])
async def test_a_channel_is_public_if_everybody_may_view_it(
    twin: DiscordTwin, client: Client, made: Kind, *, is_open: bool
) -> None:
    """Whether every member of the server can read a channel is in its overwrites."""
    made_id = twin.channel(guild_of(twin), "place", kind=made, everyone_can_view=is_open, readers=["Ana"])
    found = await mention(twin, client, "place")

    assert found.room == Room(tenant=hq(twin), channel=made_id, kind="public" if is_open else "private")


@pytest.mark.parametrize(("parent", "kind"), [("team", "public"), ("board", "private")])
async def test_a_thread_is_read_by_its_channel(twin: DiscordTwin, client: Client, parent: str, kind: str) -> None:
    """A public thread is a room of its own that the readers of its channel read."""
    thread = twin.channel(guild_of(twin), "plan", kind="thread", parent=parent)
    found = await mention(twin, client, "plan")

    assert found.room == Room(tenant=hq(twin), channel=place(twin, parent), thread=thread, kind=found.room.kind)
    assert found.room.kind == kind


@pytest.mark.parametrize("parent", ["team", "board"])
async def test_a_private_thread_is_a_place_of_its_own(twin: DiscordTwin, client: Client, parent: str) -> None:
    """A private thread is read by those invited to it, not by its channel, so it is no thread of the channel to us."""
    thread = twin.channel(guild_of(twin), "secret", kind="private_thread", parent=parent, readers=["Ana"])
    found = await mention(twin, client, "secret")

    assert found.room == Room(tenant=hq(twin), channel=thread, kind="private")


@pytest.mark.parametrize(("is_open", "kind"), [(True, "public"), (False, "private")])
async def test_a_forum_post_is_a_thread_of_its_forum(
    twin: DiscordTwin, client: Client, kind: str, *, is_open: bool
) -> None:
    """What is asked in a forum is read by everybody who reads the forum."""
    forum = twin.channel(guild_of(twin), "help", kind="forum", everyone_can_view=is_open, readers=["Ana"])
    thread = twin.channel(guild_of(twin), "how?", kind="thread", parent="help")
    found = await mention(twin, client, "how?")

    assert (found.room.channel, found.room.thread, found.room.kind) == (forum, thread, kind)


@pytest.mark.parametrize("now", ["private", "public"])
async def test_a_change_of_the_overwrites_counts_at_once(twin: DiscordTwin, client: Client, now: str) -> None:
    """A channel that is closed or opened later is what it is now."""
    name = "team" if now == "private" else "board"
    before = await mention(twin, client, name)
    await twin.alters(name, everyone_can_view=now == "public", readers=frozenset({id_of(twin, "Ana"), twin.bot_id}))
    after = await mention(twin, client, name)

    assert before.room.kind != after.room.kind == now


@pytest.mark.parametrize("kind", ["role", "member"])
async def test_a_channel_that_hides_from_some_is_not_public(twin: DiscordTwin, client: Client, kind: str) -> None:
    """Public means every member of the server: a channel that one role or one member may not view is not."""
    role = twin.role(guild_of(twin), "partners")
    target = {"id": role, "type": 0} if kind == "role" else {"id": id_of(twin, "Ben"), "type": 1}
    denied = target | {"allow": "0", "deny": str(int(Permission.VIEW_CHANNEL))}
    payload = Payloads(twin.server).channel(twin.server.room("team"))
    await twin.send_raw("CHANNEL_UPDATE", payload | {"permission_overwrites": [denied]})

    assert (await mention(twin, client, "team")).room.kind == "private"


async def test_a_channel_we_do_not_know_is_external(twin: DiscordTwin, client: Client) -> None:
    """Where nobody can tell who reads, outsiders do; the room is still the server's."""
    said = await twin.says("Ana", "team", f"<@{twin.bot_id}> hi")
    await client.next("message")
    payload = Payloads(twin.server).message(said, event=True)
    await twin.send_raw("MESSAGE_CREATE", payload | {"channel_id": "4242", "id": twin.server.snowflake()})
    found = await message(client)

    assert found.room == Room(tenant=hq(twin), channel="4242", kind="external")


async def test_a_server_we_were_not_told_of_is_no_direct_message(twin: DiscordTwin) -> None:
    """Where discord.py knows the server by its id alone, the room is that server's, and read by nobody knows whom."""
    async with online(UNTOLD) as client:
        elsewhere = twin.guild("Elsewhere")
        twin.member("Cy", guilds=[elsewhere])
        lobby = twin.channel(elsewhere, "lobby")
        found = await mention(twin, client, "lobby", by="Cy")
        direct = await twin.dms("Cy", "hi")

        assert found.room == Room(tenant=TenantId(f"discord:{elsewhere}"), channel=lobby, kind="external")
        assert (await message(client)).room == Room(tenant=translate.DIRECT, channel=direct.channel_id, kind="direct")


async def test_talk_in_a_server_we_were_not_told_of_is_not_for_us(twin: DiscordTwin) -> None:
    """Only a direct message is for us without a mention, even if we can read every post of the server."""
    intents = discord.Intents(UNTOLD.value)
    intents.message_content = True
    async with online(intents) as client:
        elsewhere = twin.guild("Elsewhere")
        twin.member("Cy", guilds=[elsewhere])
        twin.channel(elsewhere, "lobby")
        await twin.says("Cy", "lobby", "talk to anybody")

        assert await heard(client) is None


async def test_a_thread_whose_channel_is_gone_is_external(twin: DiscordTwin, client: Client) -> None:
    """A thread below a channel that we cannot see any more has readers nobody knows."""
    thread = twin.channel(guild_of(twin), "plan", kind="thread", parent="team")
    await mention(twin, client, "plan")
    await twin.send_raw("CHANNEL_DELETE", Payloads(twin.server).channel(twin.server.room("team")))
    await client.next("guild_channel_delete")
    found = translate.room(lone_thread(client, thread, twin))

    assert found.kind == "external"


def lone_thread(client: Client, thread: str, twin: DiscordTwin) -> discord.Thread:
    """The thread as discord.py makes it when the server lists it without its channel."""
    guild, payload = client.guilds[0], Payloads(twin.server).channel(twin.server.room(thread))
    return discord.Thread(guild=guild, state=guild._state, data=cast("Any", payload))


# -- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("posted", "plain"),
    [
        ("ask <@{ben}>", "ask @Ben"),
        ("ask <@!{ben}>", "ask @Ben"),
        ("in <#{team}>", "in #team"),
        ("in <#4242>", "in #channel"),
        ("ask <@&{devs}>", "ask @devs"),
        ("ask <@&4242>", "ask @someone"),
        ("ask <@4242>", "ask @someone"),
        ("nice <:party:123456789012345678> <a:dance:123456789012345678>", "nice :party: :dance:"),
        ("<t:1700000000:R> </persona show:123456789012345678>", "<t:1700000000:R> </persona show:123456789012345678>"),
        ("a < b > c && <@> <#> <@&> <@x>", "a < b > c && <@> <#> <@&> <@x>"),
        ("**bold** `code`\n> quote", "**bold** `code`\n> quote"),
        ("<@{bot}>\n\nline", "line"),
        ("<@<@{bot}>>", "<@>"),
        ("<@{bot}>", ""),
        ("  <@{bot}>  ", ""),
        ("¡hola! 👋🏽 مرحبا", "¡hola! 👋🏽 مرحبا"),
    ],
)
async def test_marks_become_names(twin: DiscordTwin, client: Client, posted: str, plain: str) -> None:
    """Our mention goes, others and channels become names, emoji keep their names, everything else stays."""
    devs = twin.role(guild_of(twin), "devs", mentionable=True)
    ids = {"ben": id_of(twin, "Ben"), "team": place(twin, "team"), "devs": devs, "bot": twin.bot_id}
    await twin.says("Ana", "team", posted.format(**ids) + ("" if "{bot}" in posted else f" <@{twin.bot_id}>"))

    assert (await message(client)).text == plain


async def test_in_a_direct_message_channels_have_no_names(twin: DiscordTwin, client: Client) -> None:
    """A channel of a server that is named in a direct message is not looked up: servers are kept apart."""
    await twin.dms("Ana", f"see <#{place(twin, 'board')}>")

    assert (await message(client)).text == "see #channel"
