"""Rapport as a process of its own: started, watched, killed."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

ROOT = Path(__file__).parents[2]


class Process:
    """A running child; what it logs is collected in `log`."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self._child = child
        self.log = ""

    async def logged(self, *words: str) -> None:
        """Wait until the log holds one of `words`."""
        assert self._child.stderr is not None
        while not any(word in self.log for word in words):
            line = await asyncio.wait_for(self._child.stderr.readline(), 30)
            assert line, f"the process ended without logging {words!r}:\n{self.log}"
            self.log += line.decode()

    async def ended(self) -> int:
        """Wait for the end; returns the exit status."""
        _, rest = await asyncio.wait_for(self._child.communicate(), 30)
        self.log += rest.decode()
        return self._child.returncode or 0

    async def settles(self, look: Callable[[], Awaitable[T]], is_it: Callable[[T], bool]) -> T:
        """Look again and again until it is as it should be; fails with what it was at last."""
        seen = await look()
        try:
            async with asyncio.timeout(30):
                while not is_it(seen):  # nothing tells of a change in another process
                    await asyncio.sleep(0.02)
                    seen = await look()
        except TimeoutError:
            raise AssertionError(f"it never came to that: {seen!r}\n{self.log}") from None
        return seen

    @property
    def id(self) -> int:
        """Its process id."""
        return self._child.pid

    def stop(self) -> None:
        """SIGTERM."""
        self._child.terminate()

    async def kill(self) -> None:
        """SIGKILL: no goodbye."""
        self._child.kill()
        await self._child.wait()


@asynccontextmanager
async def python(*arguments: str, folder: Path, environment: Mapping[str, str]) -> AsyncIterator[Process]:
    """Run `python …` in `folder` with nothing but these variables; killed when the context is left."""
    inherited = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE")}
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], **inherited, **environment},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Process(child)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
