"""What stands below a member's persona on a page of their own: switches, what they consumed, who reads the page."""

from datetime import timedelta
from functools import partial

from bot import consent, money
from bot.commands.command import Context
from bot.messages import Member, TenantId
from bot.store import members, usage
from bot.views import Button, Line, Section, View
from persona.ports import Transaction

USAGE_DAYS = 30

PAUSE = Button(action="pause", label="Pause")
NOTICE_LESS = Button(action="observe:off", label="Learn only what I say")
NOTICE_MORE = Button(action="observe:on", label="Also notice how I write")
PRIVACY = (
    "Only you see this page. What you tell me is kept by whoever runs me and read by the language model they chose,"
    " and goes nowhere else; beside each fact stands where I may use it."
)
_DID = {"answer": ("answer", "answers"), "learn": ("update of what I remember", "updates of what I remember")}


async def view(context: Context, member: Member, tenant: TenantId) -> View:
    """How remembering is set, with the switches that change it, and the member's usage in this tenant."""
    is_on, is_observed, totals = await context.store.read(partial(_read, context=context, member=member, tenant=tenant))
    lines = tuple(_line(total) for total in totals) or (Line(text="Nothing."),)
    return View(
        text=_state(is_on=is_on, is_observed=is_observed),
        sections=(Section(title=f"What you used here in the last {USAGE_DAYS} days", lines=lines),),
        footer=PRIVACY,
        buttons=(PAUSE, NOTICE_LESS if is_observed else NOTICE_MORE) if is_on else (),  # `show` offers to begin
    )


async def _read(
    transaction: Transaction, *, context: Context, member: Member, tenant: TenantId
) -> tuple[bool, bool, list[usage.Total]]:
    held = await consent.holding(transaction, tenant, context.default)
    since = context.clock.now() - timedelta(days=USAGE_DAYS)
    return (
        held.is_on(await members.consent(transaction, member.key)),
        await members.is_observed(transaction, member.key),
        await usage.totals(transaction, tenant, since=since, member=member.key),
    )


def _state(*, is_on: bool, is_observed: bool) -> str:
    if not is_on:
        return "Remembering is not on: I neither learn nor use anything about you."
    more = ", and from how you write and what you ask for" if is_observed else ""
    return f"Remembering is on: I learn from what you tell me of yourself{more}."


def _line(total: usage.Total) -> Line:
    did = _DID[total.purpose][total.calls != 1]
    tokens = total.input_tokens + total.output_tokens
    return Line(text=f"{total.calls:,} {did}", note=f"{tokens:,} tokens, {_money(total)}")


def _money(total: usage.Total) -> str:
    """US dollars as far as prices are known, rounded."""
    if total.unpriced and not total.cost:
        return "at a price I do not know"
    spent = money.spelled(total.cost)
    return f"{spent} and what has no price known to me" if total.unpriced else spent
