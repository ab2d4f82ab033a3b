"""The auditor finds what was planted, and knows nothing of what it judges."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.store import opening
from tests import postgres
from tests.reliability.auditor import Account, Said, Shown, audit
from tests.reliability.lives import ROOT
from tests.reliability.prop import Trial
from tests.reliability.stage import Stage, stage
from tests.twins.server import Fault

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

LOADED = "import sys, tests.reliability.auditor; print(*{name.split('.')[0] for name in sys.modules})"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Stage]:
    """Slack with two members."""
    url = f"sqlite:///{tmp_path}/rapport.db"
    await opening.migrate(url)
    trial = Trial(seed=1, tier="quick", size={}, engine="sqlite", url=url, folder=tmp_path)
    async with stage(trial, platforms=["slack"], members=2, rooms=2) as made:
        made.settles_within_s = 2.0
        yield made


async def killed(place: Stage, *, point: str, defect: str) -> list[str]:
    """What the auditor says of one message that met a point in a process with a defect."""
    (slack,) = place.platforms
    place.defect = defect
    life = await place.start(point=point)
    await life.logged("bot.ready")
    await place.says(slack, member=0, room=0, teaches=True)
    await life.ended()
    place.account.kills = 1
    await place.settle()
    return (await place.verdict()).faults


def kinds(faults: list[str]) -> set[str]:
    """What kinds of faults there are."""
    return {fault.partition(":")[0] for fault in faults}


def test_it_is_a_program_of_its_own() -> None:
    """It loads nothing of the product: a defect there cannot be one of the judge as well."""
    command = [sys.executable, "-c", LOADED]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - our own words

    assert set(done.stdout.split()) & {"bot", "adapters", "persona"} == set()


@pytest.mark.parametrize(
    ("defect", "point", "found"),
    [("double post", "K9", "doubled"), ("loss", "K2", "lost"), ("unlearned", "K7", "persona")],
)
async def test_it_finds_a_defect(place: Stage, defect: str, point: str, found: str) -> None:
    """A reply that is posted twice, a message that nobody comes back to, and a fact that is not written down."""
    assert found in kinds(await killed(place, point=point, defect=defect))


async def test_it_finds_nothing_where_nothing_is_wrong(place: Stage) -> None:
    """The same story without the defect is in order."""
    assert await killed(place, point="K9", defect="") == []


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    """A PostgreSQL server that runs."""
    with postgres.running() as running:
        yield running


@pytest.mark.parametrize("defect", ["", "stale lease"])
async def test_it_finds_a_lease_that_is_trusted_after_its_end(
    tmp_path: Path, server: postgres.Server, defect: str
) -> None:
    """A process that stood still while another took its message over takes its own post back, unless it is defect."""
    url = await server.take()
    trial = Trial(seed=1, tier="quick", size={}, engine="postgres", url=url, folder=tmp_path)
    async with stage(trial, platforms=["slack"], members=1, rooms=1) as place:
        (slack,), on_its_way = place.platforms, asyncio.Event()
        slack.twin.fault("POST", "/chat.postMessage", Fault(hold=on_its_way))
        place.defect = defect
        stopped = await place.start()
        await stopped.logged("bot.ready")
        said = await place.says(slack, member=0, room=0, teaches=False)
        await slack.twin.wait_for(lambda: slack.twin.calls("/chat.postMessage"))
        stopped.signal(signal.SIGSTOP)
        other = await place.start()
        await place.answered(slack, said)
        on_its_way.set()
        await slack.twin.wait_for(lambda: len(slack.replies(said)) == 2)
        stopped.signal(signal.SIGCONT)
        await stopped.logged("message.lost", "message.settled", "message.postponed")
        for life in (stopped, other):
            life.kill()
            await life.ended()
        place.account.kills = 2
        await place.settle(processes=2)
        found = kinds((await place.verdict()).faults)

    assert found == ({"doubled"} if defect else set())


async def test_it_judges_what_is_shown(place: Stage, tmp_path: Path) -> None:
    """What members see is held against what was said: nothing missing, twice, unfinished, foreign or out of order."""
    (slack,) = place.platforms
    life = await place.start()
    await life.logged("bot.ready")
    for _ in range(3):
        await place.answered(slack, await place.says(slack, member=0, room=0, teaches=False))
    life.kill()
    await life.ended()
    await place.settle()
    assert (await place.verdict()).faults == []
    account, database = Account.read(tmp_path / "account.jsonl"), f"sqlite:///{tmp_path}/rapport.db"
    first, second, third = account.shown

    async def judged(*shown: Shown, said: list[Said] = account.said) -> set[str]:
        return kinds((await audit(Account(said=said, shown=[*shown], calls=account.calls), database)).faults)

    assert await judged(first, second) == {"lost"}
    assert await judged(first, second, third, replace(third, post="1.2")) == {"doubled", "disorder"}
    assert await judged(first, second, replace(third, text=third.text[:9])) == {"unfinished"}
    assert await judged(first, second, replace(third, text=first.text)) == {"wrong"}
    assert await judged(first, second, third, Shown(platform="slack", channel="C9", post="1.2", text="?")) == {"stray"}
    assert await judged(replace(first, post=third.post), second, replace(third, post=first.post)) == {"disorder"}
    assert await judged(second, third, said=account.said[1:]) == {"doubled", "spent"}


async def test_it_judges_from_the_command_line(place: Stage, tmp_path: Path) -> None:
    """Run by itself, it prints its verdict and ends with 1 if something is wrong."""
    faults = await killed(place, point="K2", defect="loss")
    judge = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.reliability.auditor", "account.jsonl", "sqlite:///rapport.db"),
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await judge.communicate()

    assert judge.returncode == 1
    assert set(faults) <= set(said.decode().splitlines())
