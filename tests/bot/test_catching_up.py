"""What is read after a gap, what of it is answered, and until when everything counts as heard."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import pytest

from bot import errors
from bot.catching_up import (
    MARGIN,
    MAX_ANSWERS,
    MAX_CALLS,
    MAX_FAILURES,
    MAX_PAGES,
    MAX_ROOMS,
    PAUSE_S,
    RECENT,
    ROOM_LIFE,
    CatchingUp,
)
from bot.lanes import Lanes
from bot.messages import Message, MessageId, Room
from bot.ports import History
from bot.responder import MISSED
from bot.store import missed, origins
from bot.store.sqlite import SqliteStore
from tests.bot.desk import DIRECT, Desk, Paper, room
from tests.bot.talk import ANA
from tests.clock import StillClock

HORIZON = timedelta(minutes=15)


class Board(Paper):
    """Paper with a history, in pages, and a line that can be cut."""

    def __init__(self) -> None:
        super().__init__("slack")
        self.is_hearing = True
        self.page = 1_000
        self.said: list[Message] = []
        self.threads: dict[str, list[Room]] = {}
        self.others: list[Room] = []
        """Rooms the platform tells of by itself."""
        self.trouble: dict[str, Exception | None] = {}
        self.asked: list[str] = []
        self.while_asked: Callable[[], None] = lambda: None

    async def hears(self) -> bool:
        return self.is_hearing

    async def spoken_in(self, known: Sequence[Room], *, since: datetime) -> list[Room]:
        return [*known, *(one for one in self.others if one not in known)]

    async def history(self, room: Room, *, since: datetime, until: datetime) -> History | None:
        self.asked.append(room.id)
        self.while_asked()
        if room.id in self.trouble:
            error = self.trouble[room.id]
            if error is None:
                return None
            raise error
        found = [one for one in self.said if one.room.id == room.id and since <= one.said_at <= until]
        if len(found) > self.page:
            found = found[-self.page :]
            since = found[0].said_at
        threads = self.threads.get(room.id, [])
        return History(since=since, until=until, standing={}, to_us=found, threads=threads)


@dataclass
class Place:
    """Rapport and a board, with a gap in between when a test says so."""

    desk: Desk
    board: Board
    lanes: Lanes
    count: int = field(default=100)

    def running(self, horizon: timedelta = HORIZON) -> CatchingUp:
        """Rapport as it starts."""
        return CatchingUp(
            store=self.desk.store,
            intake=self.desk.intake,
            lanes=self.lanes,
            adapters={"slack": self.board},
            clock=self.desk.clock,
            horizon=horizon,
        )

    async def ran(self, *, in_rooms: Sequence[Room] = (room(),)) -> None:
        """Let Rapport run, be spoken to in these rooms, and stop."""
        for one in in_rooms:
            await self.desk.says(ANA, "hello", one)
        await self.running().sweep()
        self.desk.clock.advance(minutes=5)

    def says(self, text: str, where: Room | None = None) -> Message:
        """Say something that nobody hears."""
        self.count += 1
        self.desk.clock.advance(seconds=1)
        said = Message(
            id=MessageId(f"{self.count}.0"),
            room=where or room(),
            author=ANA,
            text=text,
            said_at=self.desk.clock.now(),
        )
        self.board.said.append(said)
        return said

    async def asked_of(self) -> list[str]:
        """What the model was asked, in order, by the last words of each prompt."""
        await self.desk.drained()
        await self.lanes.drained()
        return [prompt.question.text for prompt in self.desk.model.prompts]

    async def heard(self) -> datetime | None:
        return await self.desk.store.read(partial(missed.heard_until, streams=self.board.streams))

    def posted(self) -> list[str]:
        return [text for _, text in self.desk.slack.posted]


@pytest.fixture
async def place(store: SqliteStore, clock: StillClock) -> AsyncIterator[Place]:
    async with Desk.opened(store, clock) as desk, Lanes() as lanes:
        yield Place(desk, Board(), lanes)


# -- what is answered -------------------------------------------------------------------------------------------------


async def test_what_was_missed_is_answered_once(place: Place) -> None:
    """What was said while Rapport did not run is answered after the start, and what it had heard is not again."""
    await place.ran()
    place.says("while you were away")
    catching_up = place.running()

    assert await catching_up.sweep() == 1
    assert await catching_up.sweep() == 0
    assert await place.running().sweep() == 0
    assert await place.asked_of() == ["hello", "while you were away"]


async def test_live_and_late_are_one(place: Place) -> None:
    """A message that comes live while its room is read is accepted once."""
    await place.ran()
    said = place.says("at the same time")
    await place.desk.intake.accept(said)

    assert await place.running().sweep() == 0
    assert (await place.asked_of())[1:] == ["at the same time"]


async def test_a_first_start_answers_nothing_old(place: Place) -> None:
    """Where Rapport never listened it missed nothing, and reads nothing."""
    place.says("before you were here")

    assert await place.running().sweep() == 0
    assert place.board.asked == []


async def test_nothing_beyond_the_horizon_is_answered(place: Place) -> None:
    """A question older than the horizon is left alone: its moment has passed."""
    await place.ran()
    place.says("too long ago")
    place.desk.clock.advance(minutes=16)
    place.says("just now")
    await place.running().sweep()

    assert (await place.asked_of())[1:] == ["just now"]


async def test_switched_off_it_reads_nothing(place: Place) -> None:
    """With a horizon of nothing no history is read and nothing late is answered."""
    await place.ran()
    place.board.asked.clear()
    place.says("while you were away")

    assert await place.running(timedelta(0)).sweep() == 0
    assert place.board.asked == []


async def test_of_many_the_newest_are_answered(place: Place) -> None:
    """Of more than a few missed in one room the newest are answered in order, and one author before them is told."""
    await place.ran()
    said = [place.says(f"question {number}") for number in range(MAX_ANSWERS + 3)]
    elsewhere = place.says("elsewhere", DIRECT)
    place.board.others = [DIRECT]
    place.desk.clock.advance(seconds=RECENT.total_seconds())
    await place.running().sweep()
    await place.asked_of()

    assert sorted((await place.asked_of())[1:]) == sorted(one.text for one in [*said[-MAX_ANSWERS:], elsewhere])
    assert place.posted().count(MISSED) == 1
    rows = await place.desk.rows("SELECT state FROM inbox ORDER BY received_at, message")
    assert sorted(state for (state,) in rows) == sorted(["answered"] * (MAX_ANSWERS + 2) + ["failed"])


async def test_of_a_moment_ago_everything_is_answered(place: Place) -> None:
    """What was said within the last minutes is answered however much it is: to its author it was a pause."""
    await place.ran()
    said = [place.says(f"question {number}") for number in range(2 * MAX_ANSWERS)]
    await place.running().sweep()

    assert sorted((await place.asked_of())[1:]) == sorted(one.text for one in said)
    assert MISSED not in place.posted()


async def test_a_late_command_behind_newer_talk_is_left_alone(place: Place) -> None:
    """A command that newer messages follow is neither run nor apologised for: nobody waits for what it shows."""
    await place.ran()
    place.says("persona show")
    for number in range(MAX_ANSWERS):
        place.says(f"question {number}")
    place.desk.clock.advance(seconds=RECENT.total_seconds())
    await place.running().sweep()
    await place.asked_of()

    assert MISSED not in place.posted()
    assert place.desk.slack.slipped == []


async def test_where_we_are_gone_nothing_is_read(place: Place) -> None:
    """A workspace that removed us is not read."""
    await place.ran()
    leave = partial(origins.leave_tenant, tenant=room().tenant, now=place.desk.clock.now())
    await place.desk.store.write(leave)
    place.board.asked.clear()
    place.says("who is there?")

    assert await place.running().sweep() == 0
    assert place.board.asked == []


# -- how much is read -------------------------------------------------------------------------------------------------


async def test_threads_that_grew_are_read(place: Place) -> None:
    """A thread in which somebody spoke is read after the channel that shows it, once."""
    thread = room(thread="7.0")
    await place.ran()
    place.board.threads["C1"] = [thread, thread]
    place.says("in the thread", thread)
    place.board.asked.clear()

    assert await place.running().sweep() == 1
    assert place.board.asked == ["C1", "C1/7.0"]


async def test_a_loud_room_is_read_in_pages(place: Place) -> None:
    """A room with more than a page is read further back, so far and no further."""
    await place.ran()
    place.board.asked.clear()
    place.board.page = 1
    for number in range(MAX_PAGES + 2):
        place.says(f"question {number}")
    await place.running().sweep()

    assert place.board.asked == ["C1"] * MAX_PAGES


async def test_rooms_are_read_within_a_bound(place: Place) -> None:
    """So many calls and no more, newest rooms first, with a pause between two of them."""
    ours = [f"C{number}" for number in range(MAX_ROOMS + 5)]
    others = [f"E{number}" for number in range(MAX_CALLS)]
    await place.ran(in_rooms=[room(channel) for channel in ours])
    place.board.others = [room(channel) for channel in others]
    place.board.asked.clear()
    place.desk.clock.slept.clear()
    await place.running().sweep()

    assert place.board.asked == [*ours[: -MAX_ROOMS - 1 : -1], *others][:MAX_CALLS]
    assert place.desk.clock.slept == [PAUSE_S] * (MAX_CALLS - 1)


async def test_a_stop_waits_for_one_call_at_most(place: Place) -> None:
    """A process that ends reads no further room, and the next one reads them all."""
    await place.ran(in_rooms=[room("C1"), room("C2"), room("C3")])
    place.board.asked.clear()
    catching_up = place.running()
    place.board.while_asked = catching_up.stop
    await catching_up.sweep()
    assert place.board.asked == ["C3"]
    await place.running().sweep()

    assert place.board.asked == ["C3", "C3", "C2", "C1"]


async def test_an_old_room_is_not_read(place: Place) -> None:
    """Where nobody spoke to us for long, nothing is looked for."""
    await place.ran()
    place.board.asked.clear()
    place.desk.clock.advance(days=ROOM_LIFE.days + 1)
    await place.running().sweep()

    assert place.board.asked == []


async def test_a_room_that_is_not_shown_is_left_out(place: Place) -> None:
    """What cannot be read changes nothing for the other rooms."""
    await place.ran(in_rooms=[room("C1"), room("C2")])
    place.board.trouble["C2"] = None
    place.says("still there?", room("C1"))

    assert await place.running().sweep() == 1


async def test_a_platform_that_fails_is_asked_again(place: Place) -> None:
    """What a failing platform did not show is looked for with the next sweep, so often and no more."""
    await place.ran()
    said = place.says("hello?")
    place.board.trouble["C1"] = errors.PlatformUnreachableError()
    catching_up = place.running()
    await catching_up.sweep()
    place.board.trouble.clear()

    assert await catching_up.sweep() == 1
    assert (await place.asked_of())[1:] == [said.text]
    place.board.trouble["C1"] = errors.PlatformUnreachableError()
    place.board.asked.clear()
    catching_up = place.running()
    for _ in range(MAX_FAILURES + 2):
        await catching_up.sweep()
    assert place.board.asked == ["C1"] * MAX_FAILURES


# -- until when everything was heard ----------------------------------------------------------------------------------


async def test_what_is_heard_moves_on_while_it_is_heard(place: Place) -> None:
    """With each sweep on a living line everything but the last moments counts as heard."""
    catching_up = place.running()
    await catching_up.sweep()
    place.desk.clock.advance(minutes=1)
    await catching_up.sweep()

    assert await place.heard() == place.desk.clock.now() - MARGIN


async def test_a_dead_line_hears_nothing(place: Place) -> None:
    """While a platform is not connected nothing counts as heard, nor at once when it is back: a gap may be noticed yet.

    Once it is said that something was missed, everything since is read.
    """
    await place.ran()
    catching_up = place.running()
    await catching_up.sweep()
    before = await place.heard()
    place.board.is_hearing = False
    said = place.says("can you hear me?")
    for _ in range(6):
        place.desk.clock.advance(minutes=1)
        await catching_up.sweep()
    place.board.is_hearing = True
    await catching_up.sweep()

    assert await place.heard() == before
    catching_up.missed("slack")
    assert (await place.asked_of())[1:] == [said.text]


async def test_a_process_that_slept_does_not_know_what_it_heard(place: Place) -> None:
    """A sweep long after the one before may come before anybody notices that the line is dead."""
    await place.ran()
    catching_up = place.running()
    await catching_up.sweep()
    before = await place.heard()
    place.desk.clock.advance(minutes=10)
    await catching_up.sweep()

    assert await place.heard() == before


async def test_what_goes_wrong_is_not_the_end(place: Place) -> None:
    """A catch-up that somebody asked for and that fails is tried again by the next sweep."""
    await place.ran()
    said = place.says("hello?")
    place.board.trouble["C1"] = RuntimeError("a bug of ours")
    catching_up = place.running()
    catching_up.begin()
    await place.lanes.drained()
    place.board.trouble.clear()

    assert await catching_up.sweep() == 1
    assert (await place.asked_of())[1:] == [said.text]
