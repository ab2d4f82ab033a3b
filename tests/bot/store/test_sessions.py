"""Sessions: which conversation is due, whose it is while it is learned, and what a failure costs."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from bot.messages import Member, MessageId, Room, TenantId
from bot.store import conversations, sessions
from bot.store.conversations import MAX_ATTEMPTS, Line
from bot.store.engine import Store
from bot.store.sessions import Claimed
from tests.clock import NOON, StillClock

ROOM = Room(tenant=TenantId("slack:T1"), channel="C1", kind="public")
ANA = Member(tenant=TenantId("slack:T1"), id="U1", name="Ana")
IDLE = timedelta(minutes=30)
LEASE = timedelta(minutes=10)


def room(name: str) -> Room:
    return replace(ROOM, channel=name)


async def say(store: Store, clock: StillClock, *ids: str, to: Room = ROOM) -> None:
    for name in ids:
        say = partial(conversations.append, room=to, message=MessageId(name), author=ANA, text=name)
        await store.write(partial(say, said_at=clock.now()))


async def claim(store: Store, clock: StillClock, owner: str = "w1", *, most: int = 50) -> list[Claimed]:
    now = clock.now()
    claim_due = partial(sessions.claim_due, owner=owner, idle_since=now - IDLE, now=now, lease=LEASE, most=most)
    return await store.write(claim_due)


def claimed_of(where: Room, *, last_position: int, learned_through: int = 0) -> Claimed:
    """A conversation that was claimed in its turn, for the first time."""
    return Claimed(
        room=where, learned_through=learned_through, last_position=last_position, attempts=0, is_wanted=False
    )


async def channels(store: Store, clock: StillClock, owner: str = "w1", *, most: int = 50) -> list[str]:
    return [claimed.room.channel for claimed in await claim(store, clock, owner, most=most)]


async def learned(store: Store, owner: str, through: int, of: Room = ROOM) -> bool:
    return await store.write(partial(sessions.learned, room=of, owner=owner, through=through))


async def failed(store: Store, owner: str, *, attempts: int = 1, not_before: datetime = NOON) -> None:
    await store.write(partial(sessions.failed, room=ROOM, owner=owner, attempts=attempts, not_before=not_before))


async def fail(store: Store, clock: StillClock, attempts: int) -> None:
    """Claim and fail, so that the room has failed this often."""
    assert await claim(store, clock)
    await failed(store, "w1", attempts=attempts, not_before=clock.now())


# -- what is due ------------------------------------------------------------------------------------------------------


async def test_nothing_is_due_at_first(store: Store, clock: StillClock) -> None:
    """Where nothing was said, nothing is to be learned."""
    assert await claim(store, clock) == []


async def test_a_silent_conversation_is_due(store: Store, clock: StillClock) -> None:
    """A conversation that fell silent with messages nobody learned is due, and says how far it is learned."""
    where = Room(tenant=TenantId("slack:T1"), channel="C1", thread="1.1", kind="private")
    await say(store, clock, "a", "b", to=where)
    clock.advance(minutes=30)

    assert await claim(store, clock) == [claimed_of(where, last_position=2)]


@pytest.mark.parametrize(("silent_s", "is_due"), [(0, False), (30 * 60 - 1, False), (30 * 60, True), (10**7, True)])
async def test_due_after_the_idle_time(store: Store, clock: StillClock, silent_s: int, is_due: bool) -> None:  # noqa: FBT001 - a parameter
    """A conversation is due once it was silent for the idle time, to the second, and stays due."""
    await say(store, clock, "a")
    clock.advance(seconds=silent_s)

    assert bool(await claim(store, clock)) == is_due


async def test_a_new_message_puts_it_off(store: Store, clock: StillClock) -> None:
    """A conversation that goes on is not due until it falls silent again."""
    await say(store, clock, "a")
    clock.advance(minutes=29)
    await say(store, clock, "b")
    clock.advance(minutes=29)
    during = await claim(store, clock)
    clock.advance(minutes=1)

    assert during == []
    assert len(await claim(store, clock)) == 1


async def test_a_learned_conversation_is_not_due(store: Store, clock: StillClock) -> None:
    """What is learned to its end is due again only once something new was said and it fell silent."""
    await say(store, clock, "a", "b")
    clock.advance(hours=1)
    await claim(store, clock)
    await learned(store, "w1", 2)
    clock.advance(days=1)
    after = await claim(store, clock)
    await say(store, clock, "c")
    clock.advance(hours=1)
    again = await claim(store, clock)

    assert after == []
    assert [(claimed.learned_through, claimed.last_position) for claimed in again] == [(2, 3)]


async def test_a_conversation_learned_in_part_is_due_at_once(store: Store, clock: StillClock) -> None:
    """A long session that is learned in pieces stays due until its last piece."""
    await say(store, clock, *"abcde")
    clock.advance(hours=1)
    cursors = []
    for through in (2, 4, 5):
        cursors += [claimed.learned_through for claimed in await claim(store, clock)]
        await learned(store, "w1", through)

    assert cursors == [0, 2, 4]
    assert await claim(store, clock) == []


async def test_longest_idle_first(store: Store, clock: StillClock) -> None:
    """When more is due than one sweep takes, those that wait longest are taken first, in that order."""
    for name in ("C3", "C1", "C4", "C2"):
        await say(store, clock, "a", to=room(name))
        clock.advance(minutes=1)
    clock.advance(hours=1)

    assert await channels(store, clock, most=3) == ["C3", "C1", "C4"]
    assert await channels(store, clock, most=3) == ["C2"]


async def test_all_tenants_are_swept(store: Store, clock: StillClock) -> None:
    """One sweep takes what is due in every tenant; equal room ids are not confused."""
    tenants = [TenantId("slack:T1"), TenantId("slack:T2"), TenantId("discord:1")]
    for tenant in tenants:
        await say(store, clock, "a", to=replace(ROOM, tenant=tenant))
        clock.advance(seconds=1)
    clock.advance(hours=1)
    claimed = await claim(store, clock)
    await learned(store, "w1", 1, of=replace(ROOM, tenant=tenants[1]))
    clock.advance(hours=1)

    assert [one.room.tenant for one in claimed] == tenants
    assert [one.room.tenant for one in await claim(store, clock)] == [tenants[0], tenants[2]]


@pytest.mark.sqlite
async def test_finding_what_is_due_needs_no_scan(store: Store) -> None:
    """The sweep's question is answered from the indexes of what is not learned and of what is wanted, both short."""
    parameters: dict[str, str | int] = {"owner": "w1", "lease_until": 1, "idle_since": 1, "now": 1}
    parameters |= {"max_attempts": 5, "most": 50}
    explain = f"EXPLAIN QUERY PLAN {sessions._CLAIM_DUE}"
    rows = await store.write(lambda transaction: transaction.fetch(explain, **parameters))
    plan = [row["detail"] for row in rows]

    assert any("USING INDEX conversation_due (last_message_at<?)" in step for step in plan)
    assert [step for step in plan if step.startswith("SCAN conversation")] == [
        "SCAN conversation USING INDEX conversation_wanted"
    ]
    assert not any("TEMP B-TREE" in step for step in plan)


