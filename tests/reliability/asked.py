"""What members say under faults, and what the model twin answers: each message has a token of its own."""

import asyncio
import json
import re
from typing import Any, Literal

from tests.twins.anthropic import AnthropicTwin, Reply
from tests.twins.anthropic.reply import Body

TOKEN = re.compile(r"\bq\d{5}\b")
TOOL = re.compile(r"I use (Tool-q\d{5})\b")

PAUSE_S = 0.4
"""How long the model stops in the middle of a slow answer: long enough for its beginning to be shown."""


def token(number: int) -> str:
    """The token of a message."""
    return f"q{number:05}"


def question(number: int, *, teaches: bool) -> str:
    """What somebody says; the tool in it is what Rapport should learn of them."""
    said = f" I use Tool-{token(number)} for that." if teaches else ""
    return f"Here is {token(number)}.{said} What do you think?"


def answer(asked: str) -> tuple[str, str]:
    """The whole answer to a token, in two pieces."""
    return f"You said {asked}.", f" That is all there is to say about {asked}."


class Pause(asyncio.Event):
    """A moment in which the model says nothing."""

    async def wait(self) -> Literal[True]:
        """Let it pass."""
        await asyncio.sleep(PAUSE_S)
        return True


class Obedient:
    """What the model twin does: it answers the token it is asked about, and proposes every tool that was named."""

    def __init__(self, claude: AnthropicTwin) -> None:
        self.slow_every = 0
        """It stops in the middle of one in so many answers; 0 is none."""
        self.held: asyncio.Event | None = None
        """What the next answers wait for in their middle."""
        self.calls: list[str] = []
        """The token of each answer that was asked for."""
        self.updates: list[list[str]] = []
        """The tools in each session that was to be learned."""
        claude.default = self._answer
        claude.match(is_update, self._update)

    def _answer(self, body: Body) -> Reply:
        asked = TOKEN.findall(str(body["messages"][-1]["content"][-1]["text"]))[-1]
        self.calls.append(asked)
        pause = self.held or (Pause() if self.slow_every and int(asked[1:]) % self.slow_every == 0 else None)
        return Reply(chunks=answer(asked), hold_after=None if pause is None else (1, pause))

    def _update(self, body: Body) -> dict[str, object]:
        said = [
            (message, text)
            for session in json.loads(str(body["messages"][0]["content"]))["sessions"]
            for message, _, text, *_ in session["messages"]
        ]
        named = [(message, found) for message, text in said for found in TOOL.findall(text)]
        self.updates.append([tool for _, tool in named])
        return {
            "operations": [
                {"op": "add", "field": "tools", "value": tool, "evidence": [f"{message} I use {tool}"]}
                for message, tool in named
            ]
        }


def is_update(body: dict[str, Any]) -> bool:
    """Whether a request to the model asks for persona operations."""
    return "format" in body.get("output_config", {})
