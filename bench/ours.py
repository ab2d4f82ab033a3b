"""Rapport's half of `bench.cost`: a whole core on a SQLite file, which learns the conversation once a round.

    python -m bench.ours

The settings come from the environment, the model is whatever answers at ANTHROPIC_BASE_URL, and the time is a
test's: each round the two members say it all anew in another public room, and a day passes.
"""

import asyncio
from functools import partial

from bench import rounds
from bench.conversation import FACTS, MESSAGES
from bot import logs, settings
from bot.core import Core
from bot.messages import Member, MessageId, Room, TenantId
from bot.store import conversations
from bot.wiring import open_core, settled
from tests.clock import StillClock

TENANT = TenantId("slack:T1")


async def main() -> None:
    """Learn the conversation for every line that comes in."""
    loaded, clock = settings.load(), StillClock()
    logs.configure(loaded.log_level or "info", loaded.log_format)  # as the bot has it: a line for each update
    async with open_core(loaded, clock=clock) as core:
        await settled(core)
        for number in rounds.wanted():
            await _say(core, clock, number)
            clock.advance(days=1)
            with rounds.measured():
                swept = await core.learning.sweep()
            assert (swept.calls, swept.operations) == (1, len(FACTS)), swept


async def _say(core: Core, clock: StillClock, number: int) -> None:
    room = Room(tenant=TENANT, channel=f"C{number}", kind="public")
    for place, (name, text) in enumerate(MESSAGES):
        clock.advance(seconds=1)
        append = partial(
            conversations.append,
            room=room,
            message=MessageId(f"{number}.{place}"),
            author=Member(tenant=TENANT, id=name, name=name),
            text=text,
            said_at=clock.now(),
        )
        await core.store.write(append)


if __name__ == "__main__":
    asyncio.run(main())
