"""Runs the processes that `bench.cost` measures, one turn each a round, on a loopback that counts for each of them.

A process waits without using anything while it is another one's turn, so that what the machine does besides falls on
all of them alike. The other end is `bench.rounds`.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.endpoint import Embeddings, Script, Tally
from bench.tables import Cost, Round
from tests.twins.anthropic import AnthropicTwin

ROOT = Path(__file__).parents[1]
KEY = "test-key"
WAIT_S = 120
"""For one line of a process: a start of the peers imports thousands of modules, on a busy machine."""

QUIET = {"MEM0_TELEMETRY": "False", "LANGSMITH_TRACING": "false", "LANGCHAIN_TRACING_V2": "false"}
"""Keeps the peers' telemetry off; they read it when they are imported."""


class FailedError(Exception):
    """A process ended, or fell silent, before it was done; the message says with what words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to make the update: a program, and what the model answers it."""

    title: str
    program: Sequence[str]
    script: Script
    is_second_start: bool = False
    """Whether it is started once before: a first start makes the database, and holds what makes tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loopback:
    """All that a process can reach."""

    claude: AnthropicTwin
    embeddings: Embeddings
    tally: Tally

    def environment(self, folder: str) -> dict[str, str]:
        """What a process is given: nothing of this machine but where its programs are."""
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HOME": folder,
            "PERSONA_CONSENT": "on",
            "ANTHROPIC_API_KEY": KEY,
            "ANTHROPIC_BASE_URL": self.claude.url,
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": f"{self.embeddings.url}/v1",
            "MEM0_DIR": folder,
            **QUIET,
        }


@asynccontextmanager
async def loopback() -> AsyncIterator[Loopback]:
    """Serve until the context is left."""
    tally = Tally()
    async with AnthropicTwin(keys={KEY}) as claude, Embeddings(tally) as embeddings:
        yield Loopback(claude=claude, embeddings=embeddings, tally=tally)


async def compare(ways: Sequence[Way], at: Loopback, rounds: int) -> list[Cost]:
    """Run the ways side by side, one at a time. One that fails is left out, by name on the standard error."""
    running: list[_Child] = []
    async with AsyncExitStack() as stack:
        for way in ways:
            try:
                running.append(await stack.enter_async_context(_started(way, at)))
            except FailedError as error:
                _skip(way, error)
        for _ in range(rounds):
            for child in list(running):
                try:
                    await child.take_turn(at)
                except FailedError as error:
                    running.remove(child)
                    _skip(child.way, error)
    return [Cost(title=one.way.title, start_mebibytes=one.start, rounds=tuple(one.rounds)) for one in running]


def _skip(way: Way, error: FailedError) -> None:
    print(f"{way.title} is skipped: {error}", file=sys.stderr)


@asynccontextmanager
async def _started(way: Way, at: Loopback) -> AsyncIterator["_Child"]:
    with tempfile.TemporaryDirectory() as folder:
        if way.is_second_start:
            async with _running(way, at, folder):
                pass
        async with _running(way, at, folder) as child:
            yield child


@asynccontextmanager
async def _running(way: Way, at: Loopback, folder: str) -> AsyncIterator["_Child"]:
    errors = Path(folder) / "errors.txt"
    with errors.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *way.program,
            cwd=folder,
            env=at.environment(folder),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=file,
        )
    child = _Child(way, process, errors)
    try:
        child.start = (await child.figures())["mebibytes"]
        yield child
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


class _Child:
    """A process, and what its rounds cost so far."""

    def __init__(self, way: Way, process: asyncio.subprocess.Process, errors: Path) -> None:
        self.way = way
        self.start = 0.0
        self.rounds: list[Round] = []
        self._process = process
        self._errors = errors

    async def take_turn(self, at: Loopback) -> None:
        """Let it make the update once."""
        assert self._process.stdin is not None
        at.claude.default = at.tally.counting(self.way.script)
        at.tally.take()
        self._process.stdin.write(b"\n")
        figures = await self.figures()
        self.rounds.append(Round(tally=at.tally.take(), **figures))

    async def figures(self) -> dict[str, float]:
        """The next line it writes."""
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), WAIT_S)
        except TimeoutError as error:
            raise FailedError(f"it was silent for {WAIT_S} s") from error
        if not line:
            raise FailedError(f"it ended, and wrote last:\n{self._errors.read_text(errors='replace')[-2_000:]}")
        figures: dict[str, float] = json.loads(line)
        return figures
