"""Slack's payloads as messages, edits and deletions: what is for us, whose it is, where it was said, what it says."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack import translate
from bot.messages import Deletion, Edit, Member, Message, Room, TenantId

Json: TypeAlias = dict[str, Any]

BOT = "U0BOT"
TS = "1700000000.000100"
LATER = "1700000060.000200"
T1 = TenantId("slack:T1")
HI = f"<@{BOT}> hi"
THREAD = Room(tenant=T1, channel="C1", thread=TS, kind="public")


def post(*without: str, **more: Any) -> Json:
    """A member's message in a channel, as in the sheet, without some fields and with more."""
    inner: Json = {
        "type": "message",
        "channel": "C1",
        "channel_type": "channel",
        "user": "U1",
        "team": "T1",
        "text": HI,
        "ts": TS,
        "event_ts": TS,
        "client_msg_id": "c2b5f5a0-0000-4000-8000-000000000001",
        "blocks": [],
    }
    return {key: value for key, value in (inner | more).items() if key not in without}


def direct(*without: str, **more: Any) -> Json:
    """A member's direct message."""
    return post(*without, **{"channel": "D1", "channel_type": "im", "text": "hi", **more})


def callback(inner: Json | None, *without: str, **more: Any) -> Json:
    """The Events API payload around what happened."""
    authorization = {"enterprise_id": None, "team_id": "T1", "user_id": BOT, "is_bot": True}
    outer: Json = {
        "token": "v",
        "team_id": "T1",
        "context_team_id": "T1",
        "context_enterprise_id": None,
        "api_app_id": "A1",
        "type": "event_callback",
        "event_id": "Ev1",
        "event_time": 1700000000,
        "is_ext_shared_channel": False,
        "authorizations": [authorization | {"is_enterprise_install": False}],
        "event": inner,
    }
    return {key: value for key, value in (outer | more).items() if key not in without}


def heard(inner: Json | None, *without: str, **more: Any) -> Message | Edit | Deletion | None:
    return translate.event(callback(inner, *without, **more), bot_user=BOT)


def message(inner: Json, *without: str, **more: Any) -> Message:
    """What the payload says, which must be a message to us."""
    found = heard(inner, *without, **more)
    assert isinstance(found, Message)
    return found


def hidden(subtype: str, *without: str, **more: Any) -> Json:
    """A change of something said before."""
    inner: Json = {
        "type": "message",
        "subtype": subtype,
        "hidden": True,
        "channel": "C1",
        "channel_type": "channel",
        "ts": LATER,
        "event_ts": LATER,
    }
    return {key: value for key, value in (inner | more).items() if key not in without}


def standing(inner: Json) -> Json:
    """A message as it stands inside a change: without the channel."""
    return {key: value for key, value in inner.items() if key not in {"channel", "channel_type", "event_ts"}}


def changed(inner: Json, text: str, **more: Any) -> Json:
    """The change of a message of a member to another text."""
    old = standing(inner)
    new = {**old, "text": text, "edited": {"user": inner["user"], "ts": LATER}, **more}
    where = {"channel": inner["channel"], "channel_type": inner["channel_type"]}
    return hidden("message_changed", message=new, previous_message=old, **where)


def deleted(inner: Json) -> Json:
    where = {"channel": inner["channel"], "channel_type": inner["channel_type"]}
    return hidden("message_deleted", deleted_ts=inner["ts"], previous_message=standing(inner), **where)


def tombstone(inner: Json) -> Json:
    """The deletion of a message that has replies."""
    stone = {
        "type": "message",
        "subtype": "tombstone",
        "user": "USLACKBOT",
        "ts": inner["ts"],
        "thread_ts": inner["ts"],
    }
    where = {"channel": inner["channel"], "channel_type": inner["channel_type"]}
    text = {"text": "This message was deleted.", "hidden": True}
    return hidden("message_changed", message=stone | text, previous_message=standing(inner), **where)


# -- what is for us ---------------------------------------------------------------------------------------------------


def test_a_mention_in_a_channel_is_a_message() -> None:
    """A post that mentions us becomes a message with its id, author, words and exact time, in a room of its own."""
    assert message(post()) == Message(
        id=message(post()).id,
        room=THREAD,
        author=Member(tenant=T1, id="U1"),
        text="hi",
        said_at=datetime(2023, 11, 14, 22, 13, 20, 100, tzinfo=UTC),
    )
    assert message(post()).id == TS


