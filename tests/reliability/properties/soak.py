"""B25: a process that runs for long grows in nothing, notices what went mute, and leaves when it is told to."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.journeys.processes import ROOT
from tests.journeys.watching import Watch, free_port, watching
from tests.journeys.worlds import DiscordWorld, SlackWorld, World, world
from tests.reliability import residents
from tests.reliability.prop import Property, Report, Trial
from tests.reliability.residents import Held

CANARY = "zqsoak"
PROBE_S = 1.0
"""PROBE_AFTER of the process: what takes 75 seconds otherwise."""
NOTICED_S = 15.0
"""From the first word over a mute connection to its answer, with PROBE_S: replacing and answering included."""
LEFT_S = 20.0
WAVE = 10
"""Messages of one moment."""
LOG_BYTES = 2_000
"""For each message, on average."""
FIRST_LIFE = 0.6
"""The share of messages that the first process answers: growth shows in a long life alone."""
PATIENCE_S = 60.0


@dataclass(slots=True, kw_only=True)
class Seen:
    """What was measured."""

    silences_s: list[float] = field(default_factory=list)
    stops_s: list[float] = field(default_factory=list)
    reconnects: int = 0
    answered: int = 0
    most_mib: float = 0.0
    left: list[tuple[World, str]] = field(default_factory=list)
    """What was asked at the moment of a stop: this process answers it, or the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Both platforms, with the same people in them."""

    slack: SlackWorld
    discord: DiscordWorld

    @property
    def both(self) -> tuple[World, World]:
        return self.slack, self.discord


async def run(trial: Trial) -> Report:
    """Live several lives, one after the other; each ends by SIGTERM with an answer on its way."""
    report, seen = Report(), Seen()
    lives = trial.size["sigterms"]
    log = trial.folder / "log"
    async with world("slack", trial.folder) as slack, world("discord", trial.folder) as discord:
        assert isinstance(slack, SlackWorld)
        assert isinstance(discord, DiscordWorld)
        place = Place(slack=slack, discord=discord)
        for number in range(lives):
            report.faults += await _lived(trial, place, seen, log, number=number)
    written = log.read_bytes()
    if CANARY.encode() in written:
        report.faults.append("the text of a message is in the log")
    if len(written) > LOG_BYTES * seen.answered:
        report.faults.append(f"the log has {len(written) // seen.answered} bytes for each message")
    if max(seen.silences_s) > NOTICED_S:
        report.faults.append(f"a mute connection was noticed and replaced after {max(seen.silences_s):.1f} s only")
    if max(seen.stops_s) > LEFT_S:
        report.faults.append(f"a stop took {max(seen.stops_s):.1f} s")
    report.figures |= {
        "messages": seen.answered,
        "reconnects": seen.reconnects,
        "silences": len(seen.silences_s),
        "slowest_silence_s": round(max(seen.silences_s), 1),
        "stops": len(seen.stops_s),
        "slowest_stop_s": round(max(seen.stops_s), 1),
        "most_mib": round(seen.most_mib),
        "log_bytes_per_message": len(written) // seen.answered,
    }
    return report


async def _lived(trial: Trial, place: Place, seen: Seen, log: Path, *, number: int) -> list[str]:
    """One process from its start to its end. Returns what it did wrong."""
    chance = trial.chance(f"life {number}")
    messages = _share(trial.size["messages"], number, of=trial.size["sigterms"])
    turns = ["wave"] * max(2, messages // WAVE)
    turns += ["reconnect"] * _share(trial.size["reconnects"], number, of=trial.size["sigterms"])
    turns += ["silence"] * _share(trial.size["silences"], number, of=trial.size["sigterms"])
    chance.shuffle(turns)
    async with _process(trial, place, log) as (child, watch):
        await _answered(seen)
        await _waved(place, seen)  # whatever is loaded late is loaded by then
        await _waved(place, seen)
        before = await _quiet(child, watch)
        began_with = seen.answered
        for turn in turns:
            match turn:
                case "wave":
                    await _waved(place, seen)
                case "reconnect":
                    seen.reconnects += 1
                    await chance.choice(_reconnecting(place))()
                    await _waved(place, seen)
                case "silence":
                    seen.silences_s.append(await _silenced(chance.choice(place.both), seen))
        after = await _quiet(child, watch, like=before)
        seen.most_mib = max(seen.most_mib, after.mebibytes)
        faults = residents.judged(before, after, messages=seen.answered - began_with)
        return [f"life {number}: {fault}" for fault in faults] + await _left(child, place, seen)


async def _answered(seen: Seen) -> None:
    """Wait until what an earlier process was asked at its end is answered, once."""
    for asked, post in seen.left:
        await asked.twin.wait_for(partial(_is_answered, asked, post), timeout_s=PATIENCE_S)
    seen.answered += len(seen.left)
    seen.left = []


def _is_answered(asked: World, post: str) -> bool:
    """Whether a post shows its answer, whole and once."""
    return asked.replies(post) == ["An answer."]


def _share(whole: int, number: int, *, of: int) -> int:
    """How much of something a life gets: the first the most."""
    first = whole if of == 1 else round(whole * FIRST_LIFE)
    return first if number == 0 else (whole - first) // (of - 1) + int(number <= (whole - first) % (of - 1))


async def _waved(place: Place, seen: Seen) -> None:
    """Several people ask at one moment on both platforms, and each is answered once."""
    posts = []
    for number in range(WAVE):
        asked = place.both[number % 2]
        who = "Ana" if number % 4 < 2 else "Bo"
        posts.append((asked, await asked.says(who, f"{CANARY} {seen.answered + number}?")))
    for asked, post in posts:
        await asked.twin.wait_for(partial(_is_answered, asked, post), timeout_s=PATIENCE_S)
    seen.answered += len(posts)


def _reconnecting(place: Place) -> list[Callable[[], Awaitable[None]]]:
    """What ends connections every day."""
    slack, discord = place.slack.twin, place.discord.twin
    return [slack.disconnect, slack.drop_sockets, discord.reconnect, discord.drop]


async def _silenced(muted: World, seen: Seen) -> float:
    """Let the connection of one platform go mute, and ask over it. Returns the seconds until the answer."""
    assert isinstance(muted, SlackWorld | DiscordWorld)
    muted.twin.deafen()
    began = time.monotonic()
    post = await muted.says("Ana", f"{CANARY}, is anybody there?")
    await muted.twin.wait_for(partial(_is_answered, muted, post), timeout_s=PATIENCE_S)
    seen.answered += 1
    return time.monotonic() - began


async def _left(child: asyncio.subprocess.Process, place: Place, seen: Seen) -> list[str]:
    """Tell a process to leave while it has something to answer; the next one answers what this one left."""
    seen.left = [(asked, await asked.says("Bo", f"{CANARY}, still there?")) for asked in place.both]
    began = time.monotonic()
    child.terminate()
    try:
        status = await asyncio.wait_for(child.wait(), LEFT_S + 10)
    except TimeoutError:
        return ["it did not leave at all"]
    seen.stops_s.append(time.monotonic() - began)
    return [f"it left with status {status}"] if status else []


async def _quiet(child: asyncio.subprocess.Process, watch: Watch, *, like: Held | None = None) -> Held:
    """What a process holds once nothing waits any more; given time to let go of what it had more before."""
    ends_at = time.monotonic() + PATIENCE_S / 2
    while True:
        told = await watch.metrics()
        now = residents.held(child.pid, tasks=int(told["rapport_tasks"]))
        is_done = not told["rapport_inbox_messages"]
        if is_done and (like is None or not residents.judged(like, now, messages=0)):
            return now
        if time.monotonic() > ends_at:
            return now
        await asyncio.sleep(0.1)


@asynccontextmanager
async def _process(trial: Trial, place: Place, log: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, Watch]]:
    """Rapport on both platforms, ready, logging to a file; killed when the context is left."""
    port = free_port()
    environment = {
        **place.discord.environment(),
        **place.slack.environment(),
        "DATABASE_URL": trial.url,
        "PERSONA_KEY": base64.urlsafe_b64encode(bytes(32)).decode(),
        "PERSONA_CONSENT": "off",
        "PROBE_AFTER": f"{PROBE_S:.0f}s",
        "PORT": str(port),
        "PYTHONPATH": str(ROOT),
        "PATH": os.environ["PATH"],
    }
    with log.open("ab") as writing:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", cwd=trial.folder, env=environment, stderr=writing
        )
    try:
        async with watching(port) as watch:
            await _ready(child, watch)
            yield child, watch
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def _ready(child: asyncio.subprocess.Process, watch: Watch) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await watch.is_ready():
            assert child.returncode is None, "the process ended before it was ready"
            await asyncio.sleep(0.05)


PROPERTY = Property(
    name="soak",
    reference="B25",
    promise="Memory, descriptors, threads and tasks stay; what is mute is replaced; a stop takes less than 20 seconds.",
    run=run,
    quick={"messages": 60, "reconnects": 2, "silences": 2, "sigterms": 2},
    full={"messages": 50_000, "reconnects": 500, "silences": 20, "sigterms": 20},
    engines=("sqlite",),
)
