"""Slack as an adapter, on the real SDK against Slack's twin: posts, edits, finds again, tells one member alone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack import uploads
from adapters.slack.adapter import SlackAdapter
from adapters.slack.readers import KIND_LIFE
from adapters.slack.render import mrkdwn
from bot import errors
from bot.consent import notice
from bot.messages import AnswerId, Member, Message, MessageId, Room, RoomId, TenantId
from bot.ports import Post
from bot.views import File, Line, Section, Source, View
from persona.audience import RoomKind
from tests.clock import StillClock
from tests.twins.server import Fault
from tests.twins.slack import SlackTwin
from tests.twins.slack.blocks import strings
from tests.twins.slack.chat import UPDATE_MAX
from tests.twins.slack.web import ALL_SCOPES

NOTICE = notice("en")

T1 = TenantId("slack:T1")
POST, UPDATE, INFO = "/api/chat.postMessage", "/api/chat.update", "/api/conversations.info"
ANA = Member(tenant=T1, id="U1")
A_FILE = File(name="persona.txt", text="tools: Vim")


@pytest.fixture
async def twin() -> AsyncIterator[SlackTwin]:
    async with SlackTwin() as twin:
        twin.member("U1", "ana")
        twin.member("U2", "ben")
        twin.channel("C1", "team", members=["U1", "U2"])
        twin.channel("D1", "", kind="im", members=["U1"])
        yield twin


@pytest.fixture
async def client(twin: SlackTwin) -> AsyncIterator[AsyncWebClient]:
    async with aiohttp.ClientSession() as session:
        yield AsyncWebClient(token=twin.bot_token, base_url=twin.api_url, session=session, retry_handlers=[])


@pytest.fixture
async def adapter(client: AsyncWebClient, clock: StillClock) -> SlackAdapter:
    adapter = SlackAdapter(client, clock=clock)
    await adapter.identify()
    return adapter


def post_in(room: Room, reply_to: str, text: str = "hi", *, answer: str = "a1", part: int = 0) -> Post:
    return Post(room=room, answer=AnswerId(answer), part=part, text=text, reply_to=MessageId(reply_to))


def channel(thread: str | None = None, *, kind: RoomKind = "public") -> Room:
    return Room(tenant=T1, channel="C1", thread=thread, kind=kind)


def direct(thread: str | None = None) -> Room:
    return Room(tenant=T1, channel="D1", thread=thread, kind="direct")


async def asked(twin: SlackTwin, place: str) -> Post:
    """A reply to what Ana just asked: in a new thread, below an old one, in a direct message, or in a thread of it."""
    if place == "direct":
        return post_in(direct(), await twin.says("U1", "D1", "hello"))
    if place == "direct thread":
        root = await twin.says("U1", "D1", "before")
        return post_in(direct(root), await twin.says("U1", "D1", "hello", thread=root))
    root = await twin.says("U1", "C1", "<@U0BOT> hello")
    if place == "root":
        return post_in(channel(root), root)
    return post_in(channel(root), await twin.says("U2", "C1", "<@U0BOT> and?", thread=root))


PLACES = pytest.mark.parametrize("place", ["root", "thread", "direct", "direct thread"])


def ours(twin: SlackTwin, post: Post) -> list[str]:
    """What people read of us in the room of a post; nothing of what we deleted."""
    return [message.visible for message in twin.messages(post.room.channel, post.room.thread) if message.bot_id]


# -- who we are -------------------------------------------------------------------------------------------------------


async def test_the_adapter_learns_who_it_is(adapter: SlackAdapter) -> None:
    """Slack tells which user we are."""
    assert adapter.bot_user == "U0BOT"
    assert adapter.platform == "slack"


async def test_a_revoked_token_is_noticed_at_the_start(twin: SlackTwin, client: AsyncWebClient) -> None:
    """A token that was taken back is said at once, and as such."""
    twin.revoke()

    with pytest.raises(errors.PlatformKeyError):
        await SlackAdapter(client, clock=StillClock()).identify()


async def test_a_client_that_repeats_by_itself_is_not_taken(twin: SlackTwin) -> None:
    """The SDK's own retries post twice, so a client that has any is a mistake."""
    client = AsyncWebClient(token="xoxb-x", base_url=twin.api_url, retry_handlers=[AsyncConnectionErrorRetryHandler()])

    with pytest.raises(AssertionError):
        SlackAdapter(client, clock=StillClock())


