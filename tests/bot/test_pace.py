"""The pace of learning: how many sessions of a member are waited for, and what does not wait."""

from datetime import timedelta
from functools import partial

import pytest

from bot import errors
from bot.learning import Pace
from bot.messages import Room
from bot.store import members
from tests.bot.talk import ANA, BO, LISBON, Talk, proposes, room, transcripts

DIRECT = room("D1", kind="direct")


@pytest.fixture
def slow(talk: Talk) -> Talk:
    """A workspace in which three sessions of a member are waited for, at most a day."""
    talk.pace = Pace(idle_after=timedelta(minutes=30), every=3, within=timedelta(hours=24))
    return talk


async def test_a_session_is_learned_as_soon_as_it_is_idle(talk: Talk) -> None:
    """Unless an operator asks for another pace, nothing is waited for but silence."""
    talk.model.updates.append(LISBON)
    await talk.says(ANA, "I live in Lisbon")
    talk.clock.advance(minutes=30)

    assert (await talk.learning().sweep()).operations == 1


async def test_sessions_are_waited_for_and_learned_in_one_call(slow: Talk) -> None:
    """Nothing is learned before the third session of a member is idle; then all three are, by one call."""
    before = []
    for number in range(2):
        await slow.says(ANA, f"line {number}", room(thread=str(number)))
        slow.clock.advance(hours=1)
        before.append(await slow.learning().sweep())
    await slow.says(ANA, "line 2", room(thread="2"))
    early = await slow.learning().sweep()
    slow.clock.advance(minutes=31)
    swept = await slow.learning().sweep()

    assert [one.sessions for one in (*before, early)] == [0, 0, 0]
    assert (swept.sessions, swept.calls) == (3, 1)
    assert sorted(transcripts(slow.model)[0]) == [["line 0"], ["line 1"], ["line 2"]]
    assert (await slow.learning().sweep()).sessions == 0


@pytest.mark.parametrize("where", [DIRECT, room()], ids=["direct", "channel"])
async def test_a_room_that_falls_silent_three_times_has_three_sessions(slow: Talk, where: Room) -> None:
    """Who always writes in the same room, as in a direct one, is not waited for longer than others."""
    swept = []
    for number in range(3):
        await slow.says(ANA, f"line {number}", where)
        slow.clock.advance(hours=1)
        swept.append(await slow.learning().sweep())

    assert [one.calls for one in swept] == [0, 0, 1]
    assert transcripts(slow.model) == [[["line 0", "line 1", "line 2"]]]


async def test_many_messages_of_one_session_are_one_session(slow: Talk) -> None:
    """Sessions are counted, not messages, nor the pauses in which somebody else went on talking."""
    for number in range(12):
        await slow.says((ANA, BO)[number % 2], f"line {number}")
        slow.clock.advance(minutes=20)
    slow.clock.advance(minutes=31)

    assert (await slow.learning().sweep()).sessions == 0


@pytest.mark.parametrize("every_hours", [5, 20])
async def test_nothing_waits_longer_than_it_may(slow: Talk, every_hours: int) -> None:
    """However often a member comes back before the time is over, what they said is learned within it."""
    slow.pace = Pace(idle_after=timedelta(minutes=30), every=20, within=timedelta(hours=24))
    calls_after = []
    for hour in range(31):
        if hour % every_hours == 0:
            await slow.says(ANA, f"hour {hour}", DIRECT)
        slow.clock.advance(hours=1)
        if (await slow.learning().sweep()).calls:
            calls_after.append(hour + 1)

    assert calls_after[0] in {24, 25}


async def test_each_member_is_waited_for_by_themself(slow: Talk) -> None:
    """One member's sessions do not count for another; a room they share is learned when either has enough."""
    await slow.says(BO, "both were here", room(thread="shared"))
    await slow.says(ANA, "both were here too", room(thread="shared"))
    await slow.says(BO, "only Bo", room(thread="bo"))
    for number in range(2):
        slow.clock.advance(hours=1)
        assert (await slow.learning().sweep()).sessions == 0
        await slow.says(ANA, f"only Ana {number}", room(thread=f"ana {number}"))
    slow.clock.advance(hours=1)
    await slow.learning().sweep()

    learned = [text for sessions in transcripts(slow.model) for session in sessions for text in session]
    assert sorted(learned) == ["both were here", "both were here too", "only Ana 0", "only Ana 1"]
    assert len(slow.model.requests) == 1


async def test_counting_begins_anew_after_learning(slow: Talk) -> None:
    """Nine sessions are learned by three calls."""
    calls = []
    for number in range(9):
        await slow.says(ANA, f"line {number}", room(thread=str(number)))
        slow.clock.advance(hours=1)
        calls.append((await slow.learning().sweep()).calls)

    assert calls == [0, 0, 1] * 3


async def test_what_somebody_asked_for_does_not_wait(slow: Talk) -> None:
    """A session that a member wants to be remembered is learned at once, and nothing else with it."""
    await slow.says(ANA, "line", room(thread="1"))
    slow.clock.advance(hours=1)
    assert (await slow.learning().sweep()).sessions == 0
    slow.model.updates.append(LISBON)
    await slow.asks(ANA, "I live in Lisbon", DIRECT)
    swept = await slow.learning().sweep()

    assert (swept.sessions, swept.calls, swept.operations) == (1, 1, 1)
    assert transcripts(slow.model) == [[["I live in Lisbon"]]]


async def test_what_failed_is_not_put_off(slow: Talk) -> None:
    """A session that was to be learned and could not be is tried again after its pause, without more sessions."""
    for number in range(3):
        await slow.says(ANA, f"line {number}", room(thread=str(number)))
    slow.clock.advance(hours=1)
    slow.model.updates.append(errors.ModelBusyError())
    assert (await slow.learning().sweep()).failures == 3
    slow.clock.advance(minutes=1)

    swept = await slow.learning().sweep()
    assert (swept.sessions, swept.failures) == (3, 0)


async def test_what_teaches_nothing_is_not_waited_for(slow: Talk) -> None:
    """A session of members who did not agree is done at once, without a call, and does not count for others."""
    await slow.says(BO, "hello")
    await slow.store.write(partial(members.set_consent, member=BO.key, state="withdrawn", now=slow.clock.now()))
    slow.clock.advance(hours=1)
    swept = await slow.learning().sweep()

    assert (swept.sessions, swept.calls) == (1, 0)


async def test_a_faster_pace_learns_what_was_put_off(slow: Talk) -> None:
    """What was put off before an operator went back to learning every session is learned when its time is over."""
    slow.model.updates.append(proposes(("set", "location", "Lisbon", "m1", "I live in Lisbon")))
    await slow.says(ANA, "I live in Lisbon")
    slow.clock.advance(hours=1)
    assert (await slow.learning().sweep()).sessions == 0
    slow.pace = Pace(idle_after=timedelta(minutes=30))
    slow.clock.advance(hours=23)

    assert (await slow.learning().sweep()).operations == 1
