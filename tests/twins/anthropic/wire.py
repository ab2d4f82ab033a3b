"""The wire format: a reply as a message, as server-sent events, and as a page of a list (sheet 3.2, 3.3, 3.6)."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from tests.twins.anthropic.cache import tokens
from tests.twins.anthropic.reply import Body, Reply, ToolUse

DELTA_COUNTERS = (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
    "output_tokens_details",
    "server_tool_use",
)
"""What `message_delta` repeats of the usage: totals that replace those of `message_start`."""

PING: Body = {"type": "ping"}


class Cut(Enum):
    """The step that hangs up."""

    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Drip:
    """The step that writes a letter again and again, until an event is set."""

    letter: bytes
    until: asyncio.Event


Step: TypeAlias = bytes | asyncio.Event | Drip | Cut
"""What happens next in a stream: bytes are sent, an event is waited for, or the connection is cut."""


@dataclass(frozen=True, slots=True)
class _Block:
    whole: Body
    opening: Body
    deltas: list[Body]


def message(reply: Reply, *, id: str, model: str, usage: Mapping[str, Any]) -> Body:  # noqa: A002 - its name on the wire
    """The whole message; `usage` holds the input counters and may replace any other."""
    details = reply.stop_details
    if details is None and reply.stop_reason == "refusal":
        details = {"type": "refusal", "category": None, "explanation": None}
    return {
        "id": id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [block.whole for block in _blocks(reply, id)],
        "stop_reason": reply.ends_as,
        "stop_sequence": reply.stop_sequence,
        "stop_details": details,
        "usage": _output_usage(reply) | dict(usage) | dict(reply.usage),
    }


def _output_usage(reply: Reply) -> Body:
    thought = tokens(reply.thinking or "")
    written = tokens("".join(reply.pieces)) + sum(tokens(tool.json) for tool in reply.tools)
    return {
        "output_tokens": thought + written,
        "output_tokens_details": {"thinking_tokens": thought} if thought else None,
        "server_tool_use": None,
        "service_tier": "standard",
        "inference_geo": "global",
        "speed": None,
    }


def steps(reply: Reply, whole: Body, request_id: str) -> Iterator[Step]:
    """The stream of `whole` with the trouble of `reply` at its positions."""
    if reply.wire == "empty":
        return
    position, hold = -1.0, reply.hold_after
    for event in (*_events(reply, whole), None):
        if event is None or event["type"] == "message_delta":
            position = math.inf
        if reply.drip is not None and event is not None and event["type"] == "content_block_stop":
            delta = {"type": "text_delta", "text": "a"}
            dripped = {"type": "content_block_delta", "index": event["index"], "delta": delta}
            yield Drip(frame("content_block_delta", dripped), reply.drip)
        if hold is not None and position >= hold[0]:
            yield hold[1]
            hold = None
        if reply.error is not None and reply.error.after is not None and position >= reply.error.after:
            yield frame("error", reply.error.body(request_id))
            return
        if reply.cut_after is not None and position >= reply.cut_after:
            yield Cut.CUT
            return
        if event is not None:
            yield frame(None if reply.wire == "unnamed" else event["type"], event)
            position += event["type"] in {"message_start", "content_block_delta"}


def frame(name: str | None, data: Body) -> bytes:
    """One server-sent event; without a name it lacks its `event:` line."""
    head = "" if name is None else f"event: {name}\n"
    return f"{head}data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def _events(reply: Reply, whole: Body) -> Iterator[Body]:
    unknown: Body = {"content": [], "stop_reason": None, "stop_sequence": None, "stop_details": None}
    yield {"type": "message_start", "message": whole | unknown | {"usage": whole["usage"] | {"output_tokens": 1}}}
    yield PING
    for index, block in enumerate(_blocks(reply, whole["id"])):
        yield {"type": "content_block_start", "index": index, "content_block": block.opening}
        for delta in block.deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    if not reply.no_stop:
        delta = {name: whole[name] for name in ("stop_reason", "stop_sequence", "stop_details")}
        usage = {name: whole["usage"][name] for name in DELTA_COUNTERS}
        yield {"type": "message_delta", "delta": delta, "usage": usage}
        yield {"type": "message_stop"}


def _blocks(reply: Reply, message_id: str) -> Iterator[_Block]:
    if reply.thinking is not None:
        yield _thinking_block(reply.thinking)
    if reply.pieces:
        text: Body = {"type": "text", "text": "".join(reply.pieces), "citations": None}
        yield _Block(text, text | {"text": ""}, [{"type": "text_delta", "text": piece} for piece in reply.pieces])
    for number, tool in enumerate(reply.tools, 1):
        yield _tool_block(tool, f"toolu_{message_id.removeprefix('msg_')}_{number}")


def _thinking_block(thinking: str) -> _Block:
    whole = {"type": "thinking", "thinking": thinking, "signature": "c2lnbmF0dXJl"}
    deltas: list[Body] = [{"type": "thinking_delta", "thinking": thinking}] if thinking else []
    deltas.append({"type": "signature_delta", "signature": whole["signature"]})
    return _Block(whole, whole | {"thinking": "", "signature": ""}, deltas)


def _tool_block(tool: ToolUse, tool_id: str) -> _Block:
    whole: Body = {"type": "tool_use", "id": tool_id, "name": tool.name, "input": dict(tool.input)}
    middle = len(tool.json) // 2
    partial = ("", tool.json[:middle], tool.json[middle:])  # the first one is often empty
    return _Block(whole, whole | {"input": {}}, [{"type": "input_json_delta", "partial_json": p} for p in partial])


def page(items: Sequence[Body], query: Mapping[str, str]) -> Body:
    """The part of `items`, newest first, that `limit`, `after_id` and `before_id` ask for."""
    limit, ids = int(query.get("limit", "20")), [item["id"] for item in items]
    if (before := query.get("before_id")) in ids:
        end = ids.index(before)
        start = max(0, end - limit)
        more = start > 0
    else:
        after = query.get("after_id")
        start = ids.index(after) + 1 if after in ids else 0
        end = start + limit
        more = end < len(ids)
    data = items[start:end]
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {"first_id": None, "last_id": None}
    return {"data": list(data), "has_more": more, **ends}
