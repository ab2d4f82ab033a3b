"""Budgets: learning waits first, answers last, nobody passes one by more than a call, and no crash resets it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from bot import budgets, money, prices
from bot.budgets import LEARNING_SHARE, MAX_UPDATE_BYTES
from bot.lanes import MAX_RUNNING_OF_ONE
from bot.messages import Member
from bot.prompt import Prompt
from bot.store import usage
from persona.optimizer import MAX_TOKENS
from persona.ports import Usage
from tests.bot.commands.members import ANA, BEN, everything
from tests.bot.desk import TENANT, room
from tests.bot.hall import Dear, Hall
from tests.bot.office import Office
from tests.bot.talk import LISBON
from tests.clock import NOON, StillClock
from tests.models import ScriptedModel

CENTS = 10_000


class Slow(Dear):
    """A dear model whose first answer takes until a second one is asked for, and which counts how many run."""

    def __init__(self, *, tokens: int) -> None:
        super().__init__(tokens=tokens)
        self.running = self.most = 0
        self._has_company = asyncio.Event()

    async def answer(self, prompt: Prompt) -> AsyncIterator[str | Usage]:
        self.running += 1
        self.most = max(self.most, self.running)
        if self.running > 1:
            self._has_company.set()
        async with asyncio.timeout(10):
            await self._has_company.wait()
        async for piece in super().answer(prompt):
            yield piece
        self.running -= 1


class Stalled(ScriptedModel):
    """Answers "Hello" to nobody before it is let go on, and counts how many of those wait at once."""

    def __init__(self) -> None:
        super().__init__()
        self.running = self.most = 0
        self._go_on = asyncio.Event()

    async def answer(self, prompt: Prompt) -> AsyncIterator[str | Usage]:
        if prompt.question.text == "Hello":
            self.running += 1
            self.most = max(self.most, self.running)
            await self._go_on.wait()
            self.running -= 1
        async for piece in super().answer(prompt):
            yield piece

    async def answers_beside(self, hall: Hall) -> None:
        """Wait for the answer to somebody else, then let everybody have theirs."""
        await hall.accepts(BEN, "Anybody?", room("Q1"))
        async with asyncio.timeout(10):
            await hall.core.lanes.drained("slack:T1/Q1")
        assert [posted for posted, _ in hall.slack.posted] == [room("Q1")]
        self._go_on.set()
        await hall.core.lanes.drained()


async def spent(hall: Hall) -> int:
    since, _ = budgets.month_of(hall.clock.now())
    return await hall.store.read(partial(usage.spent, tenant=TENANT, since=since))


@pytest.fixture
async def hall(database: Path, clock: StillClock) -> AsyncIterator[Hall]:
    """A workspace with a dollar a month, in which each call costs five cents."""
    async with Hall.opened(database, clock, Dear(), monthly_budget="1.00") as hall:
        yield hall


async def spend(hall: Hall, calls: int) -> None:
    for _ in range(calls):
        assert (await hall.says(ANA, "Hello")).startswith("Answer")


async def test_learning_waits_at_four_fifths(hall: Hall) -> None:
    """From 80 % on nothing is learned and answers go on; what waited is learned in the next month."""
    await hall.says(ANA, "I live in Lisbon", room("C2"))
    await spend(hall, 15)
    waits = await hall.learns()
    calls = len(hall.model.requests)
    await spend(hall, 1)
    shown = everything(await hall.rules("budgets"))
    hall.clock.advance(hours=24 * 30)
    hall.model.updates.append(LISBON)
    done = await hall.learns()

    assert (waits.calls, waits.failures > 0, calls) == (0, True, 0)
    assert "Learning waits until 2026-12-01" in shown
    assert done.calls > 0


async def test_answers_stop_when_it_is_used_up(hall: Hall) -> None:
    """At 100 % a member gets one honest sentence that says when it goes on, and no model is asked."""
    await spend(hall, 20)
    asked = len(hall.model.prompts)
    reply = await hall.says(ANA, "Hello?")

    assert "used up here, so I have no answer. I go on 2026-12-01 (UTC), or as soon as an admin raises it." in reply
    assert len(hall.model.prompts) == asked
    assert await spent(hall) == 100 * CENTS
    assert "Answers and learning wait until 2026-12-01" in everything(await hall.rules("budgets"))


async def test_it_goes_on_next_month(hall: Hall) -> None:
    """A new month begins with nothing spent."""
    await spend(hall, 20)
    hall.clock.advance(hours=24 * 31)

    await spend(hall, 1)


async def test_commands_cost_nothing(hall: Hall) -> None:
    """With nothing left members still see and forget what is kept of them, and a greeting is no call."""
    await spend(hall, 20)

    assert (await hall.asks(ANA, "show")).text
    assert (await hall.says(ANA, "")).startswith("Hi!")


async def test_a_restart_resets_nothing(database: Path, clock: StillClock) -> None:
    """What was spent is what the usage rows add up to, in the next process too."""
    async with Hall.opened(database, clock, Dear(), monthly_budget="1.00") as hall:
        await spend(hall, 20)
    async with Hall.opened(database, clock, Dear(), monthly_budget="1.00") as hall:
        assert "used up" in await hall.says(ANA, "Hello?")
        assert hall.model.prompts == []


async def test_another_tenant_has_its_own(hall: Hall) -> None:
    """The installation's budget is for each tenant."""
    await spend(hall, 20)

    assert (await hall.says(BEN, "Hello", room(tenant="slack:T2"))).startswith("Answer")


