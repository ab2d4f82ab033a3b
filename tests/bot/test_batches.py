"""Learning by batch: whatever happens to a batch, a process or a message meanwhile, each session is learned once."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot import prices, settings, wiring
from bot.batches import LIFE, LOST_AFTER
from bot.learning import Pace
from bot.messages import Member, Message, MessageId, Room, TenantId
from bot.outcomes import Swept
from bot.purging import Purging
from bot.store import conversations, inbox, members, retention, sessions
from persona import forgetting
from persona import store as personas
from persona.ports import Usage
from tests.bot.office import BATCHES, Fuse, KilledError, Office, honest, transcript
from tests.bot.talk import ANA, BO, SCHEMA, TENANT, proposes, room
from tests.clock import StillClock
from tests.twins.anthropic import AnthropicTwin, ApiError, Reply
from tests.twins.server import Fault

DIRECT = room("D1", kind="direct")
PRIVATE = room("P1", kind="private")
STEPS = 11
"""Writes and calls of the API in which three requests are submitted, their results kept and the batch erased."""


@pytest.fixture
async def office(database: Path, clock: StillClock) -> AsyncIterator[Office]:
    async with Office.opened(database, clock) as opened:
        yield opened


async def three_say_something(office: Office) -> None:
    """Three sessions that nobody but their readers may see: three requests."""
    await office.says(ANA, "I live in Lisbon", DIRECT)
    await office.says(ANA, "Call me Annie", PRIVATE)
    await office.says(BO, "I live in Oslo", room())


async def assert_learned(office: Office, *, calls: int = 3) -> None:
    """What the three said is known, was learned once, and nothing is left over."""
    assert await office.facts(ANA) == ["location: Lisbon", "preferred_name: Annie"]
    assert await office.facts(BO) == ["location: Oslo"]
    assert await office.learned() == calls
    assert await office.left() == []
    assert (await office.sweep()) == replace(await office.sweep(), sessions=0, calls=0, operations=0, failures=0)


# -- the way of a batch -----------------------------------------------------------------------------------------------


async def test_everything_idle_is_one_batch(office: Office) -> None:
    """All that is due goes out in one call; a sweep asks once what became of it; one call gets it, one erases it."""
    await three_say_something(office)
    submitted = await office.sweep()
    (batch,) = office.twin.batches
    waiting = [await office.sweep() for _ in range(3)]
    await office.finish()
    collected = await office.sweep()

    assert (submitted.sessions, submitted.calls, submitted.operations) == (3, 3, 0)
    assert [(swept.sessions, swept.calls, swept.operations) for swept in waiting] == [(0, 0, 0)] * 3
    assert (collected.sessions, collected.calls, collected.operations) == (0, 0, 3)
    assert [(call.method, call.path.removeprefix(BATCHES)) for call in office.twin.ledger] == [
        ("POST", ""),
        *[("GET", f"/{batch}")] * 4,
        ("GET", f"/{batch}/results"),
        ("DELETE", f"/{batch}"),
    ]
    await assert_learned(office)


async def test_nothing_open_asks_nobody(office: Office) -> None:
    """A sweep with nothing due and nothing submitted calls no API."""
    await office.sweep()
    await office.says(ANA, "  ", room())
    await office.sweep()

    assert office.twin.ledger == []


async def test_many_batches_are_asked_about_in_one_call(office: Office) -> None:
    """However many batches run, a sweep asks once about all of them."""
    for number in range(5):
        await office.says(ANA, f"line {number}", room(thread=str(number)))
        await office.sweep()
    before = len(office.twin.ledger)
    await office.sweep()

    assert [call.path for call in office.twin.ledger[before:]] == [BATCHES]
    await office.settle()
    assert await office.learned() == 5


async def test_a_request_is_what_a_call_would_be(office: Office) -> None:
    """A batch carries the very request that would have been a call of its own, its one-hour cache mark included."""
    await office.says(ANA, "I live in Lisbon", room())
    batch = await office.submitted()
    (params,) = batch.params.values()
    office.pace = Pace(idle_after=timedelta(minutes=30))
    await office.restart()
    await office.says(ANA, "I live in Lisbon", room("C2"))
    await office.sweep()

    (direct,) = office.twin.requests
    assert params == direct.body
    assert params["system"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}


async def test_sessions_with_different_readers_are_never_in_one_request(office: Office) -> None:
    """One batch, but each request only about what the same people read."""
    rooms = [
        DIRECT,
        room("D2", kind="direct"),
        PRIVATE,
        room("E1", kind="external"),
        room(thread="1"),
        room(thread="2"),
        room("C1", tenant="slack:T2"),
    ]
    for where in rooms:
        await office.says(ANA, f"hello from {where.tenant} {where.id}", where)
    batch = await office.submitted()

    asked = sorted(sorted(session[0][2] for session in transcript(params)) for params in batch.params.values())
    together = ["hello from slack:T1 C1/1", "hello from slack:T1 C1/2"]
    assert asked == sorted([together, *[[f"hello from {one.tenant} {one.id}"] for one in rooms if one.thread is None]])


async def test_two_tenants_share_a_batch(office: Office) -> None:
    """Requests of two tenants go out in one batch, and each result is kept where it belongs."""
    other = Member(tenant=TenantId("slack:T2"), id="ana")
    await office.says(ANA, "I live in Lisbon", room())
    await office.says(other, "I live in Quito", room(tenant="slack:T2"))
    batch = await office.submitted()
    stored = await office.rows("SELECT tenant, batch FROM batch_request ORDER BY tenant")
    await office.settle()

    assert stored == [("slack:T1", batch.id), ("slack:T2", batch.id)]
    assert (await office.facts(ANA), await office.facts(other)) == (["location: Lisbon"], ["location: Quito"])
    assert await office.rows("SELECT tenant, member_tenant, member FROM usage ORDER BY tenant") == [
        ("slack:T1", "slack:T1", "ana"),
        ("slack:T2", "slack:T2", "ana"),
    ]
    assert office.asked("POST") == 1


async def test_no_words_are_stored_twice(office: Office) -> None:
    """What waits for a batch names messages and holds nothing of what they say."""
    await office.says(ANA, "I live in Lisbon", room())
    await office.sweep()
    ((asked,),) = await office.rows("SELECT asked FROM batch_request")

    assert json.loads(asked) == [["C1", None, "public", 1, ["1.0"]]]


async def test_a_batch_costs_half(office: Office) -> None:
    """What a batch consumed is recorded as such, at half the price."""
    counted: dict[str, Any] = {"input_tokens": 1_000, "cache_read_input_tokens": 500, "output_tokens": 200}
    counted |= {"cache_creation_input_tokens": 0, "cache_creation": None}
    office.twin.default = lambda body: Reply(text=json.dumps(honest(body)), usage=counted)
    await office.says(ANA, "I live in Lisbon", room())
    await office.settle()
    direct = prices.cost(Usage(model="claude-haiku-5-5", input_tokens=1_500, cached_tokens=500, output_tokens=200))

    assert direct == 205
    assert await office.rows("SELECT is_batch, input_tokens, cost FROM usage") == [(1, 1_500, 103)]


# -- exactly once -----------------------------------------------------------------------------------------------------


async def run(office: Office) -> None:
    """Submit, let the batch end, collect."""
    await office.sweep()
    await office.finish()
    await office.sweep()


async def test_every_step_is_known(office: Office) -> None:
    """The kills below come before and after every step there is."""
    fuse = Fuse()
    await office.restart(fuse)
    await three_say_something(office)
    await run(office)

    assert fuse.passed == STEPS * 2


@pytest.mark.parametrize("at", range(STEPS * 2))
async def test_a_kill_at_any_step_loses_and_doubles_nothing(office: Office, at: int) -> None:
    """Killed before or after any write and any call, everything is learned once after a new start."""
    await three_say_something(office)
    await office.restart(Fuse(at))
    with pytest.raises(KilledError):
        await run(office)
    await office.restart()
    await office.settle()

    await assert_learned(office)


@pytest.mark.parametrize(("first", "second"), [(at, at * 5 % (STEPS * 2)) for at in range(STEPS * 2)])
async def test_two_kills_lose_and_double_nothing(office: Office, first: int, second: int) -> None:
    """A process that dies again while it makes up for an earlier death does no harm either.

    Every step is the first death once, and the second one once.
    """
    await three_say_something(office)
    for at in (first, second):
        await office.restart(Fuse(at))
        try:
            await run(office)
        except KilledError:
            office.clock.advance(minutes=7)
    await office.restart()
    await office.settle()

    await assert_learned(office)


async def test_a_request_that_may_have_been_lost_is_waited_for(office: Office) -> None:
    """A request without a batch is left alone while somebody may still be submitting it."""
    await office.says(ANA, "I live in Lisbon", room())
    await office.restart(Fuse(5))  # the batch was taken, and nobody wrote down its name
    with pytest.raises(KilledError):
        await office.sweep()
    await office.restart()
    office.clock.advance(seconds=LOST_AFTER.total_seconds() - 1)
    early = await office.learning.sweep()
    office.clock.advance(seconds=1)
    late = await office.learning.sweep()

    assert (early.failures, late.failures) == (0, 1)
    await office.settle()
    assert await office.learned() == 1
    assert await office.facts(ANA) == ["location: Lisbon"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_results_come_in_any_order(office: Office, order: Sequence[int]) -> None:
    """A result belongs to its request by name, wherever it stands."""
    await three_say_something(office)
    batch = await office.submitted()
    names = list(batch.params)
    await office.twin.finish_batch(batch.id, order=[names[place] for place in order])
    await office.sweep()

    await assert_learned(office)


async def test_a_result_that_comes_twice_counts_once(office: Office) -> None:
    """Rows that are repeated, and rows nobody asked for, change nothing."""
    await three_say_something(office)
    batch = await office.submitted()
    await office.finish()
    batch.results += [*batch.results, {**batch.results[0], "custom_id": "nobody"}]

    assert (await office.sweep()).operations == 3
    await assert_learned(office)


async def test_sweeps_side_by_side_collect_once(office: Office) -> None:
    """Two sweeps that see the same results keep them once, and call nothing a failure."""
    await three_say_something(office)
    await office.submitted()
    await office.finish()
    swept = await asyncio.gather(*(office.learning.sweep() for _ in range(3)))

    assert sum(one.operations for one in swept) == 3
    assert sum(one.failures for one in swept) == 0
    await assert_learned(office)


async def test_sweeps_side_by_side_postpone_once(office: Office) -> None:
    """Two sweeps that see the same failures count them once."""
    await three_say_something(office)
    batch = await office.submitted()
    await office.twin.finish_batch(batch.id, outcomes=dict.fromkeys(batch.params, "errored"))
    swept = await asyncio.gather(*(office.learning.sweep() for _ in range(3)))

    assert sum(one.failures for one in swept) == 3
    assert await office.rows("SELECT DISTINCT attempts FROM conversation") == [(1,)]


async def test_what_is_being_submitted_is_left_alone(office: Office) -> None:
    """A sweep beside one that waits for the API gives up none of its requests."""
    is_taken = asyncio.Event()
    office.twin.fault("POST", BATCHES, Fault(hold=is_taken))
    await three_say_something(office)

    async def beside() -> Swept:
        await office.twin.wait_for(lambda: office.twin.calls(BATCHES, method="POST"))
        swept = await office.learning.sweep()
        is_taken.set()
        return swept

    submitted, meanwhile = await asyncio.gather(office.sweep(), beside())

    assert (submitted.calls, submitted.failures) == (3, 0)
    assert (meanwhile.sessions, meanwhile.failures) == (0, 0)
    await office.settle()
    await assert_learned(office)


async def test_a_missing_result_comes_due_again(office: Office) -> None:
    """A request that its ended batch says nothing about is asked again, and only that one."""
    await three_say_something(office)
    batch = await office.submitted()
    await office.finish()
    del batch.results[1]
    swept = await office.sweep()

    assert (swept.operations, swept.failures) == (2, 1)
    await office.settle()
    await assert_learned(office)


async def test_a_result_that_cannot_be_read_spoils_no_other(office: Office) -> None:
    """A row that is no result counts as missing; the others are kept."""
    await three_say_something(office)
    batch = await office.submitted()
    await office.finish()
    batch.results[1] = {"custom_id": batch.results[1]["custom_id"], "result": {"type": "succeeded", "message": None}}
    swept = await office.sweep()

    assert (swept.operations, swept.failures) == (2, 1)
    await office.settle()
    await assert_learned(office)


async def test_a_line_break_of_another_kind_is_none(office: Office) -> None:
    """Results are one a line; a line separator of Unicode inside one does not cut it in two."""
    office.twin.default = lambda body: Reply(text=json.dumps(honest(body)), thinking="Lisbon\u2028Oslo\x85")
    await three_say_something(office)
    await office.submitted()
    await office.finish()

    assert (await office.sweep()).operations == 3
    await assert_learned(office)


async def test_a_running_batch_holds_its_sessions(office: Office) -> None:
    """For a day nothing else takes what a batch is about."""
    await three_say_something(office)
    await office.submitted()
    for _ in range(22):
        assert (await office.sweep()).sessions == 0
    await office.finish()

    assert (await office.sweep()).operations == 3
    assert office.asked("POST") == 1
    await assert_learned(office)


async def test_results_that_waited_for_days_still_count(office: Office) -> None:
    """After a weekend without us the results are kept, not asked for again."""
    await three_say_something(office)
    await office.submitted()
    await office.finish()
    office.clock.advance(days=3)
    await office.restart()

    assert (await office.sweep()).operations == 3
    assert office.asked("POST") == 1
    await assert_learned(office)


# -- what goes wrong --------------------------------------------------------------------------------------------------

OUTCOMES: list[tuple[str | ApiError, bool]] = [
    # what becomes of a request, and whether it says nothing about the session
    ("errored", True),
    ("canceled", True),
    ("expired", True),
    (ApiError(status=529), True),
    (ApiError(status=429), True),
    (ApiError(status=401), True),
    (ApiError(status=402), True),
    (ApiError(status=400), False),
    (ApiError(status=413), False),
    (ApiError(status=418, type="teapot_error"), False),
]


@pytest.mark.parametrize(("outcome", "is_outage"), OUTCOMES)
async def test_a_request_that_failed_comes_due_again(
    office: Office, outcome: str | ApiError, *, is_outage: bool
) -> None:
    """A failed request is asked again, later each time; only what is its own fault parks its session."""
    await three_say_something(office)
    for _ in range(2 * (conversations.MAX_ATTEMPTS + 1)):
        await office.sweep()
        for batch in office.running:
            (failing,) = [name for name, params in batch.params.items() if "Lisbon" in json.dumps(params)]
            await office.twin.finish_batch(batch.id, outcomes={failing: outcome})
    await office.sweep()

    assert await office.facts(BO) == ["location: Oslo"]
    assert await office.facts(ANA) == ["preferred_name: Annie"]
    ((attempts,),) = await office.rows("SELECT attempts FROM conversation WHERE channel = 'D1'")
    assert (attempts < conversations.MAX_ATTEMPTS) == is_outage
    await office.store.write(conversations_revived)
    await office.settle()
    await assert_learned(office)


async def conversations_revived(transaction: Any) -> None:
    """What a new start does."""
    await transaction.execute("UPDATE conversation SET attempts = 0, not_before = 0 WHERE learned_through = 0")


async def test_a_batch_that_expired_is_asked_again(office: Office) -> None:
    """What a day was not enough for goes out in the next batch."""
    await three_say_something(office)
    batch = await office.submitted()
    office.clock.advance(hours=24)
    await office.twin.finish_batch(batch.id, outcomes=dict.fromkeys(batch.params, "expired"))
    swept = await office.sweep()

    assert (swept.operations, swept.failures) == (0, 3)
    await office.settle()
    await assert_learned(office)


async def test_a_batch_that_never_ends_is_given_up(office: Office) -> None:
    """After a day and an hour its sessions come due again, and what it says later comes too late."""
    await three_say_something(office)
    first = await office.submitted()
    office.clock.advance(seconds=LIFE.total_seconds() - 2 * 3600)
    assert (await office.sweep()).failures == 0
    assert (await office.sweep()).failures == 3
    await office.sweep()
    await office.twin.finish_batch(first.id)
    assert (await office.sweep()).operations == 0
    await office.settle()

    await assert_learned(office)
    assert office.asked("POST") == 2


@pytest.mark.parametrize("how_many", [1, 3])
async def test_a_batch_nobody_knows_is_asked_again(office: Office, how_many: int) -> None:
    """A batch that is gone, alone or among others, sends its sessions into the next one."""
    for number in range(how_many - 1):
        await office.says(BO, f"line {number}", room(thread=str(number)))
        await office.sweep()
    await office.says(ANA, "I live in Lisbon", DIRECT)
    await office.sweep()
    del office.twin._batches.all[list(office.twin.batches)[-1]]
    swept = await office.sweep()

    assert swept.failures == 1
    await office.settle()
    assert await office.facts(ANA) == ["location: Lisbon"]
    assert await office.learned() == how_many


REPLIES = [
    Reply(text="no JSON at all"),
    Reply(text='{"operations": [{"op": "explode"}]}'),
    Reply(text='{"operations": []}', stop_reason="refusal"),
    Reply(text='{"operations": [', stop_reason="max_tokens"),
]


@pytest.mark.parametrize("reply", REPLIES, ids=["garbage", "of another shape", "refused", "cut"])
async def test_a_useless_reply_comes_due_again(office: Office, reply: Reply) -> None:
    """Nothing is learned from a reply that is none; its session is asked again, both are paid for, the others kept."""
    answers = iter([reply])
    office.twin.match(lambda body: "Lisbon" in json.dumps(body), lambda body: next(answers, None) or honest(body))
    await three_say_something(office)
    await office.submitted()
    await office.finish()
    swept = await office.sweep()

    assert (swept.operations, swept.failures) == (2, 1)
    await office.settle()
    await assert_learned(office, calls=4)


async def test_a_useless_reply_is_paid_for_once(office: Office) -> None:
    """A kill between recording what a reply cost and giving its session back does not charge for it twice."""
    office.twin.default = "no JSON at all"
    await office.restart(Fuse(14))
    await office.says(ANA, "I live in Lisbon", room())
    with pytest.raises(KilledError):
        await run(office)
    assert await office.learned() == 1
    await office.restart()
    assert (await office.sweep()).failures == 1

    assert await office.learned() == 1


TROUBLES = {
    "wrong key": Fault.json(401, {"type": "error", "error": {"type": "authentication_error", "message": "no"}}),
    "overloaded": Fault.json(529, {"type": "error", "error": {"type": "overloaded_error", "message": "no"}}),
    "too large": Fault.json(413, {"type": "error", "error": {"type": "request_too_large", "message": "no"}}),
    "no JSON": Fault(status=200, body=b"<html>", headers={"Content-Type": "text/html"}),
    "no batch": Fault.json(200, {"hello": "world"}),
    "never arrived": Fault(reset_before=True, times=2),  # a question, unlike a batch, is asked again by aiohttp
    "taken, and nobody told": Fault(reset_after=True),
}


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_batch_that_was_not_taken_is_submitted_again(office: Office, trouble: str) -> None:
    """Whatever comes of submitting, the sessions come due again and are learned once."""
    office.twin.fault("POST", BATCHES, replace(TROUBLES[trouble]))
    await three_say_something(office)
    swept = await office.sweep()

    assert (swept.sessions, swept.failures) == (3, 3)
    assert await office.rows("SELECT id FROM batch_request") == []
    await office.settle()
    await assert_learned(office)


@pytest.mark.parametrize("trouble", ["wrong key", "overloaded", "no JSON", "never arrived"])
async def test_results_wait_for_an_outage_to_end(office: Office, trouble: str) -> None:
    """While the API cannot be asked, results stay where they are, and new sessions are submitted all the same."""
    await three_say_something(office)
    batch = await office.submitted()
    await office.finish()
    office.twin.fault("GET", batch.id, replace(TROUBLES[trouble]))
    await office.says(BO, "Call me Bob", room("D2", kind="direct"))
    swept = await office.sweep()
    assert (swept.operations, swept.failures, swept.calls) == (0, 0, 1)
    office.twin.fault("GET", "results", replace(TROUBLES[trouble]))
    assert (await office.sweep()).operations == 0

    assert (await office.sweep()).operations == 3
    await office.settle()
    assert await office.facts(BO) == ["location: Oslo", "preferred_name: Bob"]
    assert await office.learned() == 4


async def test_results_that_stay_unreadable_are_given_up(office: Office) -> None:
    """Results nobody can read do not hold their sessions for ever."""
    await three_say_something(office)
    batch = await office.submitted()
    await office.finish()
    office.twin.fault("GET", f"{batch.id}/results", replace(TROUBLES["no JSON"], times=-1))
    while not (await office.sweep()).failures:
        assert office.asked("GET") < 60
    await office.settle()

    await assert_learned(office)


@pytest.mark.parametrize("trouble", ["overloaded", "no JSON", "taken, and nobody told"])
async def test_a_batch_that_cannot_be_erased_changes_nothing(office: Office, trouble: str) -> None:
    """What was learned stays learned when the provider does not erase the batch."""
    await three_say_something(office)
    batch = await office.submitted()
    await office.finish()
    office.twin.fault("DELETE", batch.id, replace(TROUBLES[trouble]))

    assert (await office.sweep()).operations == 3
    await assert_learned(office)


async def test_a_wrong_end_of_the_stream_is_no_result(office: Office) -> None:
    """Results whose connection breaks are read again, not half of them kept for all."""
    await three_say_something(office)
    batch = await office.submitted()
    await office.finish()
    rows = "".join(json.dumps(row) + "\n" for row in batch.results).encode()
    cut = Fault(status=200, body=rows[: len(rows) // 2], headers={"Content-Type": "application/x-jsonl"})
    office.twin.fault("GET", "results", cut)
    await office.sweep()
    await office.settle()

    await assert_learned(office)


# -- what happens meanwhile -------------------------------------------------------------------------------------------


async def forget(office: Office, field: str | None) -> None:
    now = office.clock.now()
    await office.store.write(partial(forgetting.forget, member=ANA.key, field=field, schema=SCHEMA, now=now))


async def happens(office: Office, event: str, message: MessageId, where: Room) -> None:
    if event.startswith("forget"):
        await forget(office, None if event.endswith("all") else "location")
    elif event == "pause":
        now = office.clock.now()
        await office.store.write(partial(members.set_consent, member=ANA.key, state="paused", now=now))
    elif event == "delete":
        await office.store.write(partial(conversations.remove, room=where, message=message))
    else:
        await office.store.write(partial(conversations.rewrite, room=where, message=message, text="I was in Lisbon"))


@pytest.mark.parametrize("has_restarted", [False, True])
@pytest.mark.parametrize("event", ["forget", "forget all", "pause", "delete", "edit"])
async def test_what_happens_while_a_batch_runs_wins(office: Office, event: str, *, has_restarted: bool) -> None:
    """A member who forgets, pauses, deletes or edits meanwhile is not overruled by the result."""
    said = await office.says(ANA, "I live in Lisbon", room())
    await office.says(BO, "I live in Oslo", room())
    await office.submitted()
    office.clock.advance(minutes=1)
    await happens(office, event, said.id, room())
    if has_restarted:
        await office.restart()
    await office.finish()
    swept = await office.sweep()

    assert (swept.operations, swept.failures) == (1, 0)
    assert (await office.facts(ANA), await office.facts(BO)) == ([], ["location: Oslo"])
    assert "Lisbon" not in repr(await office.rows("SELECT * FROM refusal"))
    assert await office.left() == []


@pytest.mark.parametrize("gone", range(3))
async def test_a_deleted_message_shifts_no_other(office: Office, gone: int) -> None:
    """A reply names messages by number: with one of them deleted, the others are still themselves."""
    texts = ["I live in Lisbon", "Call me Annie", "I work at Acme"]
    said = [await office.says(ANA, text, DIRECT) for text in texts]
    quotes = ["I live in Lisbon", "Call me Annie", "I work at Acme"]
    fields = ["location", "preferred_name", "employer"]
    office.twin.default = proposes(
        *(
            ("set", field, quote.split()[-1], f"m{number}", quote)
            for number, (field, quote) in enumerate(zip(fields, quotes, strict=True), 1)
            if field in SCHEMA.by_name
        )
    )
    await office.submitted()
    await office.store.write(partial(conversations.remove, room=DIRECT, message=said[gone].id))
    await office.finish()
    await office.sweep()

    expected = [
        f"{field}: {quote.split()[-1]}"
        for field, quote in zip(fields, quotes, strict=True)
        if field in SCHEMA.by_name and field != fields[gone]
    ]
    assert await office.facts(ANA) == sorted(expected)


async def test_a_purge_leaves_no_copy_with_the_provider(office: Office) -> None:
    """What is out when an admin purges teaches nothing, but is paid for once it ends, and erased at the provider's."""
    await office.says(ANA, "I live in Lisbon", DIRECT)
    batch = await office.submitted()
    purging = Purging(store=office.store, schema=SCHEMA, clock=office.clock)
    await purging.purge(TENANT, office.clock.now())
    await office.finish()
    await office.sweep()

    assert (await office.facts(ANA), await office.left()) == ([], [])
    assert await office.rows("SELECT tenant, member FROM usage WHERE cost > 0") == [(TENANT, "")]
    assert office.asked("DELETE", f"{BATCHES}/{batch.id}") == 1


