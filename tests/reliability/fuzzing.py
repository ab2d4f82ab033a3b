"""Trying hostile input on a running Rapport, by Hypothesis: what it breaks is made small, and told in a sentence."""

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from bot import errors
from tests.reliability.prop import Trial

T = TypeVar("T")

SLOW_S = 1.0
SHOWN_CHARS = 600
"""Of an example that broke something."""

_KNOWN = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}


class Fuzzing:
    """Runs examples one after the other, and keeps what went wrong."""

    def __init__(self, trial: Trial) -> None:
        self.faults: list[str] = []
        self.examples = 0
        self.slowest_s = 0.0
        self.slowest = ""
        self._trial = trial

    async def tried(
        self, name: str, inputs: SearchStrategy[T], work: Callable[[T], Awaitable[None]], *, examples: int
    ) -> None:
        """Do the work with each of so many inputs; it raises what must not happen."""
        loop = asyncio.get_running_loop()

        @seed(f"{self._trial.seed} {name}")
        @settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        @given(inputs)
        def one(given_input: T) -> None:
            asyncio.run_coroutine_threadsafe(self._timed(name, partial(work, given_input)), loop).result()

        try:
            await asyncio.to_thread(one)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what was looked for
            notes = " ".join(getattr(error, "__notes__", ()))
            self.faults.append(f"{name}: {type(error).__name__}: {error}"[:SHOWN_CHARS] + f" {notes}"[:SHOWN_CHARS])

    async def _timed(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do it, and look at what it took; again if that was too long, since the machine may have been busy."""
        self.examples += 1
        took = await _took(work)
        if took > SLOW_S:
            took = min(took, await _took(work))
        if took > self.slowest_s:
            self.slowest_s, self.slowest = took, name
        assert took <= SLOW_S, f"it took {took:.1f} s, twice"


async def _took(work: Callable[[], Awaitable[None]]) -> float:
    """Seconds of the processor, of which a busy machine takes no more."""
    began = time.process_time()
    await work()
    return time.process_time() - began


@contextmanager
def overheard() -> Iterator[list[str]]:
    """What is logged as gone wrong by surprise, as long as the context lasts: an error that is none of ours.

    What a platform refuses or a model fails at has a class of its own, and is no surprise.
    """
    heard: list[str] = []
    ear = _Ear(heard)
    root = logging.getLogger()
    root.addHandler(ear)
    try:
        yield heard
    finally:
        root.removeHandler(ear)


class _Ear(logging.Handler):
    def __init__(self, heard: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        said: Any = record.msg
        if isinstance(said, dict):
            if said.get("error", "BotError") not in _KNOWN:
                self._heard.append(f"{said['event']} ({said['error']})")
        elif record.levelno >= logging.ERROR:
            kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
            self._heard.append(f"{record.name}:{record.lineno} ({kind or record.getMessage()[:80]})")


def mebibytes(process: int) -> float:
    """What a process holds in memory."""
    pages = int(Path(f"/proc/{process}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
