"""A message request as the twin keeps it for the test, and how it is read from the socket."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.twins.anthropic.reply import Body, RefusedError

if TYPE_CHECKING:
    from aiohttp import web


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Request:
    """One `POST /v1/messages` that the API accepted."""

    body: Body
    raw: bytes
    """The exact bytes of the body."""
    headers: Mapping[str, str]
    """Case does not matter."""

    @property
    def structured(self) -> bool:
        """Whether the answer has to follow a schema."""
        return bool((self.body.get("output_config") or {}).get("format"))

    @property
    def stream(self) -> bool:
        """Whether the answer is wanted as server-sent events."""
        return self.body.get("stream") is True

    @property
    def text(self) -> str:
        """Every text the model can see in system and messages, tool results included, one per line."""
        return "\n".join(_texts([self.body.get("system", ""), self.body["messages"]]))


def key_of(request: web.Request) -> str:
    """The API key, from either header."""
    return request.headers.get("x-api-key") or request.headers.get("Authorization", "").removeprefix("Bearer ")


async def read_json(request: web.Request) -> Body:
    """Return the body as an object.

    Raises:
        RefusedError: it is none.
    """
    try:
        body = json.loads(await request.read())
    except ValueError as error:
        raise RefusedError(f"The request body is not valid JSON: {error}") from error
    if not isinstance(body, dict):
        raise RefusedError("Input should be an object")
    return body


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        yield from _texts(node.get("text") or node.get("content") or [])
    else:
        for part in node:
            yield from _texts(part)
