"""The offline model: no key, no network, no intelligence, so that a newcomer sees the whole loop.

It answers from templates and finds plain self-statements by pattern. Everything around it is real: the same prompt,
the same audience, the same guard. It says of itself that it is not an AI.
"""

import json
from collections.abc import AsyncIterator

from bot.models.offline_patterns import Statement, statements
from bot.prompt import Prompt
from persona.ports import StructuredReply, StructuredRequest, Usage

FIRST_LINE = "(Offline: not an AI, only templates. Set ANTHROPIC_API_KEY for real answers.)"

OFF_RECORD = "This is off the record: nothing of it is learned."

_NOTHING = Usage(model="offline", input_tokens=0, output_tokens=0)


class OfflineModel:
    """Stands in for a language model."""

    name = "offline"

    async def answer(self, prompt: Prompt) -> AsyncIterator[str | Usage]:
        """See `bot.ports.Model.answer`; the whole answer comes at once."""
        yield f"{FIRST_LINE}\n\n{_body(prompt)}"
        yield _NOTHING

    async def propose(self, request: StructuredRequest) -> StructuredReply:
        """Find plain self-statements in the session. See `persona.ports.StructuredModel.propose`."""
        operations = [
            operation
            for session in json.loads(request.data)["sessions"]
            for message, speaker, text, *_ in session["messages"]
            if speaker != "bot"
            for operation in _operations(message, text)
        ]
        return StructuredReply(text=json.dumps({"operations": operations}), usage=_NOTHING)

    async def warm(self) -> None:
        """See `bot.ports.Model.warm`."""

    async def close(self) -> None:
        """See `bot.ports.Model.close`."""


def _operations(message: str, text: str) -> list[dict[str, object]]:
    return [
        {
            "op": statement.op,
            "field": statement.field,
            "value": statement.value,
            "evidence": [f"{message} {statement.quote}"],
        }
        for statement in statements(text)
    ]


def _body(prompt: Prompt) -> str:
    persona = json.loads(prompt.persona) if prompt.persona else {"style": {}, "facts": {}}
    name = persona["facts"].get("preferred_name")
    hello = f"Hello {name}! " if name else ""
    said = statements(prompt.question.text)
    if said:
        heard = ", ".join(_told(statement) for statement in said)
        return f"{hello}I noticed ({heard}). {_promise(prompt)}"
    return f"{hello}{_answer(prompt, persona)}"


def _promise(prompt: Prompt) -> str:
    if prompt.off_record:
        return OFF_RECORD
    if prompt.wish is None:
        return "If you let me, I learn it once this conversation is idle."
    return "I look at it right away." if prompt.wish else "Remembering is off for you; `/persona resume` changes that."


def _told(statement: Statement) -> str:
    field = statement.field.replace("_", " ")
    return f"{field}: {'no longer ' if statement.op == 'remove' else ''}{statement.value}"


def _answer(prompt: Prompt, persona: dict[str, dict[str, str | list[str]]]) -> str:
    if prompt.asks_why:
        return "`/persona used` shows you, and nobody else, what was known of you when you were last answered."
    known = _listed({**persona["facts"], **persona["style"]})
    if persona["style"].get("answer_length") == "short":
        return f"A real model would answer briefly, knowing: {known}." if known else "No template fits."
    lines = [f"You asked: “{_shortened(prompt.question.text)}”", "I have no template for that; a language model would."]
    if prompt.off_record:
        lines.append(OFF_RECORD)
    if known:
        lines.append(f"It would know this about you, and nothing about anybody else: {known}.")
    if "code" in persona["style"].get("format", []):
        lines.append("```\nand it would show code\n```")
    return "\n".join(lines)


def _listed(values: dict[str, str | list[str]]) -> str:
    texts = {name: value if isinstance(value, str) else ", ".join(value) for name, value in values.items()}
    return "; ".join(f"{name.replace('_', ' ')}: {text}" for name, text in texts.items())


def _shortened(text: str, most: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
