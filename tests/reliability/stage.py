"""Both platforms and a model, with Rapport as processes that come and go: where members talk while it is killed."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.reliability.asked import Obedient, answer, question, token
from tests.reliability.auditor import Account, Said, Verdict, audit, unlearned, unsettled
from tests.reliability.copies import programs
from tests.reliability.lives import Life, Lives, lives
from tests.reliability.platforms import MADE, Platform
from tests.reliability.prop import Trial
from tests.reliability.proxy import Proxy, Toxic, proxy
from tests.reliability.traps import WIRE, Trap
from tests.twins.anthropic import AnthropicTwin
from tests.twins.server import Twin

KEY = "dGhlIGtleSBvZiB3aGF0IHRoZSBiZW5jaCBrZWVwcyE="
"""What personas are sealed with; PostgreSQL has no file that could hold it."""

LEASE = "2s"
"""How long a process of several that says nothing any more keeps what it has."""

RATE = 5.0
"""How much faster the processes' own waits pass."""

SETTLED_WITHIN_S = 60.0

STORM = (
    Toxic(kind="latency", delay_s=0.02, share=0.2),
    Toxic(kind="bandwidth", rate=100_000, share=0.1),
    Toxic(kind="slicer", share=0.1),
    Toxic(kind="slow_close", delay_s=0.1, share=0.1),
    Toxic(kind="limit_data", way="down", amount=20_000, share=0.05),
    Toxic(kind="reset_peer", delay_s=0.3, share=0.1),
    Toxic(kind="timeout", way="down", delay_s=0.2, share=0.05),
    Toxic(kind="down", share=0.05),
)
"""A network in which some connections meet each of the eight toxics."""

AFTER_LEASES_S = 660.0
"""Longer than a lease of learning lasts: what a killed process held is free again."""