# -- posting ----------------------------------------------------------------------------------------------------------


@PLACES
async def test_a_reply_appears_where_it_was_asked(twin: SlackTwin, adapter: SlackAdapter, place: str) -> None:
    """A reply is posted once, in the thread of its message or in the direct message, rendered for Slack."""
    post = replace(await asked(twin, place), text="**hi** & <!channel>")
    ts = await adapter.post(post)

    (message,) = [message for message in twin.messages(post.room.channel) if message.bot_id]
    assert (message.ts, message.thread) == (ts, post.room.thread)
    assert message.visible == "*hi* &amp; &lt;!channel&gt;"
    assert twin.pings == []


async def test_a_reply_carries_its_answer_and_unfurls_nothing(twin: SlackTwin, adapter: SlackAdapter) -> None:
    """The answer id travels with the post, without the text, and no preview is asked for."""
    await adapter.post(replace(await asked(twin, "root"), part=2, text="https://example.org/"))

    args = twin.posts[-1].args
    assert args["metadata"] == {"event_type": "rapport_reply", "event_payload": {"answer": "a1", "part": 2}}
    assert args["unfurl_links"] is False
    assert args["unfurl_media"] is False


@PLACES
async def test_a_reply_can_grow(twin: SlackTwin, adapter: SlackAdapter, place: str) -> None:
    """An edit replaces the text of the post, pings nobody, and can be repeated."""
    post = await asked(twin, place)
    ts = await adapter.post(post)
    for text in ("hi **there**", "hi **there** <@U2>", "hi **there** <@U2>"):
        await adapter.edit(replace(post, text=text), ts)

    assert ours(twin, post) == ["hi *there* &lt;@U2&gt;"]
    assert twin.pings == []


async def test_showing_work_needs_nothing(twin: SlackTwin, adapter: SlackAdapter, clock: StillClock) -> None:
    """Slack shows nothing before the first words, and no call is made for it."""
    message = Message(id=MessageId("1.0"), room=channel("1.0"), author=ANA, text="hi", said_at=clock.now())
    calls = len(twin.ledger)
    async with adapter.working(message):
        pass

    assert len(twin.ledger) == calls


@pytest.mark.parametrize(
    ("room", "reason"),
    [
        (Room(tenant=T1, channel="C9", kind="public"), "channel_not_found"),
        (Room(tenant=T1, channel="C2", kind="public"), "not_in_channel"),
        (Room(tenant=T1, channel="C3", kind="public"), "is_archived"),
        (Room(tenant=T1, channel="C1", thread="1.000000", kind="public"), "thread_not_found"),
    ],
)
async def test_a_reply_that_slack_does_not_want_is_refused(
    twin: SlackTwin, adapter: SlackAdapter, room: Room, reason: str
) -> None:
    """A room that is gone, closed or not ours refuses the reply for good, and says why."""
    twin.channel("C2", "other", bot=False)
    twin.channel("C3", "old", archived=True)

    with pytest.raises(errors.NotDeliveredError, match=reason):
        await adapter.post(post_in(room, "1.000000"))


async def test_a_revoked_token_is_not_a_refused_reply(twin: SlackTwin, adapter: SlackAdapter) -> None:
    """A token that was taken back while we run keeps the reply for later, in a post, an edit and a search."""
    post = await asked(twin, "root")
    twin.revoke()

    with pytest.raises(errors.PlatformKeyError):
        await adapter.post(post)
    with pytest.raises(errors.PlatformKeyError):
        await adapter.edit(post, post.reply_to)
    with pytest.raises(errors.PlatformKeyError):
        await adapter.find(post)


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update"])
async def test_a_rate_limit_is_waited_out(
    twin: SlackTwin, adapter: SlackAdapter, clock: StillClock, method: str
) -> None:
    """A rate limited post or edit is made once Slack allows it, and only once."""
    post = await asked(twin, "root")
    ts = await adapter.post(post)
    twin.limit(method, retry_after_s=30)
    if method == "chat.update":
        await adapter.edit(replace(post, text="second"), ts)
    else:
        await adapter.post(replace(post, part=1, text="second"))

    assert clock.slept == [30.0]
    assert ours(twin, post).count("second") == 1


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update"])
async def test_a_growing_reply_waits_for_nothing(
    twin: SlackTwin, adapter: SlackAdapter, clock: StillClock, method: str
) -> None:
    """A reply that still grows is not held up by a rate limit: the trouble is said at once, and nothing is shown."""
    post = replace(await asked(twin, "root"), is_final=False)
    ts = await adapter.post(post)
    twin.limit(method, retry_after_s=30)
    grow = adapter.edit(replace(post, text="more"), ts) if method == "chat.update" else adapter.post(post)
    with pytest.raises(errors.PlatformUnreachableError):
        await grow

    assert clock.slept == []
    assert ours(twin, post) == ["hi"]


