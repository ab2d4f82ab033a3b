"""`/persona-admin audit`: how often what was done with personas here, and whether the log of it still verifies."""

from datetime import timedelta
from functools import partial

from bot.commands.admin import small
from bot.commands.command import Asked, Command, Context
from bot.store import figures
from bot.store.figures import Act
from bot.views import Line, Section, View
from persona import audit
from persona.audit import Verdict
from persona.ports import Transaction

DAYS, LATELY_DAYS = 30, 7


async def run(context: Context, asked: Asked) -> View:
    """Show the counts, and what walking the chain found."""
    verdict, acts, is_small = await context.store.read(partial(_read, context=context, asked=asked))
    ours = tuple(
        Line(text=f"{act.action}: {act.number}", note=_lately(str(act.lately))) for act in acts if act.is_admins
    )
    theirs = tuple(
        Line(text=f"{act.action}: {small.coarse(act.number)}", note=_lately(small.coarse(act.lately)))
        for act in acts
        if not act.is_admins
    )
    found = ((f"By admins in {DAYS} days", ours), (f"By all others in {DAYS} days", () if is_small else theirs))
    return View(
        text=f"{_said(verdict)}{f' {small.SMALL}' if is_small else ''}",
        sections=tuple(Section(title=title, lines=lines) for title, lines in found if lines),
        footer="An account on Discord is on all servers, and so is its log: what members do with theirs is not counted"
        " here. Whoever runs me checks every log with `python -m bot audit`.",
    )


async def _read(transaction: Transaction, *, context: Context, asked: Asked) -> tuple[Verdict, list[Act], bool]:
    tenant, now = asked.tenant, context.clock.now()
    since, lately = now - timedelta(days=DAYS), now - timedelta(days=LATELY_DAYS)
    return (
        await audit.verify(transaction, tenant),
        await figures.acts(transaction, tenant, since=since, lately=lately),
        small.is_small(await figures.decisions(transaction, tenant)),
    )


def _lately(number: str) -> str:
    return f"{number} in the last {LATELY_DAYS}"


def _said(verdict: Verdict) -> str:
    if verdict.broken_at is None:
        return "The audit log verifies: no row was changed, and none is missing."
    return f"The audit log does not verify: at row {verdict.broken_at} {verdict.why}. Tell whoever runs me."


COMMAND = Command(name="audit", usage="audit", summary="counts of what was done, and whether the log verifies", run=run)
