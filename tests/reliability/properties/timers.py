"""B15: timers fire once in each slot, whichever of several schedulers wakes up, dies, or is put to another time.

Days pass by a clock that jumps, on PostgreSQL too: `served` makes its own one jump along. So it stands still while
timers fire, and the slot that the database names at that moment is the one that fires, however slow the machine is.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from tests.clock import StillClock
from tests.reliability import tables
from tests.reliability.prop import Property, Report, Trial
from tests.reliability.served import ServedClock
from tests.reliability.slots import DiedError, Schedulers

NAMES = ("retention", "tidying", "departures")
SLOT = timedelta(hours=1)
BEFORE_DST = datetime(2026, 3, 28, 12, tzinfo=UTC)
"""The night after, Europe's clocks are put on by an hour; slots are counted in UTC, so nothing may come of it."""
MAX_JUMP_S = 1_800

_SLOT = "SELECT slot FROM timer WHERE name = '{name}'"


class Ledger:
    """Which slots were begun and finished, as the database said at that moment."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._chance = trial.chance("deaths")
        self.begun: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self.finished: defaultdict[str, set[int]] = defaultdict(set)
        self.deaths_left = trial.size["kills"]
        self.deaths = 0

    async def fire(self, name: str) -> None:
        """Note that a timer fires; now and then its process dies of it."""
        slot = await self._slot(name)
        self.begun[name][slot] += 1
        if self.deaths_left and self._chance.random() < 0.1:
            self.deaths_left -= 1
            self.deaths += 1
            raise DiedError
        self.finished[name].add(slot)

    async def _slot(self, name: str) -> int:
        ((slot,),) = await tables.rows(self._trial.url, _SLOT.format(name=name))
        return int(slot)


async def run(trial: Trial) -> Report:
    """Let time pass while schedulers wake up, and compare what fired with the slots there were."""
    ledger = Ledger(trial)
    clock = StillClock(BEFORE_DST)
    opened = partial(Schedulers.opened, trial.url, trial.size["schedulers"])
    async with ServedClock.opened(trial.url, clock) as served, opened(clock=clock, every=SLOT) as schedulers:
        await _days(trial, schedulers, ledger, served)
        merged = schedulers.merged
    return _judged(ledger, merged, length=SLOT // timedelta(microseconds=1))


async def _days(trial: Trial, schedulers: Schedulers, ledger: Ledger, clock: ServedClock) -> None:
    """Wake up twice a slot, but for a while now and then; the clock is put on, and back."""
    chance = trial.chance("time")
    wakes = trial.size[f"wakes_on_{trial.engine}"]
    jumps = set(chance.sample(range(wakes), trial.size["jumps"]))
    for number in range(wakes):
        jump_s = chance.uniform(-MAX_JUMP_S, MAX_JUMP_S) if number in jumps else 0.0
        await clock.advance(seconds=SLOT.total_seconds() / 2 + jump_s)
        await schedulers.wake(NAMES, ledger.fire)


def _judged(ledger: Ledger, merged: dict[str, int], *, length: int) -> Report:
    report = Report()
    doubled = [(name, slot) for name in NAMES for slot, times in ledger.begun[name].items() if times > 1]
    report.faults += [f"{name}: slot {slot} fired twice" for name, slot in doubled]
    for name in NAMES:
        to_say = _to_say(sorted(ledger.begun[name]), ledger.finished[name], length)
        if merged.get(name, 0) != to_say:
            report.faults.append(
                f"{name}: {to_say} slots were to be made up for, {merged.get(name, 0)} were said to be"
            )
    report.figures |= {
        "slots": sum(len(ledger.finished[name]) for name in NAMES),
        "merged": sum(merged.values()),
        "deaths": ledger.deaths,
        "doubled": len(doubled),
    }
    return report


def _to_say(begun: Sequence[int], finished: Collection[int], length: int) -> int:
    """How many slots the begun ones had to make up for: all since the last that was finished, each time."""
    number, done = 0, begun[0] - length
    for slot in begun:
        number += (slot - done) // length - 1
        done = slot if slot in finished else done
    return number


PROPERTY = Property(
    name="timers",
    reference="B15",
    promise="Each slot of each timer fires once, or is made up for by the next one, and said.",
    run=run,
    quick={"schedulers": 3, "wakes_on_sqlite": 1_440, "wakes_on_postgres": 240, "jumps": 20, "kills": 30},
    full={"schedulers": 3, "wakes_on_sqlite": 86_400, "wakes_on_postgres": 1_440, "jumps": 200, "kills": 300},
)