@PLACES
async def test_a_reply_too_old_to_be_edited_is_replaced(twin: SlackTwin, adapter: SlackAdapter, place: str) -> None:
    """Where the workspace lets nobody edit an old post, the whole reply is a new post that can be found."""
    post = await asked(twin, place)
    old = await adapter.post(replace(post, is_final=False))
    twin.workspace.edit_window_s = 60
    twin.now += 61
    new = await adapter.edit(replace(post, text="the whole"), old)

    assert new != old
    assert [(m.ts, m.thread, m.visible) for m in twin.messages(post.room.channel) if m.bot_id and not m.deleted] == [
        (new, post.room.thread, "the whole")
    ]
    assert await adapter.find(post) == new


async def test_replacing_an_old_reply_loses_nothing_to_a_broken_connection(
    twin: SlackTwin, adapter: SlackAdapter
) -> None:
    """However the connection breaks on the way, the edit repeated leaves the whole reply standing, once."""
    post = await asked(twin, "root")
    old = await adapter.post(replace(post, is_final=False))
    twin.workspace.edit_window_s = 60
    twin.now += 61
    for fault in (Fault(reset_before=True), Fault(reset_after=True)):
        twin.fault("POST", POST, fault)
        with pytest.raises(errors.UnclearDeliveryError):
            await adapter.edit(replace(post, text="the whole"), old)
    new = await adapter.edit(replace(post, text="the whole"), old)

    assert new != old
    assert [text for text in ours(twin, post) if text] == ["the whole"]


async def test_a_growing_reply_too_old_to_be_edited_is_left(twin: SlackTwin, adapter: SlackAdapter) -> None:
    """Only a complete reply is worth a new post: one that still grows stays as it is, and the refusal is said."""
    post = replace(await asked(twin, "root"), is_final=False)
    ts = await adapter.post(post)
    twin.workspace.edit_window_s = 60
    twin.now += 61

    with pytest.raises(errors.NotDeliveredError, match="edit_window_closed"):
        await adapter.edit(replace(post, text="more"), ts)
    assert ours(twin, post) == ["hi"]


@pytest.mark.parametrize("code", ["cant_update_message", "is_inactive", "msg_too_long"])
async def test_no_other_refused_edit_becomes_a_new_post(twin: SlackTwin, adapter: SlackAdapter, code: str) -> None:
    """An edit that is refused for another reason than its age is refused, and nothing is deleted or posted."""
    post = await asked(twin, "root")
    ts = await adapter.post(post)
    twin.fault("POST", UPDATE, Fault.json(200, {"ok": False, "error": code}))

    with pytest.raises(errors.NotDeliveredError, match=code):
        await adapter.edit(replace(post, text="the whole"), ts)
    assert ours(twin, post) == ["hi"]


async def test_editing_what_is_gone_is_refused(twin: SlackTwin, adapter: SlackAdapter) -> None:
    """A post that somebody deleted cannot be edited any more."""
    post = await asked(twin, "root")

    with pytest.raises(errors.PostGoneError, match="message_not_found"):
        await adapter.edit(post, "1.000000")


# -- finding again ----------------------------------------------------------------------------------------------------


