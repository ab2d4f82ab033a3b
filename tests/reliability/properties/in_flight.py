"""B7: order, edits, deletions and previews while answers are on their way, and our own updates coming back."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Literal, TypeAlias

from bot.core import Core
from bot.store import conversations
from bot.store.conversations import Line
from persona.ports import Transaction
from tests.reliability import open_rows
from tests.reliability.prop import Property, Report, Trial
from tests.reliability.town import PLATFORMS, Echo, Seen, Town, calm, town
from tests.twins.discord import DiscordTwin
from tests.twins.slack import SlackTwin

Change: TypeAlias = Literal["edit", "delete", "unfurl"]
Moment: TypeAlias = Literal["waiting", "thinking", "growing"]
"""While it waits for the message before it, while the model thinks of it, while its answer is on the screen."""

SHARES: dict[Change, float] = {"edit": 0.15, "delete": 0.10, "unfurl": 0.20}
MOMENTS: tuple[Moment, ...] = ("waiting", "thinking", "growing")
WAVE = 10
"""Questions of a thread at once: fewer than may wait."""

ANSWER = re.compile(r"To (q\d+ \w+), (q\d+ \w+) indeed\.")


async def run(trial: Trial) -> Report:
    """Ask, change and take back on both platforms, one after the other."""
    report, asked = Report(), 0
    for platform in PLATFORMS:
        async with town(platform, trial) as here:
            bustle = _Bustle(here, trial)
            async with here.running(bustle.model) as core:
                await bustle.lives(core, already=asked)
            asked += len(bustle.words)
            bustle.judge(report)
    rows = await open_rows.outcomes(trial.url)
    report.faults += [f"{len(rows)} messages were accepted, {asked} were asked"] * (len(rows) != asked)
    report.faults += ["some messages are not settled"] * any(not is_settled for _, is_settled in rows)
    return report


class _Bustle:
    """Threads of questions, of which some change while they are answered."""

    def __init__(self, here: Town, trial: Trial) -> None:
        self.here = here
        self.size = trial.size
        self.chance = trial.chance(here.platform)
        self.model = Echo(self._says, midway=partial(self._meets, moment="growing"))
        self.threads: dict[int, list[str]] = {number: [] for number in range(trial.size["threads"])}
        self.words: dict[str, str | None] = {}
        """What each post says in the end; None if it was deleted."""
        self.plans: dict[str, tuple[Change, Moment]] = {}
        self.posts: dict[str, str] = {}
        """Each post by the number of its question, such as `q3`."""
        self.gate = asyncio.Event()
        self.met = Counter[str]()
        self.core: Core

    async def lives(self, core: Core, *, already: int) -> None:
        """Ask wave by wave; `already` so many messages of others are in the database."""
        self.core = core
        core.adapters[self.here.platform].grow_every_s = 0.0
        while len(self.words) < self.size["messages"]:
            self.gate.clear()
            fresh: list[str] = []
            for _ in range(WAVE):
                left = self.size["messages"] - len(self.words)
                fresh += [await self._asks(thread) for thread in list(self.threads.values())[:left]]
                await self._until_accepted(already + len(self.words))
            for post in fresh:
                await self._meets(str(self.words[post]), moment="waiting")
            self.gate.set()
            await calm(core, self.here.clock)

    async def _asks(self, thread: list[str]) -> str:
        name = f"q{len(self.words)}"
        words = f"{name} first"
        if not thread:
            post = await self.here.asks(words, room=f"thread {len(self.posts)}")
        else:
            post = await self.here.answers_in(thread[0], words)
        thread.append(post)
        self.words[post] = words
        self.posts[name] = post
        self._plan(name)
        return post

    def _plan(self, name: str) -> None:
        roll = self.chance.random()
        for change, share in SHARES.items():
            roll -= share
            if roll < 0:
                self.plans[name] = change, self.chance.choice(MOMENTS)
                return

    async def _says(self, question: str) -> str:
        await self.gate.wait()
        await self._meets(question, moment="thinking")
        return f"To {question}, {question} indeed."

    async def _meets(self, question: str, *, moment: Moment) -> None:
        """Let a question meet what was planned for it, if that is for this moment."""
        name = question.split(maxsplit=1)[0]
        change, planned = self.plans.get(name, ("unfurl", None))
        if planned != moment:
            return
        del self.plans[name]
        self.met[f"{change}s"] += 1
        post = self.posts[name]
        if change == "unfurl":
            await self.here.unfurls(post)
        elif change == "delete":
            self.words[post] = None
            await self.here.deletes(post)
            await self._until_stored(post, None)
        else:
            self.words[post] = f"{name} second"
            await self.here.edits(post, f"{name} second")
            await self._until_stored(post, f"{name} second")

    async def _until_accepted(self, count: int) -> None:
        async def rows(transaction: Transaction) -> int:
            return len(await transaction.fetch("SELECT key FROM inbox"))

        while await self.core.store.read(rows) < count:  # noqa: ASYNC110 - a database signals nothing
            await asyncio.sleep(0.002)

    async def _until_stored(self, post: str, text: str | None) -> None:
        """Wait until Rapport has taken in what a message says now."""

        async def line(transaction: Transaction) -> list[Line]:
            message = post.rpartition("/")[2]
            rows = await transaction.fetch("SELECT * FROM message WHERE id = :id", id=message)
            return await conversations.lines_from(transaction, rows)

        wanted = [] if text is None else [text]
        while [found.text for found in await self.core.store.read(line)] != wanted:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.002)

    def judge(self, report: Report) -> None:
        """Say what people read at the end, and what the model was asked."""
        seen, platform = self.here.seen(), self.here.platform
        shown = Counter(found[2] for one in seen if (found := ANSWER.search(one.text)))
        wanted = Counter(words for words in self.words.values() if words is not None)
        report.faults += [f"{platform}: {words!r} has no answer" for words in wanted - shown]
        report.faults += [f"{platform}: {words!r} has an answer too many" for words in shown - wanted]
        report.faults += [
            f"{platform}: {one.text[:40]!r} stands unfinished"
            for one in seen
            if one.text.startswith("To") and not ANSWER.fullmatch(one.text)
        ]
        again = [words for words, count in Counter(self.model.asked).items() if count > 1]
        report.faults += [f"{platform}: the model was asked {words!r} again" for words in again]
        for thread in self.threads.values():
            report.faults += self._disorder(thread, seen)
        twin, updates = self.here.twin, 0
        if isinstance(twin, SlackTwin):
            updates = len([post for post in twin.posts if post.kind == "update"])
        elif isinstance(twin, DiscordTwin):
            updates = len([post for post in twin.posts if post.action == "edit"])
        report.figures |= {f"{platform}_{name}": count for name, count in sorted(self.met.items())}
        report.figures |= {f"{platform}_messages": len(self.words), f"{platform}_own_updates": updates}

    def _disorder(self, thread: Sequence[str], seen: Sequence[Seen]) -> list[str]:
        """Answers of a thread that stand before the answer to an earlier question."""
        answered = [found[2] for one in seen if (found := ANSWER.search(one.text))]
        wanted = [words for post in thread if (words := self.words[post]) in answered]
        stands = [words for words in answered if words in set(wanted)]
        return [f"{self.here.platform}: {wanted} were answered as {stands}"] * (stands != wanted)


PROPERTY = Property(
    name="in_flight",
    reference="B7",
    promise="What changes while answers are on their way leads to one answer, in order, to what is said in the end.",
    run=run,
    quick={"messages": 120, "threads": 10},
    full={"messages": 2000, "threads": 50},
)