# -- leases -----------------------------------------------------------------------------------------------------------


async def test_a_claimed_conversation_is_taken(store: Store, clock: StillClock) -> None:
    """While one worker learns a conversation, no other takes it, nor it again itself."""
    await say(store, clock, "a")
    clock.advance(hours=1)
    await claim(store, clock, "w1")

    assert await claim(store, clock, "w2") == []
    assert await claim(store, clock, "w1") == []


async def test_workers_never_share(store: Store, clock: StillClock) -> None:
    """Workers that sweep at the same moment take each conversation exactly once."""
    names = [f"C{number:02}" for number in range(20)]
    for name in names:
        await say(store, clock, "a", to=room(name))
    clock.advance(hours=1)
    taken = await asyncio.gather(*(channels(store, clock, f"w{number}", most=3) for number in range(10)))

    assert sorted(name for some in taken for name in some) == names
    assert max(len(some) for some in taken) == 3


@pytest.mark.parametrize(("after_s", "is_due"), [(599, False), (600, True)])
async def test_a_lease_runs_out(store: Store, clock: StillClock, after_s: int, is_due: bool) -> None:  # noqa: FBT001 - a parameter
    """A conversation whose worker died is taken by another one once its lease ran out."""
    await say(store, clock, "a")
    clock.advance(hours=1)
    await claim(store, clock, "dead")
    clock.advance(seconds=after_s)

    assert bool(await claim(store, clock, "w2")) == is_due