def test_both_announcements_of_a_post_are_one() -> None:
    """`message` and `app_mention` of the same post have the same key, answer, room id, author and text."""
    first, second = message(post()), message(post("channel_type", type="app_mention"))

    assert first.key == second.key
    assert first.answer == second.answer
    assert replace(second, room=first.room) == first
    assert second.room.id == first.room.id


@pytest.mark.parametrize("mention", [f"<@{BOT}>", f"<@{BOT}|rapport>"])
def test_a_mention_is_known_in_both_spellings(mention: str) -> None:
    """A mention counts with the label that Slack may add to it as without."""
    assert message(post(text=f"{mention} hi")).text == "hi"


@pytest.mark.parametrize("kind", ["channel", "group", "mpim"])
@pytest.mark.parametrize("text", ["hi all", "<@U0BOTTLE> hi", "U0BOT", "&lt;@U0BOT&gt; hi", "<!channel> hi", "<!here>"])
def test_talk_that_does_not_mention_us_is_not_for_us(kind: str, text: str) -> None:
    """Where others talk, only a mention of us addresses us; a mention of everybody does not."""
    assert heard(post(channel_type=kind, text=text)) is None


def test_a_direct_message_needs_no_mention() -> None:
    """Whatever is said in a direct message is for us, and the whole of it is one conversation."""
    found = message(direct())

    assert found.text == "hi"
    assert found.room == Room(tenant=T1, channel="D1", kind="direct")


@pytest.mark.parametrize("subtype", ["thread_broadcast", "me_message", "file_share"])
def test_what_a_member_says_in_another_form_is_kept(subtype: str) -> None:
    """Broadcast replies, /me messages and words beside a file are words of a member."""
    assert message(post(subtype=subtype)).text == "hi"


def test_a_file_without_words_is_an_empty_message() -> None:
    """A file sent to us without a word is still something said to us."""
    assert message(direct(subtype="file_share", text="", files=[{"id": "F1"}])).text == ""


@pytest.mark.parametrize(
    "subtype",
    [
        "bot_message",
        "channel_join",
        "channel_leave",
        "channel_topic",
        "channel_purpose",
        "channel_name",
        "channel_archive",
        "channel_unarchive",
        "group_join",
        "group_leave",
        "group_topic",
        "channel_posting_permissions",
        "channel_convert_to_private",
        "pinned_item",
        "unpinned_item",
        "reminder_add",
        "assistant_app_thread",
        "message_replied",
        "tombstone",
        "bot_add",
        "bot_remove",
        "huddle_thread",
        "slackbot_response",
        "document_mention",
        "ekm_access_denied",
        "sh_room_created",
        "something_new",
    ],
)
@pytest.mark.parametrize("inner", [post, direct])
def test_housekeeping_is_not_for_us(subtype: str, inner: Any) -> None:
    """What Slack itself or a bot writes is dropped, in a channel and in a direct message, also if it names us."""
    assert heard(inner(subtype=subtype)) is None


@pytest.mark.parametrize("kind", ["message", "app_mention"])
@pytest.mark.parametrize(
    "by",
    [{"bot_id": "B1"}, {"bot_id": "B1", "user": "U9"}, {"user": BOT}, {"user": None}, {"user": ""}],
    ids=["bot", "bot with a user", "ourselves", "nobody", "empty"],
)
def test_only_people_are_heard(kind: str, by: Json) -> None:
    """Bots, our own posts and posts of nobody are dropped, whichever event brings them."""
    assert heard(post(type=kind, **by)) is None
    assert heard(direct(type=kind, **by)) is None


@pytest.mark.parametrize("inner", [post, direct])
def test_a_shared_message_is_not_its_sharers_words(inner: Any) -> None:
    """A message that somebody forwards to us comes as an attachment: only what they say about it is theirs."""
    shared = {"is_share": True, "author_id": "U2", "text": "I live in Lisbon", "channel_id": "C2", "ts": TS}

    assert "Lisbon" not in message(inner(attachments=[shared])).text


@pytest.mark.parametrize(
    "inner",
    [
        None,
        {},
        {"type": "reaction_added", "user": "U1", "item": {"type": "message", "channel": "C1", "ts": TS}},
        {"type": "member_joined_channel", "user": "U1", "channel": "C1", "channel_type": "C", "team": "T1"},
        {"type": "app_home_opened", "user": "U1", "channel": "D1", "tab": "messages"},
        {"type": "agent_session_stopped", "user": "U1", "channel": "D1", "thread_ts": TS},
        {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [BOT]}},
    ],
    ids=lambda inner: str(inner and inner.get("type")),
)
def test_other_events_say_nothing(inner: Json | None) -> None:
    """Events that are no messages are not for us."""
    assert heard(inner) is None


