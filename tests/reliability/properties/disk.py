"""B13: a disk that is full or fails, and a file that is damaged: nothing is acknowledged that is not stored."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

from tests.journeys.processes import Process, python
from tests.reliability import disks, files
from tests.reliability.prop import Property, Report, Trial
from tests.twins.anthropic import AnthropicTwin
from tests.twins.slack import SlackTwin
from tests.twins.slack.delivery import Event

DISK_MIB = 32
MOST_LEFT = 64 * 1024
"""Bytes that are left on a full disk: room for the first few messages, or for a part of one."""
CALM_MESSAGES = 12
"""Between two troubles; each is several writes."""
MOST_IN_TROUBLE = 100
"""The log of the database may have room of its own, until it is filled."""
WORDS = "word " * 300
ACK_TIMEOUT_S = 0.3
READY_S, DRAINED_S = 30.0, 60.0

_ACCEPTED = "SELECT message FROM inbox"
_OPEN = "SELECT message FROM inbox WHERE settled_at IS NULL"
_ROOT = "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_master WHERE name = 'inbox'"


async def run(trial: Trial) -> Report:
    """Take the room away again and again, then cut the log of killed processes, then damage the file itself."""
    folder = trial.folder / "disk"
    folder.mkdir()
    with disks.small(folder, mebibytes=DISK_MIB) as is_small:
        async with _Scene.opened(folder, trial) as scene:
            await scene.in_trouble(trial.size["episodes"], is_small=is_small)
            for _ in range(trial.size["cuts"]):
                await scene.with_a_cut_log()
            await scene.with_a_damaged_page()
    can_be_read_only = disks.can_be_read_only(trial.folder)
    if can_be_read_only:
        async with _Scene.opened(trial.folder, trial) as other:
            await other.read_only(trial.size["read_only_s"])
        scene.faults += other.faults
        scene.figures["refused_read_only"] = other.figures["refused"]
    figures = scene.figures | {
        "full_disk": "tried" if is_small else "left out: nobody may mount a disk here",
        "read_only": "tried" if can_be_read_only else "left out: files here cannot be made so while they are open",
    }
    return Report(figures=figures, faults=scene.faults)


class _Scene:
    """A workspace on Slack, and a database on a disk of its own."""

    def __init__(self, slack: SlackTwin, environment: Mapping[str, str], folder: Path, trial: Trial) -> None:
        self.faults: list[str] = []
        self.figures: dict[str, str | int | float] = {"said": 0, "refused": 0, "alerts": 0, "lost_with_a_log": 0}
        self._slack = slack
        self._environment = environment
        self._folder = folder
        self._database = folder / "rapport.db"
        self._random = trial.chance("disk")

    @classmethod
    @asynccontextmanager
    async def opened(cls, folder: Path, trial: Trial) -> "AsyncIterator[_Scene]":
        """A scene in which nothing happened yet."""
        async with AnthropicTwin() as claude, SlackTwin(ack_timeout_s=ACK_TIMEOUT_S) as slack:
            claude.default = "An answer."
            slack.redeliveries = 10**6  # Slack's last one comes after five minutes, and a trial has no such time
            slack.member("U1", "Ana")
            slack.channel("D1", "", kind="im", members=["U1"])
            environment = {
                "DATABASE_URL": f"sqlite:///{folder / 'rapport.db'}",
                "SLACK_BOT_TOKEN": slack.bot_token,
                "SLACK_APP_TOKEN": slack.app_token,
                "SLACK_API_URL": slack.api_url,
                "ANTHROPIC_API_KEY": "test-key",
                "ANTHROPIC_BASE_URL": claude.url,
                "PERSONA_CONSENT": "off",
                "SWEEP_EVERY": "1s",
                "LOG_LEVEL": "warning",
                "LOG_FORMAT": "json",
            }
            yield cls(slack, environment, folder, trial)

    # -- no room, and a disk that fails --------------------------------------------------------------------------------

    async def in_trouble(self, episodes: int, *, is_small: bool) -> None:
        """Trouble again and again: a full disk in turn with one that fails, or that alone where none can be made."""
        async with self._rapport() as process:
            for number in range(episodes):
                for _ in range(CALM_MESSAGES):
                    await self._says()
                await self._drained(f"before trouble {number}")
                trouble: AbstractContextManager[None]
                if is_small and number % 2 == 0:
                    trouble = disks.full(self._folder, left=self._random.randrange(MOST_LEFT))
                else:
                    trouble = disks.failing(process.id, beyond=self._random.randrange(MOST_LEFT))
                with trouble:
                    await self._refused(number)
                await self._drained(f"after trouble {number}")
            process.stop()
            if status := await process.ended():
                self.faults.append(f"the process ended with {status}")
        self._judge_alerts(process.log, episodes)
        self.faults += files.damage(self._database)

    async def _refused(self, number: int) -> None:
        """Let the member write until a message is refused; whatever was acknowledged meanwhile has to be there."""
        for _ in range(MOST_IN_TROUBLE):
            event = await self._says()
            await _until(partial(_is_decided, event), READY_S)
            if not event.acks:
                self.figures["refused"] = int(self.figures["refused"]) + 1
                break
        else:
            self.faults.append(f"trouble {number} troubled nobody")
        acknowledged = {
            str(one.inner["ts"]) for one in self._slack.events if one.acks and one.inner.get("user") == "U1"
        }
        if missing := acknowledged - self._rows(_ACCEPTED):
            self.faults.append(f"{len(missing)} messages are acknowledged and not stored in trouble {number}")

    async def read_only(self, seconds: int) -> None:
        """Let the member write for so long to a database that became read-only; then all of it drains."""
        async with self._rapport() as process:
            for _ in range(CALM_MESSAGES):
                await self._says()
            await self._drained("before it was read-only")
            with disks.read_only(self._database, self._database.with_name(f"{self._database.name}-wal")):
                until = asyncio.get_running_loop().time() + seconds
                while asyncio.get_running_loop().time() < until:
                    event = await self._says()
                    await _until(partial(_is_decided, event), READY_S)
                    self.figures["refused"] = int(self.figures["refused"]) + (not event.acks)
                    if event.acks and str(event.inner["ts"]) not in self._rows(_ACCEPTED):
                        self.faults.append("a message is acknowledged and not stored while nothing could be written")
            if not self.figures["refused"]:
                self.faults.append("a read-only database troubled nobody")
            await self._drained("after it was read-only")
            process.stop()
            if status := await process.ended():
                self.faults.append(f"the process ended with {status}")
        self._judge_alerts(process.log, 1)
        self.faults += files.damage(self._database)

    def _judge_alerts(self, log: str, episodes: int) -> None:
        """One line for whoever runs it with each trouble, and none for each message.

        Two at most: a log with room of its own may let so much pass that the trouble seems to be over.
        """
        lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
        alerts = [f"{line['event']} {line.get('doing')}" for line in lines if line["level"] == "error"]
        self.figures["alerts"] = len(alerts)
        if set(alerts) != {"store.failing writing"} or not episodes <= len(alerts) <= 2 * episodes:
            self.faults.append(f"{episodes} troubles gave {len(alerts)} alerts: {alerts}")

    # -- what is damaged -----------------------------------------------------------------------------------------------

    async def with_a_cut_log(self) -> None:
        """Kill it, cut the log anywhere, start it again: what is left is whole, and works."""
        async with self._rapport() as process:
            for _ in range(CALM_MESSAGES):
                await self._says()
            await self._slack.settled(timeout_s=DRAINED_S)
            before = self._rows(_ACCEPTED)
            await process.kill()
        log = self._database.with_name(f"{self._database.name}-wal")
        with log.open("r+b") as file:
            file.truncate(self._random.randrange(log.stat().st_size))
        async with self._rapport() as process:
            await self._says()
            await self._drained("after its log was cut")
            process.stop()
            await process.ended()
        self.faults += files.damage(self._database)
        lost = len(before - self._rows(_ACCEPTED))
        self.figures["lost_with_a_log"] = int(self.figures["lost_with_a_log"]) + lost

    async def with_a_damaged_page(self) -> None:
        """Overwrite what the inbox begins with: it is reported as damaged, and nothing is acknowledged."""
        ((page, size),) = files.rows(self._database, _ROOT)
        with self._database.open("r+b") as file:
            file.seek((page - 1) * size)
            file.write(b"\xff" * size)
        async with python("-m", "bot", folder=self._folder, environment=self._environment) as process:
            event = await self._says()
            await process.logged("StoreDamagedError", "damaged")
            if event.acks:
                self.faults.append("a message was acknowledged by a damaged database")

    # -- what happens --------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _rapport(self) -> AsyncIterator[Process]:
        opened = self._slack.opened
        async with python("-m", "bot", folder=self._folder, environment=self._environment) as process:
            await self._slack.connected(opened=opened + 1, timeout_s=READY_S)
            yield process

    async def _says(self) -> Event:
        self.figures["said"] = int(self.figures["said"]) + 1
        await self._slack.says("U1", "D1", f"{self.figures['said']} {WORDS}")
        return self._slack.events[-1]

    async def _drained(self, when: str) -> None:
        """Wait until everything is acknowledged and has its outcome."""
        await self._slack.settled(timeout_s=DRAINED_S)
        if not await _until(lambda: not self._rows(_OPEN), DRAINED_S):
            self.faults.append(f"{len(self._rows(_OPEN))} messages have no outcome {when}")

    def _rows(self, sql: str) -> set[str]:
        return {str(name) for (name,) in files.rows(self._database, sql)}


def _is_decided(event: Event) -> bool:
    """Whether it was acknowledged, or delivered again since it was not."""
    return bool(event.acks) or event.offers > 1


async def _until(is_so: Callable[[], bool], patience_s: float) -> bool:
    """Look again and again until something is so; False if it never was. Nobody tells of it: it is in a file, say."""
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + patience_s
    while not is_so():
        if loop.time() > ends_at:
            return False
        await asyncio.sleep(0.02)
    return True


PROPERTY = Property(
    name="disk",
    reference="B13",
    promise="Without room, or on a failing disk, nothing is acknowledged unstored, and all of it drains afterwards.",
    run=run,
    quick={"episodes": 2, "cuts": 1, "read_only_s": 1},
    full={"episodes": 30, "cuts": 20, "read_only_s": 10},
    engines=("sqlite",),
)
