"""How many messages are answered in a second, with a model that answers at once.

    python -m bench.throughput [messages [rounds]]

Rapport runs as processes of its own against the twins in this one: on SQLite, and one and four workers on one
PostgreSQL that flushes every commit. Beside it, in the same run and turn by turn, a bare Bolt app that answers every
mention with one post and stores nothing. The twins take CPU of the same machine, for all of them alike.
"""

import asyncio
import base64
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from bench.events import running
from bench.figures import machine, spread
from tests import postgres
from tests.twins.anthropic import AnthropicTwin
from tests.twins.slack import SlackTwin

MESSAGES, ROUNDS, WARM_UP = 300, 5, 40
AT_ONCE = 50
"""Messages that wait for their answer at any moment: enough for every worker to have some."""
MEMBERS, CHANNELS = 100, 20
"""Who writes, and where: whoever works on one of them at a time meets nobody else."""
PATIENCE_S = 60.0
ANSWER = "An answer."
KEY = base64.urlsafe_b64encode(bytes(32)).decode()

BARE = ("-m", "bench.bare_slack")
RAPPORT = ("-m", "bot")


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """What is measured."""

    title: str
    program: Sequence[str] = RAPPORT
    workers: int = 1
    is_on_postgres: bool = False


APPS = (
    App(title="bare Bolt, one post", program=BARE),
    App(title="Rapport on SQLite, one process"),
    App(title="Rapport on PostgreSQL, one worker", is_on_postgres=True),
    App(title="Rapport on PostgreSQL, four workers", is_on_postgres=True, workers=4),
)


class Running:
    """An app at work, in a workspace of its own."""

    def __init__(self, app: App, slack: SlackTwin) -> None:
        self.app = app
        self.per_second: list[float] = []
        self._slack = slack

    async def take_turn(self, messages: int) -> float:
        """Let so many mentions happen, `AT_ONCE` of them waiting at any moment; how many are answered in a second."""
        room = asyncio.Semaphore(AT_ONCE)
        began = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._answered(messages, room))
            for number in range(messages):
                await room.acquire()
                member, channel = f"U{number % MEMBERS}", f"C{number % CHANNELS}"
                await self._slack.says(member, channel, "<@U0BOT> hello", emits=("app_mention",))
        return messages / (time.perf_counter() - began)

    async def _answered(self, messages: int, room: asyncio.Semaphore) -> None:
        """Make room for another one with each answer that is shown."""
        answered: set[str] = set()
        seen = len(self._slack.posts)
        while len(answered) < messages:
            await self._slack.wait_for(lambda: len(self._slack.posts) > seen, timeout_s=PATIENCE_S)  # noqa: B023 - at once
            for post in self._slack.posts[seen:]:
                if post.args.get("text") == ANSWER and post.ts not in answered:
                    answered.add(post.ts)
                    room.release()
            seen = len(self._slack.posts)


@asynccontextmanager
async def at_work(app: App, server: postgres.Server) -> AsyncIterator[Running]:
    """Start an app, each worker a process, all on one workspace and one database.

    Raises:
        AssertionError: not every worker came to be connected.
    """
    async with AsyncExitStack() as started:
        slack = await started.enter_async_context(SlackTwin())
        claude = await started.enter_async_context(AnthropicTwin())
        claude.default = ANSWER
        members = [f"U{number}" for number in range(MEMBERS)]
        for member in members:
            slack.member(member, member)
        for number in range(CHANNELS):
            slack.channel(f"C{number}", f"team-{number}", kind="public", members=members)
        environment = {
            "SLACK_BOT_TOKEN": "xoxb-test-token",
            "SLACK_APP_TOKEN": "xapp-test-token",
            "SLACK_API_URL": slack.api_url,
            "ANTHROPIC_API_KEY": "test-key",
            "ANTHROPIC_BASE_URL": claude.url,
            "PERSONA_CONSENT": "on",
            "PERSONA_KEY": KEY,
        }
        if app.is_on_postgres:
            environment["DATABASE_URL"] = await server.take()
        for number in range(app.workers):
            await started.enter_async_context(running(list(app.program), environment))
            await slack.connected(opened=number + 1, timeout_s=PATIENCE_S)
        yield Running(app, slack)


async def compare(server: postgres.Server, messages: int, rounds: int) -> list[Running]:
    """Every app, turn by turn; those that wait for theirs do nothing. One that does not start is left out by name."""
    async with AsyncExitStack() as started:
        apps = []
        for app in APPS:
            try:
                apps.append(await started.enter_async_context(at_work(app, server)))
            except AssertionError:
                print(f"{app.title} is skipped: not every process came to be connected", file=sys.stderr)
        for one in apps:
            await one.take_turn(WARM_UP)
        for _ in range(rounds):
            for one in apps:
                one.per_second.append(await one.take_turn(messages))
    return apps


def main() -> None:
    """Measure and print a table."""
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else MESSAGES
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    with postgres.running(is_durable=True) as server:
        apps = asyncio.run(compare(server, messages, rounds))
    print(machine())
    print("| app | messages answered |")
    print("|---|---|")
    for one in apps:
        print(f"| {one.app.title} | {spread(one.per_second, '/s', 0)} |")


if __name__ == "__main__":
    main()
