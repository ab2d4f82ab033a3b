"""`/persona-admin budgets` and `budget`: what the models cost this month, and the most that they may."""

from functools import partial

from bot import budgets, money
from bot.budgets import LEARNING_SHARE, Spending
from bot.commands.admin import small
from bot.commands.admin.deciding import decide
from bot.commands.command import Asked, Command, Context
from bot.commands.wording import counted
from bot.store import figures, rules, usage
from bot.store.usage import Total
from bot.views import Line, Section, View
from persona.ports import Transaction

_DID = {"answer": "answers", "learn": "learning"}
_HOW = "Set it with `/persona-admin budget 50`, in US dollars, or `/persona-admin budget none`."


async def run(context: Context, asked: Asked) -> View:
    """Show what was spent on what, and the budget."""
    now, totals, is_small = await context.store.read(partial(_read, context=context, asked=asked))
    every = () if is_small else tuple(map(_line, totals))
    tidying = Line(text="tidying: nothing", note="no model is asked for it")
    unpriced = " What has no price known to me is not counted." if any(total.unpriced for total in totals) else ""
    return View(
        text=f"{spent(now)} {_rules(now)}{unpriced}",
        sections=(Section(title="By purpose", lines=(*every, tidying)),) if every else (),
        footer=_HOW,
    )


async def run_budget(context: Context, asked: Asked) -> View:
    """Set the tenant's own budget, or take it away."""
    if asked.words.casefold() == "none":
        micros = None
    else:
        try:
            micros = money.micros(asked.words)
        except ValueError as error:
            return View(text=f"{_sentence(str(error))} `/persona-admin budget none` sets no limit.")
    decision = partial(rules.set_budget, tenant=asked.tenant, micros=micros)
    await decide(context, asked, "budget:none" if micros is None else "budget:set", decision)
    now = await context.store.read(partial(spending, context=context, asked=asked))
    return View(text=f"{_decided(micros, now)} {spent(now)} {_rules(now)}".strip(), footer=_HOW)


async def _read(transaction: Transaction, *, context: Context, asked: Asked) -> tuple[Spending, list[Total], bool]:
    tenant = asked.tenant
    since, _ = budgets.month_of(context.clock.now())
    return (
        await spending(transaction, context=context, asked=asked),
        await usage.totals(transaction, tenant, since=since),
        small.is_small(await figures.decisions(transaction, tenant)),
    )


async def spending(transaction: Transaction, *, context: Context, asked: Asked) -> Spending:
    """Where the tenant stands that it is asked in."""
    return await budgets.spending(transaction, asked.tenant, monthly=context.office.monthly, now=context.clock.now())


def spent(now: Spending) -> str:
    """What was spent, of how much, and what runs still."""
    of = f" of {money.spelled(now.limit)}" if now.limit is not None else ""
    out = f", besides {counted(now.batched, 'request')} in batches" if now.batched else ""
    return f"{money.spelled(now.spent)}{of} since the first of the month (UTC){out}."


def _rules(now: Spending) -> str:
    if now.limit is None:
        return "There is no limit."
    if now.is_spent():
        return f"Answers and learning wait until {now.goes_on:%Y-%m-%d}, or until the budget is raised."
    if now.is_spent(LEARNING_SHARE):
        return f"Learning waits until {now.goes_on:%Y-%m-%d}, or until the budget is raised; answers go on."
    return f"Learning waits from {LEARNING_SHARE:.0%} on, answers once it is used up."


def _decided(micros: int | None, now: Spending) -> str:
    if micros is None and now.limit is None:
        return "There is no budget any more."
    if micros is None or now.limit != micros:
        return "What holds is the budget that whoever runs me set for each workspace or server, which is lower."
    return f"The budget is {money.spelled(micros)} a month."


def _line(total: Total) -> Line:
    return Line(text=f"{_DID[total.purpose]}: {money.spelled(total.cost)}", note=counted(total.calls, "call"))


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


SHOW = Command(name="budgets", usage="budgets", summary="what the models cost this month, by purpose", run=run)
SET = Command(
    name="budget",
    usage="budget <amount|none>",
    summary="the most a month may cost here, in US dollars",
    words="US dollars, such as 50, or none",
    run=run_budget,
)