@pytest.mark.parametrize("tokens", [1_000, 20_000, 40_000])
async def test_many_at_once_pass_it_by_a_call_at_most(database: Path, clock: StillClock, tokens: int) -> None:
    """However many rooms ask at the same moment, at most one call ends beyond the budget; none is starved."""
    model = Slow(tokens=tokens)
    cost, rooms, limit = tokens * 2, 40, 100 * CENTS
    async with Hall.opened(database, clock, model, monthly_budget="1.00") as hall:
        for _ in range(3):
            for number in range(rooms):
                await hall.accepts(ANA, "Hello", room(f"C{number}"))
            await hall.core.lanes.drained()

        total = await spent(hall)
        assert min(limit, cost * 3 * rooms) <= total < limit + cost
        assert len(hall.slack.posted) == 3 * rooms
    assert model.most > 1


async def test_the_lower_of_two_holds(hall: Hall) -> None:
    """An admin can set less than the installation, and not more."""
    less, more, none = [await hall.rules(f"budget {amount}") for amount in ("0.50", "20", "none")]

    assert "$0.00 of $0.50" in less.text
    assert "$0.00 of $1.00" in more.text
    assert "which is lower" in more.text
    assert "$0.00 of $1.00" in none.text


async def test_an_admins_budget_holds_at_once(database: Path, clock: StillClock) -> None:
    """Where the installation has none, a tenant may have its own, and take it away again."""
    async with Hall.opened(database, clock, Dear()) as hall:
        await spend(hall, 2)
        await hall.rules("budget 0.10")
        assert "used up" in await hall.says(ANA, "Hello?")
        assert "no budget any more" in (await hall.rules("budget none")).text

        await spend(hall, 1)


async def test_budgets_shows_what_was_spent_on_what(hall: Hall) -> None:
    """By purpose, as soon as there are enough members that none of them is meant."""
    for number in range(5):
        await hall.says(Member(tenant=TENANT, id=f"M{number}"), "Hello", room(f"C{number}"))
    await hall.learns()
    shown = everything(await hall.rules("budgets"))

    assert "answers: $0.25 5 calls" in shown
    assert "learning: $0.05" in shown
    assert "tidying: nothing" in shown


async def test_a_model_without_a_price_is_told(database: Path, clock: StillClock) -> None:
    """What cannot be counted is not counted, and the view says so."""
    async with Hall.opened(database, clock, monthly_budget="1.00") as hall:
        await spend(hall, 3)

        assert "What has no price known to me is not counted" in (await hall.rules("budgets")).text


async def test_batches_count_before_they_are_paid(database: Path, clock: StillClock) -> None:
    """What is out in a batch counts as the most it can cost: what has no room beside it goes out later."""
    async with Office.opened(database, clock) as office:
        most = prices.most("claude-haiku-5-5", max_bytes=MAX_UPDATE_BYTES, max_tokens=MAX_TOKENS, is_batch=True)
        office.monthly = round(1.5 * most / LEARNING_SHARE)
        await office.restart()
        for number in range(3):
            await office.says(ANA, f"I live in Town{number}", room(f"P{number}", kind="private"))
        swept = [await office.sweep() for _ in range(2)]
        await office.finish()
        later = [await office.sweep() for _ in range(2)]

        assert [one.calls for one in swept] == [2, 0]
        assert sum(one.calls for one in later) == 1


# -- a member's own ---------------------------------------------------------------------------------------------------


