"""What an event costs on Slack: delivered → acknowledged, and delivered → the model is asked.

    python -m bench.events [events]

Rapport runs as its own process against the twins in this one, with a model that answers at once. Beside it, in the
same run, a bare Bolt app that acknowledges and answers every mention with one post, on its default client.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import machine, percentile
from tests.twins.anthropic import AnthropicTwin, Reply
from tests.twins.slack import SlackTwin

ROOT = Path(__file__).parents[1]
WARM_UP = 20


@dataclass(slots=True)
class Round:
    """What one app did with the events."""

    acknowledged_ms: list[float]
    asked_ms: list[float] = field(default_factory=list)
    cpu_ms: float = 0.0
    """CPU of the app's process for one event."""


async def measure(slack: SlackTwin, claude: AnthropicTwin | None, pid: int, events: int, at_once: int) -> Round:
    """Let `events` mentions happen, `at_once` of them at the same moment, each answered before the next."""
    said: dict[str, float] = {}
    asked: list[float] = []

    def note(body: dict[str, object]) -> Reply:
        words = str(body["messages"]).rpartition("number-")[2].split()[0].split("'")[0].split('"')[0]
        asked.append((time.perf_counter() - said[words]) * 1000)
        return Reply(text="An answer.")

    if claude is not None:
        claude.default = note
    before = len(slack.acks)
    cpu = _cpu_s(pid)
    for begin in range(0, events, at_once):
        await asyncio.gather(*(_mention(slack, f"{begin + one}", said) for one in range(at_once)))
    used = _cpu_s(pid) - cpu
    latencies = [ack.latency_s * 1000 for ack in slack.acks[before:]]
    return Round(acknowledged_ms=latencies, asked_ms=asked, cpu_ms=used * 1000 / events)


async def _mention(slack: SlackTwin, number: str, said: dict[str, float]) -> None:
    said[number] = time.perf_counter()
    ts = await slack.says("U1", "C1", f"<@U0BOT> number-{number}", emits=("app_mention",))
    await slack.wait_for(lambda: any(message.bot_id for message in slack.messages("C1", ts)))


def _cpu_s(pid: int) -> float:
    """CPU a process used so far, in seconds."""
    words = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def running(arguments: list[str], environment: dict[str, str]) -> AsyncIterator[int]:
    """Run a Python program beside us; yields its process id."""
    with tempfile.TemporaryDirectory() as folder:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LOG_LEVEL": "error", **environment},
        )
        try:
            yield child.pid
        finally:
            if child.returncode is None:
                child.terminate()
            await child.wait()


async def compare(events: int, at_once: int) -> tuple[Round, Round]:
    """Rapport and the bare app, each on a twin of its own, in one run."""
    rounds = []
    for is_ours in (True, False):
        async with SlackTwin(ack_timeout_s=10) as slack, AnthropicTwin() as claude:
            slack.member("U1", "Ana")
            slack.channel("C1", "team", kind="public", members=["U1"])
            environment = {
                "SLACK_BOT_TOKEN": "xoxb-test-token",
                "SLACK_APP_TOKEN": "xapp-test-token",
                "SLACK_API_URL": slack.api_url,
                "ANTHROPIC_API_KEY": "test-key",
                "ANTHROPIC_BASE_URL": claude.url,
                "PERSONA_CONSENT": "on",
            }
            program = ["-m", "bot"] if is_ours else ["-m", "bench.bare_slack"]
            async with running(program, environment) as pid:
                await slack.connected()
                await measure(slack, claude, pid, WARM_UP, 1)
                rounds.append(await measure(slack, claude if is_ours else None, pid, events, at_once))
    return rounds[0], rounds[1]


async def main() -> None:
    """Measure and print a table."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    print(machine())
    print("| mentions at once | app | delivered → acknowledged p50 / p99 | → model asked p50 | CPU per event |")
    print("|---|---|---|---|---|")
    for at_once in (1, 50):
        ours, bare = await compare(events, at_once)
        for name, one in (("Rapport", ours), ("bare Bolt, one post", bare)):
            acknowledged = f"{percentile(one.acknowledged_ms, 50):.1f} / {percentile(one.acknowledged_ms, 99):.1f} ms"
            asked = f"{percentile(one.asked_ms, 50):.1f} ms" if one.asked_ms else "–"
            print(f"| {at_once} | {name} | {acknowledged} | {asked} | {one.cpu_ms:.1f} ms |")


if __name__ == "__main__":
    asyncio.run(main())
