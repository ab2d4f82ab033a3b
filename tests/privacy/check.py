"""What is private at full size (reliability B20, B22 to B24), as `make privacycheck`; ends with 1 if one fails.

python -m tests.privacy.check
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import get_args

from bot import logs
from tests.clock import StillClock
from tests.models import ScriptedModel
from tests.privacy import erasure_figures, outputs
from tests.privacy.crowd import Crowd
from tests.privacy.house import House
from tests.privacy.tenants import Town, script

MEMBERS, FACTS, ROOMS, PROMPTS = 200, 50, 40, 20_000
TENANTS, ACTS = 50, 10_000
OUTPUTS = 100_000


async def audiences(database: Path) -> bool:
    """Let a crowd talk, print what was found, and return whether nothing leaked."""
    began, model = time.perf_counter(), ScriptedModel()
    async with House.opened(database, StillClock(), model=model) as house:
        crowd = Crowd(house, model, members=MEMBERS, rooms=ROOMS, random=Random(22))  # noqa: S311 - the same again
        await crowd.settle(FACTS)
        await crowd.talk(PROMPTS)
        await crowd.fall_idle()
    _say(
        f"{crowd.prompts:,} prompts and {len(model.requests):,} updates, {MEMBERS} members with {FACTS} facts each,"
        f" {ROOMS} rooms: {len(crowd.leaks)} leaks; {len(crowd.seen):,} of {len(crowd.facts):,} facts were used where"
        f" they may be; {time.perf_counter() - began:.0f} s"
    )
    return not crowd.leaks and crowd.prompts == PROMPTS and len(crowd.seen) > len(crowd.facts) / 2


async def tenants(database: Path) -> bool:
    """Let tenants that share every name live side by side, print what was found, and return whether nothing crossed."""
    began = time.perf_counter()
    acts = script(tenants=TENANTS, acts=ACTS, random=Random(23))  # noqa: S311 - the same again
    town = await Town.played(database, acts)
    facts = [len(kept["fact"]) for kept in town.kept.values()]
    _say(
        f"{sum(town.done.values()):,} acts in {TENANTS} tenants with the same ids: {len(town.crossings)} crossings;"
        f" {town.guard.checked:,} statements checked, {sum(facts):,} facts kept; {time.perf_counter() - began:.0f} s"
    )
    return not town.crossings and town.guard.checked > ACTS and sum(facts) > TENANTS


def answers() -> bool:
    """Let a model write whatever it likes, print what came of it on both platforms, and return whether no harm did."""
    began, random = time.perf_counter(), Random(20)  # noqa: S311 - the same again
    count, faults, live = 0, 0, 0
    while count < OUTPUTS:
        text = outputs.written(random)
        for where in get_args(outputs.Where):
            count += 1
            for part in outputs.sent(text, where):
                faults += len(outputs.faults(part, where))
                live += any(posted in part for posted in outputs.POSTED)
    _say(
        f"{count:,} outputs for {' and '.join(get_args(outputs.Where))}: {faults} links, hidden targets, mentions or"
        f" overlong posts outside the rule; {live:,} posts with addresses that were posted;"
        f" {time.perf_counter() - began:.0f} s"
    )
    return faults == 0 and live > OUTPUTS / 10


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - it is what this is run for


async def main() -> bool:
    """Run all of it, each on a database of its own where there is one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        held = [answers(), await audiences(folder / "crowd.db"), await tenants(folder / "town.db")]
        return all([*held, await erasure_figures.gone(folder, say=_say)])


if __name__ == "__main__":
    logs.configure("error", "text")
    sys.exit(0 if asyncio.run(main()) else 1)