@pytest.fixture
async def frugal(database: Path, clock: StillClock) -> AsyncIterator[Hall]:
    """A workspace in which each call costs five cents, and the answers to one member at most twenty a day."""
    async with Hall.opened(database, clock, Dear(), member_daily_budget="0.20") as hall:
        yield hall


async def test_a_member_has_a_share_of_the_day(frugal: Hall) -> None:
    """Whoever used up theirs gets one honest sentence that says when it goes on; others are answered as before."""
    await spend(frugal, 4)
    asked = len(frugal.model.prompts)
    refused = await frugal.says(ANA, "Hello?")
    other = await frugal.says(BEN, "Hello?")

    assert "Your share of answers is used up for today. I go on 2026-11-23 at 00:00 (UTC)." in refused
    assert other.startswith("Answer")
    assert len(frugal.model.prompts) == asked + 1


async def test_a_members_share_comes_back_with_the_day(frugal: Hall) -> None:
    """At midnight UTC the next day begins with nothing spent."""
    await spend(frugal, 4)
    frugal.clock.advance(hours=12)

    await spend(frugal, 4)


async def test_a_members_share_is_of_one_tenant(frugal: Hall) -> None:
    """What was spent in one workspace is not missing in another."""
    await spend(frugal, 4)

    assert (await frugal.says(ANA, "Hello", room(tenant="slack:T2"))).startswith("Answer")


async def test_what_is_learned_of_a_member_is_not_of_their_share(frugal: Hall) -> None:
    """Learning is paid for by the tenant: a member who said much is not left without answers for it."""
    await frugal.says(ANA, "I live in Lisbon")
    for _ in range(5):
        await frugal.learns()
        await frugal.says(BEN, "Hello")

    await spend(frugal, 3)


async def test_a_restart_leaves_a_members_share_as_it_is(database: Path, clock: StillClock) -> None:
    """What was spent on a member is what the usage rows add up to, in the next process too."""
    async with Hall.opened(database, clock, Dear(), member_daily_budget="0.20") as hall:
        await spend(hall, 4)
    async with Hall.opened(database, clock, Dear(), member_daily_budget="0.20") as hall:
        assert "used up for today" in await hall.says(ANA, "Hello?")
        assert hall.model.prompts == []


async def test_a_members_burst_passes_their_share_by_a_call_at_most(database: Path, clock: StillClock) -> None:
    """However many rooms one member asks in at the same moment, at most one call ends beyond their share."""
    cost, limit = 2_000 * 2, 20 * CENTS
    async with Hall.opened(database, clock, Dear(tokens=2_000), member_daily_budget="0.20") as hall:
        for _ in range(3):
            for number in range(40):
                await hall.accepts(ANA, "Hello", room(f"C{number}"))
            await hall.core.lanes.drained()

        assert limit <= await spent(hall) < limit + cost
        assert len(hall.slack.posted) == 120


@pytest.mark.parametrize("is_restarted", [False, True])
async def test_a_members_burst_leaves_room_for_others(database: Path, clock: StillClock, *, is_restarted: bool) -> None:
    """While a member waits for answers in a hundred rooms, others are asked for at once; after a restart as well."""
    model = Stalled()
    async with Hall.opened(database, clock, model) as hall:
        if is_restarted:
            await hall.core.lanes.drain()  # from here on only stored
        for number in range(100):
            await hall.accepts(ANA, "Hello", room(f"C{number}"))
        if not is_restarted:
            await model.answers_beside(hall)
    if is_restarted:
        async with Hall.opened(database, clock, model) as hall:
            await hall.core.intake.recover()
            await model.answers_beside(hall)

    assert model.most == MAX_RUNNING_OF_ONE


# -- months and amounts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "begin", "end"),
    [
        (NOON, datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)),
        (
            datetime(2026, 12, 31, 23, 59, tzinfo=UTC),
            datetime(2026, 12, 1, tzinfo=UTC),
            datetime(2027, 1, 1, tzinfo=UTC),
        ),
        (datetime(2028, 2, 29, tzinfo=UTC), datetime(2028, 2, 1, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)),
    ],
)
def test_a_month(moment: datetime, begin: datetime, end: datetime) -> None:
    """A month is one of the calendar, in UTC."""
    assert budgets.month_of(moment) == (begin, end)


@pytest.mark.parametrize(
    ("typed", "amount"),
    [("50", 50_000_000), ("$20", 20_000_000), ("7.5", 7_500_000), ("7,50", 7_500_000), ("0.01", CENTS)],
)
def test_an_amount_as_people_write_it(typed: str, amount: int) -> None:
    """Dollars, with or without cents and their sign."""
    assert money.micros(typed) == amount
