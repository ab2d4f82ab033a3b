"""B14: several workers on one PostgreSQL, killed, stopped and cut off, with clocks that are wrong.

What they do is judged from outside: from the ledger of what was posted, and from the database itself.
"""

import asyncio
import json
import os
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import asyncpg

from tests.reliability.prop import Property, Report, Trial

ROOT = Path(__file__).parents[3]
LEASE_S = 1.0
SKEW_S = 30.0
RETAKEN_WITHIN_S = LEASE_S + 5.0
PATIENCE_S = 60.0
LOOK_S = 0.05
MOST_OPEN = 24
"""Messages at once: enough that every worker always answers, and never more than a slow machine gets through."""
CONNECTIONS = 5
"""What a worker may have open: one to write with, four to read."""

_HELD = """
    SELECT key, token FROM inbox WHERE lease_owner = $1 AND attempts > 0 AND settled_at IS NULL
"""
_UNSETTLED = "SELECT count(*) FROM inbox WHERE settled_at IS NULL"
_STILL = "SELECT count(*) FROM inbox WHERE key = $1 AND token = $2 AND settled_at IS NULL"
_BREAK = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rapport'"
_OPEN = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'rapport' AND datname = current_database()"


class Worker:
    """A process that answers."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self._child = child
        self.id = ""
        self.is_up = True
        self.log: list[dict[str, Any]] = []
        self._ready = asyncio.Event()
        self._accepted: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def hear(self) -> None:
        """Take in what it says, until it ends."""
        assert self._child.stdout is not None
        while line := await self._child.stdout.readline():
            word, value = line.decode().split()
            if word == "ready":
                self.id = value
                self._ready.set()
            else:
                self._accepted[value].set()

    async def listen(self) -> None:
        """Take in what it logs, until it ends."""
        assert self._child.stderr is not None
        while line := await self._child.stderr.readline():
            if line.startswith(b"{"):
                self.log.append(json.loads(line))

    async def ready(self) -> None:
        """Wait until it works."""
        async with asyncio.timeout(PATIENCE_S):
            await self._ready.wait()

    async def accept(self, number: str, room: str) -> bool:
        """Whether it stored a message; not if it dies, or is stopped, before it says so."""
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(f"{number} {room}\n".encode())
            async with asyncio.timeout(5):
                await self._accepted[number].wait()
        except (TimeoutError, OSError):
            return False
        return True

    def signal(self, number: signal.Signals) -> None:
        """Kill, stop, or let it go on."""
        self.is_up = number == signal.SIGCONT
        self._child.send_signal(number)

    async def end(self) -> None:
        """Let it finish, and wait for that."""
        assert self._child.stdin is not None
        if self._child.returncode is None:
            self._child.stdin.close()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._child.wait()
        except TimeoutError:
            self._child.kill()
            await self._child.wait()


class Crew:
    """All workers, living and dead."""

    def __init__(self, trial: Trial, ledger: Path, chance: Random) -> None:
        self._trial, self._ledger, self._chance = trial, ledger, chance
        self._tasks: list[asyncio.Task[None]] = []
        self.all: list[Worker] = []

    async def hire(self) -> Worker:
        """Start one more, whose clock is wrong by up to half a minute either way."""
        skew = self._chance.uniform(-SKEW_S, SKEW_S)
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.reliability.leased", self._trial.url, str(self._ledger), str(LEASE_S), str(skew)),
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "HOME": str(self._ledger.parent)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        worker = Worker(child)
        self.all.append(worker)
        self._tasks += [asyncio.ensure_future(worker.hear()), asyncio.ensure_future(worker.listen())]
        return worker

    @property
    def up(self) -> list[Worker]:
        """Those that can be spoken to."""
        return [worker for worker in self.all if worker.is_up and worker.id]

    async def end(self) -> None:
        """Let all of them finish."""
        await asyncio.gather(*(worker.end() for worker in self.all))
        await asyncio.gather(*self._tasks)

    def events(self) -> Counter[str]:
        """How often each line was logged."""
        return Counter(str(line.get("event")) for worker in self.all for line in worker.log)


@asynccontextmanager
async def crew(trial: Trial, ledger: Path) -> AsyncIterator[Crew]:
    """The workers of a trial, ready; they end with the context."""
    hired = Crew(trial, ledger, trial.chance("skew"))
    try:
        await asyncio.gather(*[(await hired.hire()).ready() for _ in range(trial.size["workers"])])
        yield hired
    finally:
        for worker in hired.all:
            if not worker.is_up:
                with suppress(ProcessLookupError):  # it was killed
                    worker.signal(signal.SIGKILL)
        await hired.end()


class Bout:
    """Faults that befall workers while they answer."""

    def __init__(self, hired: Crew, database: Any, chance: Random) -> None:
        self._crew, self._database, self._chance = hired, database, chance
        self._asking = asyncio.Lock()
        self.retaken_s: list[float] = []
        self.held = 0
        """How many messages were being answered by those that were stopped."""

    async def kill(self) -> None:
        """Kill a worker that is answering, and start another."""
        victim, held = await self._victim()
        victim.signal(signal.SIGKILL)
        await self._retaken(held)
        await (await self._crew.hire()).ready()

    async def stop(self) -> None:
        """Stop a worker that is answering until others have what it had, twice its lease at least."""
        victim, held = await self._victim()
        victim.signal(signal.SIGSTOP)
        began = asyncio.get_running_loop().time()
        await self._retaken(held)
        await asyncio.sleep(max(0.0, began + 2 * LEASE_S - asyncio.get_running_loop().time()))
        self.held += len(held)
        victim.signal(signal.SIGCONT)

    async def cut(self) -> None:
        """Break every connection at once, as a PostgreSQL does that starts anew."""
        await self.ask(_BREAK)

    async def open(self) -> int:
        """How many messages are not settled."""
        (row,) = await self.ask(_UNSETTLED)
        return int(row["count"])

    async def ask(self, sql: str, *values: object) -> list[Any]:
        """Ask the database."""
        async with self._asking:
            return list(await self._database.fetch(sql, *values))

    async def _victim(self) -> tuple[Worker, Mapping[str, int]]:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                up = self._crew.up
                for worker in self._chance.sample(up, len(up)):
                    held = {row["key"]: row["token"] for row in await self.ask(_HELD, worker.id)}
                    if held:
                        return worker, held
                await asyncio.sleep(LOOK_S)

    async def _retaken(self, held: Mapping[str, int]) -> None:
        """Wait until others have begun, or finished, all of it."""
        began = asyncio.get_running_loop().time()
        left = dict(held)
        async with asyncio.timeout(PATIENCE_S):
            while left:
                for key, token in list(left.items()):
                    (row,) = await self.ask(_STILL, key, token)
                    if row["count"] == 0:
                        del left[key]
                await asyncio.sleep(LOOK_S)
        self.retaken_s.append(asyncio.get_running_loop().time() - began)


async def run(trial: Trial) -> Report:
    """Let members talk while workers are killed, stopped and cut off; then count what was posted."""
    ledger = trial.folder / "ledger"
    async with AsyncExitStack() as closing:
        database = await asyncpg.connect(trial.url)
        closing.push_async_callback(database.close)
        async with crew(trial, ledger) as hired:
            bout = Bout(hired, database, trial.chance("victims"))
            faults = [
                *[bout.kill] * trial.size["kills"],
                *[bout.stop] * trial.size["stops"],
                *[bout.cut] * trial.size["cuts"],
            ]
            trial.chance("order").shuffle(faults)
            is_over = asyncio.Event()
            talking = asyncio.ensure_future(_talk(trial, hired, bout, is_over))
            for fault in faults:
                await fault()
            is_over.set()
            said = await talking
            settled_s = await _settled(bout)
            (row,) = await bout.ask(_OPEN)
            connections = row["count"]
        rows = await database.fetch("SELECT message, answer, state, settled_at FROM inbox")
        kept = {row["answer"]: row["post"] for row in await database.fetch("SELECT answer, post FROM outbox")}
    return _judged(
        said,
        ledger,
        rows,
        kept,
        bout=bout,
        logged=hired.events(),
        connections=connections,
        settled_s=settled_s,
        trial=trial,
    )


async def _talk(trial: Trial, hired: Crew, bout: Bout, is_over: asyncio.Event) -> set[str]:
    """Say as many messages as there are to be, and go on as long as there are faults to come. Returns their ids."""
    chance, number = trial.chance("talk"), 0
    said: set[str] = set()

    async def say(name: str, room: str) -> None:
        while not await chance.choice(hired.up).accept(name, room):
            pass  # a platform delivers again

    while number < trial.size["messages"] or not is_over.is_set():
        while await bout.open() > MOST_OPEN:  # noqa: ASYNC110 - a database tells nobody
            await asyncio.sleep(LOOK_S)
        some = [str(number + one) for one in range(4)]
        number += len(some)
        await asyncio.gather(*(say(name, f"C{chance.randrange(12)}") for name in some))
        said.update(some)
    return said


async def _settled(bout: Bout) -> float:
    """Wait until nothing is open; how long that took, in seconds."""
    began = asyncio.get_running_loop().time()
    while await bout.open():
        if asyncio.get_running_loop().time() - began > PATIENCE_S:
            break
        await asyncio.sleep(LOOK_S)
    return asyncio.get_running_loop().time() - began


def _judged(
    said: set[str],
    ledger: Path,
    rows: list[Any],
    kept: Mapping[str, str],
    *,
    bout: Bout,
    logged: Counter[str],
    connections: int,
    settled_s: float,
    trial: Trial,
) -> Report:
    report = Report()
    standing: defaultdict[str, dict[str, str]] = defaultdict(dict)
    posts = 0
    for line in map(json.loads, ledger.read_text("utf-8").splitlines()):
        if line["what"] == "post":
            posts += 1
            standing[line["reply_to"]][line["post"]] = line["answer"]
        else:
            standing[line["reply_to"]].pop(line["post"])
    known = {row["message"]: row for row in rows}
    faults = report.faults
    faults += [f"message {name} was accepted and is not in the inbox" for name in sorted(said - set(known))]
    faults += [f"message {name} is not settled" for name, row in known.items() if row["settled_at"] is None]
    faults += [f"message {name} ended as {row['state']}" for name, row in known.items() if row["state"] != "answered"]
    for name, row in known.items():
        shown = standing.get(name, {})
        if len(shown) != 1:
            faults.append(f"message {name} shows {len(shown)} answers")
        elif kept.get(row["answer"]) not in shown:
            faults.append(f"message {name}: the post that is stored is not the one that stands")
    slowest = max(bout.retaken_s, default=0.0)
    if slowest > RETAKEN_WITHIN_S:
        faults.append(f"what a lost worker had was retaken after {slowest:.1f} s, not within {RETAKEN_WITHIN_S} s")
    if logged["message.lost"] < trial.size["stops"]:
        faults.append(f"{logged['message.lost']} turns of stopped workers were refused, of {bout.held} that went on")
    if connections > CONNECTIONS * trial.size["workers"]:
        faults.append(f"{connections} connections are open at the end")
    report.figures |= {
        "messages": len(known),
        "posts": posts,
        "removed": posts - sum(map(len, standing.values())),
        "retaken_max_s": round(slowest, 1),
        "refused": logged["message.lost"],
        "settled_s": round(settled_s, 1),
        "connections": connections,
    }
    return report


PROPERTY = Property(
    name="leases",
    reference="B14",
    promise="Whatever becomes of a worker, each message has one answer, and whoever comes back late changes nothing.",
    run=run,
    quick={"workers": 3, "messages": 60, "kills": 1, "stops": 1, "cuts": 1},
    full={"workers": 4, "messages": 5_000, "kills": 40, "stops": 20, "cuts": 20},
    engines=("postgres",),
)
