"""B2: two hundred kills, and each message has one outcome, each fact was learned once, nothing is left half done."""

import asyncio
import time
from functools import partial

from tests.reliability.killer import ANYTIME, NAMED, Killer, plan
from tests.reliability.platforms import is_direct
from tests.reliability.prop import Property, Report, Trial
from tests.reliability.stage import SETTLED_WITHIN_S, Stage, stage
from tests.reliability.talk import SEATS, Talk

MOST_FAILED = 0.005
"""How many messages may end with a sentence that there is no answer; of 2,000, 10."""

FEW_FAILED = 3
"""So many may in any case: whether a network is bad three times in a row is up to chance, which a share of two hundred
messages would forbid."""


async def run(trial: Trial) -> Report:
    """Let members talk while Rapport is killed; then let everything come to its end, and ask the auditor."""
    size = trial.size
    processes = size["workers"] if trial.engine == "postgres" else 1
    async with stage(trial, members=size["members"], rooms=size["rooms"]) as place:
        talk = Talk(
            place,
            messages=size["messages"],
            chance=trial.chance("talk"),
            seats=SEATS * processes,
        )
        planned = plan(trial.chance("plan"), kills=size["kills"], each=size["each"])
        killer = Killer(
            stage=place,
            plan=planned,
            chance=trial.chance("killer"),
            processes=processes,
            strikes=partial(talk.go_on, size["messages"] // size["kills"]),
        )
        began = time.perf_counter()
        await _introduced(place)
        async with asyncio.TaskGroup() as going_on:
            going_on.create_task(talk.run())
            await killer.run()
            talk.spread_out()
        await killer.end()
        talked_s = time.perf_counter() - began
        place.account.kills = killer.kills + 1
        toxics = place.met
        settled_s = await place.settle(processes=processes)
        verdict = await place.verdict()
    report = Report(figures={**verdict.figures, "talked_s": round(talked_s), "settled_s": round(settled_s, 1)})
    report.figures |= {point: killer.hit[point] for point in (*NAMED, ANYTIME)}
    report.figures |= {**toxics, "refused_starts": killer.refusals}
    report.faults += verdict.faults
    report.faults += [
        f"{point} was hit {killer.hit[point]} times" for point in NAMED if killer.hit[point] < size["each"]
    ]
    if verdict.figures.get("failed", 0) > max(FEW_FAILED, MOST_FAILED * size["messages"]):
        report.faults.append(f"{verdict.figures['failed']} messages ended without an answer")
    if settled_s >= SETTLED_WITHIN_S:
        report.faults.append(f"the last outcome came {settled_s:.0f} s after the last kill")
    return report


async def _introduced(place: Stage) -> None:
    """Let every direct message begin in peace: Discord tells nobody of one that began while nobody listened."""
    life = await place.start()
    await life.logged("bot.ready")
    for room in filter(is_direct, range(place.rooms)):
        for platform in place.platforms:
            await place.answered(platform, await place.says(platform, member=room, room=room, teaches=False))
    life.kill()
    await life.ended()


PROPERTY = Property(
    name="kill9",
    reference="B2",
    promise="Killed at any moment, Rapport gives each message one outcome, and learns each fact once.",
    run=run,
    quick={"messages": 200, "members": 20, "rooms": 10, "kills": 20, "each": 1, "workers": 2},
    full={"messages": 2_000, "members": 100, "rooms": 20, "kills": 200, "each": 4, "workers": 4},
)
