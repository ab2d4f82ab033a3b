"""What is concluded from a platform's history, what is not, and how much of it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast

import pytest
import structlog

from bot import errors
from bot.messages import Deletion, Message, MessageId, Platform, Room, TenantId
from bot.ports import History, Standing
from bot.rechecking import (
    AGAIN_AFTER,
    EVIDENCE_LIFE,
    LAG,
    MAX_CALLS,
    MAX_CALLS_PER_ROOM,
    MAX_FAILURES,
    PAUSE_S,
    TEXT_LIFE,
    Rechecking,
)
from bot.store import conversations, origins, retention
from bot.store.engine import T, Unit
from bot.store.sqlite import SqliteStore
from persona import store as personas
from persona.ports import Transaction
from tests.bot.desk import Desk, Paper, room
from tests.bot.talk import ANA, BO, proposes
from tests.clock import StillClock

LIVES, USES = "I live in Lisbon", "I use Vim"


class Wall(Paper):
    """Paper with a history: what was said, as long as nobody took it down, in pages."""

    def __init__(self, platform: Platform = "slack") -> None:
        super().__init__(platform)
        self.page = 1_000
        self.hung: dict[str, list[tuple[datetime, MessageId, Standing]]] = {}
        self.trouble: dict[str, Exception | None] = {}
        """What a room answers with instead: an error, or nothing at all."""
        self.asked: list[tuple[str, datetime, datetime]] = []

    def hang(self, *messages: Message) -> None:
        for one in messages:
            standing = Standing(text=one.text, is_edited=False)
            self.hung.setdefault(one.room.id, []).append((one.said_at, one.id, standing))

    def edit_text(self, message: Message, text: str) -> None:
        self.take_down(message)
        shown = (message.said_at, message.id, Standing(text=text, is_edited=True))
        self.hung[message.room.id].append(shown)

    def take_down(self, *messages: Message) -> None:
        gone = {one.id for one in messages}
        for place, hung in self.hung.items():
            self.hung[place] = [one for one in hung if one[1] not in gone]

    async def history(self, room: Room, *, since: datetime, until: datetime) -> History | None:
        self.asked.append((room.id, since, until))
        if room.id in self.trouble:
            error = self.trouble[room.id]
            if error is None:
                return None
            raise error
        found = sorted((one for one in self.hung.get(room.id, []) if since <= one[0] <= until), reverse=True)
        if len(found) > self.page:
            found = found[: self.page]
            since = found[-1][0]
        return History(since=since, until=until, standing={name: standing for _, name, standing in found})

    @property
    def rooms(self) -> list[str]:
        return [name for name, _, _ in self.asked]


@dataclass
class Place:
    """Rapport with a wall for a platform."""

    desk: Desk
    wall: Wall
    recheck: Rechecking

    async def says(self, text: str, where: Room | None = None, who: Any = ANA) -> Message:
        said = await self.desk.says(who, text, where)
        self.wall.hang(said)
        return said

    async def learned(self) -> tuple[Message, Message]:
        """Two messages of Ana's, and what they teach."""
        said = await self.says(LIVES), await self.says(USES)
        self.desk.model.updates.append(
            proposes(("set", "location", "Lisbon", "m1", LIVES), ("add", "tools", "Vim", "m3", USES))
        )
        await self.desk.idles()
        assert await self.known() == ["Lisbon", "Vim"]
        return said

    async def known(self) -> list[str]:
        read = partial(personas.read, member=ANA.key, at=self.desk.clock.now())
        return sorted(fact.value for fact in (await self.desk.store.read(read)).facts)

    async def kept(self) -> list[str]:
        async def unit(transaction: Transaction) -> list[str]:
            rows = await transaction.fetch("SELECT * FROM message WHERE author IS NOT NULL ORDER BY room, position")
            return [line.text for line in await conversations.lines_from(transaction, rows)]

        return await self.desk.store.read(unit)

    def restarted(self) -> Rechecking:
        return Rechecking(
            store=self.desk.store, intake=self.desk.intake, adapters={"slack": self.wall}, clock=self.desk.clock
        )


@pytest.fixture
def place(desk: Desk) -> Place:
    wall = Wall()
    recheck = Rechecking(store=desk.store, intake=desk.intake, adapters={"slack": wall}, clock=desk.clock)
    return Place(desk, wall, recheck)


