"""Discord as an adapter, on the real discord.py against Discord's twin: posts once, edits quietly, finds again."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import discord
import pytest
from discord.http import Route
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.discord import translate
from adapters.discord.adapter import DiscordAdapter, nonce
from bot import errors
from bot.consent import notice
from bot.messages import AnswerId, Member, Message, MessageId, Room, RoomId, TenantId
from bot.ports import Post
from bot.views import Line, Section, Source, View
from persona.audience import RoomKind
from tests.adapters.discord.clients import Client
from tests.clock import NOON
from tests.twins.discord import DiscordTwin, Permission, ratelimited
from tests.twins.discord.model import EVERYONE, SUPPRESS_EMBEDS
from tests.twins.discord.payloads import Payloads
from tests.twins.server import Fault

NOTICE = notice("en")

MAX_TEXT = 2_000
"""What Discord takes in one message, in code points (sheet, section 1)."""


@pytest.fixture
def adapter(client: Client) -> DiscordAdapter:
    return DiscordAdapter(client)


def guild_of(twin: DiscordTwin) -> str:
    return next(iter(twin.server.guilds))


def room(twin: DiscordTwin, name: str, *, kind: RoomKind = "public") -> Room:
    """The room of a channel or thread, by name."""
    found = twin.server.room(name)
    tenant = TenantId(f"discord:{found.guild_id}")
    if found.kind == "thread":
        return Room(tenant=tenant, channel=str(found.parent_id), thread=found.id, kind=kind)
    return Room(tenant=tenant, channel=found.id, kind=kind)


def direct(twin: DiscordTwin, name: str = "Ana") -> Room:
    return Room(tenant=translate.DIRECT, channel=twin.dm(name), kind="direct")


def member(twin: DiscordTwin, name: str) -> Member:
    return Member(tenant=translate.ACCOUNTS, id=twin.server.user(name).id, name=name)


async def asked(twin: DiscordTwin, place: str) -> Post:
    """A reply to what Ana just asked in a channel, a thread, a private channel or a direct message."""
    if place == "direct":
        said = await twin.dms("Ana", "hello")
        where = direct(twin)
    else:
        if place == "plan":
            twin.channel(guild_of(twin), "plan", kind="thread", parent="team")
        said = await twin.says("Ana", place, f"<@{twin.bot_id}> hello")
        where = room(twin, place)
    return Post(room=where, answer=AnswerId("a1"), part=0, text="hi", reply_to=MessageId(said.id))


PLACES = pytest.mark.parametrize("place", ["team", "board", "plan", "direct"])


def posts_path(post: Post) -> str:
    return f"/channels/{post.room.thread or post.room.channel}/messages"


def ours(twin: DiscordTwin, post: Post) -> list[str]:
    """What people read of us in the room of a post."""
    shown = twin.messages(post.room.thread or post.room.channel)
    return [message.content for message in shown if message.author_id == twin.bot_id]


# -- posting ----------------------------------------------------------------------------------------------------------


@PLACES
async def test_a_reply_answers_its_message(twin: DiscordTwin, adapter: DiscordAdapter, place: str) -> None:
    """A reply appears below the message it answers, as a reply to it, and pings nobody, not even its author."""
    post = replace(await asked(twin, place), text=f"hi @everyone @here <@{twin.server.user('Ben').id}>")
    post_id = await adapter.post(post)

    shown = twin.message(post_id)
    assert shown is not None
    assert shown.content == post.text
    assert shown.reference is not None
    assert shown.reference["message_id"] == post.reply_to
    assert twin.pings == []


async def test_only_the_first_part_is_a_reply(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """Further parts follow the first without pointing at the question again."""
    post = await asked(twin, "team")
    await adapter.post(post)
    second = twin.message(await adapter.post(replace(post, part=1, text="more")))

    assert second is not None
    assert second.reference is None


async def test_a_reply_shows_no_previews(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """Addresses in a reply are not unfolded into pictures of other pages."""
    post_id = await adapter.post(replace(await asked(twin, "team"), text="https://example.org/"))

    shown = twin.message(post_id)
    assert shown is not None
    assert shown.flags & SUPPRESS_EMBEDS


async def test_an_edited_reply_shows_no_previews_either(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """A reply that grew shows no more of other pages than one that was posted at once."""
    post = replace(await asked(twin, "team"), text="See")
    post_id = await adapter.edit(replace(post, text="See https://example.org/"), await adapter.post(post))

    shown = twin.message(post_id)
    assert shown is not None
    assert shown.content == "See https://example.org/"
    assert shown.flags & SUPPRESS_EMBEDS


@PLACES
async def test_a_post_made_again_is_the_same_post(twin: DiscordTwin, adapter: DiscordAdapter, place: str) -> None:
    """Posting the same part of the same reply again within minutes gives the same post; other parts are others."""
    post = await asked(twin, place)
    first = await adapter.post(post)

    assert await adapter.post(replace(post, text="other words")) == first
    assert await adapter.post(replace(post, part=1)) != first
    assert await adapter.post(replace(post, answer=AnswerId("a2"))) != first
    assert len(ours(twin, post)) == 3


async def test_a_post_made_again_by_another_process_is_the_same(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """What names a post is the same in every process and short enough for Discord."""
    post = await asked(twin, "team")

    assert nonce(post) == nonce(replace(post, text="grown", reply_to=MessageId("1")))
    assert 0 < len(nonce(post)) <= 25
    assert (
        len({nonce(replace(post, answer=AnswerId(f"a{n}"), part=part)) for n in range(20) for part in range(20)}) == 400
    )


@pytest.mark.parametrize("fault", [Fault(reset_before=True), Fault(reset_after=True)], ids=["lost", "taken"])
@PLACES
async def test_an_unclear_post_ends_up_there_once(
    twin: DiscordTwin, adapter: DiscordAdapter, place: str, fault: Fault
) -> None:
    """A post whose connection broke may be made again: there is one in the end."""
    post = await asked(twin, place)
    twin.fault("POST", posts_path(post), replace(fault))
    with pytest.raises(errors.UnclearDeliveryError):
        await adapter.post(post)
    found = await adapter.find(post)

    assert found is None or fault.reset_after
    assert await adapter.post(post) == (found or twin.messages(post.room.thread or post.room.channel)[-1].id)
    assert ours(twin, post) == ["hi"]


async def test_a_reply_to_a_deleted_message_is_posted(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """A question that is gone by the time it is answered does not stop the answer."""
    post = await asked(twin, "team")
    question = twin.message(post.reply_to)
    assert question is not None
    await twin.deletes(question)
    await adapter.post(post)

    assert ours(twin, post) == ["hi"]


async def test_a_reply_where_history_is_closed_is_posted(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """In a channel whose history we may not read Discord takes no replies, only posts: so the answer is a post."""
    twin.channel(guild_of(twin), "blind", bot_denied=Permission.READ_MESSAGE_HISTORY)
    post = await asked(twin, "blind")
    await adapter.post(post)

    assert ours(twin, post) == ["hi"]


# -- editing ----------------------------------------------------------------------------------------------------------


@PLACES
async def test_a_reply_can_grow(twin: DiscordTwin, adapter: DiscordAdapter, place: str) -> None:
    """An edit replaces the text of the post, keeps previews away, pings nobody, and can be repeated."""
    post = await asked(twin, place)
    post_id = await adapter.post(post)
    grown = replace(post, text=f"hi @everyone <@{twin.server.user('Ben').id}> https://example.org/")
    await adapter.edit(grown, post_id)
    await adapter.edit(grown, post_id)

    shown = twin.message(post_id)
    assert shown is not None
    assert ours(twin, post) == [grown.text]
    assert shown.flags & SUPPRESS_EMBEDS
    assert shown.mentions == ()
    assert not shown.mention_everyone
    assert twin.pings == []


async def test_editing_what_is_gone_is_refused(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """A post that somebody deleted cannot be edited any more."""
    post = await asked(twin, "team")

    with pytest.raises(errors.PostGoneError, match="10008"):
        await adapter.edit(post, twin.server.snowflake())


async def test_a_post_that_was_deleted_is_not_made_again(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """Who repeats a post that somebody deleted meanwhile hears that it is gone (discord.py#10116)."""
    post = await asked(twin, "team")
    shown = twin.message(await adapter.post(post))
    assert shown is not None
    await twin.deletes(shown)

    with pytest.raises(errors.PostGoneError):
        await adapter.post(post)
    assert ours(twin, post) == []


async def test_in_a_host_that_pings_we_do_not(twin: DiscordTwin, client: Client) -> None:
    """Rapport is a guest in somebody else's client too, whose own posts may ping: ours do not."""
    client.allowed_mentions = discord.AllowedMentions.all()
    post = replace(await asked(twin, "team"), text=f"@everyone <@{twin.server.user('Ben').id}>")
    adapter = DiscordAdapter(client)
    await adapter.edit(post, await adapter.post(post))
    await adapter.notify(direct(twin), member(twin, "Ana"), View(text="@everyone"))

    assert twin.pings == []


# -- finding again ----------------------------------------------------------------------------------------------------


@PLACES
async def test_a_post_is_found_again(twin: DiscordTwin, adapter: DiscordAdapter, place: str) -> None:
    """A reply is found by the message it answers and its words, whole or as far as they had grown; parts by theirs."""
    post = await asked(twin, place)
    assert await adapter.find(post) is None
    first = await adapter.post(post)
    second = await adapter.post(replace(post, part=1, text="more"))

    assert await adapter.find(post) == first
    assert await adapter.find(replace(post, text="hi, and the rest")) == first
    assert await adapter.find(replace(post, part=1, text="more")) == second
    assert await adapter.find(replace(post, part=2, text="even more")) is None
    await adapter.edit(replace(post, text="hi, and the rest"), first)
    assert await adapter.find(replace(post, text="hi, and the rest")) == first


@PLACES
async def test_parts_of_the_same_words_are_told_apart(twin: DiscordTwin, adapter: DiscordAdapter, place: str) -> None:
    """A further part is looked for behind the part before it, so that one with the same words is another one."""
    post = await asked(twin, place)
    first = await adapter.post(post)
    second = await adapter.post(replace(post, part=1, text="more", after=first))
    third = replace(post, part=2, text="more", after=second)

    assert await adapter.find(replace(post, part=1, text="more", after=first)) == second
    assert await adapter.find(third) is None
    posted = await adapter.post(third)
    assert await adapter.find(third) == posted


async def test_a_part_is_not_looked_for_in_the_next_answer(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """What follows our reply to something else belongs to that one, whatever its words."""
    post = await asked(twin, "team")
    first = await adapter.post(post)
    other = replace(await asked(twin, "team"), answer=AnswerId("a2"))
    shown = await adapter.post(replace(other, text="more"))
    await adapter.post(replace(other, part=1, text="more", after=shown))

    assert await adapter.find(replace(post, part=1, text="more", after=first)) is None


@pytest.mark.parametrize(("text", "is_quiet"), [("hi", False), ("PONG", False), ("PONG", True), ("hi, hello", True)])
async def test_a_reply_of_the_host_is_not_taken_for_ours(
    twin: DiscordTwin, client: Client, adapter: DiscordAdapter, text: str, *, is_quiet: bool
) -> None:
    """What a host replies to the same message, as the same bot user, is not found as our post, nor overwritten."""
    post = await asked(twin, "team")
    said = await client.next("message")
    await said.reply(text, suppress_embeds=is_quiet)

    assert await adapter.find(post) is None
    await adapter.post(post)
    assert ours(twin, post) == [text, "hi"]


async def test_a_beginning_in_other_words_is_completed(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """A reply that was begun, lost sight of and composed anew is not found, but posting it replaces the beginning."""
    post = await asked(twin, "team")
    begun = await adapter.post(replace(post, text="Well, I"))
    anew = replace(post, text="The answer is four.")

    assert await adapter.find(anew) is None
    assert await adapter.post(anew) == begun
    assert ours(twin, post) == ["The answer is four."]


async def test_what_discord_trims_is_not_edited(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """A post whose white space Discord changed shows our text all the same, and is not marked as edited."""
    post = replace(await asked(twin, "team"), text="hi \n\n there  \n")
    answer = {"id": twin.server.snowflake(), "content": "hi \n\n there"}
    payload = Payloads(twin.server).message(await twin.says("Ana", "team", "x")) | answer
    twin.fault("POST", posts_path(post), Fault.json(200, payload))
    await adapter.post(post)

    assert [call for call in twin.ledger if call.method == "PATCH"] == []


async def test_only_our_own_answer_to_this_message_is_found(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """Neither somebody else's reply nor our answer to another message is taken for the post."""
    post = await asked(twin, "team")
    other = await asked(twin, "team")
    question = twin.message(post.reply_to)
    await adapter.post(replace(other, answer=AnswerId("a2")))
    await twin.says("Ben", "team", "hi", reply_to=question)

    assert await adapter.find(post) is None


async def test_a_post_is_found_behind_the_talk_of_others(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """What others say between the question and the answer does not hide it."""
    post = await asked(twin, "team")
    for number in range(60):
        await twin.says("Ben", "team", f"before {number}")
    post_id = await adapter.post(post)
    for number in range(60):
        await twin.says("Ben", "team", f"after {number}")

    assert await adapter.find(post) == post_id


async def test_where_history_is_closed_nothing_is_found(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """Without the permission to read history nothing is found, and that is no failure: the nonce has to do."""
    post = await asked(twin, "team")
    await adapter.post(post)
    await twin.alters("team", bot_denied=Permission.READ_MESSAGE_HISTORY)

    assert await adapter.find(post) is None


async def test_in_a_channel_that_was_closed_nothing_is_found(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """A channel that we cannot see any more holds nothing for us."""
    post = await asked(twin, "team")
    await adapter.post(post)
    await twin.alters("team", bot_denied=Permission.VIEW_CHANNEL)

    assert await adapter.find(post) is None


@pytest.mark.parametrize(
    "fault", [Fault(status=503, times=-1), Fault(reset_before=True, times=-1)], ids=["down", "cut"]
)
async def test_a_search_that_fails_finds_out_nothing(twin: DiscordTwin, adapter: DiscordAdapter, fault: Fault) -> None:
    """When Discord cannot be asked, nobody may conclude that the post is not there."""
    post = await asked(twin, "team")
    await adapter.post(post)
    twin.fault("GET", posts_path(post), replace(fault))

    with pytest.raises(errors.PlatformError):
        await adapter.find(post)


# -- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("denied", "code"),
    [(Permission.SEND_MESSAGES, "50013"), (Permission.VIEW_CHANNEL, "50001")],
)
async def test_a_channel_closed_to_us_refuses_the_reply(
    twin: DiscordTwin, adapter: DiscordAdapter, denied: Permission, code: str
) -> None:
    """A reply that Discord does not want is refused for good, with its code for the operator."""
    post = await asked(twin, "team")
    await twin.alters("team", bot_denied=denied)

    with pytest.raises(errors.NotDeliveredError, match=code):
        await adapter.post(post)


async def test_a_channel_that_is_gone_refuses_the_reply(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """A reply into a channel that was deleted meanwhile is refused for good."""
    post = await asked(twin, "team")
    await twin.removes_channel("team")

    with pytest.raises(errors.NotDeliveredError, match="10003"):
        await adapter.post(post)


async def test_a_failure_of_discord_is_unclear(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """When Discord fails on its own side, the post may exist."""
    post = await asked(twin, "team")
    twin.fault("POST", posts_path(post), Fault(status=503, body=b"no"))

    with pytest.raises(errors.UnclearDeliveryError):
        await adapter.post(post)


async def test_a_rate_limit_is_waited_out(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """A rate limited post is made once Discord allows it, and only once."""
    post = await asked(twin, "team")
    twin.fault("POST", posts_path(post), ratelimited(retry_after=0.01))
    await adapter.post(post)

    assert ours(twin, post) == ["hi"]


async def test_a_ban_for_asking_too_much_is_no_refusal(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """A 429 of the wall before Discord took nothing, and says nothing about this reply: it may be sent again later."""
    post = await asked(twin, "team")
    twin.fault("POST", posts_path(post), Fault(status=429, body=b"error code: 1015"))

    with pytest.raises(errors.PlatformUnreachableError):
        await adapter.post(post)


async def test_a_limit_longer_than_we_wait_is_no_refusal(twin: DiscordTwin, client: Client) -> None:
    """A host that does not wait out long limits leaves the reply to be sent later."""
    client.http.max_ratelimit_timeout = 30.0
    post = await asked(twin, "team")
    twin.fault("POST", posts_path(post), ratelimited(retry_after=90.0))

    with pytest.raises(errors.PlatformUnreachableError):
        await DiscordAdapter(client).post(post)


async def test_a_token_that_was_reset_is_not_a_refused_reply(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """A token that was taken back keeps the reply for later, when the operator has mended it."""
    post = await asked(twin, "team")
    twin.server.token = "another"

    with pytest.raises(errors.PlatformKeyError):
        await adapter.post(post)


async def test_a_discord_that_is_not_there_took_nothing(
    twin: DiscordTwin, adapter: DiscordAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When no connection can be made, nothing was sent, and sending it again is safe."""
    async with DiscordTwin() as gone:
        monkeypatch.setattr(Route, "BASE", gone.api_url)
    post = await asked(twin, "team")

    with pytest.raises(errors.PlatformUnreachableError):
        await adapter.post(post)


async def test_our_errors_speak_without_the_text(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """What a log may show of a failure does not hold the words of the post."""
    post = replace(await asked(twin, "team"), text="the secret plan " * 200)
    with pytest.raises(errors.NotDeliveredError) as caught:
        await adapter.post(post)

    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is not None


# -- typing -----------------------------------------------------------------------------------------------------------


@PLACES
async def test_people_see_that_we_type(twin: DiscordTwin, adapter: DiscordAdapter, place: str) -> None:
    """While an answer is being written, Discord says so in its room."""
    post = await asked(twin, place)
    async with adapter.working(question(twin, post)):
        assert twin.typing == [post.room.thread or post.room.channel]


async def test_an_answer_needs_no_dots(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """Where typing cannot be shown, the answer is written all the same."""
    post = await asked(twin, "team")
    await twin.alters("team", bot_denied=Permission.SEND_MESSAGES)
    written = []
    async with adapter.working(question(twin, post)):
        written.append("answer")

    assert written == ["answer"]
    assert twin.typing == []


@pytest.mark.parametrize("denied", [Permission(0), Permission.SEND_MESSAGES])
async def test_a_failing_answer_fails_as_it_did(twin: DiscordTwin, adapter: DiscordAdapter, denied: Permission) -> None:
    """What goes wrong while typing is shown comes out unchanged."""
    post = await asked(twin, "team")
    await twin.alters("team", bot_denied=denied)

    with pytest.raises(errors.ModelCutError):
        await fail_while_typing(adapter, question(twin, post))


async def fail_while_typing(adapter: DiscordAdapter, asked: Message) -> None:
    async with adapter.working(asked):
        raise errors.ModelCutError


def question(twin: DiscordTwin, post: Post) -> Message:
    return Message(id=post.reply_to, room=post.room, author=member(twin, "Ana"), text="hello", said_at=NOON)


# -- one member alone -------------------------------------------------------------------------------------------------


@PLACES
async def test_a_notice_comes_in_the_direct_message(twin: DiscordTwin, adapter: DiscordAdapter, place: str) -> None:
    """Wherever the member spoke, the notice is shown to them alone, with its buttons, and pings nobody."""
    post = await asked(twin, place)
    assert await adapter.notify(post.room, member(twin, "Ana"), NOTICE)

    notice = twin.messages(twin.dm("Ana"))[-1]
    assert notice.embeds[0]["description"].startswith("May I remember")
    assert [button["custom_id"] for button in notice.components[0]["components"]] == [
        "rapport:consent:on",
        "rapport:consent:declined",
    ]
    assert twin.messages("team") == [message for message in twin.messages("team") if message.author_id != twin.bot_id]
    assert twin.pings == []


async def test_closed_direct_messages_are_not_knocked_on_twice(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """A member whose direct messages are closed is asked once; Discord bans those who keep trying."""
    shy = Member(tenant=translate.ACCOUNTS, id=twin.member("Shy", guilds=[guild_of(twin)], dms_closed=True))
    assert await adapter.notify(room(twin, "team"), shy, NOTICE) is False
    calls = len(twin.ledger)

    assert await adapter.notify(room(twin, "team"), shy, NOTICE) is False
    assert len(twin.ledger) == calls


async def test_a_member_who_is_gone_cannot_be_told(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """An account that was deleted has no private way."""
    gone = Member(tenant=translate.ACCOUNTS, id="4242")

    assert await adapter.notify(room(twin, "team"), gone, NOTICE) is False


async def test_one_closed_door_says_nothing_of_others(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """That one member cannot be told changes nothing for the next."""
    shy = Member(tenant=translate.ACCOUNTS, id=twin.member("Shy", guilds=[guild_of(twin)], dms_closed=True))
    await adapter.notify(room(twin, "team"), shy, NOTICE)

    assert await adapter.notify(room(twin, "team"), member(twin, "Ben"), NOTICE)


async def test_a_failure_of_discord_closes_no_door(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """A notice that fails because Discord does can be shown later."""
    twin.fault("POST", f"/channels/{twin.dm('Ana')}/messages", Fault(status=503, body=b"no"))
    with pytest.raises(errors.PlatformError):
        await adapter.notify(room(twin, "team"), member(twin, "Ana"), NOTICE)

    assert await adapter.notify(room(twin, "team"), member(twin, "Ana"), NOTICE)


async def test_shown_buttons_are_not_kept_in_memory(twin: DiscordTwin, client: Client, adapter: DiscordAdapter) -> None:
    """A press is an interaction that our listener hears, so the client keeps nothing of the notices it showed."""
    await adapter.notify(room(twin, "team"), member(twin, "Ana"), NOTICE)
    await adapter.notify(room(twin, "team"), member(twin, "Ben"), NOTICE)

    assert list(client.persistent_views) == []


# -- parts ------------------------------------------------------------------------------------------------------------

HARD = {
    "words": "word and more " * 860,
    "one word": "x" * 12_000,
    "emoji": "👩\u200d👩\u200d👧 " * 2_000,
    "paragraphs": "A sentence with **bold** words.\n\n" * 370,
    "code": "```python\n" + "if a and b: print('x')\n" * 500 + "```",
    "an open fence": "```\n" + "a & b\n" * 2_000,
    "lists": "- one\n- two\n\n" * 900,
}


@pytest.mark.parametrize("text", HARD.values(), ids=HARD)
async def test_every_part_of_a_long_reply_is_taken(twin: DiscordTwin, adapter: DiscordAdapter, text: str) -> None:
    """Discord takes each part of a long reply, as a new post and as a change of one."""
    post = await asked(twin, "team")
    cut = adapter.parts(text)
    for number, part in enumerate(cut):
        post_id = await adapter.post(replace(post, part=number, text="…"))
        await adapter.edit(replace(post, part=number, text=part), post_id)

    assert len(cut) > 1
    assert ours(twin, post) == cut
    assert signs("".join(cut)) == signs(text)


def signs(text: str) -> str:
    """Everything but white space and the marks of code blocks."""
    return re.sub(r"\s|```(python)?", "", text)


OFFLINE = discord.Client(intents=discord.Intents.none())
FENCES = [
    "`" * 1_000 + "\n" + "x" * 1_000,
    "```" + "y" * 997 + "\n" + "x" * 1_000 + "\nz",
    "~" * 999 + "\n" + "x " * 3_000,
]


@pytest.mark.parametrize("text", FENCES, ids=["long mark", "long language", "long tildes"])
def test_a_huge_fence_is_no_way_around_the_limit(text: str) -> None:
    """Repeating a fence in each part does not make a part too long, however long the fence is."""
    assert max(map(len, parts(text))) <= MAX_TEXT


def parts(text: str) -> list[str]:
    """The parts of a reply, which need no connection."""
    return DiscordAdapter(OFFLINE).parts(text)


PIECES = st.sampled_from(
    ["```py\n", "```\n", "````\n", "~~~\n", "\n", "\n\n", "`", "~", "> ", "- ", "**", "word ", "é", "👩\u200d👧"]
)
TEXTS = st.lists(st.tuples(PIECES, st.integers(1, 900)).map(lambda it: it[0] * it[1]), min_size=1, max_size=6).map(
    "".join
)


@settings(max_examples=40, deadline=None)
@given(TEXTS.filter(str.strip))
def test_parts_are_never_empty_nor_too_long(text: str) -> None:
    """Whatever a model writes, there is at least one part, and Discord takes each."""
    cut = parts(text)

    assert cut
    assert all(0 < len(part.strip()) <= len(part) <= MAX_TEXT for part in cut)


# -- who can read, and links ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stored", ["private", "public", "external"])
@pytest.mark.parametrize(("name", "kind"), [("team", "public"), ("board", "private")])
async def test_discord_says_who_reads_a_room_now(
    twin: DiscordTwin, adapter: DiscordAdapter, stored: RoomKind, name: str, kind: RoomKind
) -> None:
    """What was known of a room gives way to what its overwrites say now."""
    assert await adapter.classified(room(twin, name, kind=stored)) == room(twin, name, kind=kind)


async def test_a_channel_that_was_closed_is_private_now(
    twin: DiscordTwin, client: Client, adapter: DiscordAdapter
) -> None:
    """A channel that is closed between the question and the answer is private for the answer."""
    before = room(twin, "team")
    await twin.alters("team", everyone_can_view=False, readers=frozenset({twin.bot_id}))
    await client.next("guild_channel_update")

    assert (await adapter.classified(before)).kind == "private"


async def test_a_role_that_changes_changes_who_reads(
    twin: DiscordTwin, client: Client, adapter: DiscordAdapter
) -> None:
    """With the event, channels are private once everybody's role may not view them, and public once it may again."""
    kinds = []
    for permissions in (EVERYONE & ~Permission.VIEW_CHANNEL, EVERYONE):
        await twin.alters_role(guild_of(twin), permissions=permissions)
        await client.next("guild_role_update")
        kinds.append((await adapter.classified(room(twin, "team"))).kind)

    assert kinds == ["private", "public"]


@pytest.mark.parametrize("feature", ["DISCOVERABLE", "PREVIEW_ENABLED"])
async def test_who_can_look_into_a_server_reads_its_public_channels(
    twin: DiscordTwin, client: Client, adapter: DiscordAdapter, feature: str
) -> None:
    """With the event that lets anybody look into a server, its public channels have outsiders; hidden ones do not."""
    await twin.alters_guild(guild_of(twin), features=(feature, "COMMUNITY"))
    await client.next("guild_update")

    assert (await adapter.classified(room(twin, "team"))).kind == "external"
    assert (await adapter.classified(room(twin, "board"))).kind == "private"


async def test_a_community_is_not_open_to_everybody(twin: DiscordTwin, client: Client, adapter: DiscordAdapter) -> None:
    """Other features of a server say nothing about who reads it."""
    await twin.alters_guild(guild_of(twin), features=("COMMUNITY", "INVITE_SPLASH"))
    await client.next("guild_update")

    assert (await adapter.classified(room(twin, "team"))).kind == "public"


@pytest.mark.parametrize(("parent", "kind"), [("team", "public"), ("board", "private")])
async def test_a_thread_is_as_open_as_its_channel(
    twin: DiscordTwin, client: Client, adapter: DiscordAdapter, parent: str, kind: RoomKind
) -> None:
    """Who reads a thread is decided by its channel."""
    twin.channel(guild_of(twin), "plan", kind="thread", parent=parent)
    await client.next("thread_create")

    assert await adapter.classified(room(twin, "plan", kind="external")) == room(twin, "plan", kind=kind)


async def test_a_direct_message_stays_direct(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """A direct message is read by one member, whatever the client knows of it."""
    await twin.dms("Ana", "hi")

    assert await adapter.classified(direct(twin)) == direct(twin)


@pytest.mark.parametrize("stored", ["private", "public", "external"])
async def test_a_room_discord_does_not_know_is_external(
    twin: DiscordTwin, adapter: DiscordAdapter, stored: RoomKind
) -> None:
    """Where Discord says nothing of a room now, outsiders may read it, whatever was known of it before."""
    unknown = Room(tenant=TenantId(f"discord:{guild_of(twin)}"), channel="4242", kind=stored)

    assert (await adapter.classified(unknown)).kind == "external"


@pytest.mark.parametrize("place", ["team", "plan", "direct"])
async def test_a_link_leads_to_the_message(
    twin: DiscordTwin, client: Client, adapter: DiscordAdapter, place: str
) -> None:
    """The address we show for a message is the one Discord gives it."""
    post = await asked(twin, place)
    said = await client.next("message")

    assert f"]({said.jump_url})" in described(adapter, post.room, post.reply_to)


def described(adapter: DiscordAdapter, where: Room, message: str) -> str:
    """A fact that was learned in `where` from `message`, as it is shown."""
    source = Source(tenant=where.tenant, room=RoomId(where.id), message=MessageId(message), quote="hello")
    view = View(text="x", sections=(Section(title="y", lines=(Line(text="z", source=source),)),))
    drawn: dict[str, Any] = adapter.drawn(view)
    return str(drawn["embed"].description)


async def test_discord_does_not_say_what_a_member_reads(twin: DiscordTwin, adapter: DiscordAdapter) -> None:
    """A message carries no locale, and a server's own says nothing of its members."""
    assert await adapter.locale(member(twin, "Ana")) is None