@PLACES
async def test_a_post_is_found_again(twin: SlackTwin, adapter: SlackAdapter, place: str) -> None:
    """Only a post of the same answer and the same part is the one, also after it has changed."""
    post = await asked(twin, place)
    assert await adapter.find(post) is None
    ts = await adapter.post(post)
    other = await adapter.post(replace(post, part=1))
    await adapter.edit(replace(post, text="grown"), ts)

    assert await adapter.find(post) == ts
    assert await adapter.find(replace(post, part=1)) == other
    assert await adapter.find(replace(post, part=2)) is None
    assert await adapter.find(replace(post, answer=AnswerId("a2"))) is None


@PLACES
async def test_a_post_is_found_behind_the_talk_of_others(twin: SlackTwin, adapter: SlackAdapter, place: str) -> None:
    """What others said before and after does not hide a post."""
    post = await asked(twin, place)
    for number in range(60):
        await twin.says("U1", post.room.channel, f"before {number}", thread=post.room.thread)
    ts = await adapter.post(post)
    for number in range(60):
        await twin.says("U1", post.room.channel, f"after {number}", thread=post.room.thread)

    assert await adapter.find(post) == ts


@PLACES
@pytest.mark.parametrize("fault", [Fault(reset_before=True), Fault(reset_after=True)], ids=["lost", "taken"])
async def test_an_unclear_post_ends_up_there_once(
    twin: SlackTwin, adapter: SlackAdapter, place: str, fault: Fault
) -> None:
    """Whether a post whose connection broke was taken is found out before it is posted again."""
    post = await asked(twin, place)
    twin.fault("POST", POST, replace(fault))
    with pytest.raises(errors.UnclearDeliveryError):
        await adapter.post(post)
    ts = await adapter.find(post) or await adapter.post(post)

    assert [message.ts for message in twin.messages(post.room.channel) if message.bot_id] == [ts]


@PLACES
async def test_of_two_posts_of_a_part_the_first_stays(twin: SlackTwin, adapter: SlackAdapter, place: str) -> None:
    """Where a part was posted twice all the same, looking for it takes the later copy away."""
    post = await asked(twin, place)
    first = await adapter.post(post)
    await adapter.post(replace(post, text="hi again"))
    other = await adapter.post(replace(post, part=1, text="more"))

    assert await adapter.find(post) == first
    assert await adapter.find(replace(post, part=1)) == other
    assert [text for text in ours(twin, post) if text] == ["hi", "more"]


async def test_a_post_is_found_on_a_later_page(twin: SlackTwin, adapter: SlackAdapter) -> None:
    """Apps that get less on a page than they ask for find their post all the same."""
    post = await asked(twin, "direct")
    ts = await adapter.post(post)
    for number in range(40):
        await twin.says("U1", "D1", f"after {number}")
    twin.workspace.history_cap = 15

    assert await adapter.find(post) == ts


async def test_a_history_that_lags_shows_nothing_yet(twin: SlackTwin, adapter: SlackAdapter) -> None:
    """While the history lags behind, not even the thread may be there: nothing is found, and nothing is refused."""
    post = await asked(twin, "root")
    ts = await adapter.post(post)
    twin.workspace.history_lag_s = 10.0
    before = await adapter.find(post)
    twin.now += 11

    assert (before, await adapter.find(post)) == (None, ts)
    assert adapter.lag_s > twin.workspace.history_lag_s


@pytest.mark.parametrize("place", ["root", "direct"])
async def test_a_search_that_fails_finds_out_nothing(twin: SlackTwin, adapter: SlackAdapter, place: str) -> None:
    """When Slack cannot be asked, nobody may conclude that the post is not there."""
    post = await asked(twin, place)
    await adapter.post(post)
    twin.fault("GET", "/api/conversations.replies", Fault(status=503, times=-1))
    twin.fault("GET", "/api/conversations.history", Fault(status=503, times=-1))

    with pytest.raises(errors.PlatformError):
        await adapter.find(post)


# -- parts ------------------------------------------------------------------------------------------------------------

HARD = {
    "ampersands": "a & b < c > d " * 860,
    "nothing but signs": "&<" * 6_000,
    "one word": "x" * 12_000,
    "one emoji": "👩\u200d👩\u200d👧" * 2_400,
    "paragraphs": "A sentence with **bold** words & more.\n\n" * 300,
    "code": "```python\n" + "if a < b && c > d: print('&')\n" * 400 + "```",
    "an open fence": "```\n" + "a & b\n" * 2_000,
    "many fences": "```py\na && b\n```\nso\n" * 600,
    "links": "[the <docs>](https://example.org/?a=1&b=2) " * 280,
    "headings": "# a < b\n\n- c & d\n> e\n" * 520,
}