async def test_who_lost_the_lease_keeps_nothing(store: Store, clock: StillClock) -> None:
    """A worker that comes back after another took its conversation is told so, and moves no cursor."""
    await say(store, clock, "a", "b")
    clock.advance(hours=1)
    await claim(store, clock, "slow")
    clock.advance(minutes=10)
    await claim(store, clock, "quick")

    assert not await learned(store, "slow", 2)
    assert await learned(store, "quick", 2)
    assert not await learned(store, "slow", 2)


async def test_who_lost_the_lease_cannot_give_it_back(store: Store, clock: StillClock) -> None:
    """A failure reported by a worker that lost its lease takes nothing from the one that holds it now."""
    await say(store, clock, "a")
    clock.advance(hours=1)
    await claim(store, clock, "slow")
    clock.advance(minutes=10)
    await claim(store, clock, "quick")
    await failed(store, "slow", attempts=MAX_ATTEMPTS, not_before=NOON)

    assert await claim(store, clock, "third") == []
    assert await learned(store, "quick", 1)


async def test_a_late_worker_may_finish_if_nobody_took_over(store: Store, clock: StillClock) -> None:
    """A lease that ran out and was taken by nobody still counts: the work is not thrown away."""
    await say(store, clock, "a")
    clock.advance(hours=1)
    await claim(store, clock, "slow")
    clock.advance(hours=1)

    assert await learned(store, "slow", 1)
    assert await claim(store, clock) == []


async def test_nobody_learns_without_a_claim(store: Store, clock: StillClock) -> None:
    """A conversation that was not claimed, or was given back, cannot be marked as learned."""
    await say(store, clock, "a", "b")
    before = await learned(store, "w1", 1)
    clock.advance(hours=1)
    await claim(store, clock)
    await learned(store, "w1", 1)

    assert not before
    assert not await learned(store, "w1", 2)


@pytest.mark.parametrize("through", [0, 1, 2])
async def test_the_cursor_never_moves_back(store: Store, clock: StillClock, through: int) -> None:
    """What is learned stays learned: a cursor is only ever moved ahead."""
    await say(store, clock, "a", "b", "c")
    clock.advance(hours=1)
    await claim(store, clock)
    await learned(store, "w1", 2)
    await claim(store, clock)

    assert not await learned(store, "w1", through)
    assert await learned(store, "w1", 3)


async def test_a_message_during_learning_is_not_lost(store: Store, clock: StillClock) -> None:
    """What is said while a conversation is being learned is due afterwards, in its turn."""
    await say(store, clock, "a")
    clock.advance(hours=1)
    (claimed,) = await claim(store, clock)
    await say(store, clock, "b")
    await learned(store, "w1", claimed.last_position)
    at_once = await claim(store, clock)
    clock.advance(minutes=30)
    (again,) = await claim(store, clock)

    assert at_once == []
    assert [line.id for line in await unlearned(store, again)] == ["b"]


# -- what is read -----------------------------------------------------------------------------------------------------


async def unlearned(store: Store, claimed: Claimed, *, most: int = 100) -> list[Line]:
    return await store.read(partial(sessions.unlearned, claimed=claimed, most=most))


