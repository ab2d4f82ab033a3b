"""What is sent to the Messages API: pure functions from our requests to its arguments."""

from typing import Any

from bot.prompt import Prompt, Turn
from persona.ports import StructuredRequest

MAX_ANSWER_TOKENS = 8_000
"""Thinking counts too: about 1,500 words of answer remain in the worst case."""

_TUNING: dict[str, dict[str, Any]] = {
    "claude-sonnet-5-5": {"output_config": {"effort": "low"}},
    "claude-opus-5-5": {"output_config": {"effort": "low"}},
    "claude-haiku-5-5": {"thinking": {"type": "disabled"}},
}
"""What each known model is asked for besides the question: little thinking, since a member is waiting, and none for
updates (performance section 5). Unknown models, and models behind another endpoint, get nothing they may not know."""

_HOUR = {"type": "ephemeral", "ttl": "1h"}
_FIVE_MINUTES = {"type": "ephemeral", "ttl": "5m"}


def answer(prompt: Prompt, model: str) -> dict[str, Any]:
    """The arguments of a call that answers a member."""
    return {
        "model": model,
        "max_tokens": MAX_ANSWER_TOKENS,
        "system": [{"type": "text", "text": prompt.instructions, "cache_control": _HOUR}],
        "messages": _messages(prompt),
        **_TUNING.get(model, {}),
    }


def update(request: StructuredRequest, model: str) -> dict[str, Any]:
    """The arguments of a call that proposes operations."""
    tuning = dict(_TUNING.get(model, {}))
    output = {**tuning.pop("output_config", {}), "format": {"type": "json_schema", "schema": request.schema}}
    return {
        "model": model,
        "max_tokens": request.max_tokens,
        "system": [{"type": "text", "text": request.instructions, "cache_control": _HOUR}],
        "messages": [{"role": "user", "content": request.data}],
        "output_config": output,
        **tuning,
    }


def _messages(prompt: Prompt) -> list[dict[str, Any]]:
    """The conversation as alternating turns: persona first, then history, a cache mark, and the question last."""
    turns: list[tuple[str, dict[str, Any]]] = []
    if prompt.persona is not None:
        turns.append(("user", _block(f"<persona>\n{_escaped(prompt.persona)}\n</persona>")))
    turns += [("assistant" if turn.name is None else "user", _block(_spoken(turn, prompt))) for turn in prompt.history]
    if turns:
        turns[-1][1]["cache_control"] = _FIVE_MINUTES
    asked = f"[{prompt.asked_at:%A %Y-%m-%d %H:%M} UTC]"
    remarks = "".join(f"\n[{remark}]" for remark in prompt.remarks)
    turns.append(("user", _block(f"{asked}{remarks}\n{_spoken(prompt.question, prompt)}")))
    return _merged(turns)


def _merged(turns: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    for role, block in turns:
        if not messages and role == "assistant":
            messages.append({"role": "user", "content": [_block("(the conversation began earlier)")]})
        if messages and messages[-1]["role"] == role:
            messages[-1]["content"].append(block)
        else:
            messages.append({"role": role, "content": [block]})
    return messages


def _spoken(turn: Turn, prompt: Prompt) -> str:
    """A member's words under their name, where several can speak."""
    return turn.text if turn.name is None or prompt.is_direct else f"{turn.name}:\n{turn.text}"


def _escaped(persona: str) -> str:
    """JSON in which no value can close the tag around it."""
    return persona.replace("<", "\\u003c")


def _block(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}