# -- what is concluded ------------------------------------------------------------------------------------------------


async def test_what_is_gone_is_taken_back(place: Place) -> None:
    """A message that is not in a stretch that was read whole is erased, with what rests on it and our answer."""
    lives, _ = await place.learned()
    place.wall.take_down(lives)

    assert await place.recheck.sweep() == 1
    assert await place.known() == ["Vim"]
    assert await place.kept() == [USES]
    assert len(await place.desk.rows("SELECT id FROM message WHERE author IS NULL")) == 1


async def test_it_is_what_the_event_does(place: Place) -> None:
    """What is found out leaves the same in every table as hearing of it would have."""
    tables = ("message", "evidence", "operation", "fact", "inbox", "outbox")

    async def left() -> list[Any]:
        return [sorted(await place.desk.rows(f"SELECT * FROM {table}"), key=str) for table in tables]  # noqa: S608

    lives, _ = await place.learned()
    place.wall.take_down(lives)
    await place.recheck.sweep()
    found_out = await left()
    await place.desk.intake.delete(Deletion(room=lives.room, message=lives.id))

    assert await left() == found_out


@pytest.mark.parametrize("is_erased", [False, True], ids=["its text is kept", "its text is erased"])
async def test_what_was_edited_is_taken_over(place: Place, *, is_erased: bool) -> None:
    """What rests on words that are gone is taken back, whether or not we still have the old text."""
    lives, uses = await place.learned()
    if is_erased:
        place.desk.clock.advance(days=4)
        erase = partial(retention.erase_old, now=place.desk.clock.now(), message_life=timedelta(hours=72))
        await place.desk.store.write(erase)
    place.wall.edit_text(lives, "I moved")
    place.wall.edit_text(uses, f"{USES} and nothing else")

    assert await place.recheck.sweep() == 0
    assert await place.known() == ["Vim"]
    assert await place.kept() == ([] if is_erased else ["I moved", f"{USES} and nothing else"])


async def test_another_spelling_is_no_edit(place: Place) -> None:
    """A message nobody edited keeps our text: platforms spell mentions by the names people have today."""
    said = await place.says("I work with @Bo")
    place.wall.take_down(said)
    place.wall.hung["C1"].append((said.said_at, said.id, Standing(text="I work with @Robert", is_edited=False)))
    place.desk.clock.advance(hours=1)
    await place.recheck.sweep()

    assert await place.kept() == ["I work with @Bo"]


async def test_said_off_the_record_by_an_edit(place: Place) -> None:
    """A message that was edited to be off the record while nobody listened teaches nothing, like one we heard of."""
    lives, _ = await place.learned()
    place.wall.edit_text(lives, f"Off the record: {LIVES}")
    await place.recheck.sweep()

    assert await place.known() == ["Vim"]


# -- what says nothing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", [None, errors.PlatformUnreachableError("down"), errors.PlatformKeyError("no")])
async def test_a_room_that_is_not_shown_loses_nothing(place: Place, trouble: Exception | None) -> None:
    """Neither a room we may not read nor a platform that fails says that anything was deleted."""
    lives, uses = await place.learned()
    place.wall.take_down(lives, uses)
    place.wall.trouble["C1"] = trouble

    assert await place.recheck.sweep() == 0
    assert await place.known() == ["Lisbon", "Vim"]


async def test_what_was_not_read_says_nothing(place: Place) -> None:
    """A page that ends in the middle is about what it holds; an answer about nothing ends the questions."""
    lives, uses = await place.learned()
    place.wall.take_down(lives, uses)

    class Short(Wall):
        async def history(self, room: Room, *, since: datetime, until: datetime) -> History | None:
            self.asked.append((room.id, since, until))
            return History(since=until + timedelta(seconds=1), until=until, standing={})

    wall = Short()
    recheck = Rechecking(
        store=place.desk.store, intake=place.desk.intake, adapters={"slack": wall}, clock=place.desk.clock
    )

    assert await recheck.sweep() == 0
    assert len(wall.asked) == 1


async def test_what_was_said_just_now_is_left_out(place: Place) -> None:
    """A history may not show yet what was said a moment ago."""
    await place.says("hello")
    place.desk.clock.advance(seconds=LAG.total_seconds() - 1)
    await place.recheck.sweep()

    assert place.wall.asked == []