@pytest.mark.parametrize(
    ("through", "most", "expected"), [(0, 9, "abcde"), (2, 9, "cde"), (0, 2, "ab"), (3, 1, "d"), (5, 9, "")]
)
async def test_only_what_is_not_learned_is_read(
    store: Store, clock: StillClock, through: int, most: int, expected: str
) -> None:
    """The messages beyond the cursor come in their order, the oldest of them if there are too many."""
    await say(store, clock, *"abcde")
    await say(store, clock, "elsewhere", to=room("C2"))
    claimed = claimed_of(ROOM, learned_through=through, last_position=5)

    assert [line.id for line in await unlearned(store, claimed, most=most)] == list(expected)


# -- failures ---------------------------------------------------------------------------------------------------------


async def test_a_failure_waits_for_its_time(store: Store, clock: StillClock) -> None:
    """A conversation that failed is due again when its pause is over, not earlier, and tells how often it failed."""
    await say(store, clock, "a")
    clock.advance(hours=1)
    await claim(store, clock)
    await failed(store, "w1", attempts=2, not_before=clock.now() + timedelta(minutes=4))
    clock.advance(minutes=3, seconds=59)
    early = await claim(store, clock)
    clock.advance(seconds=1)

    assert early == []
    assert [claimed.attempts for claimed in await claim(store, clock)] == [2]


async def test_success_forgets_failures(store: Store, clock: StillClock) -> None:
    """Once a conversation was learned, its next failure is its first, and no old pause holds it up."""
    await say(store, clock, "a")
    clock.advance(hours=1)
    await fail(store, clock, attempts=3)
    await claim(store, clock)
    await learned(store, "w1", 1)
    await say(store, clock, "b")
    clock.advance(hours=1)

    assert [claimed.attempts for claimed in await claim(store, clock)] == [0]


async def test_one_failure_holds_up_nobody_else(store: Store, clock: StillClock) -> None:
    """A conversation that waits after a failure does not keep the others from being learned."""
    await say(store, clock, "a")
    await say(store, clock, "a", to=room("C2"))
    clock.advance(hours=1)
    await claim(store, clock)
    await failed(store, "w1", not_before=clock.now() + timedelta(hours=9))
    clock.advance(hours=1)

    assert await channels(store, clock) == ["C2"]


async def test_too_many_failures_park_it(store: Store, clock: StillClock) -> None:
    """A conversation that failed too often is left alone, however much time goes by."""
    await say(store, clock, "a")
    clock.advance(hours=1)
    await fail(store, clock, attempts=MAX_ATTEMPTS - 1)
    last_try = [claimed.attempts for claimed in await claim(store, clock)]
    await failed(store, "w1", attempts=MAX_ATTEMPTS, not_before=clock.now())
    clock.advance(days=365)

    assert last_try == [MAX_ATTEMPTS - 1]
    assert await claim(store, clock) == []


async def test_a_new_message_revives_a_parked_one(store: Store, clock: StillClock) -> None:
    """A parked conversation gets all its tries back, for all that was not learned, when somebody speaks there."""
    await say(store, clock, "a")
    clock.advance(hours=1)
    await fail(store, clock, attempts=MAX_ATTEMPTS)
    await say(store, clock, "b")
    clock.advance(minutes=30)
    (claimed,) = await claim(store, clock)

    assert (claimed.attempts, claimed.learned_through, claimed.last_position) == (0, 0, 2)


async def test_a_new_message_does_not_forgive_early(store: Store, clock: StillClock) -> None:
    """A conversation that is not parked keeps count of its failures while people go on speaking."""
    await say(store, clock, "a")
    clock.advance(hours=1)
    await fail(store, clock, attempts=3)
    await say(store, clock, "b")
    clock.advance(hours=1)

    assert [claimed.attempts for claimed in await claim(store, clock)] == [3]


