"""What answers in `bench.cost` instead of a vendor: the twin of Anthropic with a ready reply, and embeddings beside it.

Counts what it is asked and what it answers. Its own work is in another process than what is measured.
"""

import base64
import hashlib
import json
import random
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from aiohttp import web

from bench.conversation import Name, as_operations, as_profile, as_sentences, chars
from tests.twins.anthropic import Reply, ToolUse
from tests.twins.server import Twin

DIMENSIONS = 1536

Body = dict[str, Any]
Script = Callable[[Body], Reply]


@dataclass(slots=True)
class Tally:
    """What was asked and answered since the last round began."""

    calls: int = 0
    prompt_chars: int = 0
    """System text and messages."""
    schema_chars: int = 0
    """The shape asked for: tools, or an output schema."""
    completion_chars: int = 0
    embedding_calls: int = 0

    def take(self) -> "Tally":
        """What was counted so far; counting begins anew."""
        taken = replace(self)
        for counter in fields(self):
            setattr(self, counter.name, 0)
        return taken

    def counting(self, script: Script) -> Script:
        """A script that gives the same replies and counts them."""

        def reply(body: Body) -> Reply:
            given = script(body)
            shapes = [*body.get("tools", []), *_output_schema(body)]
            self.calls += 1
            self.prompt_chars += chars(body.get("system")) + sum(chars(one["content"]) for one in body["messages"])
            self.schema_chars += sum(len(json.dumps(shape)) for shape in shapes)
            self.completion_chars += (
                len(given.text) + len("".join(given.chunks)) + sum(len(one.json) for one in given.tools)
            )
            return given

        return reply


def _output_schema(body: Body) -> list[Any]:
    shape = body.get("output_config", {}).get("format")
    return [] if shape is None else [shape["schema"]]


class Embeddings(Twin):
    """The embeddings of OpenAI's API: any text has a vector, always the same one."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self._tally = tally

    def routes(self) -> list[web.RouteDef]:
        """The one endpoint there is."""
        return [web.post("/v1/embeddings", self._embed)]

    async def _embed(self, request: web.Request) -> web.Response:
        body = await request.json()
        encoded = _base64 if body.get("encoding_format") == "base64" else list
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        self._tally.embedding_calls += 1
        rows = [
            {"object": "embedding", "index": index, "embedding": encoded(_vector(text))}
            for index, text in enumerate(texts)
        ]
        used = {"prompt_tokens": 1, "total_tokens": 1}
        return web.json_response({"object": "list", "data": rows, "model": body["model"], "usage": used})


def _vector(text: str) -> list[float]:
    """A vector of length one for a text."""
    dice = random.Random(hashlib.sha256(text.encode()).digest())  # noqa: S311 - the same text, the same vector
    values = [dice.uniform(-1, 1) for _ in range(DIMENSIONS)]
    length = sum(value * value for value in values) ** 0.5
    return [value / length for value in values]


def _base64(vector: Sequence[float]) -> str:
    """The vector as 32-bit floats, as most clients ask for it."""
    return base64.b64encode(struct.pack(f"<{DIMENSIONS}f", *vector)).decode()


# -- ready replies ----------------------------------------------------------------------------------------------------


def for_us(_body: Body) -> Reply:
    """The update as Rapport asks for it: one call, everybody's facts."""
    return Reply(chunks=[as_operations()])


class ForPeers:
    """Replies with the same facts in the forms the peers ask for, new ones each round.

    `calls` names, for each call of a round in its order, the members whose facts it returns.
    """

    def __init__(self, calls: Sequence[tuple[Name, ...]]) -> None:
        self._calls = calls
        self._answered = 0

    def __call__(self, body: Body) -> Reply:
        """The reply to the next call."""
        round_number, place = divmod(self._answered, len(self._calls))
        self._answered += 1
        names, number = self._calls[place], round_number + 1
        tools = {tool["name"] for tool in body.get("tools", [])}
        if not tools:
            return Reply(chunks=[_listed(as_sentences(names, number))])
        if "Memory" in tools:
            facts = as_sentences(names, number)
            return Reply(tools=[ToolUse(name="Memory", input={"content": fact}) for fact in facts])
        return Reply(tools=[_patched(as_profile(names, number), body)])


def _listed(facts: Sequence[str]) -> str:
    """The answer mem0's instructions ask for."""
    rows = [{"id": str(index), "text": fact, "attributed_to": "user"} for index, fact in enumerate(facts)]
    return json.dumps({"memory": rows})


def _patched(profile: Mapping[str, str], body: Body) -> ToolUse:
    """Changes of the profile that LangMem showed."""
    shown = re.search(r"<instance id=([^\s>]+)", json.dumps([body.get("system"), body["messages"]]))
    assert shown is not None, "LangMem shows the profile that is to be patched"
    patches = [{"op": "replace", "path": f"/{name}", "value": value} for name, value in profile.items()]
    arguments = {"json_doc_id": shown[1], "planned_edits": "Bring the profile up to date.", "patches": patches}
    return ToolUse(name="PatchDoc", input=arguments)