async def test_rooms_that_cannot_be_read_are_logged_by_kind(place: Place) -> None:
    """One record for each kind of room, with a number and no name, beside the one of the check."""
    for name in ("C1", "C2"):
        place.wall.trouble[name] = None
        await place.says("hello", room(name))
    place.wall.trouble["P1"] = None
    await place.says("hello", room("P1", kind="private"))
    place.desk.clock.advance(hours=1)
    with structlog.testing.capture_logs() as logged:
        await place.recheck.sweep()

    assert [one for one in logged if one["event"] != "history.unread"] == [
        {"event": "history.checked", "log_level": "info", "platform": "slack", "calls": 3, "deleted": 0, "edited": 0}
    ]
    assert sorted((one["kind"], one["rooms"]) for one in logged if one["event"] == "history.unread") == [
        ("private", 1),
        ("public", 2),
    ]


async def test_nothing_to_look_after_is_no_news(place: Place) -> None:
    """Without anything held nothing is asked, and nothing logged."""
    with structlog.testing.capture_logs() as logged:
        await place.recheck.sweep()

    assert (place.wall.asked, logged) == ([], [])


# -- what is asked about ----------------------------------------------------------------------------------------------


async def test_only_the_stretch_between_what_is_held_is_asked_for(place: Place) -> None:
    """From the oldest to the newest message that something is held of, however long the room was quiet around it."""
    first = await place.says("one")
    place.desk.clock.advance(hours=5)
    last = await place.says("two")
    place.desk.clock.advance(days=1)
    await place.recheck.sweep()

    assert place.wall.asked == [("C1", first.said_at, last.said_at)]


async def test_a_page_goes_on_from_the_next_message_that_is_held(place: Place) -> None:
    """What others said between two messages is passed over: a page begins at what is left to look for."""
    said = [await place.says(f"number {number}") for number in range(6)]
    place.wall.take_down(said[1], said[5])
    place.wall.page = 2
    place.desk.clock.advance(hours=1)

    assert await place.recheck.sweep() == 2
    assert [until for _, _, until in place.wall.asked] == [said[5].said_at, said[2].said_at]
    assert await place.kept() == ["number 0", "number 2", "number 3", "number 4"]


async def test_the_newest_room_is_read_first_one_at_a_time(place: Place) -> None:
    """Rooms come in the order in which somebody last spoke in them, with a pause by our clock between two calls."""
    for name in ("C1", "C2", "C3", "C1"):
        await place.says("hello", room(name))
    place.desk.clock.advance(hours=1)
    slept = len(place.desk.clock.slept)
    await place.recheck.sweep()

    assert place.wall.rooms == ["C1", "C3", "C2"]
    assert place.desk.clock.slept[slept:] == [PAUSE_S] * 2


async def test_a_thread_is_asked_where_its_messages_stand(place: Place) -> None:
    """Where the platform lists the first message of a thread with the channel, it is looked for there."""

    class Threaded(Wall):
        def listed_in(self, room: Room, message: MessageId) -> Room:
            return replace(room, thread=None) if message == room.thread else room

    place.wall = Threaded()
    first = await place.says("one", room(thread="1.0"))
    below = await place.says("two", room(thread="1.0"))
    other = await place.says("three", room(thread="3.0"))
    place.wall.hung = {"C1": place.wall.hung["C1/1.0"][:1], "C1/1.0": place.wall.hung["C1/1.0"][1:]}
    assert (first.id, below.id, other.id) == ("1.0", "2.0", "3.0")
    place.desk.clock.advance(hours=1)

    assert await place.restarted().sweep() == 1
    assert place.wall.rooms == ["C1", "C1/1.0"]
    assert await place.kept() == ["one", "two"]


@pytest.mark.parametrize(("age", "is_asked"), [(timedelta(), True), (timedelta(seconds=1), False)])
async def test_evidence_has_a_bound(place: Place, age: timedelta, *, is_asked: bool) -> None:
    """Evidence is looked after for so long after it was said, once the text itself is erased."""
    lives, uses = await place.learned()
    erase = partial(retention.erase_old, now=place.desk.clock.now(), message_life=timedelta())
    await place.desk.store.write(erase)
    assert await place.kept() == []
    place.desk.clock.advance(seconds=(uses.said_at + EVIDENCE_LIFE + age - place.desk.clock.now()).total_seconds())
    place.wall.take_down(lives, uses)
    await place.recheck.sweep()

    assert await place.known() == (["Lisbon"] if is_asked else ["Lisbon", "Vim"])
    assert len(place.wall.asked) == is_asked


