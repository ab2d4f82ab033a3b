"""`/persona history`: what was learned, changed, ended and taken back, newest first, and who or what did it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from bot.commands import paging, wording
from bot.commands.command import Asked, Command, Context
from bot.messages import Member
from bot.views import Line, Section, View
from persona import editing, undoing
from persona import store as personas
from persona.canonical import comparable
from persona.operations import Operation
from persona.ports import Transaction
from persona.rows import Logged
from persona.schema import field_name


async def run(context: Context, asked: Asked) -> View:
    """Show what happened to all of the persona, or to one field."""
    is_name = field_name(asked.words) in context.schema.by_name
    return await _history(context, asked.member, *((asked.words, 1) if is_name else paging.typed(asked.words)))


async def press(context: Context, asked: Asked) -> View:
    """Show another page."""
    return await _history(context, asked.member, *paging.pressed(asked.words))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    at: datetime
    order: tuple[datetime, bool, str]
    """Among what happened in one moment: as it was said."""
    line: Line


async def _history(context: Context, member: Member, words: str, number: int) -> View:
    name = field_name(words)
    log = await context.store.read(partial(_read, member=member))
    chosen = [one for one in log if not words or one.operation.field == name]
    if not chosen:
        about = f" of {wording.label(name)}" if words else ""
        known = "" if not words or name in context.schema.by_name else f" There is no field “{words}”."
        return View(text=f"Nothing{about} was learned or changed so far.{known} `/persona show` shows what I know.")
    events = sorted(_events(chosen), key=lambda event: (event.at, event.order), reverse=True)
    shown = paging.page(events, number)
    about = f" ({wording.label(name)})" if words else ""
    return View(
        text=f"What changed in what I know about you{about}{shown.title}, newest first:",
        sections=(Section(title="History", lines=tuple(event.line for event in shown.items)),),
        footer="`/persona undo` takes back the last change. What was forgotten is not here: it left nothing behind.",
        buttons=shown.buttons("history", name),
    )


async def _read(transaction: Transaction, *, member: Member) -> list[Logged]:
    return await personas.read_log(transaction, member.key)


def _events(log: Sequence[Logged]) -> list[_Event]:
    said = sorted(log, key=lambda one: (one.operation.said_at, one.operation.op == "remove"))
    before = {one.id: _before(said[:place], one) for place, one in enumerate(said)}
    return [event for one in log for event in _of(one, before[one.id])]


def _before(earlier: Sequence[Logged], logged: Logged) -> Operation | None:
    """The value that a field of one value was told last before this one, as far as its readers heard."""
    now = logged.operation
    alike = [one.operation for one in earlier if one.operation.field == now.field and one.undone_at is None]
    last = next((one for one in reversed(alike) if one.audience == now.audience and one.op == "set"), None)
    is_change = last is not None and now.op == "set" and comparable(last.value) != comparable(now.value)
    return last if is_change else None


def _of(logged: Logged, before: Operation | None) -> list[_Event]:
    now = logged.operation
    value = f"{before.value} → {now.value}" if before else now.value
    text = f"{wording.label(now.field)}: {value}"
    source = next(filter(None, map(wording.source, reversed(now.evidence))), None)
    happened = Line(text=text, note=f"{_what(now, before)} {logged.learned_at:%Y-%m-%d}, {_who(logged)}", source=source)
    order = now.said_at, now.op != "remove", logged.id
    events = [_Event(at=logged.learned_at, order=order, line=happened)]
    if logged.undone_at is not None:
        undone = Line(text=text, note=f"taken back {logged.undone_at:%Y-%m-%d}, you undid it")
        events.append(_Event(at=logged.undone_at, order=order, line=undone))
    return events


def _what(operation: Operation, before: Operation | None) -> str:
    match operation.op:
        case "remove":
            return "ended"
        case "confirm":
            return "said again"
        case _:
            return "changed" if before else "learned"


def _who(logged: Logged) -> str:
    """Who or what made a change."""
    evidence = logged.operation.evidence[-1]
    if undoing.is_tidying(logged.update):
        return "tidied"
    if editing.is_by_hand(evidence):
        acts = {
            "edit": "you corrected it",
            "widen": f"you let it be known more widely ({wording.readers(logged.operation.audience)})",
            "forget": "you forgot what had replaced it",
        }
        return acts.get(editing.act_of(evidence), "you entered it")
    return "I noticed it" if logged.operation.kind == "observed" else "you said so"


COMMAND = Command(
    name="history",
    usage="history [field] [page N]",
    summary="what was learned, changed, ended and taken back",
    words="only this field, such as tools",
    run=run,
    press=press,
)