@pytest.mark.parametrize("text", HARD.values(), ids=HARD)
async def test_every_part_of_a_long_reply_is_taken(twin: SlackTwin, adapter: SlackAdapter, text: str) -> None:
    """Slack takes each part of a long reply, as a new post and as a change of one, however it has to be escaped."""
    post = await asked(twin, "root")
    parts = adapter.parts(text)
    for number, part in enumerate(parts):
        ts = await adapter.post(replace(post, part=number, text="…"))
        await adapter.edit(replace(post, part=number, text=part), ts)
        await adapter.post(replace(post, answer=AnswerId("a2"), part=number, text=part))

    assert len(parts) > 1
    assert ours(twin, post)[::2] == ours(twin, post)[1::2] == [mrkdwn(part) for part in parts]
    assert twin.pings == []


@pytest.mark.parametrize("name", ["ampersands", "nothing but signs", "one word", "paragraphs", "code", "links"])
async def test_no_word_of_a_long_reply_is_lost(adapter: SlackAdapter, name: str) -> None:
    """The parts together hold every sign of the reply but the white space they were cut at, and fences around code."""
    together = "".join(adapter.parts(HARD[name]))

    def signs(text: str) -> str:
        return re.sub(r"\s|```(python)?", "", text)

    assert signs(together) == signs(HARD[name])


async def test_a_code_block_in_parts_is_code_in_each(adapter: SlackAdapter) -> None:
    """Each part of a code block that had to be cut is a block of its own, with the language."""
    for part in adapter.parts(HARD["code"]):
        assert part.startswith("```python\n")
        assert part.endswith("```")
        assert part.count("```") == 2


async def test_a_link_is_not_cut_into_a_part_that_is_refused(adapter: SlackAdapter) -> None:
    """What a link hides from the count, such as a long title, does not make a part too long when it is cut there."""
    parts = adapter.parts('[a](https://example.org "' + "t " * 2_200 + '") ' + "x" * 5_500)

    assert max(len(mrkdwn(part)) for part in parts) <= UPDATE_MAX


@pytest.mark.timeout(2)
@pytest.mark.parametrize(
    "text", ["a\n" * 6_000, "[" * 12_000, "[a](" * 3_000, "**x " * 3_000], ids=lambda text: text[:4]
)
def test_no_reply_holds_everybody_up(text: str) -> None:
    """A reply of any shape is cut and rendered in no time: while it is, nobody else is answered."""
    parts = SlackAdapter(AsyncWebClient(retry_handlers=[]), clock=StillClock()).parts(text)

    assert "".join("".join(parts).split()) == "".join(text.split())


PIECES = st.sampled_from(
    ["```py\n", "```\n", "~~~\n", "\n", "\n\n", "&", "<", "> ", "- ", "**", "`", "[a](b)", "word ", "é"]
)
TEXTS = st.lists(st.tuples(PIECES, st.integers(1, 100)).map(lambda it: it[0] * it[1]), min_size=1, max_size=6).map(
    "".join
)


@settings(max_examples=40, deadline=None)
@given(TEXTS.filter(str.strip))
def test_parts_are_never_empty_nor_too_long(text: str) -> None:
    """Whatever a model writes, there is at least one part, and Slack takes each."""
    parts = SlackAdapter(AsyncWebClient(retry_handlers=[]), clock=StillClock()).parts(text)

    assert parts
    assert all(0 < len(mrkdwn(part).strip()) <= UPDATE_MAX for part in parts)


# -- who can read -----------------------------------------------------------------------------------------------------

ANSWERS = {
    "public": {"is_channel": True, "is_private": False},
    "private": {"is_group": True, "is_private": True},
    "mpim": {"is_mpim": True, "is_private": False},
    "im": {"is_im": True},
    "external": {"is_channel": True, "is_ext_shared": True},
    "organisation": {"is_channel": True, "is_org_shared": True},
    "invited": {"is_channel": True, "is_pending_ext_shared": True},
    "external im": {"is_im": True, "is_ext_shared": True},
}