@pytest.mark.parametrize("change", [conversations.remove, partial(conversations.rewrite, text="edited")])
async def test_edits_and_deletions_do_not_delay(store: Store, clock: StillClock, change: Callable[..., object]) -> None:
    """An edit or a deletion in an idle conversation changes neither when it is due nor how far it is learned."""
    await say(store, clock, "a", "b")
    clock.advance(minutes=30)
    await store.write(partial(change, room=ROOM, message=MessageId("a")))  # type: ignore[arg-type]  # either of two

    assert [(claimed.learned_through, claimed.last_position) for claimed in await claim(store, clock)] == [(0, 2)]


async def test_a_new_start_tries_what_was_parked(store: Store, clock: StillClock) -> None:
    """What was parked for a mistake in the set-up comes due again once the process was started anew."""
    await say(store, clock, "1")
    clock.advance(hours=1)
    await fail(store, clock, MAX_ATTEMPTS)
    assert await claim(store, clock) == []

    assert await store.write(sessions.unpark) == 1
    assert await channels(store, clock) == ["C1"]


# -- what is wanted at once, and what is put off ----------------------------------------------------------------------


async def want(store: Store, of: Room = ROOM) -> None:
    await store.write(partial(sessions.want, room=of))


async def test_what_is_wanted_is_due_at_once(store: Store, clock: StillClock) -> None:
    """A conversation that somebody wants to be learned does not have to fall silent; its neighbours do."""
    await say(store, clock, "a")
    await say(store, clock, "a", to=room("C2"))
    await want(store)

    assert [(one.room.channel, one.is_wanted) for one in await claim(store, clock)] == [("C1", True)]


async def test_what_was_wanted_is_over_once_learned(store: Store, clock: StillClock) -> None:
    """What is said after a wish was learned waits for silence again."""
    await say(store, clock, "a")
    await want(store)
    await claim(store, clock)
    await learned(store, "w1", 1)
    await say(store, clock, "b")
    at_once = await claim(store, clock)
    clock.advance(minutes=30)

    assert at_once == []
    assert [one.is_wanted for one in await claim(store, clock)] == [False]


async def test_a_wish_said_while_its_conversation_is_learned_is_not_lost(store: Store, clock: StillClock) -> None:
    """Learning what came before a wish leaves the wish due at once."""
    await say(store, clock, "a")
    clock.advance(hours=1)
    await claim(store, clock)
    await say(store, clock, "wish")
    await want(store)
    during = await claim(store, clock, "w2")
    await learned(store, "w1", 1)

    assert during == []
    assert [(one.learned_through, one.is_wanted) for one in await claim(store, clock)] == [(1, True)]


async def test_a_wish_at_the_end_of_a_long_session_stays_due(store: Store, clock: StillClock) -> None:
    """A wish that stands in a later piece of what one call can read is due at once until that piece is learned."""
    await say(store, clock, *"abcde")
    await want(store)
    cursors = []
    for through in (2, 4, 5):
        cursors += [one.learned_through for one in await claim(store, clock)]
        await learned(store, "w1", through)

    assert cursors == [0, 2, 4]
    assert await claim(store, clock) == []


async def test_a_wish_is_tried_without_the_pause_of_a_failure(store: Store, clock: StillClock) -> None:
    """Who asks for something is not held up by what failed before; if that fails again, it waits like everything."""
    await say(store, clock, "a")
    clock.advance(hours=1)
    await claim(store, clock)
    await failed(store, "w1", attempts=1, not_before=clock.now() + timedelta(hours=1))
    await want(store)
    (claimed,) = await claim(store, clock)
    await failed(store, "w1", attempts=2, not_before=clock.now() + timedelta(minutes=2))
    at_once = await claim(store, clock)
    clock.advance(minutes=2)

    assert claimed.attempts == 1
    assert at_once == []
    assert [one.is_wanted for one in await claim(store, clock)] == [True]


async def put_off(store: Store, clock: StillClock, owner: str = "w1") -> None:
    await store.write(partial(sessions.put_off, room=ROOM, owner=owner, until=clock.now() + timedelta(hours=24)))