# -- where ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel_type", "kind"),
    [("im", "direct"), ("mpim", "private"), ("group", "private"), ("channel", "public"), ("app_home", "external")],
)
def test_the_kind_of_a_room_is_what_slack_says(channel_type: str, kind: str) -> None:
    """Who can read a room follows from its type; a type we do not know means outsiders."""
    assert message(post(channel_type=channel_type)).room.kind == kind


@pytest.mark.parametrize("channel_type", ["im", "mpim", "group", "channel"])
def test_a_shared_room_is_external_whatever_its_type(channel_type: str) -> None:
    """Rooms shared with another organisation hold outsiders, direct messages included."""
    assert message(post(channel_type=channel_type), is_ext_shared_channel=True).room.kind == "external"


@pytest.mark.parametrize("shared", [False, True])
def test_a_mention_event_does_not_say_who_reads(shared: bool) -> None:  # noqa: FBT001 - a value, not a switch
    """`app_mention` names no channel type, and what is unknown is external."""
    inner = post("channel_type", type="app_mention")

    assert message(inner, is_ext_shared_channel=shared).room.kind == "external"


@pytest.mark.parametrize(
    ("inner", "thread"),
    [
        (post(), TS),
        (post(thread_ts="1699.5"), "1699.5"),
        (post("channel_type", type="app_mention", thread_ts="1699.5"), "1699.5"),
        (post(subtype="thread_broadcast", thread_ts="1699.5"), "1699.5"),
        (direct(), None),
        (direct(thread_ts="1699.5"), "1699.5"),
    ],
)
def test_a_thread_is_a_room(inner: Json, thread: str | None) -> None:
    """A channel post begins a thread, a reply belongs to its root, a direct message is one room unless threaded."""
    assert message(inner).room.thread == thread


# -- who --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "team"),
    [({}, "T1"), ({"team": "T2"}, "T2"), ({"user_team": "T2"}, "T2"), ({"user_team": "T3", "team": "T2"}, "T3")],
)
def test_an_author_belongs_to_their_own_workspace(said: Json, team: str) -> None:
    """In a shared channel the author may be of another workspace than the room, and is never mixed up with ours."""
    found = message(post(**said), is_ext_shared_channel=True)

    assert found.author == Member(tenant=TenantId(f"slack:{team}"), id="U1")
    assert found.room.tenant == T1


def test_an_author_without_a_team_is_of_the_workspace() -> None:
    """Where a post names no team, its author is of the workspace the event comes from."""
    assert message(post("team")).author.tenant == T1


def test_the_event_says_which_bot_we_are() -> None:
    """One app lives in many workspaces: the bot user of the event's own authorization counts."""
    authorizations = [{"user_id": "U7", "is_bot": False}, {"user_id": "U2BOT", "is_bot": True}]

    assert message(post(text="<@U2BOT> hi"), authorizations=authorizations).text == "hi"
    assert heard(post(text=HI), authorizations=authorizations) is None
    assert heard(direct(user="U2BOT"), authorizations=authorizations) is None


@pytest.mark.parametrize("authorizations", [None, [], [{"user_id": "U7", "is_bot": False}]])
def test_without_a_bot_authorization_the_known_bot_user_counts(authorizations: list[Json] | None) -> None:
    """An event that names no bot is for the bot user Slack told us at the start."""
    assert message(post(), authorizations=authorizations).text == "hi"


@pytest.mark.parametrize(
    "payload",
    [
        {"team_id": "T1", "user_id": "U1", "command": "/persona", "text": "show"},
        {"type": "block_actions", "user": {"id": "U1", "team_id": "T1"}, "team": {"id": "T9"}},
        {"type": "block_actions", "user": {"id": "U1"}, "team": {"id": "T1", "domain": "twin"}},
        {"type": "block_actions", "user": {"id": "U1", "team_id": "T1"}, "team": None},
    ],
    ids=["command", "button", "button without the user's team", "button of an organisation"],
)
def test_who_types_or_presses_is_who_speaks(payload: Json) -> None:
    """A command and a button name the same member as the messages of that person do."""
    assert translate.member(payload) == message(post()).author


