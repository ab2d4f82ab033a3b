"""B3: whatever a platform delivers again, however often, on whichever connection and however late, counts once.

Half of it comes over HTTP from Slack, half over sockets; and what came over the one comes again over the other.
"""

from __future__ import annotations

from random import Random

from tests.reliability.auditor import Said
from tests.reliability.lives import Life
from tests.reliability.platforms import Platform, Slack
from tests.reliability.prop import Property, Report, Trial
from tests.reliability.stage import Stage, stage
from tests.reliability.talk import Talk

MOST_COPIES = 3
"""How often the same is delivered again."""

ONLY_RETRIED = 0.1
"""The share of messages whose first delivery is lost: a retry must not be taken for something seen."""

RECONNECTED = 0.05
"""How often Slack sends the connection away, and delivers over the old and the new one."""

TRANSPORTS = (True, False)
"""Whether Slack delivers over HTTP: at first, then not."""

REPLAYED_AFTER_S = (6 * 3600.0, 6.5 * 24 * 3600.0)
"""When all of it comes once more; what was accepted is known for seven days."""


async def run(trial: Trial) -> Report:
    """Let members talk while everything is delivered again; then again hours later, and days later."""
    size = trial.size
    async with stage(trial, members=size["members"], rooms=size["rooms"]) as place:
        talk = Repeated(place, messages=0, chance=trial.chance(), seats=6)
        for over_http in TRANSPORTS:
            life = await _started(place, over_http=over_http)
            talk.add(size["messages"] // len(TRANSPORTS))
            await talk.run()
            await _ended(place, life)
        for over_http, after_s in zip(TRANSPORTS, REPLAYED_AFTER_S, strict=True):
            place.pass_time(after_s)
            life = await _started(place, over_http=over_http)
            for said in list(place.account.said):
                await talk.repeat(said)
            await _ended(place, life)
        await place.settle()
        verdict = await place.verdict()
    report = Report(figures={**verdict.figures, "deliveries": talk.deliveries}, faults=verdict.faults)
    if len(place.model.calls) != len(place.account.said):
        report.faults.append(f"{len(place.model.calls)} answers were asked for {len(place.account.said)} messages")
    return report


async def _started(place: Stage, *, over_http: bool) -> Life:
    for platform in place.platforms:
        if isinstance(platform, Slack):
            platform.delivers(over_http=over_http)
    life = await place.start()
    await life.logged("bot.ready")
    return life


async def _ended(place: Stage, life: Life) -> None:
    """End a process once it has heard everything: what came before a later message that is answered."""
    for platform in place.platforms:
        await platform.delivered()
        await place.answered(platform, await place.says(platform, member=0, room=0, teaches=False))
    life.kill()
    await life.ended()


class Repeated(Talk):
    """Talk of which everything is delivered more than once."""

    def __init__(self, stage: Stage, *, messages: int, chance: Random, seats: int) -> None:
        super().__init__(stage, messages=messages, chance=chance, seats=seats)
        self.deliveries = 0

    async def _say(self, platform: Platform, room: int) -> Said:
        if isinstance(platform, Slack):
            platform.twin.misses = int(self._chance.random() < ONLY_RETRIED)
            if self._chance.random() < RECONNECTED:
                await platform.twin.disconnect(reason="warning")
        said = await super()._say(platform, room)
        for _ in range(self._chance.randint(0, MOST_COPIES)):
            await self.repeat(said)
        return said

    async def repeat(self, said: Said) -> None:
        """Deliver a message once more: all the events that announce it."""
        for platform in self._stage.platforms:
            if platform.name == said.platform:
                self.deliveries += await platform.delivers_again(said)


PROPERTY = Property(
    name="redelivery",
    reference="B3",
    promise="What is delivered again, however often and late, has one answer and is learned once.",
    run=run,
    quick={"messages": 100, "members": 20, "rooms": 12},
    full={"messages": 1_500, "members": 100, "rooms": 40},
)
