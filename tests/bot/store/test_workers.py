"""The inbox among several workers: who may answer what, in which order, and whose writing is refused."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from bot import errors
from bot.messages import Accepted, Member, Message, MessageId, Room, TenantId
from bot.store import inbox
from bot.store.engine import Store
from bot.store.workers import ALONE, Worker
from persona.ports import Transaction
from tests.clock import NOON

ROOM = Room(tenant=TenantId("slack:T1"), channel="C1", kind="public")
OTHER = replace(ROOM, channel="C2")
ANA = Member(tenant=TenantId("slack:T1"), id="U1", name="Ana")
ONE, TWO = Worker.new(), Worker.new()


def said(number: int, room: Room = ROOM) -> Message:
    return Message(id=MessageId(str(number)), room=room, author=ANA, text="hello", said_at=NOON)


async def accept(store: Store, *messages: Message, by: Worker = ONE) -> None:
    for message in messages:
        await store.write(partial(inbox.accept, message=message, now=NOON, worker=by))


async def claim(store: Store, message: Message, by: Worker, *, is_out_of_turn: bool = False) -> int | None:
    """The token of a claim; None if it was not to be had."""
    unit = partial(inbox.claim, accepted=message, now=NOON, worker=by, is_out_of_turn=is_out_of_turn)
    claimed = await store.write(unit)
    return None if claimed is None else claimed.token


async def settle(store: Store, message: Message, token: int | None) -> None:
    await store.write(partial(inbox.settle, accepted=message, now=NOON, token=token))


async def release(store: Store, message: Message, token: int) -> None:
    await store.write(partial(inbox.release, accepted=message, token=token))


async def run_out(store: Store) -> None:
    """Let every lease run out, as if its worker had been silent for long enough."""
    await run(store, "UPDATE inbox SET lease_until = 1 WHERE lease_owner IS NOT NULL")


async def run(store: Store, sql: str) -> None:
    await store.write(lambda transaction: transaction.execute(sql))


def numbers(found: Sequence[Accepted]) -> list[int]:
    return [int(one.id) for one in found]


async def unsettled(store: Store, by: Worker) -> list[int]:
    return numbers(await store.read(partial(inbox.unsettled, now=NOON, worker=by)))


async def abandoned(store: Store, by: Worker) -> list[int]:
    return numbers(await store.read(partial(inbox.abandoned, now=NOON, worker=by)))


async def following(store: Store, by: Worker, room: Room = ROOM) -> int | None:
    found = await store.read(partial(inbox.following, room=room, now=NOON, worker=by))
    return None if found is None else int(found.id)


# -- whose it is ------------------------------------------------------------------------------------------------------


async def test_what_is_claimed_is_nobody_elses(store: Store) -> None:
    """A message that one worker answers is claimed by no other, as long as the lease goes on."""
    await accept(store, said(1))

    assert [await claim(store, said(1), one) for one in (ONE, TWO)] == [1, None]


async def test_one_of_many_gets_it(store: Store) -> None:
    """Of workers that claim a message at the same moment exactly one gets it."""
    await accept(store, said(1))
    tokens = await asyncio.gather(*(claim(store, said(1), Worker.new()) for _ in range(10)))

    assert [token for token in tokens if token] == [1]


async def test_whoever_comes_first_may_answer(store: Store) -> None:
    """A message nobody began to answer may be answered by any worker, not only by the one that accepted it."""
    await accept(store, said(1), by=ONE)

    assert await claim(store, said(1), TWO) == 1


async def test_a_lease_that_ran_out_is_taken_over(store: Store) -> None:
    """What a worker had that is silent for too long is another's, under the next token."""
    await accept(store, said(1))
    await claim(store, said(1), ONE)
    await run_out(store)

    assert await claim(store, said(1), TWO) == 2


async def test_a_process_that_is_alone_waits_for_nobody(store: Store) -> None:
    """Where no other process can be, what a crash left behind is claimed again at once."""
    await accept(store, said(1), by=ALONE)

    assert [await claim(store, said(1), ALONE) for _ in range(2)] == [1, 2]
    assert await unsettled(store, ALONE) == [1]


# -- in which order ---------------------------------------------------------------------------------------------------


async def test_a_room_is_answered_in_order(store: Store) -> None:
    """A message waits for the one before it in its room, whoever has that one; another room does not."""
    await accept(store, said(1), by=ONE)
    await accept(store, said(2), said(3, OTHER), by=TWO)
    first = await claim(store, said(1), ONE)
    early = [await claim(store, message, TWO) for message in (said(2), said(3, OTHER))]
    await settle(store, said(1), first)

    assert early == [None, 1]
    assert await claim(store, said(2), TWO) == 1


async def test_what_nobody_began_yet_comes_first_too(store: Store) -> None:
    """A message does not overtake one that still waits in another worker's lane."""
    await accept(store, said(1), by=ONE)
    await accept(store, said(2), by=TWO)

    assert await claim(store, said(2), TWO) is None


async def test_what_failed_holds_up_nobody(store: Store) -> None:
    """A message whose last try failed waits for the next sweep, and the ones after it do not wait for that."""
    await accept(store, said(1), said(2))
    token = await claim(store, said(1), ONE)
    assert token
    await release(store, said(1), token)

    assert await claim(store, said(2), TWO) == 1
    assert await unsettled(store, Worker.new()) == [1]
    assert await claim(store, said(1), TWO) == 2


async def test_out_of_turn(store: Store) -> None:
    """Whoever is to hear that too much waits hears it before that is done."""
    await accept(store, said(1), said(2))
    await claim(store, said(1), ONE)

    assert await claim(store, said(2), TWO, is_out_of_turn=True) == 1