class Stage:
    """Use `stage()`."""

    def __init__(
        self,
        trial: Trial,
        started: Lives,
        platforms: Sequence[Platform],
        claude: AnthropicTwin,
        proxies: Sequence[Proxy],
        *,
        members: int,
        rooms: int,
    ) -> None:
        self.platforms = platforms
        self.members, self.rooms = members, rooms
        self.claude = claude
        self.account = Account()
        self.model = Obedient(claude)
        self._lives = started
        self._proxies = proxies
        self._trial = trial
        self._ahead_s = 0.0
        self.defect = ""
        """What is wrong with every process that is started from now on. See `mutants`."""
        self.settles_within_s = SETTLED_WITHIN_S
        """How long after the last kill the last outcome may come."""
        self._environment = {
            "DATABASE_URL": trial.url,
            "PERSONA_KEY": KEY,
            "PERSONA_CONSENT": "on",
            "ANTHROPIC_API_KEY": "test-key",
            "ANTHROPIC_BASE_URL": claude.url,
            "IDLE_AFTER": "1s",
            "SWEEP_EVERY": "1s",
            "ALLOWED_API_HOSTS": "127.0.0.1",
            "WORKER_LEASE": LEASE,
        }

    # -- Rapport --------------------------------------------------------------------------------------------------

    async def copies(self, target: Path, *, point: str = "") -> Life:
        """Start a process that copies the database to a file, beside those that serve, and see it end."""
        environment = self._environment | ({"PATH": programs()} if self._trial.engine == "postgres" else {})
        life = await self._lives.start(environment, point=point, backup=str(target))
        await life.ended()
        return life

    async def start(self, *, point: str = "", nth: int = 1, fails: float = 0.0) -> Life:
        """Start a process, which ends by itself at a point, if one is named, and fails to store some messages."""
        environment = dict(self._environment)
        for platform in self.platforms:
            environment |= platform.environment()
        within = "" if point in WIRE else point
        return await self._lives.start(
            environment,
            point=within,
            nth=nth,
            ahead_s=self._ahead_s,
            fails=fails,
            defect=self.defect,
            rate=RATE,
        )

    @property
    def started(self) -> Sequence[Life]:
        """Every process there was."""
        return self._lives.all

    def trap(self, point: str, spring: Callable[[], None], *, nth: int, platform: Platform) -> Trap:
        """Let something happen at a point on the wire."""
        trap = Trap(spring, nth=nth)
        if point == "K5":
            self.model.held = trap
        else:
            platform.set_trap(point, trap)
        return trap

    def storm(self, *, is_on: bool) -> None:
        """Let the network to every twin be bad from now on, or good again; what was bad is cut then."""
        for chaos in self._proxies:
            if chaos.toxics and not is_on:
                chaos.cut()
            chaos.toxics = STORM if is_on else ()

    @property
    def met(self) -> Counter[str]:
        """How many connections met each toxic."""
        return Counter(kind for chaos in self._proxies for kind in chaos.met)

    def pass_time(self, seconds: float) -> None:
        """Let time pass on the platforms, and for every process that is started from now on."""
        self._ahead_s += seconds
        for platform in self.platforms:
            platform.pass_time(seconds)

    # -- members --------------------------------------------------------------------------------------------------

    async def says(self, platform: Platform, *, member: int, room: int, teaches: bool) -> Said:
        """Let a member say the next message."""
        number = len(self.account.said)
        self.account.said.append(Said(platform="", tenant="", room="", channel="", post="", author=""))
        said = await platform.says(member, room, question(number, teaches=teaches))
        said = replace(said, token=token(number), whole="".join(answer(token(number))), teaches=teaches)
        self.account.said[number] = said
        return said

    async def answered(self, platform: Platform, said: Said, *, timeout_s: float = 60.0) -> None:
        """Wait until the outcome of a message shows.

        Raises:
            AssertionError: it does not.
        """
        await platform.twin.wait_for(lambda: is_final(platform.replies(said), said), timeout_s=timeout_s)

    # -- the end --------------------------------------------------------------------------------------------------

    async def settle(self, *, processes: int = 1) -> float:
        """Let everything that is open come to its end, with nobody killed any more.

        Returns how many seconds it took from the first start until the last message had its outcome.
        """
        began = asyncio.get_running_loop().time()
        last = [await self.start() for _ in range(processes)]
        for platform in self.platforms:
            await platform.delivered()
        await self._none_left(partial(unsettled, said=self.account.said))
        took_s = asyncio.get_running_loop().time() - began
        await self._stop(last)
        self.pass_time(AFTER_LEASES_S)
        last = [await self.start() for _ in range(processes)]
        await self._none_left(unlearned)
        await self._stop(last)
        return took_s

    async def _stop(self, processes: Sequence[Life]) -> None:
        for life in processes:
            await life.logged("bot.ready")
            life.signal(signal.SIGTERM)
        for life in processes:
            await life.ended()

    async def _none_left(self, count: Callable[[str], Awaitable[int]]) -> None:
        """Wait until the database holds no more of something; what is left after that time the auditor finds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.settles_within_s):
                while await count(self._trial.url):  # noqa: ASYNC110 - a database tells nobody
                    await asyncio.sleep(0.1)

    async def verdict(self) -> Verdict:
        """What the auditor says."""
        account = self.account
        account.said = [
            replace(one, is_taken=platform.is_taken(one))
            for one in account.said
            for platform in self.platforms
            if platform.name == one.platform
        ]
        account.shown = [one for platform in self.platforms for one in platform.shown()]
        account.calls = self.model.calls
        path = self._trial.folder / "account.jsonl"
        account.write(path)
        return await audit(Account.read(path), self._trial.url)


def is_final(shown: Sequence[str], said: Said) -> bool:
    """Whether an answer, or a sentence that there is none, stands among what is shown."""
    return any(text == said.whole or "(reference " in text for text in shown)


@asynccontextmanager
async def stage(
    trial: Trial,
    *,
    platforms: Sequence[str] = ("slack", "discord"),
    members: int,
    rooms: int,
    started: Lives | None = None,
) -> AsyncIterator[Stage]:
    """A stage for one trial, with these on each platform, and no more rooms than members.

    Its processes are started by what `started` them before, if it is given.
    """
    async with AsyncExitStack() as closing:
        claude = await closing.enter_async_context(AnthropicTwin())
        made = [MADE[name](members=members, rooms=rooms) for name in platforms]
        proxies = [await closing.enter_async_context(_before(claude, trial))]
        for platform in made:
            await closing.enter_async_context(platform.twin)
            proxies.append(await closing.enter_async_context(_before(platform.twin, trial)))
            platform.stand_behind(proxies[-1].port)
        claude.port = proxies[0].port
        if started is None:
            started = await closing.enter_async_context(lives())
        yield Stage(trial, started, made, claude, proxies, members=members, rooms=rooms)


def _before(twin: Twin, trial: Trial) -> AbstractAsyncContextManager[Proxy]:
    """A proxy in front of a twin, which listens already."""
    port = twin.port
    return proxy(lambda: ("127.0.0.1", port), chance=trial.chance(f"proxy {type(twin).__name__}"))
