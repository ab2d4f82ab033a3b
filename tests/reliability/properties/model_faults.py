"""B16: whatever a language model does wrong, a member gets an answer or an honest note, and nothing false is learned.

The real SDK asks the twin of the Messages API, for answers in Slack threads and for updates from their sessions.
Silence is ended by short deadlines here; that the ones it ships with end a call within 120 s is a test of its own.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from adapters.slack import host
from bot import settings, wiring
from bot.models.anthropic import AnthropicModel, Deadlines
from tests.clock import StillClock
from tests.journeys.worlds import SlackWorld, is_update, learns, world
from tests.reliability.faults import CUTOFF, LOUD, PARTIAL, SILENT, Fault
from tests.reliability.plain import rows
from tests.reliability.prop import Property, Report, Trial
from tests.twins.anthropic import Reply

PATIENT = Deadlines(whole=60.0, silence=60.0)
HASTY = Deadlines(whole=1.0, silence=0.3)
KEY = base64.urlsafe_b64encode(bytes(32)).decode()
MOST_WAITED_S = 20.0
"""With the hundred seconds that all calls for an answer may take, it comes within 120."""
NOTE = "(reference "
SAYS = "I live in Lisbon"


class _Waits:
    """The workspace's clock, which moves for whoever waits, and beside it what the model alone has waited."""

    def __init__(self, clock: StillClock) -> None:
        self._clock = clock
        self.total_s = 0.0

    def now(self) -> datetime:
        return self._clock.now()

    async def sleep(self, seconds: float) -> None:
        self.total_s += seconds
        await self._clock.sleep(seconds)


@dataclass(slots=True, kw_only=True)
class _Bench:
    """A workspace in which the model does what it is told to."""

    trial: Trial
    slack: SlackWorld
    report: Report
    answer: Reply | str = "An answer."
    faulted: dict[str, str] = field(default_factory=dict)
    """What was asked under which fault, by post."""
    longest_s: float = 0.0
    """Between two tries of one answer, together: the most a member waited besides the calls themselves."""
    counts: Counter[str] = field(default_factory=Counter)
    waits: _Waits = field(init=False)

    def __post_init__(self) -> None:
        self.waits = _Waits(self.slack.clock)
        self.slack.claude.default = lambda _: self.answer
        self.heal()

    def heal(self) -> None:
        """Let the model answer, and propose what there is to learn."""
        self.answer = "An answer."
        learns(self.slack.claude, ("set", "location", "Lisbon", SAYS))

    @asynccontextmanager
    async def running(self, deadlines: Deadlines) -> AsyncIterator[None]:
        values = {name.lower(): value for name, value in self.slack.environment().items()}
        given: dict[str, Any] = {"database_url": self.trial.url, "persona_consent": "on", "sweep_every": "1d"}
        if self.trial.engine == "postgres":
            given["persona_key"] = KEY
        loaded = settings.load(**{**values, **given})
        model = AnthropicModel(
            key="test-key",
            base_url=self.slack.claude.url,
            answer_model=loaded.anthropic_model,
            persona_model=loaded.persona_model,
            clock=self.waits,
            deadlines=deadlines,
        )
        async with (
            wiring.open_core(loaded, clock=self.slack.clock, model=model) as core,
            host.connected(core),
            core.working(),
        ):
            self.slack.core = core
            await self.slack.twin.connected()
            yield

    @property
    def asked(self) -> int:
        return len(self.slack.claude.calls("/v1/messages"))

    async def operations(self) -> int:
        """How much is learned by now."""
        ((number,),) = await rows(self.trial.url, "SELECT count(*) FROM operation")
        return int(number)

    async def answers(self, name: str, fault: Fault) -> str:
        """Ask under a fault, then once more without; returns the thread."""
        self.answer, before, began_s = fault.answer(), self.asked, self.waits.total_s
        post = await self.slack.says("Ana", SAYS)
        await self.slack.answered(post)
        self.faulted[post] = name
        waited_s = self.waits.total_s - began_s
        self.longest_s = max(self.longest_s, waited_s)
        if waited_s > MOST_WAITED_S:
            self.report.faults.append(f"{name}: a member waited {waited_s:.0f} s")
        self._judge_tries(name, fault, self.asked - before, "an answer")
        self.heal()
        self.slack.pass_time(minutes=2)
        again = await self.slack.says("Ana", "And now?")
        if (shown := await self.slack.answered(again)) != "An answer.":
            self.report.faults.append(f"after {name} the model was well, and a member got {shown!r}")
        return post

    async def updates(self, name: str, fault: Fault) -> None:
        """Let a session be learned under a fault, then without."""
        reply = (fault.update or fault.answer)()
        self.slack.claude.match(is_update, reply)
        self.slack.pass_time(minutes=31)
        learned, before = await self.operations(), self.asked
        await self.slack.core.learning.sweep()
        self._judge_tries(name, fault, self.asked - before, "an update")
        if (now := await self.operations()) != learned:
            self.report.faults.append(f"{name}: {now - learned} operations were learned from a failed update")
        self.heal()
        self.slack.pass_time(minutes=31)
        await self.slack.core.learning.sweep()
        if await self.operations() != learned + 1:
            self.report.faults.append(f"{name}: what waited was not learned afterwards")

    def _judge_tries(self, name: str, fault: Fault, tries: int, what: str) -> None:
        self.counts["requests"] += tries
        if not 1 <= tries <= fault.tries:
            self.report.faults.append(f"{name}: {what} took {tries} requests instead of up to {fault.tries}")

    def judge_posts(self, table: dict[str, Fault]) -> None:
        """Each question shows one answer or one note, and no part of an answer."""
        for post, name in self.faulted.items():
            shown = self.slack.replies(post)
            self.counts["answered" if table[name].is_answered else "noted"] += 1
            if len(shown) != 1:
                self.report.faults.append(f"{name}: {post} shows {len(shown)} replies")
            text = "\n".join(shown)
            is_right = text.startswith(CUTOFF) and "I stopped here" in text if table[name].is_answered else NOTE in text
            if not is_right:
                self.report.faults.append(f"{name}: {post} shows {text[:80]!r}")
        if any(PARTIAL.split()[0] in text for text in self.slack.posted()):
            self.report.faults.append("part of an answer is left standing")


