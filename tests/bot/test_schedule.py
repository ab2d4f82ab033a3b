"""The schedule: sweeps run again and again, whatever they do, and no more once it is left."""

import asyncio
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bot import schedule

SOON = timedelta(milliseconds=2)
PATIENCE_S = 5
"""What takes longer hangs."""


class Sweep:
    """Counts its runs, and waits for a signal in each if asked to."""

    def __init__(self, *, error: Exception | None = None, waits: bool = False) -> None:
        self.runs = self.most_at_once = self.ended = 0
        self._at_once = 0
        self._error, self._waits = error, waits
        self._ran, self.gate = asyncio.Condition(), asyncio.Event()

    async def __call__(self) -> str:
        self._at_once += 1
        self.runs += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        async with self._ran:
            self._ran.notify_all()
        try:
            if self._waits:
                await self.gate.wait()
            if self._error:
                raise self._error
        finally:
            self._at_once -= 1
        self.ended += 1
        return "whatever"

    async def has_run(self, times: int) -> None:
        async with asyncio.timeout(PATIENCE_S), self._ran:
            await self._ran.wait_for(lambda: self.runs >= times)


async def test_a_sweep_runs_again_and_again() -> None:
    """A sweep runs at every tick, and not before the first one."""
    sweep = Sweep()
    async with schedule.every(SOON, sweep):
        at_first = sweep.runs
        await sweep.has_run(3)

    assert at_first == 0


async def test_every_sweep_runs() -> None:
    """Several sweeps each get their ticks."""
    sweeps = [Sweep(), Sweep(), Sweep()]
    async with schedule.every(SOON, *sweeps):
        await asyncio.gather(*(sweep.has_run(2) for sweep in sweeps))

    assert all(sweep.runs >= 2 for sweep in sweeps)


async def test_an_error_is_logged_and_the_next_tick_comes() -> None:
    """A sweep that raises is named in the log without its words, runs again, and stops no other."""
    broken, fine = Sweep(error=LookupError("Ana's secret")), Sweep()
    with capture_logs() as logged:
        async with schedule.every(SOON, broken, fine):
            await broken.has_run(3)
            await fine.has_run(1)

    assert logged[0] == {"event": "sweep.failed", "error": "LookupError", "log_level": "error"}
    assert "secret" not in str(logged)


async def test_a_slow_sweep_does_not_overlap_itself() -> None:
    """A sweep that takes longer than the pause between two ticks is not begun a second time beside itself."""
    slow, quick = Sweep(waits=True), Sweep()
    async with schedule.every(SOON, slow, quick):
        await slow.has_run(1)
        seen = quick.runs
        await quick.has_run(seen + 3)
        during = slow.runs
        slow.gate.set()
        await slow.has_run(2)

    assert during == 1
    assert slow.most_at_once == 1


async def test_nothing_runs_after_the_end() -> None:
    """Once the context is left, no tick comes any more."""
    sweep, other = Sweep(), Sweep()
    async with schedule.every(SOON, sweep):
        await sweep.has_run(1)
    async with schedule.every(SOON, other):
        at_the_end = sweep.runs
        await other.has_run(3)

    assert sweep.runs == at_the_end


async def test_a_running_sweep_has_ended_with_the_context() -> None:
    """A sweep that runs when the context is left does not go on beside what closes after it."""
    sweep = Sweep(waits=True)
    async with schedule.every(SOON, sweep):
        await sweep.has_run(1)
    still_running = sweep._at_once
    sweep.gate.set()

    assert still_running == 0


async def test_an_error_in_the_body_stops_the_schedule() -> None:
    """When the body raises, the error goes on and no tick comes any more."""
    sweep, other = Sweep(), Sweep()
    with pytest.raises(LookupError):
        async with schedule.every(SOON, sweep):
            raise LookupError
    async with schedule.every(SOON, other):
        await other.has_run(3)

    assert sweep.runs == 0


async def test_two_schedules_side_by_side() -> None:
    """Two schedules in one process, as when a host runs two of us, do not disturb each other."""
    one, two = Sweep(), Sweep()
    async with schedule.every(SOON, one), schedule.every(SOON, two):
        await asyncio.gather(one.has_run(2), two.has_run(2))

    assert min(one.runs, two.runs) >= 2


_ANY_ZONE = """
import asyncio
from datetime import timedelta
from bot import schedule

async def begin():
    async with schedule.every(timedelta(seconds=9)):
        print("running")

asyncio.run(begin())
"""


@pytest.mark.slow
@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC+3", "Mars/Olympus"])
def test_the_computers_time_zone_does_not_matter(zone: str) -> None:
    """Sweeps come at intervals, so a time zone that somebody set in their own way, or wrongly, stops nothing."""
    command, environment = [sys.executable, "-c", _ANY_ZONE], os.environ | {"TZ": zone}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own

    assert (ended.stdout, ended.stderr) == ("running\n", "")