@pytest.mark.parametrize(
    "payload",
    [
        {"team_id": "T1", "team": {"id": "T2"}},
        {"team": {"id": "T1"}, "user": {"team_id": "T2"}},
        {"team": None, "user": {"id": "U1", "team_id": "T1"}},
    ],
)
def test_a_payload_comes_from_one_workspace(payload: Json) -> None:
    """The workspace is found wherever the kind of payload has it."""
    assert translate.tenant(payload) == T1


# -- missing fields ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [{}, {"text": None}, {"text": ""}])
def test_a_direct_message_may_have_no_text(text: Json) -> None:
    """A post without any text is an empty message, not a failure."""
    assert message(direct("text") | text).text == ""


@pytest.mark.parametrize("text", [{}, {"text": None}, {"text": ""}])
def test_a_channel_post_without_text_mentions_nobody(text: Json) -> None:
    """A post without any text in a channel is not for us."""
    assert heard(post("text") | text) is None


@pytest.mark.parametrize(
    "missing",
    [("token",), ("authorizations",), ("context_team_id", "context_enterprise_id"), ("is_ext_shared_channel",)],
)
def test_outer_fields_may_be_missing(missing: Collection[str]) -> None:
    """An event without the fields Slack may leave out is understood all the same."""
    assert message(post("client_msg_id", "blocks", "event_ts"), *missing) == message(post())


@pytest.mark.parametrize(
    "inner",
    [
        hidden("message_changed"),
        hidden("message_changed", message=None, previous_message=None),
        hidden("message_changed", message={}, previous_message={}),
        hidden("message_deleted"),
        hidden("message_deleted", previous_message=None),
    ],
)
def test_a_change_of_nothing_says_nothing(inner: Json) -> None:
    """A change that does not say of what is dropped."""
    assert heard(inner) is None


# -- changes ----------------------------------------------------------------------------------------------------------

PLACES = [
    post(),
    post(thread_ts="1699.5"),
    post(channel_type="group", thread_ts="1699.5", subtype="thread_broadcast"),
    post(channel_type="mpim"),
    direct(),
    direct(thread_ts="1699.5"),
]


@pytest.mark.parametrize("inner", PLACES)
def test_an_edit_names_the_message_it_changes(inner: Json) -> None:
    """An edit carries the room, id and author of the message it changes, and its new words without our mention."""
    before = message(inner)
    found = heard(changed(inner, f"<@{BOT}> better"))

    assert found == Edit(room=before.room, message=before.id, author=before.author, text="better")


@pytest.mark.parametrize("inner", PLACES)
@pytest.mark.parametrize("gone", [deleted, tombstone])
def test_a_deletion_names_the_message_it_removes(inner: Json, gone: Any) -> None:
    """A deletion, also one of a root that leaves a tombstone, carries the room and id of the message that is gone."""
    before = message(inner)

    assert heard(gone(inner)) == Deletion(room=before.room, message=before.id)


def test_a_direct_message_with_replies_stays_where_it_was() -> None:
    """A direct message that got replies now carries its own timestamp as thread; it is in the same room as before."""
    before, now = message(direct()), direct(thread_ts=TS, reply_count=1)
    edit, deletion = heard(changed(now, "better")), heard(tombstone(now))

    assert isinstance(edit, Edit)
    assert edit.room == before.room
    assert deletion == Deletion(room=before.room, message=before.id)


@pytest.mark.parametrize("gone", [deleted, tombstone])
def test_a_deletion_may_not_say_what_was_there(gone: Any) -> None:
    """A deletion without the previous message still names the root that is gone."""
    inner = gone(post()) | {"previous_message": None}

    assert heard(inner) == Deletion(room=message(post()).room, message=message(post()).id)


def test_an_edit_may_not_say_what_was_there() -> None:
    """An edit without the previous message is taken for one."""
    inner = changed(post(), f"<@{BOT}> better") | {"previous_message": None}

    assert isinstance(heard(inner), Edit)


def test_an_edit_may_take_our_mention_away() -> None:
    """An edited message is the same message, whether it still mentions us or not."""
    found = heard(changed(post(), "never mind"))

    assert isinstance(found, Edit)
    assert found.text == "never mind"


def test_an_edit_may_empty_a_message() -> None:
    """A message edited down to nothing is an edit to nothing."""
    found = heard(changed(post(), "") | {"message": standing(post("text"))})

    assert isinstance(found, Edit)
    assert found.text == ""


