"""B17: an outage is asked about rarely, no budget is passed by more than a call, and nobody crowds others out.

Three stories, each on what the one before left: members ask through an outage while sessions wait to be learned; a
member floods as many rooms as they like, with others beside them; and a flood meets its budget, with restarts between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.core import Core
from bot.messages import Member, Message, MessageId, Room, TenantId
from tests.bot.desk import Paper
from tests.clock import StillClock
from tests.journeys.worlds import is_update
from tests.reliability import paper
from tests.reliability.plain import rows
from tests.reliability.prop import Property, Report, Trial
from tests.twins.anthropic import AnthropicTwin, ApiError, Reply

TENANT = TenantId("slack:T1")
MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)
DOWN = Reply(error=ApiError(status=529))

MOST_PROBES = 4
"""In any minute of an outage, once it is known to be one."""
BACK_WITHIN = timedelta(seconds=30)
KNOWN_AFTER = 6
"""Requests for answers that fail in a row before that."""
SPARED_AFTER = 3
"""Of them, those after which nothing is asked for an update any more."""

ROOMS_AT_ONCE = 64
OF_ONE_MEMBER = 8
SLOWER = 1.10

CALL = 50_000
"""What a call costs here, in micro-dollars: five cents."""
MEMBER_CAP = 20 * CALL
TENANT_CAP = 200 * CALL


@dataclass(slots=True, kw_only=True)
class _Bench:
    trial: Trial
    claude: AnthropicTwin
    clock: StillClock
    report: Report
    core: Core | None = None
    said: int = 0
    asked_at: list[tuple[datetime, bool]] = field(default_factory=list)
    """When each request came, and whether it was for an update."""

    def member(self, number: int) -> Member:
        return Member(tenant=TENANT, id=f"U{number}")

    async def accepts(self, member: Member, channel: str, text: str = "Hello?") -> None:
        assert self.core is not None
        self.said += 1
        room = Room(tenant=TENANT, channel=channel, kind="private")
        message = Message(id=MessageId(f"{self.said}.0"), room=room, author=member, text=text, said_at=self.clock.now())
        await self.core.intake.accept(message)

    async def asks(self, member: Member, channel: str, text: str = "Hello?") -> str:
        """Ask, and wait for what comes."""
        assert self.core is not None
        await self.accepts(member, channel, text)
        await self.core.lanes.drained()
        return self.replies[-1]

    @property
    def replies(self) -> list[str]:
        """Everything that was shown since the start."""
        assert self.core is not None
        shown = self.core.adapters["slack"]
        assert isinstance(shown, Paper)
        return [text for _, text in shown.posted]

    def answering(self, reply: Callable[[], Reply | str]) -> None:
        """Answer every request so, and take down when it came."""

        def note(body: dict[str, Any]) -> Reply | str:
            for_update, answer = is_update(body), reply()
            self.asked_at.append((self.clock.now(), for_update))
            return '{"operations": []}' if for_update and isinstance(answer, str) else answer

        self.claude.default = note

    def fault(self, what: str) -> None:
        self.report.faults.append(what)


async def _run(trial: Trial) -> Report:
    report = Report()
    async with AnthropicTwin() as claude:
        bench = _Bench(trial=trial, claude=claude, clock=StillClock(MIDNIGHT), report=report)
        async with paper.opened(trial, claude, bench.clock) as bench.core:
            await _outage(bench)
            await _crowd(bench)
        await _flood(bench)
    return report


# -- an outage --------------------------------------------------------------------------------------------------------


async def _outage(bench: _Bench) -> None:
    """Ten minutes without a model: somebody asks every three seconds, and every minute something could be learned."""
    assert bench.core is not None
    bench.answering(lambda: "An answer.")
    for number in range(bench.trial.size["sessions"]):
        await bench.asks(bench.member(number), f"L{number}", "I live in Lisbon")
    bench.clock.advance(hours=1)
    bench.asked_at.clear()
    bench.answering(lambda: DOWN)
    began, minutes = bench.clock.now(), timedelta(minutes=bench.trial.size["minutes"])
    step = 0
    while bench.clock.now() - began < minutes:
        shown = await bench.asks(bench.member(step % bench.trial.size["members"]), f"C{step}")
        if "Please ask again" not in shown or "(reference " not in shown:
            bench.fault(f"in an outage a member got {shown[:80]!r}")
        if step % 20 == 0:
            await bench.core.learning.sweep()
        bench.clock.advance(seconds=3)
        step += 1
    _judge_probes(bench)
    await _judge_return(bench)


def _judge_probes(bench: _Bench) -> None:
    answers = [moment for moment, for_update in bench.asked_at if not for_update]
    known = answers[KNOWN_AFTER - 1]
    after = [moment for moment, _ in bench.asked_at if moment > known]
    most = max(sum(begin <= moment < begin + timedelta(minutes=1) for moment in after) for begin in after)
    bench.report.figures |= {"outage_requests": len(bench.asked_at), "most_probes_a_minute": most}
    if most > MOST_PROBES:
        bench.fault(f"{most} requests in a minute of the outage")
    updates = [moment for moment, for_update in bench.asked_at if for_update and moment > answers[SPARED_AFTER - 1]]
    if updates:
        bench.fault(f"{len(updates)} updates were asked for while answers failed")


async def _judge_return(bench: _Bench) -> None:
    """The model is back: so are answers, soon, and then everything that waited is learned."""
    assert bench.core is not None
    ended = bench.clock.now()
    bench.answering(lambda: "An answer.")
    while await bench.asks(bench.member(0), f"E{bench.said}") != "An answer.":
        bench.clock.advance(seconds=2)
        if bench.clock.now() - ended > BACK_WITHIN:
            bench.fault("half a minute after the outage members still get no answers")
            break
    bench.report.figures["back_after_s"] = round((bench.clock.now() - ended).total_seconds())
    bench.clock.advance(hours=2)
    for _ in range(50):
        await bench.core.learning.sweep()
        bench.clock.advance(minutes=1)
    sql = "SELECT count(*) FROM conversation WHERE learned_through < last_position OR attempts > 0"
    ((waiting,),) = await rows(bench.trial.url, sql)
    if waiting:
        bench.fault(f"{waiting} sessions are still not learned after the outage")


# -- a crowd ----------------------------------------------------------------------------------------------------------


async def _crowd(bench: _Bench) -> None:
    """Others ask with and without a member beside them who floods: how many rounds of the model does an answer take."""
    alone = await _rounds(bench, "A", greedy=0)
    beside = await _rounds(bench, "B", greedy=bench.trial.size["flood"])
    bench.report.figures["slower_percent"] = round((beside / alone - 1) * 100, 1)
    if beside > alone * SLOWER:
        bench.fault(f"a greedy member makes others wait {beside:.2f} rounds instead of {alone:.2f}")


async def _rounds(bench: _Bench, name: str, *, greedy: int) -> float:
    """How many rounds an answer takes on average, where the model finishes at once all that it was asked so far."""
    assert bench.core is not None
    held: list[tuple[bool, asyncio.Event]] = []

    async def hold(body: dict[str, Any]) -> str:
        is_greedy = body["messages"][-1]["content"][-1]["text"].endswith("More!")
        held.append((is_greedy, go_on := asyncio.Event()))
        await bench.claude.changed()
        await go_on.wait()
        return "An answer."

    bench.claude.default = hold
    for number in range(greedy):
        await bench.accepts(bench.member(1_000), f"{name}G{number}", "More!")
    others = 3 * bench.trial.size["members"]
    for number in range(others):
        await bench.accepts(bench.member(number // 3), f"{name}{number}")
    waited, left, left_greedy, number = 0, others, greedy, 0
    while left:
        number += 1
        expected = min(ROOMS_AT_ONCE, left + min(OF_ONE_MEMBER, left_greedy))
        await bench.claude.wait_for(lambda most=expected: len(held) >= most)  # type: ignore[misc]  # bound at once
        served = [is_greedy for is_greedy, _ in held]
        waited += number * served.count(False)
        left -= served.count(False)
        left_greedy -= served.count(True)
        going, held[:] = list(held), []
        for _, go_on in going:
            go_on.set()
    bench.claude.default = "An answer."
    for _, go_on in held:
        go_on.set()
    await bench.core.lanes.drained()
    return waited / others


# -- a flood ----------------------------------------------------------------------------------------------------------


async def _flood(bench: _Bench) -> None:
    """One member asks without end, then everybody does; Rapport is started anew in between, and nothing is reset."""
    bench.clock.advance(days=20)  # into a month in which nothing was spent
    bench.claude.default = Reply(text="An answer.", usage={"input_tokens": 25_000, "output_tokens": 0})
    budgets = {"monthly_budget": f"{TENANT_CAP / 1e6:.2f}", "member_daily_budget": f"{MEMBER_CAP / 1e6:.2f}"}
    began = round(bench.clock.now().timestamp() * 1e6)
    greedy = bench.member(1_000)
    for start in range(2):
        async with paper.opened(bench.trial, bench.claude, bench.clock, **budgets) as bench.core:
            for number in range(bench.trial.size["flood"] // 2):
                await bench.accepts(greedy, f"F{start}x{number}", "More!")
            await bench.core.lanes.drained()
    async with paper.opened(bench.trial, bench.claude, bench.clock, **budgets) as bench.core:
        first = await _asked_by_everybody(bench, "first")
        if "used up" in "".join(first):
            bench.fault("others went without an answer for what one member spent")
        await _judge_spent(bench, f"member = '{greedy.id}'", MEMBER_CAP, began=began)
        while "An answer." in (last := await _asked_by_everybody(bench, f"later{bench.said}")):
            pass
        if not all("budget for this month is used up" in text for text in last):
            bench.fault("beyond the budget a member got neither an answer nor the reason")
        await _judge_spent(bench, "1 = 1", TENANT_CAP, began=began)


async def _asked_by_everybody(bench: _Bench, name: str) -> list[str]:
    assert bench.core is not None
    before = len(bench.replies)
    for number in range(bench.trial.size["members"]):
        await bench.accepts(bench.member(number), f"{name}{number}")
    await bench.core.lanes.drained()
    return bench.replies[before:]


async def _judge_spent(bench: _Bench, whose: str, cap: int, *, began: int) -> None:
    sql = f"SELECT sum(cost) FROM usage WHERE tenant = '{TENANT}' AND used_at >= {began} AND {whose}"  # noqa: S608 - ours
    ((spent,),) = await rows(bench.trial.url, sql)
    name = "member" if cap == MEMBER_CAP else "tenant"
    bench.report.figures[f"{name}_spent_percent"] = round(spent * 100 / cap)
    if not cap <= spent < cap + CALL * 1.2:
        bench.fault(f"{spent} micro-dollars were spent of the {cap} of a {name}")


PROPERTY = Property(
    name="budget",
    reference="B17",
    promise="An outage costs four requests a minute, a budget is passed by a call at most, nobody crowds others out.",
    run=_run,
    quick={"members": 30, "minutes": 4, "sessions": 5, "flood": 60},
    full={"members": 50, "minutes": 120, "sessions": 50, "flood": 1_000},
)