async def test_everything_deleted_is_still_paid_for(office: Office) -> None:
    """When nothing is left of what was asked about, the tenant bears the cost, and nothing is learned."""
    said = await office.says(ANA, "I live in Lisbon", DIRECT)
    await office.submitted()
    await happens(office, "delete", said.id, DIRECT)
    await office.finish()

    assert (await office.sweep()).operations == 0
    assert await office.rows("SELECT tenant, member FROM usage WHERE cost > 0") == [(TENANT, "")]
    assert await office.rows("SELECT * FROM refusal") == []


async def test_what_is_said_meanwhile_is_learned_later_once(office: Office) -> None:
    """New messages in a room do not disturb its batch, and are learned in the next."""
    await office.says(ANA, "I live in Lisbon", DIRECT)
    await office.submitted()
    await office.says(ANA, "Call me Annie", DIRECT)
    assert (await office.sweep()).sessions == 0
    await office.finish()
    swept = await office.sweep()

    assert (swept.operations, swept.sessions) == (1, 1)
    await office.settle()
    assert await office.facts(ANA) == ["location: Lisbon", "preferred_name: Annie"]
    assert transcripts(office) == [[["I live in Lisbon"]], [["Call me Annie"]]]


def transcripts(office: Office) -> list[list[list[str]]]:
    """The texts of each session of each batch."""
    return [
        [[text for _, _, text in session] for body in batch for session in transcript(body)]
        for batch in office.requests
    ]


