"""What comes back from the Messages API, as ours: pure functions from its messages and counters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot import errors
from persona.ports import StructuredReply, Usage

if TYPE_CHECKING:
    from anthropic.types import Message


def structured(message: Message, usage: Usage) -> StructuredReply:
    """A whole message as a structured reply; a refused or cut one is an error instead, which knows its `usage`."""
    check_stop_reason(message.stop_reason, usage)
    if message.stop_reason == "max_tokens":
        raise _costing(errors.ModelCutError("the model's structured answer was cut at its token limit"), usage)
    return StructuredReply(text="".join(block.text for block in message.content if block.type == "text"), usage=usage)


def check_stop_reason(reason: str | None, usage: Usage) -> None:
    """Only a reply that says how it ended is one: a stream that was cut ends without error and without a reason."""
    if reason is None:
        raise EOFError
    if reason == "refusal":
        raise _costing(errors.ModelRefusedError(), usage)
    if reason == "model_context_window_exceeded":
        too_long = errors.ModelRequestError("the conversation does not fit into the model's context window")
        raise _costing(too_long, usage)
    if reason not in {"end_turn", "stop_sequence", "max_tokens"}:
        raise _costing(errors.ModelCutError(f"the model's reply ended with {reason!r}"), usage)


def _costing(error: errors.ModelError, usage: Usage) -> errors.ModelError:
    error.used = usage
    return error


def used(usage: Any, model: str) -> Usage:
    """The SDK's counters as ours: its `input_tokens` counts only what is in no cache."""
    read, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    by_life = getattr(usage, "cache_creation", None)
    hour = (by_life.ephemeral_1h_input_tokens or 0) if by_life else 0
    return Usage(
        model=model,
        input_tokens=(usage.input_tokens or 0) + written + read,
        output_tokens=usage.output_tokens or 0,
        cached_tokens=read,
        written_tokens=written - hour,
        written_hour_tokens=hour,
    )


def replaced(first: Usage, last: Usage) -> Usage:
    """The counters at the end of a stream: they replace the first ones, where they are given at all.

    Only the first ones say for how long something was written to the cache.
    """
    if not last.input_tokens:
        return replace(first, output_tokens=last.output_tokens)
    return replace(last, written_tokens=first.written_tokens, written_hour_tokens=first.written_hour_tokens)
