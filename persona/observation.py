"""When something seen in how a member writes counts: only once it was seen often enough, in several sessions. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from persona.audience import Audience
from persona.canonical import comparable
from persona.operations import Operation
from persona.persona import Evidence

MIN_MESSAGES = 3
MIN_SESSIONS = 2
"""Below this an observation is chance, and is kept without effect (design section 7)."""


def supported(operations: Iterable[Operation]) -> list[Operation]:
    """The statements as they are, and the observations that enough messages bear out, each with all that does so.

    Each once, in the order they were said. An observation counts from the message that completed it.
    """
    counted: list[Operation] = []
    seen: defaultdict[tuple[str, Audience], list[Operation]] = defaultdict(list)
    for operation in sorted(set(operations), key=_said):
        if operation.kind == "stated" or operation.op == "remove":
            counted.append(operation)
            continue
        alike = seen[comparable(operation.value), operation.audience]
        alike.append(operation)
        session_of = {
            (evidence.tenant, evidence.room, evidence.message): one.session
            for one in reversed(alike)
            for evidence in one.evidence
        }
        if len(session_of) >= MIN_MESSAGES and len(set(session_of.values())) >= MIN_SESSIONS:
            counted.append(replace(operation, evidence=_evidence(alike)))
    return counted


def _said(operation: Operation) -> tuple[object, ...]:
    """The order in which things count as said; of one moment, what ends by itself after what stays, ends last.

    The rest makes it the same whatever order things were learned in; ids would too, and cost a digest each.
    """
    messages = tuple(one.message for one in operation.evidence)
    counts = (operation.said_at, operation.op == "remove", operation.until is not None)
    return (*counts, messages, operation.session, operation.value, operation.op, operation.kind)


def _evidence(operations: Iterable[Operation]) -> tuple[Evidence, ...]:
    every = {one: None for operation in operations for one in operation.evidence}
    return tuple(sorted(every, key=lambda one: one.said_at))
