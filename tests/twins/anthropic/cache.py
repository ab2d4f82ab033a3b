"""How the twin counts tokens, and its prompt cache (sheet 3.7).

Counting is an approximation that never changes: every block of the prompt costs a quarter of its UTF-8 bytes, rounded
up; a text block by its text, any other by its JSON. A structured-output schema is one block after the system text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from tests.twins.anthropic.reply import Body

LIFETIME_S = {"5m": 300.0, "1h": 3600.0}
LOOK_BACK = 20
"""Blocks before a mark among which a live prefix is searched, the marked one included (sheet 3.7)."""


def tokens(text: str) -> int:
    """The twin's measure of a text: a quarter of its UTF-8 bytes, rounded up."""
    return -(-len(text.encode()) // 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block of the prompt, in the order in which the cache sees them."""

    path: str
    """Where it stands in the body, e.g. `messages.0.content.1`."""
    key: str
    """What must be the same for a prefix to be the same."""
    tokens: int
    cacheable: bool
    mark: Any = None
    """Its `cache_control`, as sent."""

    @property
    def ttl(self) -> str:
        """The lifetime its mark asks for."""
        return str(self.mark.get("ttl", "5m"))


def parts(content: Any) -> list[Any]:
    """The blocks of a content; a string is one text block."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content or []


def blocks(body: Body) -> list[Block]:
    """The prompt as blocks: tools, system, schema, messages; a top-level mark sits on the last cacheable one."""
    found = list(_blocks(body))
    if (mark := body.get("cache_control")) is not None:
        last = max((place for place, block in enumerate(found) if block.cacheable), default=None)
        if last is not None and found[last].mark is None:
            found[last] = replace(found[last], mark=mark)
    return found


def _blocks(body: Body) -> Iterator[Block]:
    for i, tool in enumerate(body.get("tools", [])):
        yield _block(f"tools.{i}", tool, "tools")
    for i, block in enumerate(parts(body.get("system"))):
        yield _block(f"system.{i}", block, "system")
    if (schema := (body.get("output_config") or {}).get("format")) is not None:
        yield replace(_block("output_config.format", schema, "format"), cacheable=False)
    # Another tool choice or thinking setting spares tools and system, but not the messages.
    settings = json.dumps([body.get("tool_choice"), body.get("thinking")])
    for i, message in enumerate(body["messages"]):
        for j, block in enumerate(parts(message["content"])):
            yield _block(f"messages.{i}.content.{j}", block, message["role"] + settings)


def _block(path: str, block: Body, place: str) -> Block:
    bare = {name: block[name] for name in sorted(block) if name != "cache_control"}
    text = block["text"] if block.get("type") == "text" else json.dumps(bare, ensure_ascii=False)
    return Block(
        path=path,
        key=place + json.dumps(bare),
        tokens=tokens(text),
        cacheable=block.get("type") not in {"thinking", "redacted_thinking"},
        mark=block.get("cache_control"),
    )


def prompt_tokens(body: Body) -> int:
    """The size of the whole prompt, cached or not."""
    return sum(block.tokens for block in blocks(body))


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What one prompt costs, and the prefixes that live on once its response has started."""

    plain: int
    read: int
    written_5m: int
    written_1h: int
    prefixes: tuple[tuple[str, float], ...]
    """Hash and lifetime in seconds."""

    def usage(self) -> Body:
        """The input counters of `usage`."""
        return {
            "input_tokens": self.plain,
            "cache_creation_input_tokens": self.written_5m + self.written_1h,
            "cache_read_input_tokens": self.read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.written_5m,
                "ephemeral_1h_input_tokens": self.written_1h,
            },
        }


class PromptCache:
    """The prefixes seen so far; `now` tells the time in seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._entries: dict[str, tuple[float, float]] = {}
        """Expiry and lifetime by prefix hash."""

    def look(self, key: str, body: Body, *, minimum: int) -> Charge:
        """Work out what `body` costs the workspace behind `key`, and change nothing yet."""
        prompt = blocks(body)
        sizes = list(accumulate(block.tokens for block in prompt))
        hashes = list(accumulate((block.key for block in prompt), _chain, initial=f"{key} {body['model']}"))[1:]
        marks = [i for i, block in enumerate(prompt) if block.mark is not None and sizes[i] >= minimum]
        near = (i for mark in marks for i in range(max(0, mark - LOOK_BACK + 1), mark + 1))
        hit = max((i for i in near if self._lives(hashes[i])), default=-1)
        read = sizes[hit] if hit >= 0 else 0
        hour = max((sizes[i] for i in marks if prompt[i].ttl == "1h"), default=0)
        last = max((sizes[i] for i in marks), default=0)
        renewed = [(hashes[i], self._entries[hashes[i]][1]) for i in {hit, *marks} if i >= 0 and self._lives(hashes[i])]
        written = [(hashes[i], LIFETIME_S[prompt[i].ttl]) for i in marks if i > hit]
        return Charge(
            plain=(sizes[-1] if sizes else 0) - max(read, last),
            read=read,
            written_1h=max(0, hour - read),
            written_5m=max(0, last - max(read, hour)),
            prefixes=(*renewed, *written),
        )

    def keep(self, charge: Charge) -> None:
        """Make the prefixes of `charge` readable from now on: its response has started."""
        self._entries |= {prefix: (self._now() + lifetime, lifetime) for prefix, lifetime in charge.prefixes}

    def _lives(self, prefix: str) -> bool:
        return prefix in self._entries and self._entries[prefix][0] > self._now()


def _chain(before: str, key: str) -> str:
    return hashlib.sha256(f"{before}\n{key}".encode()).hexdigest()