async def _run(trial: Trial) -> Report:
    report = Report()
    async with world("slack", trial.folder) as slack:
        assert isinstance(slack, SlackWorld)
        bench = _Bench(trial=trial, slack=slack, report=report)
        order = [name for name in LOUD for _ in range(trial.size["per_fault"])]
        trial.chance("order").shuffle(order)
        async with bench.running(PATIENT):
            for name in order:
                await bench.answers(name, LOUD[name])
                await bench.updates(name, LOUD[name])
        async with bench.running(HASTY):
            await _silence(bench, trial.size["per_silence"])
        bench.judge_posts({**LOUD, **SILENT})
    await _judge_rows(trial, report)
    report.figures |= {"faults": len(LOUD) + len(SILENT), **bench.counts, "operations": await bench.operations()}
    report.figures["longest_pause_s"] = round(bench.longest_s, 1)
    return report


async def _silence(bench: _Bench, times: int) -> None:
    """Ask all at once under faults that only a deadline ends; then let one session at a time be learned under them."""
    slack = bench.slack
    for name, fault in SILENT.items():
        slack.pass_time(minutes=2)
        bench.answer = fault.answer()
        posts = [await slack.says("Ana", SAYS) for _ in range(times)]
        for post in posts:
            await slack.answered(post)
            bench.faulted[post] = name
        bench.heal()
        slack.pass_time(minutes=2)
        await slack.answered(await slack.says("Ana", "And now?"))
        learned = await bench.operations()
        slack.claude.match(is_update, (fault.update or fault.answer)())
        slack.pass_time(minutes=31)
        await slack.core.learning.sweep()
        if await bench.operations() != learned:
            bench.report.faults.append(f"{name}: something was learned from silence")
        bench.heal()
        slack.pass_time(minutes=31)
        await slack.core.learning.sweep()
        if await bench.operations() != learned + times:
            bench.report.faults.append(f"{name}: what waited was not learned afterwards")


async def _judge_rows(trial: Trial, report: Report) -> None:
    """Nothing is left open, parked or unlearned in the database."""
    for what, sql in {
        "messages are not settled": "SELECT count(*) FROM inbox WHERE settled_at IS NULL",
        "messages ended in neither an answer nor a note": (
            "SELECT count(*) FROM inbox WHERE state NOT IN ('answered', 'failed')"
        ),
        "sessions are parked": "SELECT count(*) FROM conversation WHERE attempts >= 5",
    }.items():
        ((number,),) = await rows(trial.url, sql)
        if number:
            report.faults.append(f"{number} {what}")


PROPERTY = Property(
    name="model_faults",
    reference="B16",
    promise="Whatever a model does wrong, a member gets an answer or a note, and nothing of it is learned.",
    run=_run,
    quick={"per_fault": 1, "per_silence": 2},
    full={"per_fault": 100, "per_silence": 25},
)
