"""`/persona-admin status`: whether all is well, in counts."""

from dataclasses import dataclass
from functools import partial

from bot import VERSION, consent
from bot.budgets import Spending
from bot.commands.admin import small
from bot.commands.admin.budgets import spending, spent
from bot.commands.admin.consent import sentence
from bot.commands.command import Asked, Command, Context, holding
from bot.commands.wording import counted
from bot.ports import Away
from bot.store import figures, rules
from bot.store.usage import Purpose
from bot.views import Line, Section, View
from persona.ports import Transaction

_STATES = {
    "on": "agreed",
    "asked": "were asked and have not decided",
    "off": "decided nothing and were not asked",
    "paused": "paused it",
    "withdrawn": "said no",
}


_DOES: dict[Purpose, str] = {"answer": "answers", "learn": "updates"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    held: consent.Holding
    rules: rules.Rules
    decisions: dict[str, int]
    learned: int
    learning: figures.Learning
    spending: Spending


async def run(context: Context, asked: Asked) -> View:
    """Show it."""
    found = await context.store.read(partial(_read, context=context, asked=asked))
    return View(
        text=sentence(found.held, context.default),
        sections=(
            Section(title="Running", lines=_running(context)),
            Section(title="Members", lines=_members(found)),
            Section(title="Learning", lines=_learning(found)),
            Section(title="Cost this month", lines=(Line(text=spent(found.spending)),)),
        ),
        footer="Counts alone: what a member told me, only that member can see.",
    )


async def _read(transaction: Transaction, *, context: Context, asked: Asked) -> _Found:
    tenant = asked.tenant
    return _Found(
        held=await holding(transaction, context=context, asked=asked),
        rules=await rules.read(transaction, tenant),
        decisions=await figures.decisions(transaction, tenant),
        learned=await figures.learned(transaction, tenant),
        learning=await figures.learning(transaction, tenant),
        spending=await spending(transaction, context=context, asked=asked),
    )


def _running(context: Context) -> tuple[Line, ...]:
    office = context.office
    return (
        Line(text=f"Rapport {VERSION}"),
        Line(text=f"Connected: {', '.join(sorted(office.adapters)) or 'nothing'}"),
        Line(text=f"Answers by {office.models['answer']}, updates by {office.models['learn']}"),
        *(_away(purpose, away) for purpose, away in office.away().items()),
    )


def _away(purpose: Purpose, away: Away) -> Line:
    """What a model that is asked rarely said last, and since when."""
    what = f"The model for {_DOES[purpose]} fails since {away.since:%Y-%m-%d %H:%M} UTC"
    return Line(text=what, note=str(away.error()))


def _members(found: _Found) -> tuple[Line, ...]:
    purged = found.rules.purged_at
    gone = (Line(text=f"Everything was purged last on {purged:%Y-%m-%d}"),) if purged else ()
    if small.is_small(found.decisions):
        return (Line(text=small.SMALL), *gone)
    states = [f"{small.coarse(found.decisions.get(state, 0))} {said}" for state, said in _STATES.items()]
    kept = f"{small.coarse(found.learned)} things that they said of themselves here are kept"
    return (*(Line(text=text) for text in (*states, kept)), *gone)


def _learning(found: _Found) -> tuple[Line, ...]:
    now = found.learning
    said = f"{counted(now.waiting, 'conversation')} waiting; {now.failing} failed and tried again, {now.parked} parked"
    trouble = "" if now.failing == now.parked == 0 else "the log says why"
    if small.is_small(found.decisions):
        return (Line(text=said, note=trouble),)
    last = f"Last learned from {now.last:%Y-%m-%d %H:%M} UTC" if now.last else "Nothing learned from yet"
    return (Line(text=said, note=trouble), Line(text=last))


COMMAND = Command(name="status", usage="status", summary="whether all is well, in counts", run=run)