@pytest.mark.parametrize("inner", PLACES)
def test_a_link_preview_is_no_edit(inner: Json) -> None:
    """A change that leaves the words as they were, as link previews do, is dropped."""
    preview = [{"id": 1, "from_url": "https://example.org/", "title": "Preview"}]

    assert heard(changed(inner, inner["text"], attachments=preview)) is None


def test_our_own_growing_reply_is_no_edit() -> None:
    """The changes we make to our own posts come back as events and are dropped."""
    ours = post(user=BOT, bot_id="B0BOT", text="Let me", thread_ts=TS, ts=LATER)

    assert heard(changed(ours, "Let me see")) is None


def test_the_edit_of_another_bot_is_dropped() -> None:
    """A bot that changes its post is as little for us as its post was."""
    assert heard(changed(post(user="U9", bot_id="B1"), f"<@{BOT}> now")) is None


def test_edit_in_a_shared_channel_keeps_its_author() -> None:
    """An edit by a member of another workspace is that member's."""
    found = heard(changed(post(user_team="T2"), "better"), is_ext_shared_channel=True)

    assert isinstance(found, Edit)
    assert found.author.tenant == "slack:T2"
    assert found.room.kind == "external"


# -- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("marked_up", "plain"),
    [
        ("hi", "hi"),
        ("", ""),
        ("  \n", ""),
        (HI, "hi"),
        (f"<@{BOT}>: hi", "hi"),
        (f"<@{BOT}>, hi", "hi"),
        (f"<@{BOT}|rapport> hi", "hi"),
        (f"hi <@{BOT}>", "hi"),
        (f"<@{BOT}><@{BOT}>", ""),
        (f"<@{BOT}>\n\n• one\n• two", "• one\n• two"),
        ("ask <@U2>", "ask @U2"),
        ("ask <@U2|ben>", "ask @ben"),
        ("in <#C2|random>", "in #random"),
        ("in <#C2|>", "in #C2"),
        ("in <#C2>", "in #C2"),
        ("<!here> look", "@here look"),
        ("<!channel|channel> look", "channel look"),
        ("<!everyone>", "@everyone"),
        ("<!subteam^S1|@devs>", "@devs"),
        ("<!subteam^S1>", "@subteam"),
        ("<!date^1392734382^{date}|Feb 18>", "Feb 18"),
        ("<https://example.org/a?b=1&amp;c=2>", "https://example.org/a?b=1&c=2"),
        ("<https://example.org/|the docs>", "the docs (https://example.org/)"),
        ("<https://example.org/|https://example.org/>", "https://example.org/"),
        ("<https://example.org/|a &gt; b>", "a > b (https://example.org/)"),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2", "1 < 2 && 3 > 2"),
        ("&amp;lt;b&amp;gt; &amp;amp; &amp;copy;", "&lt;b&gt; &amp; &copy;"),
        ("&lt;@U2&gt;", "<@U2>"),
        ("<@>", "@"),
        ("<unclosed", "<unclosed"),
        ("> quoted", "> quoted"),
        ("&gt; quoted", "> quoted"),
        (f"<@<@{BOT}>>", "@"),
        ("<<https://example.org/>>", "<https://example.org/>"),
        ("*bold* _it_ ~no~ `code`", "*bold* _it_ ~no~ `code`"),
        ("tab\tand\u00a0more", "tab\tand\u00a0more"),
    ],
)
def test_markup_becomes_plain_text(marked_up: str, plain: str) -> None:
    """Our mention goes, other mentions become names, links say where they lead, escapes are undone exactly once."""
    assert translate.text(marked_up, bot_user=BOT) == plain


@pytest.mark.parametrize(
    ("marked_up", "plain"),
    [("<mailto:ana@example.org|ana@example.org>", "ana@example.org"), ("<tel:+15551234|+15551234>", "+15551234")],
)
def test_what_slack_made_a_link_is_what_was_typed(marked_up: str, plain: str) -> None:
    """Slack turns a typed address or number into a link; the member typed no more than its label."""
    assert translate.text(marked_up, bot_user=BOT) == plain


def test_without_a_bot_user_all_mentions_are_names() -> None:
    """As long as we do not know who we are, no mention is taken out."""
    assert translate.text(HI, bot_user="") == "@U0BOT hi"