@pytest.mark.parametrize(("age", "is_asked"), [(timedelta(), True), (timedelta(seconds=1), False)])
async def test_texts_have_a_bound_too(place: Place, age: timedelta, *, is_asked: bool) -> None:
    """A text that is kept is looked after however long it is kept, up to what every platform shows."""
    said = await place.says("hello")
    place.desk.clock.advance(seconds=(said.said_at + TEXT_LIFE + age - place.desk.clock.now()).total_seconds())
    await place.recheck.sweep()

    assert len(place.wall.asked) == is_asked


async def test_what_rests_already_is_not_asked_about(place: Place) -> None:
    """Closed rooms and tenants that removed us have their own end; another platform's rooms are none of this one's."""
    gone = TenantId("slack:T9")
    await place.says("hello", room("C9"))
    await place.says("hello", room("C1", tenant=gone))
    await place.says("hello", room("7", tenant="discord:41"))
    now = place.desk.clock.now()
    await place.desk.store.write(partial(origins.close_room, room=room("C9"), now=now))
    await place.desk.store.write(partial(origins.name_account, tenant=gone, account="us", now=now))
    await place.desk.store.write(partial(origins.leave_tenant, tenant=gone, now=now))
    place.desk.clock.advance(hours=1)
    await place.recheck.sweep()

    assert place.wall.asked == []


async def test_our_own_posts_are_not_looked_for(place: Place) -> None:
    """Only what members said is asked about: a room that holds nothing but replies is not."""
    said = await place.says("hello")
    await place.desk.store.write(
        partial(
            conversations.append, room=room("C2"), message=MessageId("r"), author=None, text="x", said_at=said.said_at
        )
    )
    place.desk.clock.advance(hours=1)
    await place.recheck.sweep()

    assert place.wall.rooms == ["C1"]


# -- how much, and how often ------------------------------------------------------------------------------------------


async def append(place: Place, count: int, where: Callable[[int], Room]) -> datetime:
    """Messages that were taken in an hour ago, one a second, without answers; returns when the first was said."""
    began = place.desk.clock.now()

    async def said(transaction: Transaction) -> None:
        for number in range(count):
            await conversations.append(
                transaction,
                where(number),
                message=MessageId(f"m{number}"),
                author=BO,
                text="hello",
                said_at=began + timedelta(seconds=number),
            )

    await place.desk.store.write(said)
    place.desk.clock.advance(hours=1)
    return began


async def test_a_loud_room_has_so_many_pages(place: Place) -> None:
    """Newest first; what is beyond the bound stays as it is."""
    began = await append(place, MAX_CALLS_PER_ROOM + 5, lambda _: room())
    others = Standing(text="", is_edited=False)
    place.wall.hung["C1"] = [
        (began + timedelta(seconds=number), MessageId(f"x{number}"), others) for number in range(MAX_CALLS_PER_ROOM + 5)
    ]
    place.wall.page = 1

    assert await place.recheck.sweep() == MAX_CALLS_PER_ROOM
    assert len(place.wall.asked) == MAX_CALLS_PER_ROOM
    assert await place.kept() == ["hello"] * 5


async def test_a_check_has_so_many_calls(place: Place) -> None:
    """However many rooms there are, a check ends; the rooms somebody spoke in last had their turn."""
    began = await append(place, MAX_CALLS + 3, lambda number: room(f"C{number}"))
    for number in range(MAX_CALLS + 3):
        said_at, standing = began + timedelta(seconds=number), Standing(text="hello", is_edited=False)
        place.wall.hung[f"C{number}"] = [(said_at, MessageId(f"m{number}"), standing)]
    await place.recheck.sweep()

    assert place.wall.rooms == [f"C{number}" for number in range(MAX_CALLS + 2, 2, -1)]