async def test_what_was_put_off_waits_for_its_time(store: Store, clock: StillClock) -> None:
    """A conversation that was put off is due again at the moment given, and was not tried."""
    await say(store, clock, "a")
    clock.advance(hours=1)
    await claim(store, clock)
    await put_off(store, clock)
    clock.advance(hours=23)
    early = await claim(store, clock)
    clock.advance(hours=1)

    assert early == []
    assert [one.attempts for one in await claim(store, clock)] == [0]


async def test_a_new_message_ends_the_putting_off(store: Store, clock: StillClock) -> None:
    """When somebody speaks in a conversation that was put off, it is looked at again once it is silent."""
    await say(store, clock, "a")
    clock.advance(hours=1)
    await claim(store, clock)
    await put_off(store, clock)
    await say(store, clock, "b")
    clock.advance(minutes=30)

    assert [(one.learned_through, one.last_position) for one in await claim(store, clock)] == [(0, 2)]


async def test_who_lost_the_lease_puts_nothing_off(store: Store, clock: StillClock) -> None:
    """Only whoever holds a conversation can put it off."""
    await say(store, clock, "a")
    clock.advance(hours=1)
    await claim(store, clock)
    await put_off(store, clock, owner="w2")

    assert await learned(store, "w1", 1)


async def waiting(store: Store, clock: StillClock, of: Member = ANA) -> int:
    return await store.read(partial(sessions.waiting_of, member=of.key, now=clock.now(), idle_after=IDLE))


async def test_sessions_that_wait_are_counted_by_their_silences(store: Store, clock: StillClock) -> None:
    """Each stretch that ended by going idle counts once, in whichever room; what is not silent yet does not."""
    counted: list[int] = []
    for minutes, where in ((29, ROOM), (30, ROOM), (10, room("C2")), (60, ROOM), (5, room("C3"))):
        await say(store, clock, f"{len(counted)}", to=where)
        clock.advance(minutes=minutes)
        counted.append(await waiting(store, clock))
    clock.advance(minutes=30)

    assert counted == [0, 1, 1, 3, 3]
    assert await waiting(store, clock) == 4


async def test_only_ones_own_sessions_are_counted(store: Store, clock: StillClock) -> None:
    """A session in which somebody else spoke alone is not a member's, nor is one of their namesake elsewhere."""
    others = [replace(ANA, id="U2"), replace(ANA, tenant=TenantId("slack:T2"))]
    for author in (ANA, *others):
        append = partial(conversations.append, room=ROOM, message=MessageId(f"{author.tenant} {author.id}"), text="x")
        await store.write(partial(append, author=author, said_at=clock.now()))
        clock.advance(hours=1)

    assert [await waiting(store, clock, author) for author in (ANA, *others)] == [1, 1, 1]


async def test_what_is_learned_does_not_wait(store: Store, clock: StillClock) -> None:
    """The count falls to nothing once the sessions were learned."""
    await say(store, clock, "a")
    clock.advance(hours=1)
    before = await waiting(store, clock)
    await claim(store, clock)
    await learned(store, "w1", 1)

    assert (before, await waiting(store, clock)) == (1, 0)


async def test_calling_back_brings_what_was_put_off(store: Store, clock: StillClock) -> None:
    """What was put off of a member's sessions is due once they are called back, marked as what may not wait."""
    await say(store, clock, "a")
    await say(store, clock, "a", to=room("C2"))
    clock.advance(hours=1)
    await claim(store, clock)
    for name in ("C1", "C2"):
        await store.write(
            partial(sessions.put_off, room=room(name), owner="w1", until=clock.now() + timedelta(hours=24))
        )
    idle_since = clock.now() - IDLE
    await store.write(partial(sessions.call_back, member=ANA.key, idle_since=idle_since))

    assert [(one.room.channel, one.is_wanted) for one in await claim(store, clock)] == [("C1", True), ("C2", True)]