async def test_a_fact_is_for_those_who_could_read_it(office: Office) -> None:
    """A room that is opened to others while its batch runs does not open what was said in it before."""
    await office.says(ANA, "I live in Lisbon", PRIVATE)
    await office.submitted()
    await office.store.write(partial(conversations.classify, room=room("P1", kind="public")))
    await office.settle()
    elsewhere = partial(personas.read, member=ANA.key, at=office.clock.now(), place=room("C9").place)

    assert await office.facts(ANA) == ["location: Lisbon"]
    assert (await office.store.read(elsewhere)).facts == ()


async def test_our_replies_keep_their_place(office: Office) -> None:
    """A reply of ours counts among the numbers where the model saw it, right after its question."""
    first = await office.says(ANA, "I live in Lisbon", DIRECT)
    await office.says(ANA, "Call me Annie", DIRECT)
    answer = partial(
        conversations.append,
        room=DIRECT,
        message=MessageId("r1"),
        author=None,
        text="Noted.",
        said_at=office.clock.now(),
        reply_to=first.id,
    )
    await office.store.write(answer)
    await office.submitted()
    await office.finish()
    await office.sweep()

    assert transcripts(office) == [[["I live in Lisbon", "Noted.", "Call me Annie"]]]
    assert await office.facts(ANA) == ["location: Lisbon", "preferred_name: Annie"]