@pytest.mark.parametrize("said", ["public", "private", "external"])
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("public", "public"),
        ("private", "private"),
        ("mpim", "private"),
        ("im", "direct"),
        ("external", "external"),
        ("organisation", "external"),
        ("invited", "external"),
        ("external im", "external"),
    ],
)
async def test_slack_says_who_reads_a_room(
    twin: SlackTwin, adapter: SlackAdapter, name: str, kind: RoomKind, said: RoomKind
) -> None:
    """A channel is what Slack says when asked, whatever its event said; what others share, or may soon, is external."""
    twin.fault("GET", INFO, Fault.json(200, {"ok": True, "channel": {"id": "C1", **ANSWERS[name]}}))
    room = channel("1.0", kind=said)

    assert await adapter.classified(room) == replace(room, kind=kind)


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        ({"kind": "public"}, "public"),
        ({"kind": "private"}, "private"),
        ({"kind": "mpim"}, "private"),
        ({"kind": "im", "members": ["U2"]}, "direct"),
        ({"kind": "public", "external": True}, "external"),
    ],
)
async def test_a_room_is_asked_for_by_its_channel(
    twin: SlackTwin, adapter: SlackAdapter, made: dict[str, Any], kind: str
) -> None:
    """The channel of a thread decides who reads the thread."""
    twin.channel("C5", "five", **made)
    room = Room(tenant=T1, channel="C5", thread="1.0", kind="external")

    assert (await adapter.classified(room)).kind == kind


async def test_a_direct_message_is_not_asked_about(twin: SlackTwin, adapter: SlackAdapter) -> None:
    """Nobody else can come into a direct message, so it costs no call."""
    assert await adapter.classified(direct()) == direct()
    assert twin.calls(INFO) == []


@pytest.mark.parametrize("said", ["public", "private", "external"])
@pytest.mark.parametrize(
    "fault",
    [
        Fault.json(200, {"ok": False, "error": "channel_not_found"}),
        Fault.json(200, {"ok": False, "error": "missing_scope"}),
        Fault.json(200, {"ok": False, "error": "token_revoked"}),
        Fault(status=503),
        Fault(reset_before=True, times=-1),
    ],
    ids=["not found", "no scope", "revoked", "down", "cut"],
)
async def test_what_slack_does_not_say_is_external(
    twin: SlackTwin, adapter: SlackAdapter, fault: Fault, said: RoomKind
) -> None:
    """When Slack cannot or will not tell who reads a room, outsiders do, and nothing fails."""
    twin.fault("GET", INFO, replace(fault))

    assert (await adapter.classified(channel(kind=said))).kind == "external"


async def test_what_slack_said_is_believed_for_a_minute(
    twin: SlackTwin, adapter: SlackAdapter, clock: StillClock
) -> None:
    """A room is asked for once a minute at most, and no older answer counts."""
    for said in ("external", "public", "private"):
        assert (await adapter.classified(channel(kind=said))).kind == "public"
    assert len(twin.calls(INFO)) == 1

    twin.channel("C1", "team", members=["U1"], kind="private")
    clock.advance(seconds=KIND_LIFE.total_seconds() + 1)

    assert (await adapter.classified(channel(kind="external"))).kind == "private"
    assert len(twin.calls(INFO)) == 2


async def test_two_turns_of_a_channel_ask_once(twin: SlackTwin, adapter: SlackAdapter) -> None:
    """Threads of one channel that are answered at the same moment share one call."""
    rooms = [channel(f"{number}.0", kind="external") for number in range(5)]
    found = await asyncio.gather(*(adapter.classified(room) for room in rooms))

    assert found == [replace(room, kind="public") for room in rooms]
    assert len(twin.calls(INFO)) == 1


async def test_a_turn_that_gives_up_asking_leaves_it_to_the_next(twin: SlackTwin, adapter: SlackAdapter) -> None:
    """A turn that is cancelled while it asks does not take the other turns of the channel with it."""
    twin.fault("GET", INFO, Fault(hold=asyncio.Event()))
    first = asyncio.ensure_future(adapter.classified(channel("1.0")))
    await twin.wait_for(lambda: twin.calls(INFO))
    second = asyncio.ensure_future(adapter.classified(channel("2.0")))
    first.cancel()

    assert (await second).kind == "public"
    assert len(twin.calls(INFO)) == 2


