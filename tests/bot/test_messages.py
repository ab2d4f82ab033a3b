"""Messages: names that hold across restarts and platforms, and text that every store and platform can hold."""

import sqlite3
import unicodedata
from contextlib import closing
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.messages import Member, Message, MessageId, Room, TenantId, clean, platform_of
from persona.audience import Place
from persona.persona import MemberKey
from tests.clock import NOON

ANA = Member(tenant=TenantId("slack:T1"), id="U1", name="Ana")
ROOM = Room(tenant=TenantId("slack:T1"), channel="C1", kind="public")
MESSAGE = Message(id=MessageId("100.1"), room=ROOM, author=ANA, text="hello", said_at=NOON)

unhurried = settings(deadline=None)

ANYTHING = st.text(alphabet=st.characters(exclude_categories=()), max_size=60)
"""Every code point there is, halves of surrogate pairs included."""


# -- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tenant", ["slack:T1", "discord:41", "terminal:local"])
def test_a_tenant_names_its_platform(tenant: str) -> None:
    """The platform is the first word of the tenant, of a room's as well."""
    platform = tenant.partition(":")[0]

    assert platform_of(TenantId(tenant)) == platform
    assert replace(ROOM, tenant=TenantId(tenant)).platform == platform


def test_a_member_can_be_told_by_their_key() -> None:
    """Whose persona it is names the member to the platform; their name is not needed for that."""
    found = Member.of(ANA.key)

    assert found.key == ANA.key
    assert (found.tenant, found.id, found.name) == (ANA.tenant, ANA.id, "")


def test_a_thread_is_its_own_room() -> None:
    """A thread's id is not its channel's, nor that of another thread."""
    ids = {replace(ROOM, thread=thread).id for thread in (None, "1.1", "1.2")}

    assert len(ids) == 3


def test_a_thread_is_read_by_its_channel() -> None:
    """For audiences a thread is its channel: who reads the one reads the other."""
    assert replace(ROOM, thread="1.1").place == ROOM.place == Place(tenant="slack:T1", room="C1", kind="public")


def test_a_persona_belongs_to_an_account() -> None:
    """Whose persona it is depends on the account's scope and id, and never on a name."""
    assert ANA.key == replace(ANA, name="Somebody else").key == MemberKey(tenant="slack:T1", id="U1")


def test_a_post_has_one_key() -> None:
    """The key of a post is the same whatever room, text or author an announcement of it names."""
    thread = replace(MESSAGE, room=replace(ROOM, thread="1.1", kind="external"), text="edited")

    assert thread.key == MESSAGE.key


@pytest.mark.parametrize(
    "other", [replace(MESSAGE, id=MessageId("100.2")), replace(MESSAGE, room=replace(ROOM, channel="C2"))]
)
def test_other_posts_have_other_keys(other: Message) -> None:
    """Posts of another id or channel have other keys and other answers."""
    assert other.key != MESSAGE.key
    assert other.answer != MESSAGE.answer


def test_the_answer_of_a_message_has_one_id() -> None:
    """The id of an answer stays the same in every version and for every edit, and differs in another tenant."""
    elsewhere = replace(MESSAGE, room=replace(ROOM, tenant=TenantId("slack:T2")))

    assert MESSAGE.answer == replace(MESSAGE, text="edited").answer == "fc99e6d267d5f97aa560599e"
    assert elsewhere.answer != MESSAGE.answer


def test_a_reference_is_short_and_leads_to_the_answer() -> None:
    """What a member can quote has eight characters, those the answer's id begins with."""
    assert len(MESSAGE.reference) == 8
    assert MESSAGE.answer.startswith(MESSAGE.reference)


def test_messages_do_not_change() -> None:
    """What was accepted cannot be changed by whoever holds it."""
    with pytest.raises(FrozenInstanceError):
        MESSAGE.text = "other"  # type: ignore[misc]  # the point


# -- clean text -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello, world",
        "two\nlines\tand a tab",
        "日本語 العربية हिन्दी",
        "👩‍👩‍👧 👍🏽 🇩🇪 e\u0301 \ufeff",
        "**bold** `code` ~~~",
        "right to left \u202e mark",
        "\U0010ffff \U0001f600",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    """What members type in any script, emoji with all their joiners included, is not touched."""
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\nb\rc\n", "a\nb\nc\n"),
        ("a\x00b\x1b[31mc\x7f", "ab[31mc"),
        ("a\x0bb\x0cc", "abc"),
        ("a\x9b31mb", "a31mb"),
        ("\ud83d\ude00", "😀"),
        ("\ud83d", "\ufffd"),
        ("a\ude00b", "a\ufffdb"),
        ("\ud83d\ud83d\ude00", "\ufffd😀"),
        ("\ud83dx", "\ufffdx"),
    ],
)
def test_what_nobody_can_hold_goes(text: str, expected: str) -> None:
    """Control characters go, line breaks become one kind, halves of surrogate pairs meet or are replaced."""
    assert clean(text) == expected


@unhurried
@given(ANYTHING)
@example("\x85")
@example("\ud800")
def test_clean_text_has_no_control_characters(text: str) -> None:
    """Whatever comes in, what comes out has no control character but line breaks and tabs, and no half of a pair."""
    cleaned = clean(text)

    assert not {char for char in cleaned if unicodedata.category(char) in {"Cc", "Cs"}} - {"\n", "\t"}


@unhurried
@given(ANYTHING)
def test_clean_text_can_be_encoded_and_stored(text: str) -> None:
    """Whatever comes in, what comes out can be sent as UTF-8 and comes back from a database as it went in."""
    cleaned = clean(text)

    with closing(sqlite3.connect(":memory:")) as database:
        assert database.execute("SELECT ?", (cleaned,)).fetchone() == (cleaned,)
    assert cleaned.encode().decode() == cleaned


@unhurried
@given(ANYTHING)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    """Clean text is clean."""
    assert clean(clean(text)) == clean(text)


@unhurried
@given(st.text(alphabet=st.characters(exclude_categories=("Cc", "Cs")), max_size=60))
def test_nothing_else_is_lost(text: str) -> None:
    """Every other character stays, in its place."""
    assert clean(text) == text
