"""B8: streams that break off, stall or end without an end, and a Rapport that dies meanwhile."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from typing import Any

from bot import lanes
from bot.core import Core
from tests.reliability import open_rows
from tests.reliability.prop import Property, Report, Trial
from tests.reliability.town import PLATFORMS, Town, by_question, settled, town, until
from tests.twins.anthropic import AnthropicTwin, ApiError, Reply

CUT, ENDLESS, OVERLOADED, STALLED = 0.10, 0.05, 0.05, 0.15
"""How often a stream breaks off, ends without a stop reason, brings an error, or stalls in the middle."""

WAVE = 10
WORDS = 12
LEASE = "1s"
"""How long the messages of a worker that is gone stay its own, on PostgreSQL, by that one's clock."""

GRACE_S = 0.01
"""What a Rapport that dies leaves to answers that are being written."""

ADMITTED = re.compile(r".+ \(reference [0-9a-f]{8}\)", re.DOTALL)


async def run(trial: Trial) -> Report:
    """Let half of the answers stream on each platform."""
    report = Report()
    with _hurried():
        for platform in PLATFORMS:
            async with AnthropicTwin() as claude, town(platform, trial) as here:
                await _Streams(here, claude, trial, report).flow()
    rows = await open_rows.outcomes(trial.url)
    report.faults += ["some messages are not settled"] * any(not is_settled for _, is_settled in rows)
    return report


class _Streams:
    """Questions on one platform, and what comes of their streams."""

    def __init__(self, here: Town, claude: AnthropicTwin, trial: Trial, report: Report) -> None:
        self.here = here
        self.claude = claude
        self.report = report
        self.url = trial.url
        self.already = 0
        """What was accepted on the platform before this one."""
        self.chance = trial.chance(here.platform)
        self.count = trial.size["answers"] // len(PLATFORMS)
        self.deaths = self.count * trial.size["restarts"] // trial.size["answers"]
        self.asked: dict[str, str] = {}
        self.met = Counter[str]()
        self.stalls: list[asyncio.Event] = []
        self.core: Core
        claude.default = self._replies

    async def flow(self) -> None:
        """Ask wave by wave; a wave that is to die dies while it streams."""
        self.already = len(await open_rows.outcomes(self.url))
        waves = [range(first, min(first + WAVE, self.count)) for first in range(0, self.count, WAVE)]
        deaths = [wave for wave in waves for _ in range(-(-self.deaths // len(waves)))][: self.deaths]
        async with AsyncExitStack() as life:
            await self._starts(life)
            for wave in waves:
                for number in wave:
                    post = await self.here.asks(f"q{number}", room=f"room {number % 7}")
                    self.asked[post] = f"q{number}"
                await until(partial(self._is_under_way, len(self.asked)))
                for _ in range(deaths.count(wave)):
                    await life.aclose()
                    self.met["deaths"] += 1
                    await self._starts(life)
                await self._ends()
        self._judge()

    async def _starts(self, life: AsyncExitStack) -> None:
        key = {"anthropic_api_key": "test-key", "anthropic_base_url": self.claude.url, "worker_lease": LEASE}
        self.core = await life.enter_async_context(self.here.running(None, **key))
        self.core.adapters[self.here.platform].grow_every_s = 0.0

    def _is_under_way(self, count: int) -> bool:
        """Whether everybody's question reached the model, as far as none of them waits behind a stalled one."""
        seen = {_question(request.body) for request in self.claude.requests}
        return len(seen) >= count or bool(self.stalls)

    async def _ends(self) -> None:
        """Let what stalls go on, and everything come to its end."""

        async def goes_on() -> None:
            while True:
                for stall in self.stalls:
                    stall.set()
                await asyncio.sleep(0.002)

        async with asyncio.TaskGroup() as tasks:
            going = tasks.create_task(goes_on())
            await settled(self.core, self.url, count=self.already + len(self.asked))
            going.cancel()
        self.stalls.clear()

    def _replies(self, body: dict[str, Any]) -> Reply:
        text, at = _text(_question(body)), self.chance.randint(1, WORDS)
        roll = self.chance.random()
        stall = asyncio.Event()
        for kind, share, reply in (
            ("cut", CUT, Reply(text=text, cut_after=at)),
            ("endless", ENDLESS, Reply(text=text, no_stop=True)),
            ("overloaded", OVERLOADED, Reply(text=text, error=ApiError(status=529, after=at))),
            ("stalled", STALLED, Reply(text=text, hold_after=(at, stall))),
        ):
            roll -= share
            if roll < 0:
                self.met[kind] += 1
                if kind == "stalled":
                    self.stalls.append(stall)
                return reply
        return Reply(text=text)

    def _judge(self) -> None:
        """Each question has its whole answer, or one honest sentence; nothing else stands."""
        shown, admitted = by_question(self.here.seen()), 0
        for post, question in self.asked.items():
            texts = shown.get(post, [])
            admitted += len(texts) == 1 and ADMITTED.fullmatch(texts[0]) is not None
            if texts != [_text(question)] and not (len(texts) == 1 and ADMITTED.fullmatch(texts[0])):
                self.report.faults.append(f"{self.here.platform}: {question} shows {texts}")
        strays = set(shown) - set(self.asked)
        self.report.faults += [f"{self.here.platform}: {shown[stray]} answers nothing" for stray in strays]
        name = self.here.platform
        self.report.figures |= {f"{name}_{kind}": count for kind, count in sorted(self.met.items())}
        self.report.figures |= {f"{name}_answers": len(self.asked), f"{name}_admitted": admitted}


def _question(body: dict[str, Any]) -> str:
    """Which question a request is about: the last that stands in it."""
    return str(re.findall(r"q\d+", str(body["messages"][-1]))[-1])


def _text(question: str) -> str:
    return f"To {question} " + " ".join(f"word{number}" for number in range(WORDS)) + " end."


@contextmanager
def _hurried() -> Iterator[None]:
    """Let a Rapport that ends leave what it writes, as one that is killed does."""
    patient, lanes.GRACE_S = lanes.GRACE_S, GRACE_S
    try:
        yield
    finally:
        lanes.GRACE_S = patient


PROPERTY = Property(
    name="streaming",
    reference="B8",
    promise="Text whose end the model did not confirm is completed or replaced, also after a death.",
    run=run,
    quick={"answers": 40, "restarts": 5},
    full={"answers": 500, "restarts": 60},
)
