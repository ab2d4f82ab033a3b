"""B4: acknowledgements stay quick while the model takes half a minute, and what waits stays bounded."""

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from bot.lanes import MAX_WAITING
from tests.journeys.processes import Process, python
from tests.reliability import tables
from tests.reliability.pacing import milliseconds, paced
from tests.reliability.prop import Figure, Property, Report, Trial
from tests.twins.anthropic import AnthropicTwin, Reply
from tests.twins.slack import SlackTwin

ROOMS = 40
QUEUE_LIMIT = ROOMS * (MAX_WAITING + 2)
"""What waits in every room behind the one being answered, and one in each that is being turned away."""
HARDEST_MS = 2_500.0
"""Slack gives up after 3,000."""
STEADY_P99_MS, BURST_P99_MS, LAG_P99_MS = 150.0, 1_000.0, 50.0
"""Judged at full size alone: a machine that others use as well is late for reasons of its own."""
SETTLED_S = 120.0
KEY = base64.urlsafe_b64encode(bytes(32)).decode()

_HOG = "while True: pass"
_OPEN = "SELECT count(*) FROM inbox WHERE settled_at IS NULL"
_ALL = "SELECT count(*) FROM inbox"


async def run(trial: Trial) -> Report:
    """Let members write steadily, then in a burst; judge by what Slack saw, the loop said, and the inbox holds."""
    size = trial.size
    async with AsyncExitStack() as running:
        model = await running.enter_async_context(_Slow(size["model_s"]))
        slack = await running.enter_async_context(SlackTwin())
        for number in range(ROOMS):
            slack.member(f"U{number}", f"Member {number}")
            slack.channel(f"D{number}", "", kind="im", members=[f"U{number}"])
        lags = trial.folder / "lags.json"
        for _ in range(size["hogs"]):
            await running.enter_async_context(_hog())
        process = await running.enter_async_context(_rapport(trial, slack, model, str(lags)))
        await slack.connected(timeout_s=30)
        seen = _Seen(slack, trial.url)
        steady = await seen.during(size["steady"], per_second=size["per_second"])
        burst = await seen.during(size["burst"], per_second=size["burst"])
        model.release()
        settled = await seen.settled(size["steady"] + size["burst"])
        process.stop()
        await process.ended()
    late = json.loads(lags.read_text("ascii"))
    report = Report(
        figures={
            "acks": len(steady) + len(burst),
            "steady_p99_ms": milliseconds(steady, 99),
            "burst_p99_ms": milliseconds(burst, 99),
            "slowest_ms": milliseconds([*steady, *burst], 100),
            "retries": seen.retries,
            "lag_p99_ms": milliseconds(late, 99),
            "waiting_most": seen.waiting_most,
            "unanswered": settled,
        }
    )
    report.faults += _faults(report.figures, trial)
    return report


def _faults(figures: Mapping[str, Figure], trial: Trial) -> list[str]:
    limits: dict[str, float] = {"slowest_ms": HARDEST_MS, "retries": 0, "unanswered": 0, "waiting_most": QUEUE_LIMIT}
    if trial.tier == "full":
        limits |= {"steady_p99_ms": STEADY_P99_MS, "burst_p99_ms": BURST_P99_MS, "lag_p99_ms": LAG_P99_MS}
    faults = [
        f"{name} is {figures[name]}, over {most:g}" for name, most in limits.items() if float(figures[name]) > most
    ]
    sent = trial.size["steady"] + trial.size["burst"]
    return faults if figures["acks"] == sent else [*faults, f"{figures['acks']} of {sent} messages were acknowledged"]


class _Seen:
    """What Slack sees of the load."""

    def __init__(self, slack: SlackTwin, url: str) -> None:
        self.waiting_most = 0
        self._slack = slack
        self._url = url
        self._said = 0

    @property
    def retries(self) -> int:
        """Deliveries after the first."""
        return sum(event.offers - 1 for event in self._slack.events)

    async def during(self, messages: int, *, per_second: float) -> Sequence[float]:
        """Let members write at a rate; the seconds to each acknowledgement."""
        before = len(self._slack.acks)
        async for _ in paced(messages, per_second=per_second):
            number = self._said % ROOMS
            self._said += 1
            await self._slack.says(f"U{number}", f"D{number}", f"Question {self._said}")
            if self._said % 20 == 0:
                self.waiting_most = max(self.waiting_most, await self._count(_OPEN))
        await self._slack.settled(timeout_s=30)
        own = {
            event.id for event in self._slack.events if event.inner.get("bot_id")
        }  # Slack tells us of our posts, too
        return [ack.latency_s for ack in self._slack.acks[before:] if ack.event_id not in own]

    async def settled(self, messages: int) -> int:
        """Wait until every message has its outcome; how many have none after all."""

        def are_answered() -> bool:
            return sum(1 for room in range(ROOMS) for one in self._slack.messages(f"D{room}") if one.bot_id) >= messages

        try:
            await self._slack.wait_for(are_answered, timeout_s=SETTLED_S)
        except AssertionError:
            return messages - await self._count(_ALL) + await self._count(_OPEN)
        return messages - await self._count(_ALL)

    async def _count(self, sql: str) -> int:
        ((number,),) = await tables.rows(self._url, sql)
        return int(number)


class _Slow(AnthropicTwin):
    """A model that takes its time for each answer, by the loop's clock, until it is told not to."""

    def __init__(self, takes_s: float) -> None:
        super().__init__()
        self._takes_s = takes_s
        self._waiting: list[asyncio.Event] = []
        self._is_released = False
        self.default = lambda _body: Reply(text="An answer.", hold=self._hold())

    def release(self) -> None:
        """Answer at once from now on."""
        self._is_released = True
        for event in self._waiting:
            event.set()

    def _hold(self) -> asyncio.Event:
        event = asyncio.Event()
        if self._is_released:
            event.set()
        else:
            self._waiting.append(event)
            asyncio.get_running_loop().call_later(self._takes_s, event.set)
        return event


@asynccontextmanager
async def _rapport(trial: Trial, slack: SlackTwin, model: AnthropicTwin, lags: str) -> AsyncIterator[Process]:
    environment = {
        "DATABASE_URL": trial.url,
        "PERSONA_KEY": KEY,
        "PERSONA_CONSENT": "off",
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_URL": slack.api_url,
        "ANTHROPIC_API_KEY": "test-key",
        "ANTHROPIC_BASE_URL": model.url,
        "LOG_LEVEL": "error",
    }
    arguments = ("-m", "tests.reliability.watched_bot", lags)
    async with python(*arguments, folder=trial.folder, environment=environment) as process:
        yield process


@asynccontextmanager
async def _hog() -> AsyncIterator[None]:
    """Something else that takes a whole core."""
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", _HOG)
    try:
        yield
    finally:
        child.kill()
        await child.wait()


PROPERTY = Property(
    name="ack_latency",
    reference="B4",
    promise="However long the model takes, Slack hears at once that a message is stored, and nothing comes twice.",
    run=run,
    quick={"steady": 50, "per_second": 10, "burst": 100, "model_s": 30, "hogs": 0},
    full={"steady": 6_000, "per_second": 10, "burst": 300, "model_s": 30, "hogs": 1},
)
