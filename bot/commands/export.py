"""`/persona export`: everything kept of a member, as a file for programs and one for people.

`persona.json` has the shape that docs/personas.md tells; what is added to it later gets keys of its own.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial

from bot.commands import traces, wording
from bot.commands.command import Asked, Command, Context
from bot.messages import Room, TenantId
from bot.store import conversations, departures, members, replies, tidying, usage
from bot.store.conversations import Line
from bot.store.members import Consent
from bot.store.replies import Reply
from bot.store.usage import Total
from bot.views import File, View
from persona import audit, fingerprints, forgetting, quarantine
from persona import store as personas
from persona.fingerprints import Fingerprints
from persona.moments import maybe_to_iso
from persona.persona import Evidence, Fact, Persona
from persona.ports import Transaction
from persona.quarantine import Refused
from persona.rows import Logged

FORMAT = "rapport-persona-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Everything:
    """All that is kept of one member."""

    decision: Consent
    is_observed: bool
    persona: Persona
    log: list[Logged]
    fences: Mapping[str, datetime]
    prints: Fingerprints
    refused: list[Refused]
    messages: list[tuple[Room, Line]]
    replies: list[Reply]
    usage: list[tuple[TenantId, str, Total]]
    tidied_at: datetime | None
    left_at: datetime | None
    trail: audit.Trail
    traces: Mapping[str, object]


async def run(context: Context, asked: Asked) -> View:
    """Hand over both files."""
    kept = await context.store.read(partial(_read, context=context, asked=asked))
    data = {
        "format": FORMAT,
        "exported_at": context.clock.now().isoformat(),
        "member": {"tenant": asked.member.tenant, "id": asked.member.id, "name": asked.member.name},
        **_data(kept),
    }
    facts = len(kept.persona.facts)
    return View(
        text=f"Everything I keep of you: {wording.counted(facts, 'fact')}, past ones included, with what they"
        " rest on. `persona.json` is for programs, `persona.md` for you. Only you get them.",
        files=(
            File(name="persona.json", text=json.dumps(data, ensure_ascii=False, indent=2) + "\n"),
            File(name="persona.md", text=_readable(context, asked, kept)),
        ),
    )


async def _read(transaction: Transaction, *, context: Context, asked: Asked) -> _Everything:
    key, now = asked.member.key, context.clock.now()
    return _Everything(
        decision=await members.consent(transaction, key),
        is_observed=await members.is_observed(transaction, key),
        persona=await personas.read_history(transaction, key, schema=context.schema, at=now),
        log=await personas.read_log(transaction, key),
        fences=(await forgetting.fences(transaction, [key]))[key],
        prints=(await fingerprints.read(transaction, [key]))[key],
        refused=await quarantine.read(transaction, key),
        messages=await conversations.said_by(transaction, key),
        replies=await replies.to(transaction, key),
        usage=await usage.totals_of(transaction, key),
        tidied_at=await tidying.due_at(transaction, key),
        left_at=await departures.left_at(transaction, key),
        trail=await audit.read(transaction, key),
        traces=await traces.read(transaction, key),
    )


# -- for programs -----------------------------------------------------------------------------------------------------


def _data(kept: _Everything) -> dict[str, object]:
    decision = kept.decision
    return {
        "consent": {"state": decision.state, "since": maybe_to_iso(decision.since), "observed": kept.is_observed},
        "facts": [_fact(fact) for fact in kept.persona.facts],
        "operations": [_operation(one) for one in kept.log],
        "forgotten": {
            "fields": {field: maybe_to_iso(moment) for field, moment in sorted(kept.fences.items())},
            "marks": sorted(kept.prints.marks),
        },
        "refused": [
            {"field": one.field, "reason": one.reason, "refused_at": maybe_to_iso(one.refused_at)}
            for one in kept.refused
        ],
        "messages": [
            _line(room.tenant, room.id, line) | {"off_record": line.is_off_record} for room, line in kept.messages
        ],
        "replies": [
            _line(reply.tenant, reply.room, reply.line) | {"reply_to": reply.line.reply_to} for reply in kept.replies
        ],
        "usage": [_total(tenant, model, total) for tenant, model, total in kept.usage],
        "tidied_at": maybe_to_iso(kept.tidied_at),
        "left_at": maybe_to_iso(kept.left_at),
        "audit": {
            "salts": dict(kept.trail.salts),
            "rows": [asdict(row) | {"at": maybe_to_iso(row.at)} for row in kept.trail.rows],
        },
        **kept.traces,
    }


def _fact(fact: Fact) -> dict[str, object]:
    return {
        "id": fact.id,
        "section": fact.section,
        "field": fact.field,
        "value": fact.value,
        "kind": fact.kind,
        "audience": fact.audience,
        "confirmed_at": maybe_to_iso(fact.confirmed_at),
        "valid_from": maybe_to_iso(fact.valid_from),
        "valid_until": maybe_to_iso(fact.valid_until),
        "evidence": [_evidence(one) for one in fact.evidence],
    }


def _operation(logged: Logged) -> dict[str, object]:
    operation = logged.operation
    return {
        "id": logged.id,
        "op": operation.op,
        "field": operation.field,
        "value": operation.value,
        "kind": operation.kind,
        "audience": operation.audience,
        "since": maybe_to_iso(operation.since),
        "until": maybe_to_iso(operation.until),
        "session": operation.session,
        "update": logged.update,
        "learned_at": maybe_to_iso(logged.learned_at),
        "undone_at": maybe_to_iso(logged.undone_at),
        "frozen": logged.is_frozen,
        "evidence": [_evidence(one) for one in operation.evidence],
    }


def _evidence(evidence: Evidence) -> dict[str, object]:
    return {
        "tenant": evidence.tenant,
        "room": evidence.room,
        "message": evidence.message,
        "quote": evidence.quote,
        "said_at": maybe_to_iso(evidence.said_at),
    }


def _line(tenant: TenantId, room: str, line: Line) -> dict[str, object]:
    return {"tenant": tenant, "room": room, "id": line.id, "text": line.text, "said_at": maybe_to_iso(line.said_at)}


def _total(tenant: TenantId, model: str, total: Total) -> dict[str, object]:
    return {
        "tenant": tenant,
        "purpose": total.purpose,
        "model": model,
        "calls": total.calls,
        "input_tokens": total.input_tokens,
        "cached_tokens": total.cached_tokens,
        "output_tokens": total.output_tokens,
        "cost_micro_dollars": total.cost,
        "unpriced": total.unpriced,
    }


# -- for people -------------------------------------------------------------------------------------------------------


def _readable(context: Context, asked: Asked, kept: _Everything) -> str:
    """The facts as `/persona show` has them, each with all its words."""
    now = context.clock.now()
    lines = [f"# What Rapport remembers about {asked.member.name or 'you'}", "", f"As of {now:%Y-%m-%d %H:%M} UTC."]
    for section in dict.fromkeys(fact.section for fact in kept.persona.facts):
        lines += ["", f"## {section.replace('_', ' ').capitalize()}", ""]
        for fact in (one for one in kept.persona.facts if one.section == section):
            shown = wording.line(fact, kept.persona)
            lines += [f"- {shown.text} ({shown.note})", *map(_words, fact.evidence)]
    return "\n".join([*lines, *_rest(kept)]) + "\n"


def _words(evidence: Evidence) -> str:
    where = "" if wording.source(evidence) else ", entered by hand"
    return f"    - {evidence.said_at:%Y-%m-%d}: “{evidence.quote}”{where}"


def _rest(kept: _Everything) -> Iterable[str]:
    """What is kept besides facts, in a line each."""
    since = "" if kept.decision.since is None else f" since {kept.decision.since:%Y-%m-%d}"
    undone = sum(one.undone_at is not None for one in kept.log)
    frozen = sum(one.is_frozen for one in kept.log)
    fields = ", ".join("everything" if field == "*" else wording.label(field) for field in sorted(kept.fences))
    yield from ("", "## Besides", "")
    yield f"- Your decision: {kept.decision.state}{since}; noticing is {'on' if kept.is_observed else 'off'}."
    yield f"- Changes kept: {len(kept.log)}, of which {undone} were taken back."
    yield f"- Resting unused, since the room or server they are from is gone: {frozen}."
    yield f"- Forgotten: {fields or 'no field'}; marks of single messages: {len(kept.prints.marks)}."
    yield f"- Not kept lately: {len(kept.refused)}."
    yield f"- Your messages that are still stored: {len(kept.messages)}; replies to them: {len(kept.replies)}."
    yield f"- Rows about you in the audit log: {len(kept.trail.rows)}."
    yield f"- Calls of the language model for you: {sum(total.calls for _, _, total in kept.usage)}."


COMMAND = Command(name="export", usage="export", summary="all of it as files, for you alone", run=run)
