"""python -m tests.reliability.worker <socket>: Rapport as a process that can be killed, over and over.

Everything is imported once; each line on the standard input then is an order, and a fork of this process lives by it
until somebody kills it. So a start costs a tenth of a second, and two hundred kills a few minutes. What runs is
`bot.wiring.run`, as it is; only its clock is ahead where the order says so, and its event loop in a hurry.

What a life logs goes to the socket, its number and its process id first; the socket's end is the life's end.
"""

import asyncio
import gc
import importlib
import json
import os
import signal
import socket
import sys
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.store.engine import Store

NEEDED = (
    "adapters.discord.host",
    "adapters.slack.host",
    "anthropic",
    "apscheduler.schedulers.asyncio",
    "bot.models.anthropic",
    "bot.store.postgres",
    "bot.store.sqlite",
    "bot.backups",
    "bot.wiring",
    "tests.reliability.points",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How a process is to live."""

    number: int
    environment: dict[str, str] = field(default_factory=dict)
    """The settings."""
    point: str = ""
    """Where it ends by itself; nowhere if empty. See `points`."""
    nth: int = 1
    """When it comes there for this time."""
    ahead_s: float = 0.0
    """How far its clock is ahead of the computer's."""
    fails: float = 0.0
    """Which share of the messages it cannot store, from 0 to 1; drawn from `number`."""
    defect: str = ""
    """What is wrong with it, on purpose. See `mutants`."""
    rate: float = 1.0
    """How fast the time of its event loop passes."""
    backup: str = ""
    """The file it copies the database to, instead of serving."""

    def line(self) -> bytes:
        """The order, as the standard input takes it."""
        return json.dumps(asdict(self)).encode() + b"\n"


class AheadClock:
    """See `bot.ports.Clock`: the computer's, some seconds ahead."""

    def __init__(self, seconds: float) -> None:
        self._ahead = timedelta(seconds=seconds)

    def now(self) -> datetime:
        """This moment, aware, UTC."""
        return datetime.now(UTC) + self._ahead  # noqa: TID251 - what this process has for a clock

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


def main(path: str) -> None:
    """Fork a life for each order, until there are no more; then everything that still lives ends."""
    os.setsid()
    for name in NEEDED:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever ends leaves nothing behind
    gc.collect()
    gc.freeze()
    for line in sys.stdin.buffer:
        if os.fork() == 0:
            os._exit(_live(Order(**json.loads(line)), path))
    os.killpg(0, signal.SIGKILL)


def _live(order: Order, path: str) -> int:
    """Run until told to stop; returns the exit status."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    with socket.socket(socket.AF_UNIX) as said:
        said.connect(path)
        said.sendall(json.dumps({"number": order.number, "pid": os.getpid()}).encode() + b"\n")
        os.dup2(said.fileno(), 2)
    os.environ.update(order.environment)
    from bot import backups, errors, logs, settings, wiring  # noqa: PLC0415 - loaded already, and by the parent alone
    from tests.reliability import failing, mutants, points  # noqa: PLC0415
    from tests.reliability.hurry import HurriedLoop  # noqa: PLC0415

    if order.point == points.BACKUP:
        points.die_while_copying()
    if order.point == points.MIGRATION:
        points.die_while_migrating(order.nth)

    def around(store: "Store") -> "Store":
        store = mutants.with_defect(store, order.defect) if order.defect else store
        store = failing.failing(store, order.fails, Random(order.number)) if order.fails else store  # noqa: S311 - the same again
        return points.deadly(store, order.point, order.nth) if order.point in points.POINTS else store

    status = 0
    try:
        loaded = settings.load()
        logs.configure("info", "text")
        with asyncio.Runner(loop_factory=lambda: HurriedLoop(rate=order.rate)) as runner:
            if order.backup:
                runner.run(backups.make(loaded, Path(order.backup), keys=None))
            else:
                runner.run(wiring.run(loaded, clock=AheadClock(order.ahead_s), around=around))
    except* errors.BotError as group:
        sys.stderr.write(f"life.ended {group.exceptions!r}\n")
        status = 1
    return status


if __name__ == "__main__":
    main(sys.argv[1])