MARKUP = ["<", ">", "|", "@", "#", "!", "^", "&", "amp;", "&lt;", "&gt;", "&#", "x0;", ":", "\n", " ", "mailto:"]
ENTITIES = [f"<@{BOT}>", "<@U1|ana>", "<#C1|", "<!here>", "<!subteam^S1|@d>", "<!date^1^{d}|x>", "https://", BOT]
PIECES = st.sampled_from([*MARKUP, *ENTITIES, "\x00", "\ud800", "é", "a"])
NONSENSE = st.lists(PIECES | st.text(max_size=5), max_size=25).map("".join)


@pytest.mark.parametrize(
    ("payload", "room"),
    [
        ({"channel_id": "C1"}, "C1"),
        ({"channel": {"id": "D1", "name": "directmessage"}, "container": {"channel_id": "D1"}}, "D1"),
        ({"channel": {"id": "C1"}, "container": {"thread_ts": "1.0"}}, "C1/1.0"),
        ({"channel": None, "container": {"type": "view"}}, None),
        ({}, None),
    ],
    ids=["command", "button", "button in a thread", "button on the Home tab", "form"],
)
def test_where_something_was_asked_counts_as_external(payload: dict[str, Any], room: str | None) -> None:
    """A command and a button say where, if it is in a channel at all, but not who reads there."""
    found = translate.asked_in({"team": {"id": "T1"}, **payload})

    assert (found and found.id) == room
    assert found is None or (found.tenant, found.kind) == ("slack:T1", "external")


@given(NONSENSE)
def test_no_text_is_too_strange(text: str) -> None:
    """Whatever a post holds, it is understood without an error, in both events and in an edit."""
    assert isinstance(heard(direct(text=text)), Message)
    assert isinstance(heard(post(type="app_mention", text=text)), Message)
    assert isinstance(heard(changed(post(text="else"), f"{text}!")), Edit)
    assert not isinstance(heard(post(text=text)), Edit)


@given(st.text(max_size=80))
def test_what_is_typed_is_what_is_read(typed: str) -> None:
    """Text without markup comes through as it was typed, whatever Slack had to escape in it."""
    escaped = typed.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    assert translate.text(f"<@{BOT}> {escaped}", bot_user=BOT) == typed.strip()


@pytest.mark.parametrize(
    ("ts", "micros"),
    [("1700000000.000100", 100), ("1700000000.999999", 999_999), ("1700000000", 0), ("1700000000.5", 500_000)],
)
def test_a_timestamp_is_exact(ts: str, micros: int) -> None:
    """The moment of a post is its timestamp to the microsecond, so that order is kept."""
    assert translate.moment(ts) == datetime(2023, 11, 14, 22, 13, 20, micros, tzinfo=UTC)


@given(st.integers(0, 2**31), st.integers(0, 999_999))
def test_moments_are_in_the_order_of_timestamps(seconds: int, micros: int) -> None:
    """No timestamp is rounded onto its neighbour."""
    here = translate.moment(f"{seconds}.{micros:06d}")

    assert here < translate.moment(f"{seconds + 1}.{micros:06d}")
    assert here.microsecond == micros


# -- by which workspace something reaches us --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "teams"),
    [
        ({"team_id": "T1"}, ["T1"]),
        ({"team_id": "T9", "authorizations": [{"team_id": "T1"}, {"team_id": None}]}, ["T9", "T1"]),
        ({"team": {"id": "T9"}, "user": {"id": "U1", "team_id": "T8"}}, ["T9", "T8"]),
        ({"team": {"id": "T9"}, "view": {"app_installed_team_id": "T1"}}, ["T9", "T1"]),
        ({"team": None, "user": {"id": "U1", "team_id": "T1"}}, ["T1"]),
        ({"type": "event_callback"}, []),
    ],
)
def test_by_which_workspaces_something_may_reach_us(body: dict[str, Any], teams: list[str]) -> None:
    """Where it happened comes first, then where Slack says that we are installed, each once."""
    assert translate.reached_by(body) == [f"slack:{team}" for team in teams]


def test_what_happened_elsewhere_is_seen_from_here() -> None:
    """An event of another workspace counts as one of ours by which it reached us; its author stays who they are."""
    inner = {"type": "app_mention", "user": "U9", "user_team": "T9", "text": "hi", "ts": "1.0", "channel": "C1"}
    body = {"team_id": "T9", "type": "event_callback", "is_ext_shared_channel": True, "event": inner}
    message = translate.event(translate.seen_from(body, TenantId("slack:T1")), bot_user="U0BOT")

    assert isinstance(message, Message)
    assert (message.room.tenant, message.room.kind) == ("slack:T1", "external")
    assert message.author.tenant == "slack:T9"