# -- one member alone -------------------------------------------------------------------------------------------------


async def test_a_notice_in_a_channel_is_for_one_member(twin: SlackTwin, adapter: SlackAdapter) -> None:
    """In a channel only the member sees it, in the thread they spoke in, with its buttons."""
    root = await twin.says("U1", "C1", "<@U0BOT> hi")
    reply = await adapter.post(post_in(channel(root), root))
    assert await adapter.notify(channel(root), ANA, NOTICE)

    (notice,) = twin.ephemerals("U1")
    assert (notice.channel, notice.thread) == ("C1", root)
    assert [element["action_id"] for element in notice.blocks[-1]["elements"]] == [
        "rapport:consent:on",
        "rapport:consent:declined",
    ]
    assert twin.ephemerals("U2") == []
    assert [message.ts for message in twin.messages("C1")] == [root, reply]


@pytest.mark.parametrize("threaded", [True, False])
async def test_a_notice_in_a_direct_message_is_a_message(
    twin: SlackTwin, adapter: SlackAdapter, *, threaded: bool
) -> None:
    """The direct message is private already: there the notice is a message that stays."""
    ts = await twin.says("U1", "D1", "hi")
    room = direct(ts if threaded else None)
    assert await adapter.notify(room, ANA, NOTICE)

    notice = twin.messages("D1")[-1]
    assert (notice.only_for, notice.thread) == (None, room.thread)
    assert notice.text.startswith("May I remember")
    assert notice.blocks[-1]["type"] == "actions"


async def test_a_file_goes_into_the_direct_message(twin: SlackTwin, adapter: SlackAdapter) -> None:
    """A private message in a channel carries no file: it goes to the member's direct message, and nowhere else."""
    export = View(
        text="Here you are.", files=(File(name="persona.json", text="{}"), File(name="persona.txt", text="é"))
    )
    await twin.says("U1", "C1", "<@U0BOT> hi")
    assert await adapter.notify(channel(), ANA, export)

    (notice,) = twin.ephemerals("U1")
    assert notice.visible == f"Here you are. {uploads.SENT}"
    (shared,) = [message for message in twin.messages("D1") if message.files]
    assert [file["name"] for file in shared.files] == ["persona.json", "persona.txt"]
    assert [twin.workspace.files[file["id"]] for file in shared.files] == [b"{}", "é".encode()]
    assert [message for message in twin.messages("C1") if message.files] == []


@pytest.mark.parametrize("scope", ["files:write", "im:write"])
async def test_a_missing_scope_is_named(clock: StillClock, scope: str) -> None:
    """Where the app may not send files, the member hears what its admin has to add, and gets the rest of the view."""
    async with SlackTwin(scopes=ALL_SCOPES - {scope}) as twin, aiohttp.ClientSession() as session:
        twin.member("U1", "ana")
        twin.channel("C1", "team", members=["U1"])
        client = AsyncWebClient(token=twin.bot_token, base_url=twin.api_url, session=session, retry_handlers=[])
        await SlackAdapter(client, clock=clock).notify(channel(), ANA, View(text="Done.", files=(A_FILE,)))

        (notice,) = twin.ephemerals("U1")
        assert notice.visible == f"Done. {uploads.NOT_ALLOWED}"
        assert "files:write" in notice.visible
        assert "im:write" in notice.visible
        assert twin.workspace.files == {}


@pytest.mark.parametrize(
    ("path", "fault", "sentence"),
    [
        ("/api/conversations.open", Fault.json(200, {"ok": False, "error": "user_disabled"}), uploads.NOT_SENT),
        ("/api/files.completeUploadExternal", Fault(reset_after=True), uploads.UNCLEAR),
    ],
)
async def test_a_file_that_was_not_sent_is_not_said_to_be(
    twin: SlackTwin, adapter: SlackAdapter, path: str, fault: Fault, sentence: str
) -> None:
    """What went wrong with a file is said as far as it is known."""
    twin.fault("POST", path, fault)
    view = await adapter.without_files(View(text="Done.", files=(A_FILE,)), ANA)

    assert view == View(text=f"Done. {sentence}")


