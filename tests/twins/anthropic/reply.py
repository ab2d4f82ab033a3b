"""What a test scripts: replies, tool calls and API errors, as plain values. Nothing here knows a socket."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Body: TypeAlias = dict[str, Any]
"""A parsed request body, as the client sent it."""

ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""Sheet 3.4; every other status is an `api_error`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiError:
    """An error of the API; `type` and `message` follow from `status` unless they are given."""

    status: int
    type: str = ""
    message: str = ""
    error_code: str | None = None
    """Goes into `error.details.error_code`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    after: int | None = None
    """None: an HTTP error. In a stream also `event: error`, after this many deltas; -1: before `message_start`."""
    raw: str | None = None
    """This text, as `text/html`, instead of the JSON body."""

    @property
    def kind(self) -> str:
        """The `error.type` on the wire."""
        return self.type or ERROR_TYPES.get(self.status, "api_error")

    def body(self, request_id: str | None) -> Body:
        """The error body of sheet 3.4."""
        error: Body = {"type": self.kind, "message": self.message or self.kind.replace("_", " ").capitalize()}
        if self.error_code is not None:
            error["details"] = {"error_code": self.error_code}
        return {"type": "error", "error": error, "request_id": request_id}


class RefusedError(Exception):
    """The API would answer this request with `error`: a 400 unless another status is given."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.error = ApiError(status=status, message=message)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUse:
    """One tool call of the model."""

    name: str
    input: Mapping[str, Any] = field(default_factory=dict)
    raw: str | None = None
    """The streamed JSON as it came, complete or cut; JSON answers keep `input`."""

    @property
    def json(self) -> str:
        """What the input deltas add up to."""
        return json.dumps(dict(self.input)) if self.raw is None else self.raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer of the model and the trouble on its way.

    Positions count the content deltas of a stream, of every kind: 0 is after `message_start`, a number beyond the last
    delta is after all content. A JSON answer has no positions: an error is an HTTP error, a hold comes before the head,
    a cut takes the second half of the body.
    """

    text: str = ""
    """No text block at all if empty."""
    chunks: Sequence[str] = ()
    """The text deltas, instead of one per word of `text`."""
    thinking: str | None = None
    """A thinking block first; `""` is display omitted: only the signature comes."""
    tools: Sequence[ToolUse] = ()
    stop_reason: str = "end_turn"
    """With tools, `end_turn` becomes `tool_use`."""
    stop_sequence: str | None = None
    stop_details: Mapping[str, Any] | None = None
    """What a refusal says of itself; a refusal without it gets an unnamed category."""
    usage: Mapping[str, Any] = field(default_factory=dict)
    """Replaces counters the twin would have worked out."""
    error: ApiError | None = None
    hold: asyncio.Event | None = None
    """Silence before the response head, until the event is set."""
    hold_after: tuple[int, asyncio.Event] | None = None
    """Silence at this position, until the event is set; -1: after the head, before `message_start`."""
    ping_only: asyncio.Event | None = None
    """Pings without end, as fast as they are read and before `message_start`, until the event is set."""
    drip: asyncio.Event | None = None
    """After all content but before its end: one letter after the other, as fast as they are read, until it is set."""
    cut_after: int | None = None
    """Hang up at this position; -1: before the response head."""
    no_stop: bool = False
    """A clean end after the content: neither `message_delta` nor `message_stop`."""
    wire: Literal["sse", "json", "empty", "unnamed"] = "sse"
    """How a stream is answered: as it should be, with a JSON body, with no body, or without `event:` lines."""

    @property
    def pieces(self) -> tuple[str, ...]:
        """The text deltas in order."""
        return tuple(self.chunks) or tuple(re.findall(r"\s*\S+|\s+$", self.text))

    @property
    def ends_as(self) -> str:
        """The stop reason on the wire."""
        return "tool_use" if self.tools and self.stop_reason == "end_turn" else self.stop_reason


Answer: TypeAlias = str | Body | Reply
Scripted: TypeAlias = Answer | Callable[[Body], Answer | Awaitable[Answer]]


async def resolve(scripted: Scripted, body: Body) -> Reply:
    """Return the reply that `scripted` means for `body`: a text as it is, a dictionary as its JSON."""
    value: Answer | Awaitable[Answer]
    value = scripted if isinstance(scripted, str | dict | Reply) else scripted(body)
    answer = await value if isinstance(value, Awaitable) else value
    if isinstance(answer, dict):
        return Reply(chunks=[json.dumps(answer, ensure_ascii=False)])
    return Reply(text=answer) if isinstance(answer, str) else answer