# -- what does not wait -----------------------------------------------------------------------------------------------


async def test_who_asks_to_be_learned_at_once_does_not_wait(office: Office) -> None:
    """A session that somebody wants is a call of its own; the others of the same sweep go by batch."""
    await office.asks(ANA, "Remember that I live in Lisbon", DIRECT)
    await office.says(BO, "I live in Oslo", room())
    swept = await office.sweep()

    assert (swept.sessions, swept.operations) == (2, 1)
    assert await office.facts(ANA) == ["location: Lisbon"]
    assert office.told == [Member.of(ANA.key)]
    assert (office.asked("POST", "/v1/messages"), len(office.running)) == (1, 1)
    assert await office.rows("SELECT is_batch FROM usage") == [(0,)]


async def test_a_wish_overtakes_a_batch(office: Office) -> None:
    """A wish in a room whose batch still runs is learned at once, with all before it; the others of its request too."""
    await office.says(ANA, "I live in Lisbon", room(thread="1"))
    await office.says(BO, "I live in Oslo", room(thread="2"))
    batch = await office.submitted()
    await office.asks(ANA, "Remember that I want you to call me Annie", room(thread="1"))
    office.clock.advance(seconds=1)
    swept = await office.learning.sweep()
    known = await office.facts(ANA)
    office.twin.default = lambda body: json.loads(
        json.dumps(honest(body)).replace('"value": "Lisbon"', '"value": "Porto"')
    )
    await office.finish()
    late = await office.sweep()

    assert len(batch.params) == 1
    assert (swept.sessions, swept.operations, known) == (1, 2, ["location: Lisbon", "preferred_name: Annie"])
    assert (late.operations, late.failures) == (1, 0)
    assert await office.facts(ANA) == known
    assert await office.facts(BO) == ["location: Oslo"]
    assert await office.learned() == 2
    assert await office.left() == []


