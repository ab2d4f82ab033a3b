"""Rapport as processes that live one after the other, or side by side: started, watched, stopped and killed."""

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.reliability.worker import Order

ROOT = Path(__file__).parents[2]
WAIT_S = 30.0
"""How long something is waited for before a run fails: generous for a busy machine."""


class Life:
    """One process, from its start to its end."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.pid = 0
        """0 until it has said so."""
        self.log = ""
        self.has_ended = False
        self.has_been_killed = False
        """Whether it was sent SIGKILL by us; one that ends at a point does so itself."""
        self._moved = asyncio.Event()

    def heard(self, text: str) -> None:
        """It logged something."""
        self.log += text
        self._move()

    def began(self, pid: int) -> None:
        """It is there."""
        self.pid = pid
        self._move()

    def over(self) -> None:
        """It is gone."""
        self.has_ended = True
        self._move()

    def _move(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    async def logged(self, *words: str) -> None:
        """Wait until the log holds one of `words`."""
        async with asyncio.timeout(WAIT_S):
            while not any(word in self.log for word in words):
                assert not self.has_ended, f"the process ended without logging {words!r}:\n{self.log[-2000:]}"
                await self._moved.wait()

    async def ended(self, *, timeout_s: float = WAIT_S) -> None:
        """Wait until it is gone.

        Raises:
            TimeoutError: it still lives.
        """
        async with asyncio.timeout(timeout_s):
            while not self.has_ended:
                await self._moved.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it is there."""
        if self.pid and not self.has_ended:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        self.has_been_killed = True
        self.signal(signal.SIGKILL)


class Lives:
    """Starts processes. Use `lives()`."""

    def __init__(self, orders: asyncio.StreamWriter) -> None:
        self._orders = orders
        self.all: list[Life] = []

    async def start(
        self,
        environment: Mapping[str, str],
        *,
        point: str = "",
        nth: int = 1,
        ahead_s: float = 0.0,
        fails: float = 0.0,
        defect: str = "",
        rate: float = 1.0,
        backup: str = "",
    ) -> Life:
        """Start a process and wait until it is there, which is long before it is ready. Arguments as of `Order`."""
        order = Order(
            number=len(self.all),
            environment=dict(environment),
            point=point,
            nth=nth,
            ahead_s=ahead_s,
            fails=fails,
            defect=defect,
            rate=rate,
            backup=backup,
        )
        life = Life(order)
        self.all.append(life)
        self._orders.write(order.line())
        await self._orders.drain()
        async with asyncio.timeout(WAIT_S):
            while not life.pid:
                await life._moved.wait()
        return life


class _Listening(asyncio.Protocol):
    """What one process says."""

    def __init__(self, lives: list[Life]) -> None:
        self._lives = lives
        self._life: Life | None = None
        self._first = b""

    def data_received(self, data: bytes) -> None:
        if self._life is None:
            self._first += data
            head, newline, data = self._first.partition(b"\n")
            if not newline:
                return
            told = json.loads(head)
            self._life = self._lives[told["number"]]
            self._life.began(told["pid"])
        self._life.heard(data.decode(errors="replace"))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._life is not None:
            self._life.over()


@asynccontextmanager
async def lives() -> AsyncIterator[Lives]:
    """A place from which processes are started; those that still live when the context is left are killed."""
    with tempfile.TemporaryDirectory(prefix="lives-") as folder:
        path = f"{folder}/said"
        mother = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.reliability.worker",
            path,
            cwd=folder,
            env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
        )
        assert mother.stdin is not None
        made = Lives(mother.stdin)
        server = await asyncio.get_running_loop().create_unix_server(lambda: _Listening(made.all), path)
        try:
            yield made
        finally:
            for life in made.all:
                life.kill()
            mother.stdin.close()
            await mother.wait()
            server.close()
            await server.wait_closed()