async def test_a_platform_that_fails_is_left_alone_for_a_while(place: Place) -> None:
    """After a few failures a check ends; it is begun anew an hour later, not with the next sweep."""
    for number in range(5):
        await place.says("hello", room(f"C{number}"))
        place.wall.trouble[f"C{number}"] = errors.UnclearDeliveryError("status 500")
    place.desk.clock.advance(hours=1)
    asked = []
    for _ in range(2):
        await place.recheck.sweep()
        asked.append(len(place.wall.asked))
    place.wall.trouble.clear()
    place.desk.clock.advance(seconds=AGAIN_AFTER.total_seconds())
    await place.recheck.sweep()

    assert asked == [MAX_FAILURES] * 2
    assert len(place.wall.asked) == MAX_FAILURES + 5


async def test_a_start_checks_once_and_missed_events_at_most_once_an_hour(place: Place) -> None:
    """Sweeps come every minute and connections may come and go: neither makes the platform be asked all the time."""
    await place.says("hello")
    place.desk.clock.advance(hours=1)
    asked = []
    for minutes in (0, 1, 1, 60):
        place.desk.clock.advance(minutes=minutes)
        await place.recheck.sweep()
        place.recheck.missed("slack")
        asked.append(len(place.wall.asked))

    assert asked == [1, 1, 1, 2]


async def test_a_platform_that_connects_late_is_checked_then(place: Place) -> None:
    """What was not connected at the first sweep is checked with the one that finds it."""
    await place.says("hello")
    place.desk.clock.advance(hours=1)
    adapters: dict[Platform, Any] = {}
    recheck = Rechecking(store=place.desk.store, intake=place.desk.intake, adapters=adapters, clock=place.desk.clock)
    await recheck.sweep()
    adapters["slack"] = place.wall
    await recheck.sweep()

    assert place.wall.rooms == ["C1"]


# -- a process that dies ----------------------------------------------------------------------------------------------


class KilledError(BaseException):
    """The process is gone. No handler of ours catches it."""


class Mortal:
    """See `bot.store.engine.Store`: dies before, or after, a write, once told how many are left."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.read, self.scrub, self.compact, self.close = store.read, store.scrub, store.compact, store.close
        self.left: int | None = None

    async def write(self, unit: Unit[T]) -> T:
        self._tick()
        result = await self._store.write(unit)
        self._tick()
        return result

    def _tick(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise KilledError


@pytest.mark.parametrize("steps", range(6))
async def test_a_check_that_dies_ends_the_same_at_the_next_start(
    store: SqliteStore, clock: StillClock, steps: int
) -> None:
    """Killed before or after any of its writes and started again, it leaves what a check in one go leaves."""
    mortal = Mortal(store)
    async with Desk.opened(cast("SqliteStore", mortal), clock) as desk:
        wall = Wall()
        recheck = Rechecking(store=mortal, intake=desk.intake, adapters={"slack": wall}, clock=clock)
        place = Place(desk, wall, recheck)
        lives, uses = await place.learned()
        third = await place.says("hello")
        clock.advance(hours=1)
        wall.take_down(lives, third)
        wall.edit_text(uses, "I use Emacs")
        mortal.left = steps
        with pytest.raises(KilledError):
            await recheck.sweep()
        mortal.left = None
        await place.restarted().sweep()

        assert await place.known() == []
        assert await place.kept() == ["I use Emacs"]


async def test_a_check_that_raises_is_begun_anew_later(store: SqliteStore, clock: StillClock) -> None:
    """Whatever ended it: not with every sweep, and not only at the next start."""

    class Failing(Mortal):
        def _tick(self) -> None:
            if self.left:
                raise errors.StoreError("disk full")

    failing = Failing(store)
    async with Desk.opened(cast("SqliteStore", failing), clock) as desk:
        wall = Wall()
        recheck = Rechecking(store=failing, intake=desk.intake, adapters={"slack": wall}, clock=clock)
        said = await Place(desk, wall, recheck).says("hello")
        clock.advance(hours=1)
        wall.take_down(said)
        failing.left = 1
        with pytest.raises(errors.StoreError):
            await recheck.sweep()
        failing.left = None
        found = [await recheck.sweep()]
        clock.advance(seconds=AGAIN_AFTER.total_seconds())
        found.append(await recheck.sweep())

        assert found == [0, 1]