async def test_an_overtaken_session_does_not_fail(office: Office) -> None:
    """When a request fails, only the sessions it still holds come due again."""
    await office.says(ANA, "I live in Lisbon", room(thread="1"))
    await office.says(BO, "I live in Oslo", room(thread="2"))
    batch = await office.submitted()
    await office.asks(ANA, "Remember to call me Annie", room(thread="1"))
    await office.learning.sweep()
    await office.twin.finish_batch(batch.id, outcomes=dict.fromkeys(batch.params, "errored"))

    assert (await office.sweep()).failures == 1
    await office.settle()
    assert await office.facts(BO) == ["location: Oslo"]


async def test_a_session_taken_at_the_last_moment_spoils_no_other(office: Office) -> None:
    """When another worker takes one session just before the result is kept, the next sweep keeps the rest of it."""

    async def taken() -> None:
        await office.store.write(partial(sessions.want, room=room(thread="1")))
        now, lease = office.clock.now(), timedelta(minutes=10)
        claim = partial(sessions.claim_due, owner="other", idle_since=now, now=now, lease=lease, most=1)
        assert len(await office.store.write(claim)) == 1

    await office.restart(Fuse(12, taken))
    await office.says(ANA, "I live in Lisbon", room(thread="1"))
    await office.says(BO, "I live in Oslo", room(thread="2"))
    await office.submitted()
    await office.finish()
    first = await office.sweep()
    known = (await office.facts(ANA), await office.facts(BO))
    office.clock.advance(minutes=5)
    second = await office.learning.sweep()

    assert (first.operations, first.failures, known) == (0, 0, ([], []))
    assert (second.operations, second.failures) == (1, 0)
    assert (await office.facts(ANA), await office.facts(BO)) == ([], ["location: Oslo"])
    await office.settle()
    assert await office.facts(ANA) == ["location: Lisbon"]


