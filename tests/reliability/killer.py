"""The killer: Rapport's processes end at named points and at any other moment, and are started again at once."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from tests.reliability.lives import Life
from tests.reliability.points import POINTS
from tests.reliability.stage import Stage
from tests.reliability.traps import WIRE

NAMED = (*POINTS, *WIRE)
"""The points of reliability B.1 that are reached while members talk: K1 to K12."""

ANYTIME = "random"

RARE = ("K11", "K12")
"""Points that are reached once in a sweep, not with every message."""

HIT_WITHIN_S = 20.0
"""A point that nothing came to for so long is given up, and the process killed wherever it is."""


def plan(chance: Random, *, kills: int, each: int) -> list[str]:
    """Where the kills strike: every named point `each` times, and any moment for the rest, in any order."""
    drawn = [point for point in NAMED for _ in range(each)]
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
    hit: Counter[str] = field(default_factory=Counter)
    """How often a kill struck where it was meant to."""
    logs: list[str] = field(default_factory=list)
    kills: int = 0
    _living: list[Life] = field(default_factory=list)

    async def run(self) -> None:
        """Carry out the plan; then let the last processes live."""
        self._living = [await self.stage.start() for _ in range(self.processes - 1)]
        for point in self.plan:
            await self._strike(point)
        self._living.append(await self.stage.start())

    async def end(self) -> None:
        """Kill whoever still lives, which counts as well."""
        for life in self._living:
            life.kill()
            await life.ended()
            self.kills += 1

    async def _strike(self, point: str) -> None:
        nth = 1 if point in RARE else self.chance.randint(1, 3)
        life = await self.stage.start(point=point if point in POINTS else "", nth=nth)
        self._living.append(life)
        if point in WIRE:
            platform = self.chance.choice(self.stage.platforms)
            trap = self.stage.trap(point, self._all_die, nth=nth, platform=platform)
            await self._gone(life)
            self.hit[point] += trap.has_sprung
            self.stage.model.held = None
        elif point in POINTS:
            self.hit[point] += await self._gone(life)
        else:
            await self._any_moment(life)
            self.hit[point] += 1
        await self._bury()

    async def _any_moment(self, life: Life) -> None:
        """Some requests after its start, which may be before it is ready, and a moment between two of them."""
        twins = [*(platform.twin for platform in self.stage.platforms), self.stage.claude]
        twin = self.chance.choice(twins)
        until = len(twin.ledger) + self.chance.randint(1, 8)
        with suppress(AssertionError):
            await twin.wait_for(lambda: len(twin.ledger) >= until or life.has_ended, timeout_s=HIT_WITHIN_S)
        await asyncio.sleep(self.chance.random() / 50)
        self._victim(life).kill()

    def _victim(self, newest: Life) -> Life:
        return self.chance.choice(self._living) if self.processes > 1 else newest

    async def _gone(self, life: Life) -> bool:
        """Whether it ended by itself in time; it has in any case."""
        try:
            await life.ended(timeout_s=HIT_WITHIN_S)
        except TimeoutError:
            life.kill()
            await life.ended()
            return False
        assert "life.ended" not in life.log, life.log[-2000:]
        return True

    def _all_die(self) -> None:
        """What happens on the wire does not say which process it was: the machine goes down."""
        for life in self._living:
            life.kill()

    async def _bury(self) -> None:
        """Count those who are gone, and start anew those that died beside the one that was meant."""
        for life in [one for one in self._living if one.has_been_killed]:
            await life.ended()
        dead = [one for one in self._living if one.has_ended]
        self.kills += len(dead)
        self.logs += [one.log for one in dead]
        self._living = [one for one in self._living if not one.has_ended]
        while len(self._living) < self.processes - 1:
            self._living.append(await self.stage.start())