async def test_a_notice_pings_nobody(twin: SlackTwin, adapter: SlackAdapter) -> None:
    """Whatever stands in a notice, it notifies nobody but its reader."""
    await twin.says("U1", "C1", "<@U0BOT> hi")
    await adapter.notify(channel(), ANA, View(text="<!channel> <@U2>", footer="<!here>"))

    assert twin.pings == []


@pytest.mark.parametrize("gone", ["left the channel", "channel archived"])
async def test_a_member_who_cannot_be_told_alone_is_not(twin: SlackTwin, adapter: SlackAdapter, gone: str) -> None:
    """Where Slack has no private way to the member now, the notice is not shown, and that is no failure."""
    root = await twin.says("U1", "C1", "<@U0BOT> hi")
    members = ["U2"] if gone == "left the channel" else ["U1", "U2"]
    twin.channel("C1", "team", members=members, archived=gone == "channel archived")

    assert await adapter.notify(channel(root), ANA, NOTICE) is False


# -- links ------------------------------------------------------------------------------------------------------------


def address(adapter: SlackAdapter, room: Room, ts: str) -> str:
    """Where a fact that was learned in `room` from the message `ts` says it came from."""
    source = Source(tenant=room.tenant, room=RoomId(room.id), message=MessageId(ts), quote="hello")
    view = View(text="x", sections=(Section(title="y", lines=(Line(text="z", source=source),)),))
    found = re.search(r"<(\S+)\|“hello”>", "\n".join(strings(adapter.blocks(view))))
    assert found
    return found[1]


@PLACES
async def test_a_link_leads_to_the_message(
    twin: SlackTwin, adapter: SlackAdapter, client: AsyncWebClient, place: str
) -> None:
    """The address we show for a message is the one Slack gives it."""
    post = await asked(twin, place)
    answer = await client.chat_getPermalink(channel=post.room.channel, message_ts=post.reply_to)

    assert address(adapter, post.room, post.reply_to) == answer["permalink"]


def test_before_slack_was_asked_links_lead_to_slack() -> None:
    """Until we know the workspace's own address, Slack's general one is used."""
    adapter = SlackAdapter(AsyncWebClient(retry_handlers=[]), clock=StillClock(datetime(2026, 1, 1, tzinfo=UTC)))

    assert address(adapter, direct(), "1700000000.000100") == "https://slack.com/archives/D1/p1700000000000100"


# -- what a member reads ----------------------------------------------------------------------------------------------


async def test_a_members_locale_is_what_slack_says(twin: SlackTwin, adapter: SlackAdapter) -> None:
    """An app that may read members learns which language a member has set."""
    twin.member("U1", "ana", locale="pt-BR")

    assert await adapter.locale(ANA) == "pt-BR"


async def test_without_the_scope_there_is_no_locale(clock: StillClock) -> None:
    """An app that may not is told nothing, and nothing breaks."""
    async with SlackTwin(scopes={"chat:write"}) as twin, aiohttp.ClientSession() as session:
        twin.member("U1", "ana")
        client = AsyncWebClient(token=twin.bot_token, base_url=twin.api_url, session=session, retry_handlers=[])

        assert await SlackAdapter(client, clock=clock).locale(ANA) is None


@pytest.mark.parametrize(
    "fault",
    [
        Fault(reset_before=True, times=-1),
        Fault(status=503),
        Fault.json(200, {"ok": True, "user": {"id": "U1"}}),
        Fault.json(429, {"ok": False, "error": "ratelimited"}, headers={"Retry-After": "30"}),
    ],
    ids=["lost", "broken", "not told", "later"],
)
async def test_trouble_leaves_a_locale_unknown(
    twin: SlackTwin, adapter: SlackAdapter, clock: StillClock, fault: Fault
) -> None:
    """Whatever Slack answers, a notice is not held up by it."""
    twin.fault("GET", "/api/users.info", fault)

    assert await adapter.locale(ANA) is None
    assert clock.slept == []


async def test_a_stranger_has_no_locale(adapter: SlackAdapter) -> None:
    """A member of another workspace whom Slack does not show us is nobody's trouble."""
    assert await adapter.locale(Member(tenant=TenantId("slack:T9"), id="U9")) is None