async def test_a_wish_on_the_way_into_a_batch_is_not_lost(office: Office) -> None:
    """What is wanted after a sweep took its room, and before the batch has it, is learned by the next sweep."""
    is_answered = asyncio.Event()
    office.twin.fault("POST", "/v1/messages", Fault(hold=is_answered))
    await office.says(BO, "I live in Oslo", room())
    await office.asks(ANA, "Remember that I live in Lisbon", DIRECT)

    async def beside() -> None:
        await office.twin.wait_for(lambda: office.twin.calls("/v1/messages"))
        await office.asks(BO, "Remember to call me Bob", room())
        is_answered.set()

    await asyncio.gather(office.sweep(), beside())
    swept = await office.learning.sweep()

    assert (swept.sessions, swept.operations) == (1, 2)
    assert await office.facts(BO) == ["location: Oslo", "preferred_name: Bob"]
    await office.settle()
    assert await office.facts(BO) == ["location: Oslo", "preferred_name: Bob"]


async def test_what_waits_in_a_batch_is_not_waited_for(office: Office) -> None:
    """With `PERSONA_UPDATE_EVERY=2`, sessions on their way in a batch do not hurry the next one, and are sent once."""
    office.pace = replace(office.pace, every=2)
    await office.restart()
    for number, running in enumerate([0, 1, 1, 2]):
        await office.says(ANA, f"line {number}", room(thread=str(number)))
        await office.sweep()
        assert len(office.running) == running
        assert (await office.sweep()).sessions == 0
    await office.settle()

    asked = [sorted(texts) for batch in transcripts(office) for texts in [[session[0] for session in batch]]]
    assert asked == [["line 0", "line 1"], ["line 2", "line 3"]]
    assert office.asked("POST", "/v1/messages") == 0


