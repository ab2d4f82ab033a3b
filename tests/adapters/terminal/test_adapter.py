"""The terminal as an adapter: replies appear, rooms are what they are called, buttons are remembered."""

from __future__ import annotations

import io

import pytest

from adapters.terminal.adapter import TerminalAdapter, where
from adapters.terminal.screen import PlainScreen
from bot.consent import notice
from bot.messages import AnswerId, Member, Message, MessageId, Room, TenantId
from bot.ports import Post
from bot.views import File, View
from tests.clock import NOON

NOTICE = notice("en")

LOCAL = TenantId("terminal:local")
TEAM = Room(tenant=LOCAL, channel="team", kind="public")
ANAS = Room(tenant=LOCAL, channel="dm:ana", kind="direct")
ANA = Member(tenant=LOCAL, id="ana", name="Ana")


@pytest.fixture
def shown() -> io.StringIO:
    """What stands on the screen."""
    return io.StringIO()


@pytest.fixture
def adapter(shown: io.StringIO) -> TerminalAdapter:
    return TerminalAdapter(PlainScreen(io.StringIO(), shown))


def post(room: Room, text: str, *, part: int = 0) -> Post:
    return Post(room=room, answer=AnswerId("a1"), part=part, text=text, reply_to=MessageId("1"))


@pytest.mark.parametrize(("room", "name"), [(TEAM, "#team"), (ANAS, "(direct message)")])
async def test_a_reply_appears_in_its_room(adapter: TerminalAdapter, shown: io.StringIO, room: Room, name: str) -> None:
    """A reply is shown with the room it belongs to, as people call it."""
    await adapter.post(post(room, "hello\nthere"))

    assert shown.getvalue() == f"Rapport {name}: hello\nthere\n"
    assert where(room) == name


async def test_every_post_has_an_id_of_its_own(adapter: TerminalAdapter) -> None:
    """Parts of a reply can be told apart, and the same part is always the same."""
    ids = [await adapter.post(post(TEAM, "hi", part=part)) for part in (0, 1, 0)]

    assert len(set(ids)) == 2


async def test_a_changed_reply_appears_again(adapter: TerminalAdapter, shown: io.StringIO) -> None:
    """What stands on a screen cannot be changed, so the new text follows."""
    await adapter.edit(post(TEAM, "hello"), "a1.0")

    assert shown.getvalue() == "Rapport #team: hello\n"


async def test_a_screen_remembers_nothing(adapter: TerminalAdapter) -> None:
    """After a restart nobody can tell what had appeared before."""
    await adapter.post(post(TEAM, "hello"))

    assert await adapter.find(post(TEAM, "hello")) is None


@pytest.mark.parametrize("room", [TEAM, ANAS])
async def test_rooms_are_what_they_are_called(adapter: TerminalAdapter, room: Room) -> None:
    """A room's readers follow from its name and never change."""
    assert await adapter.classified(room) == room


def test_a_reply_of_any_length_is_one_part(adapter: TerminalAdapter) -> None:
    """A screen scrolls."""
    assert adapter.parts("word " * 10_000) == ["word " * 10_000]


async def test_a_notice_is_shown_and_its_buttons_are_remembered(adapter: TerminalAdapter, shown: io.StringIO) -> None:
    """Whoever sits there sees the notice, and can press its buttons later, also after something without any."""
    assert await adapter.notify(TEAM, ANA, NOTICE)
    adapter.show(View(text="something else"))

    assert "[1] Yes, remember" in shown.getvalue()
    assert adapter.actions == tuple(button.action for button in NOTICE.buttons)


def test_a_file_that_cannot_be_written_is_said(adapter: TerminalAdapter, shown: io.StringIO) -> None:
    """Where a file cannot be written, whoever sits there hears why and what to do, and sees the rest of the view."""
    adapter.show(View(text="Here you are.", files=(File(name="x" * 300, text="all of it"),)))

    assert "Here you are." in shown.getvalue()
    assert "could not be written here (File name too long); start me in a folder of yours" in shown.getvalue()


async def test_working_shows_nothing_in_a_pipe(adapter: TerminalAdapter, shown: io.StringIO) -> None:
    """A pipe sees only what is finished."""
    async with adapter.working(Message(id=MessageId("1"), room=TEAM, author=ANA, text="hi", said_at=NOON)):
        pass

    assert shown.getvalue() == ""


async def test_a_terminal_does_not_say_what_somebody_reads(adapter: TerminalAdapter) -> None:
    """Anybody can sit there; what they write has to do."""
    assert await adapter.locale(ANA) is None


async def test_a_terminal_shows_no_history(adapter: TerminalAdapter) -> None:
    """Nothing can be deleted on a screen: what stands there nobody has to find out."""
    room = adapter.listed_in(TEAM, MessageId("1"))

    assert room == TEAM
    assert await adapter.history(room, since=NOON, until=NOON) is None
