"""B6: sends of which nobody knows whether they were taken end up there once."""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from random import Random

from adapters.slack.adapter import SlackAdapter
from bot.core import Core
from tests.reliability import open_rows
from tests.reliability.prop import Property, Report, Trial
from tests.reliability.town import PLATFORMS, Echo, Town, by_question, calm, town, until
from tests.twins.discord import DiscordTwin
from tests.twins.server import Fault

DROPPED, RESET, FAILED, LOST = 0.10, 0.05, 0.05, 0.03
"""How often a post is taken without an answer, or with a 503, and how often it is not taken."""

LAG_S = 10.0
WAVE = 60
"""Questions asked at once: no room has more than may wait there."""

POSTS = ("/chat.postMessage", "/messages")
VERSE = "la " * 630
"""Long enough for a part of its own, and the same in each."""


async def run(trial: Trial) -> Report:
    """Ask on both platforms, one after the other."""
    report = Report()
    for platform in PLATFORMS:
        async with town(platform, trial) as here:
            await _storm(here, trial, report)
    owed = [state for state, is_settled in await open_rows.outcomes(trial.url) if not is_settled]
    report.faults += [f"{len(owed)} messages are not settled"] * bool(owed)
    return report


async def _storm(here: Town, trial: Trial, report: Report) -> None:
    met = Counter[str]()
    asked: dict[str, str] = {}
    model = Echo(_said)
    async with here.running(model) as core:
        here.twin.weather = partial(_weather, here, trial.chance(f"weather {here.platform}"), met)
        for first in range(0, trial.size["sends"], WAVE):
            wave = range(first, min(first + WAVE, trial.size["sends"]))
            core.adapters[here.platform].grow_every_s = 0.0 if (first // WAVE) % 2 else None
            asked |= {await here.asks(_question(number), room=_room(number)): _question(number) for number in wave}
            if not await until(partial(_all_heard, model, len(asked))):
                report.faults.append(f"{here.platform}: {len(asked) - len(set(model.asked))} messages were not heard")
            sweeps = await calm(core, here.clock)
            report.figures[f"{here.platform}_sweeps"] = max(
                sweeps, int(report.figures.get(f"{here.platform}_sweeps", 0))
            )
        report.faults += _retries(core)
    report.figures |= {f"{here.platform}_{kind}": count for kind, count in sorted(met.items())}
    report.figures[f"{here.platform}_sends"] = len(asked)
    report.faults += _judged(here, asked)


def _all_heard(model: Echo, count: int) -> bool:
    return len(set(model.asked)) == count


def _weather(here: Town, chance: Random, met: Counter[str], method: str, path: str) -> Fault | None:
    if method != "POST" or not path.endswith(POSTS):
        return None
    here.lags(chance.uniform(0, LAG_S))
    roll = chance.random()
    for kind, share, fault in (
        ("dropped", DROPPED, Fault(reset_after=True)),
        ("reset", RESET, Fault(reset_after=True)),
        ("failed", FAILED, Fault(status_after=503)),
        ("lost", LOST, Fault(reset_before=True)),
    ):
        roll -= share
        if roll < 0:
            met[kind] += 1
            return fault
    return None


def _question(number: int) -> str:
    return f"q{number} sing" if number % 10 == 9 else f"q{number}"


def _room(number: int) -> str:
    """Every third directly; a song has a channel to itself, where its parts cannot be taken for another's."""
    if number % 10 == 9:
        return f"stage {number}"
    return f"@{number}" if number % 3 == 0 else f"room {number % 12}"


async def _said(question: str) -> str:
    return f"To {question}. {VERSE}\n\n{VERSE}\n\n{VERSE}" if "sing" in question else f"To {question} at once."


def _judged(here: Town, asked: dict[str, str]) -> list[str]:
    """Each question has its answer once, all of it, and nothing stands beside."""
    shown = by_question(here.seen())
    if here.platform == "slack":  # a direct message has no thread, so there the room is the question
        direct = {post.split("/")[0]: post for post in asked if post.startswith("D")}
        shown = {direct.get(question, question): texts for question, texts in shown.items()}
    faults = []
    for post, question in asked.items():
        expected = f"To {question}. {VERSE * 3}" if "sing" in question else f"To {question} at once."
        if _letters("".join(shown.get(post, []))) != _letters(expected):
            faults.append(f"{here.platform}: {question!r} shows {[text[:30] for text in shown.get(post, [])]}")
    strays = set(shown) - set(asked)
    faults += [f"{here.platform}: {shown[stray]} answers nothing"[:200] for stray in strays]
    if isinstance(here.twin, DiscordTwin):
        creates = [post.body for post in here.twin.posts if post.action == "create"]
        bare = [body for body in creates if not (body.get("nonce") and body.get("enforce_nonce"))]
        faults += [f"{len(bare)} posts without a nonce that counts"] * bool(bare)
    return faults


def _letters(text: str) -> str:
    return re.sub(r"\s", "", text)


def _retries(core: Core) -> list[str]:
    """No posting call goes through a retry handler of Slack's SDK. Discord's posts have a nonce instead."""
    slack = core.adapters.get("slack")
    handlers = slack._client.retry_handlers if isinstance(slack, SlackAdapter) else []
    return [f"Slack's client has {len(handlers)} retry handlers"] * bool(handlers)


PROPERTY = Property(
    name="ambiguous_send",
    reference="B6",
    promise="A post of which nobody knows whether it was taken is there once, whatever the history shows meanwhile.",
    run=run,
    quick={"sends": 100},
    full={"sends": 1000},
)