# -- beginning and ending ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["direct", "batch"])
async def test_the_setting_decides(database: Path, clock: StillClock, mode: str) -> None:
    """`LEARN_MODE` says whether what is idle goes out as a batch or as a call."""
    async with AnthropicTwin() as twin:
        twin.default = honest
        chosen = settings.load(
            anthropic_api_key=SecretStr("test-key"),
            anthropic_base_url=twin.url,
            database_url=f"sqlite:///{database}",
            learn_mode=mode,
        )
        async with wiring.open_core(chosen, clock=clock, default="on") as core:
            said = Message(id=MessageId("1"), room=room(), author=ANA, text="I live in Lisbon", said_at=clock.now())
            await core.store.write(partial(inbox.accept, message=said, now=clock.now()))
            clock.advance(hours=1)
            await core.learning.sweep()

        assert [call.path for call in twin.ledger] == [{"direct": "/v1/messages", "batch": BATCHES}[mode]]


async def test_going_back_to_calls_collects_what_is_out(office: Office) -> None:
    """With `LEARN_MODE=direct` again, batches that run are still collected, and nothing more is submitted."""
    await three_say_something(office)
    await office.submitted()
    office.pace = replace(office.pace, by_batch=False)
    await office.restart()
    await office.says(BO, "Call me Bob", room("D2", kind="direct"))
    direct = await office.sweep()
    await office.finish()
    collected = await office.sweep()

    assert (direct.operations, collected.operations) == (1, 3)
    assert (office.asked("POST"), office.asked("POST", "/v1/messages")) == (1, 1)


async def test_requests_nobody_asks_for_are_erased(office: Office) -> None:
    """Once results can be read no more, what waited for them is erased, such as after the key was taken away."""
    await three_say_something(office)
    await office.sweep()
    erase = partial(retention.erase_old, message_life=timedelta(days=3))
    early = await office.store.write(partial(erase, now=office.clock.now() + timedelta(days=28)))
    late = await office.store.write(partial(erase, now=office.clock.now() + timedelta(days=30)))

    assert (early, late) == (0, 3)