async def test_the_next_one_is_found_wherever_it_was_accepted(store: Store) -> None:
    """Once a message is settled, its worker finds the next one of the room, whoever had been told to wait for it."""
    await accept(store, said(1), by=ONE)
    await accept(store, said(2), said(3), by=TWO)
    token = await claim(store, said(1), ONE)
    before = await following(store, TWO)
    await settle(store, said(1), token)

    assert (before, await following(store, ONE)) == (None, 2)
    assert await following(store, ONE, OTHER) is None


async def test_what_failed_does_not_follow(store: Store) -> None:
    """A message whose last try failed is left to the next sweep, so that it is not tried again and again."""
    await accept(store, said(1), said(2))
    token = await claim(store, said(1), ONE)
    assert token
    await release(store, said(1), token)

    assert await following(store, ONE) == 2


async def test_how_many_wait(store: Store) -> None:
    """What waits in a room is counted, whoever accepted it; what is being answered does not wait."""
    await accept(store, said(1), said(2), said(3, OTHER), by=ONE)
    await accept(store, said(4), by=TWO)
    await claim(store, said(1), ONE)

    assert await store.read(partial(inbox.waiting, room=ROOM)) == 2


# -- after a worker died ----------------------------------------------------------------------------------------------


async def test_what_others_see_to_is_left_to_them(store: Store) -> None:
    """A worker that starts lines up neither what another one answers nor what waits in its lanes."""
    await accept(store, said(1), said(2), by=ONE)
    await claim(store, said(1), ONE)

    assert (await unsettled(store, TWO), await abandoned(store, TWO)) == ([], [])
    assert await unsettled(store, ONE) == [1, 2]


async def test_what_a_dead_worker_had_is_found(store: Store) -> None:
    """Of a worker that died, the first message of each room is found by every other; the rest follows in its order."""
    await accept(store, said(1), said(2), said(3, OTHER), by=ONE)
    await claim(store, said(1), ONE)
    await run_out(store)

    assert sorted(await abandoned(store, TWO)) == [1, 3]  # they came at the same moment
    assert sorted(await unsettled(store, TWO)) == [1, 3]
    assert await abandoned(store, ONE) == []


async def test_what_was_open_before_there_were_workers(store: Store) -> None:
    """What a version without workers left open is lined up by whoever comes first, and answered in its order."""
    await accept(store, said(1), said(2))
    await run(store, "UPDATE inbox SET lease_owner = NULL, lease_until = 0, token = 0")

    assert await unsettled(store, TWO) == [1, 2]
    assert [await claim(store, said(number), TWO) for number in (1, 2)] == [1, None]


# -- renewing and refusing --------------------------------------------------------------------------------------------


async def test_what_is_being_answered_is_renewed(store: Store) -> None:
    """One statement renews all that a worker answers, and nothing that only waits, is settled, or is another's."""
    await accept(store, *(said(number, replace(ROOM, channel=f"C{number}")) for number in range(4)))
    mine, settled, theirs, _waiting = (said(number, replace(ROOM, channel=f"C{number}")) for number in range(4))
    for message, worker in ((mine, ONE), (settled, ONE), (theirs, TWO)):
        await claim(store, message, worker)
    await settle(store, settled, 1)
    await run_out(store)
    renewed = await store.write(partial(inbox.renew, now=NOON, worker=ONE))

    assert set(renewed) == {(mine.answer, 1)}
    assert await claim(store, mine, TWO) is None
    assert await claim(store, theirs, ONE) == 2


WRITING = {
    "decide": partial(inbox.decide, accepted=said(1), outcome="answered"),
    "settle": partial(inbox.settle, accepted=said(1), now=NOON),
    "cancel": partial(inbox.cancel, accepted=said(1), now=NOON),
    "check": partial(inbox.check, accepted=said(1)),
}


@pytest.mark.parametrize("what", WRITING)
async def test_an_older_token_is_refused(store: Store, what: str) -> None:
    """Whoever was stopped for longer than the lease and wakes up writes nothing more; the one who has it now does."""
    unit: Any = WRITING[what]
    await accept(store, said(1))
    await claim(store, said(1), ONE)
    await run_out(store)
    await claim(store, said(1), TWO)
    with pytest.raises(errors.LeaseLostError):
        await store.write(partial(unit, token=1))

    assert await unsettled(store, TWO) == [1]
    await store.write(partial(unit, token=2))


async def test_what_is_settled_is_refused(store: Store) -> None:
    """A worker that comes back after the message was settled is told so."""
    await accept(store, said(1))
    await claim(store, said(1), ONE)
    await settle(store, said(1), 1)

    with pytest.raises(errors.LeaseLostError):
        await store.write(partial(inbox.decide, accepted=said(1), outcome="failed", token=1))


async def test_an_older_token_gives_nothing_back(store: Store) -> None:
    """A try that failed late does not take the message from whoever has it now."""
    await accept(store, said(1))
    await claim(store, said(1), ONE)
    await run_out(store)
    await claim(store, said(1), TWO)
    await release(store, said(1), 1)

    assert await claim(store, said(1), ONE) is None


async def test_a_refused_unit_keeps_nothing(store: Store) -> None:
    """Whatever a unit wrote before it was refused is not kept."""

    async def writing(transaction: Transaction) -> None:
        await transaction.execute("INSERT INTO note (tenant, name, value) VALUES ('t', 'n', 'v')")
        await inbox.check(transaction, said(1), token=7)

    with pytest.raises(errors.LeaseLostError):
        await store.write(writing)

    assert await store.read(lambda transaction: transaction.fetch("SELECT * FROM note")) == []
