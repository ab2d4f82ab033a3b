"""The instructions, tried: sessions that were put to a language model, its replies, and what the guard made of them.

A reply is what a model answered to the exact request. Whoever changes the instructions tries the sessions again:
print a request with `python -m tests.persona.test_instructions NAME`, give it to the model, and put its reply here.
"""

import hashlib
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from persona.audience import Audience, Place
from persona.instructions import answer_schema, instructions
from persona.operations import Operation
from persona.optimizer import Optimizer
from persona.persona import Evidence, Fact, FactId, MemberKey, Persona
from persona.schema import load
from persona.session import Line, Session
from tests.models import ScriptedModel

TRIED_WITH = "83c036b3b19cd88e"
"""Digest of the instructions the replies were given to, in November 2026, by a stand-in for a small model."""

MORNING = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)
"""A Wednesday."""

EVENING = datetime(2026, 11, 18, 19, 0, tzinfo=UTC)
SCHEMA = load()
CASES: dict[str, dict[str, Any]] = {
    case["name"]: case for case in json.loads((Path(__file__).parent / "tried_sessions.json").read_text())
}


def session(case: dict[str, Any]) -> Session:
    """The session of a case, in a public channel."""
    lines = tuple(
        Line(message=f"{number}.1", speaker=member(who), text=text, said_at=MORNING + timedelta(minutes=number))
        for number, (who, text) in enumerate(case["lines"])
    )
    speakers = [line.speaker for line in lines if line.speaker is not None]
    known = {MemberKey(tenant="slack:T1", id=who): facts for who, facts in case["known"].items()}
    return Session(
        room="C1/1",
        place=Place(tenant="slack:T1", room="C1", kind="public"),
        lines=lines,
        personas={
            speaker: Persona(member=speaker, at=EVENING, facts=tuple(fact(*pair) for pair in known.get(speaker, [])))
            for speaker in speakers
        },
    )


def member(who: str) -> MemberKey | None:
    """The speaker of a line."""
    return None if who == "bot" else MemberKey(tenant="slack:T1", id=who)


def fact(field: str, value: str) -> Fact:
    """A fact known before."""
    return Fact(
        id=FactId(f"{field} {value}"),
        section=SCHEMA.by_name[field].section,
        field=field,
        value=value,
        audience=Audience("tenant:slack:T1"),
        evidence=(Evidence(tenant="slack:T1", room="C1/0", message="0", quote=value, said_at=MORNING),),
        confirmed_at=MORNING,
        valid_from=MORNING,
    )


def test_the_instructions_are_those_that_were_tried() -> None:
    """Whoever changes a word of the instructions tries the sessions again and says so here."""
    digest = hashlib.sha256(f"{instructions(SCHEMA)}{answer_schema(SCHEMA)}".encode()).hexdigest()[:16]

    assert digest == TRIED_WITH


@pytest.mark.parametrize("name", CASES)
async def test_the_reply_of_a_model_comes_out_right(name: str) -> None:
    """What the model proposed for a session ends as the facts a fair reader would keep, each its author's."""
    case, model = CASES[name], ScriptedModel()
    model.updates.append(json.dumps(case["reply"]))
    update = await Optimizer(model=model, schema=SCHEMA).propose([session(case)], fences={})

    assert [told(kept) for kept in update.operations] == case["kept"]
    assert [[refused.proposal.field, refused.reason] for refused in update.refusals] == case["refused"]


def told(operation: Operation) -> list[str]:
    """An operation as the cases write it: its kind and dates only where they say something."""
    row = [operation.member.id, operation.op, operation.field, operation.value]
    row += [operation.kind] if operation.kind != "stated" else []
    row += [f"since {operation.since:%Y-%m-%d}"] if operation.since else []
    return row + ([f"until {operation.until:%Y-%m-%d}"] if operation.until else [])


if __name__ == "__main__":
    asked = Optimizer(model=ScriptedModel(), schema=SCHEMA).request([session(CASES[sys.argv[1]])])
    sys.stdout.write(f"{asked.instructions}\n\n{asked.data}\n\n{json.dumps(asked.schema)}\n")
