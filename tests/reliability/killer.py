"""The killer: Rapport's processes end at named points and at any other moment, and are started again at once."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Literal, TypeAlias

from tests.reliability.lives import Life
from tests.reliability.points import POINTS
from tests.reliability.stage import Stage
from tests.reliability.traps import WIRE

NAMED = tuple(sorted((*POINTS, *WIRE), key=lambda point: int(point[1:])))
"""The points of reliability B.1 that are reached while members talk: K1 to K12."""

ANYTIME = "random"

ONCE = ("K10", "K11", "K12")
"""Points that are not reached with every message. The other processes stand still until somebody was killed there, and
go on as whoever was taken for dead."""

IMPATIENT_S = 4.0
"""After so long without a hit, more is said."""

HIT_WITHIN = 5
"""After so many of these times a point that nothing came to is given up, and the process killed wherever it is."""

SLOW_EVERY = 4
"""One in so many answers takes so long that its beginning is shown."""

STORMY = 0.25
"""How many of the lives have a bad network."""

Ending: TypeAlias = Literal["as planned", "given up", "refused"]


def plan(chance: Random, *, kills: int, each: int) -> list[str]:
    """Where the kills strike: every named point `each` times and half as often again, any moment for the rest.

    In any order. Not every strike finds its point.
    """
    drawn = [point for point in NAMED for _ in range(each + each // 2)]
    drawn += [ANYTIME] * (kills - len(drawn))
    chance.shuffle(drawn)
    return drawn


@dataclass(slots=True, kw_only=True)
class Killer:
    """Keeps `processes` alive, and ends one of them for each entry of `plan`."""

    stage: Stage
    plan: Sequence[str]
    chance: Random
    processes: int = 1
    strikes: Callable[[], None] = lambda: None
    """Is told before each entry of the plan, and again when nothing comes to its point."""
    hit: Counter[str] = field(default_factory=Counter)
    """How often a kill struck where it was meant to."""
    kills: int = 0
    refusals: int = 0
    """Processes that ended by themselves, since a network was too bad to start in."""
    _living: list[Life] = field(default_factory=list)

    async def run(self) -> None:
        """Carry out the plan; then let the last processes live."""
        await self._replace_missing()
        for point in self.plan:
            self.stage.storm(is_on=self.chance.random() < STORMY)
            self.stage.model.slow_every = 1 if point == "K10" else SLOW_EVERY
            self.strikes()
            self.hit[point] += await self._strike(point)
        self.stage.storm(is_on=False)
        await self._start()

    async def end(self) -> None:
        """Kill whoever still lives, which counts as well."""
        for life in self._living:
            life.kill()
        await self._bury()

    async def _strike(self, point: str) -> bool:
        """Whether a process ended where it was meant to; what failed is tried once more, in good weather."""
        ended = await self._life(point)
        if ended != "as planned":
            self.refusals += ended == "refused"
            self.stage.storm(is_on=False)
            ended = await self._life(point)
        return ended == "as planned"

    async def _life(self, point: str) -> Ending:
        nth = 1 if point in ONCE else self.chance.randint(1, 2)
        others = list(self._living) if point in ONCE else []
        for one in others:  # or they may come to the point instead
            one.signal(signal.SIGSTOP)
        life = await self._start(point, nth)
        if point == ANYTIME:
            await self._any_moment(life)
            ended = await self._ended(life)
        elif point in WIRE:
            trap = self.stage.trap(point, self._all_die, nth=nth, platform=self.chance.choice(self.stage.platforms))
            ended = await self._ended(life)
            ended = "given up" if ended == "as planned" and not trap.has_sprung else ended
            trap.disarm()
            self.stage.model.held = None
        else:
            ended = await self._ended(life)
        for one in others:
            one.signal(signal.SIGCONT)
        await self._bury()
        await self._replace_missing()
        return ended

    async def _start(self, point: str = "", nth: int = 1) -> Life:
        life = await self.stage.start(point=point if point in POINTS else "", nth=nth)
        self._living.append(life)
        return life

    async def _any_moment(self, newest: Life) -> None:
        """Some requests after its start, which may be before it is ready, and a moment between two of them."""
        twin = self.chance.choice([*(platform.twin for platform in self.stage.platforms), self.stage.claude])
        until = len(twin.ledger) + self.chance.randint(1, 8)
        with suppress(AssertionError):
            await twin.wait_for(lambda: len(twin.ledger) >= until or newest.has_ended, timeout_s=IMPATIENT_S)
        await asyncio.sleep(self.chance.random() / 50)
        newest.kill()

    async def _ended(self, life: Life) -> Ending:
        """How it ended; it has in any case."""
        for _ in range(HIT_WITHIN):
            with suppress(TimeoutError):
                await life.ended(timeout_s=IMPATIENT_S)
                return "refused" if "life.ended" in life.log else "as planned"
            self.strikes()
        life.kill()
        return "given up"

    def _all_die(self) -> None:
        """What happens on the wire does not say which process it was: the machine goes down."""
        for life in self._living:
            life.kill()

    async def _bury(self) -> None:
        """Wait for those that were killed, and count all who are gone."""
        for life in [one for one in self._living if one.has_been_killed]:
            await life.ended()
        self.kills += sum(one.has_ended for one in self._living)
        self._living = [one for one in self._living if not one.has_ended]

    async def _replace_missing(self) -> None:
        while len(self._living) < self.processes - 1:
            await self._start()
