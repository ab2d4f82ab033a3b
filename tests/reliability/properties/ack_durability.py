"""B1: what is acknowledged is stored by then; what could not be stored is not acknowledged, and comes again.

Half of it comes over HTTP from Slack, half over sockets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random

from tests.reliability import auditor
from tests.reliability.lives import Life
from tests.reliability.platforms import Slack
from tests.reliability.prop import Property, Report, Trial
from tests.reliability.stage import Stage, stage
from tests.twins.slack.delivery import Event

POINTS = ("K1", "K2", "K3")
"""Before a message is stored, before it is acknowledged, and after."""

FAILING = 0.05
"""The share of messages that the database does not take when they come."""

DELIVERED_WITHIN_S = 60.0


async def run(trial: Trial) -> Report:
    """Let members speak to processes that are killed around the acknowledgement; look at each one as it comes."""
    report = Report()
    size = trial.size
    async with stage(trial, platforms=["slack"], members=size["members"], rooms=size["rooms"]) as place:
        (slack,) = place.platforms
        assert isinstance(slack, Slack)
        chance = trial.chance()
        early: list[str] = []
        known: set[tuple[str, str]] = set()

        async def look(event: Event) -> None:
            """Whether what is acknowledged just now is stored."""
            for said in [one for one in place.account.said if one.post == event.inner.get("ts")]:
                if (said.tenant, said.key) not in known:
                    known.update(await auditor.stored(trial.url))
                    early.extend([said.token] * ((said.tenant, said.key) not in known))

        slack.twin.looks = look
        points = [chance.choice(POINTS) for _ in range(size["kills"])]
        for over_http in (True, False):
            slack.delivers(over_http=over_http)
            await _killed(place, slack, points[over_http::2], messages=size["events"] // 2, chance=chance)
        refused = sum(one.log.count("message.refused") for one in place.started)
        await place.settle()
        verdict = await place.verdict()
    twin = slack.twin
    offers, acks = sum(event.offers for event in twin.events), sum(event.acks for event in twin.events)
    report.figures = {
        **verdict.figures,
        "deliveries": offers,
        "over_http": len(twin.deliveries),
        "acknowledged": acks,
        "not_stored": refused,
    }
    report.faults += [f"acknowledged before it was stored: {token}" for token in early]
    report.faults += [fault for fault in verdict.faults if not fault.startswith("spent")]
    if not refused:
        report.faults.append("no message failed to be stored, so nothing was shown of those")
    if offers - acks < refused + sum(point == "K1" for point in points):
        report.faults.append(f"{offers} deliveries, {acks} acknowledged, though {refused} were not stored")
    return report


async def _killed(place: Stage, slack: Slack, points: Sequence[str], *, messages: int, chance: Random) -> None:
    """Say so much to processes that end at these points, and to a last one, which everything has come to in the end."""
    share = messages // (len(points) + 1)
    for point in points:
        await (await _life(place, slack, point, share, chance)).ended()
    last = await _life(place, slack, "", messages - share * len(points), chance)
    await _all_delivered(slack)
    last.kill()
    await last.ended()
    place.account.kills += len(points) + 1


async def _life(place: Stage, slack: Slack, point: str, messages: int, chance: Random) -> Life:
    """A process that is spoken to so often, and may end at a point."""
    nth = chance.randint(1, messages)
    life = await place.start(point=point, nth=nth, fails=FAILING)
    slack.twin.trap = None
    if slack.twin.request_url is not None:  # over HTTP nothing waits for it
        await life.logged("bot.ready")
    if point == "K3":
        place.trap(point, life.kill, nth=nth, platform=slack)
    for _ in range(messages):
        await place.says(
            slack, member=chance.randrange(place.members), room=chance.randrange(place.rooms), teaches=False
        )
    return life


async def _all_delivered(slack: Slack) -> None:
    """Wait until every event is acknowledged; those that Slack gave up are sent again, as an admin can."""
    async with asyncio.timeout(DELIVERED_WITHIN_S):
        await slack.delivered()
        while given_up := [event for event in slack.twin.events if not event.acks]:
            for event in given_up:
                await slack.twin.redelivers(event.id)
            await slack.delivered()


PROPERTY = Property(
    name="ack_durability",
    reference="B1",
    promise="What is acknowledged is stored by then, and what is not stored is not acknowledged.",
    run=run,
    quick={"events": 80, "members": 20, "rooms": 20, "kills": 3},
    full={"events": 1_000, "members": 40, "rooms": 40, "kills": 40},
)
