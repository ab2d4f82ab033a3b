"""What can go wrong with a language model (reliability B16): each fault by its name, as the twin does it.

Texts that begin with `PARTIAL` are no answers: no member may find one standing. `CUTOFF` is one that ended at the token
limit and says so.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from tests.twins.anthropic import ApiError, Reply, ToolUse

PARTIAL = "PARTIAL one two three four"
CUTOFF = "CUTOFF one two three four"
VALID = json.dumps(
    {"operations": [{"op": "set", "field": "location", "value": "Lisbon", "evidence": ["m1 I live in Lisbon"]}]}
)
"""What would be learned of a session that begins with these words, had the reply ended as it should."""
OFF_SCHEMA = VALID.replace('"op":', '"subject": "U2", "op":')

Make: TypeAlias = Callable[[], Reply]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault, for answers and for updates."""

    answer: Make
    update: Make | None = None
    """The same as for answers, if None."""
    tries: int = 3
    """How many requests one call may make of it, and, where it stays, makes."""
    is_answered: bool = False
    """Whether a member gets an answer all the same."""


def _status(status: int, *, tries: int = 3, **more: Any) -> Fault:
    return Fault(answer=lambda: Reply(error=ApiError(status=status, **more)), tries=tries)


def _stop(reason: str, **more: Any) -> Fault:
    """A reply that is whole, but for how it says that it ended."""
    return Fault(
        answer=lambda: Reply(text=PARTIAL, stop_reason=reason, **more),
        update=lambda: Reply(text=VALID, stop_reason=reason, **more),
        tries=1,
    )


LOUD: Mapping[str, Fault] = {
    "400": _status(400, tries=1),
    "401": _status(401, tries=1),
    "413": _status(413, tries=1),
    "429": _status(429, headers={"retry-after": "1"}),
    "429-spend": _status(429, tries=1, error_code="enforced_spend_limit_reached", headers={"retry-after": "1"}),
    "500": _status(500),
    "529": _status(529),
    "unknown-error": _status(418, tries=1, type="teapot_error"),
    "reset": Fault(answer=lambda: Reply(cut_after=-1)),
    "mid-error": Fault(
        answer=lambda: Reply(text=PARTIAL, error=ApiError(status=529, after=2)),
        update=lambda: Reply(error=ApiError(status=529)),
    ),
    "unknown-mid-error": Fault(
        answer=lambda: Reply(text=PARTIAL, error=ApiError(status=500, type="gremlin_error", after=2)),
        update=lambda: Reply(error=ApiError(status=500, type="gremlin_error")),
    ),
    "cut": Fault(answer=lambda: Reply(text=PARTIAL, cut_after=3), update=lambda: Reply(text=VALID, cut_after=0)),
    "clean-cut": Fault(answer=lambda: Reply(text=PARTIAL, no_stop=True), update=lambda: Reply(wire="empty")),
    "bad-json": Fault(answer=lambda: Reply(text=PARTIAL, wire="json"), update=lambda: Reply(text=VALID[:-2])),
    "wrong-schema": Fault(
        answer=lambda: Reply(text=PARTIAL, wire="unnamed"), update=lambda: Reply(text=OFF_SCHEMA), tries=3
    ),
    "empty": Fault(answer=Reply, update=Reply, tries=1),
    "refusal": _stop("refusal"),
    "max_tokens": Fault(
        answer=lambda: Reply(text=CUTOFF, stop_reason="max_tokens"),
        update=lambda: Reply(text=VALID, stop_reason="max_tokens"),
        tries=1,
        is_answered=True,
    ),
    "context_exceeded": _stop("model_context_window_exceeded"),
    "pause_turn": _stop("pause_turn"),
    "unknown-stop": _stop("bored"),
    "tool-call": _stop("end_turn", tools=[ToolUse(name="look")]),
}
"""Faults that show themselves at once."""

SILENT: Mapping[str, Fault] = {
    "timeout-connect": Fault(answer=lambda: Reply(hold=asyncio.Event())),
    "timeout-read": Fault(answer=lambda: Reply(text=PARTIAL, hold_after=(2, asyncio.Event()))),
    "ping-only": Fault(answer=lambda: Reply(text=PARTIAL, ping_only=asyncio.Event())),
    "slow-drip": Fault(
        answer=lambda: Reply(text=PARTIAL, drip=asyncio.Event()), update=lambda: Reply(hold=asyncio.Event())
    ),
}
"""Faults that only a deadline ends."""
