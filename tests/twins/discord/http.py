"""How the REST API is spoken: who may ask, how bodies are read, and what every answer carries."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import BodyPartReader, MultipartReader, StreamReader, web

from tests.twins.discord.drafts import Upload
from tests.twins.discord.model import RefusedError
from tests.twins.discord.server import Server
from tests.twins.server import Fault, Twin

PREFIX = "/api/v10"
Routes = list[web.RouteDef]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request, read."""

    args: Mapping[str, str]
    """The parts of the path that the route names."""
    query: Mapping[str, str]
    body: Any
    """The JSON, or the `payload_json` of a multipart form."""
    uploads: Mapping[int, Upload]
    """`files[n]` by n."""


Handler = Callable[[Asked], object]
"""Answers with an object (200), or with None (204). It never waits, so that state and events move together."""


def ratelimited(*, retry_after: float, global_: bool = False, times: int = 1) -> Fault:
    """Return the fault that answers 429 as Discord does; `Via` is what keeps discord.py from giving up."""
    scope = "global" if global_ else "user"
    headers = {"Via": "1.1 google", "Retry-After": str(max(1, round(retry_after))), "X-RateLimit-Scope": scope}
    headers |= {"X-RateLimit-Global": "true"} if global_ else {"X-RateLimit-Reset-After": f"{retry_after:.3f}"}
    body = {"message": "You are being rate limited.", "retry_after": retry_after, "global": global_}
    return Fault.json(429, body, headers=headers, times=times)


def banned(*, times: int = 1) -> Fault:
    """Return the fault that answers 429 as the edge before Discord does: a page, and no header but its own."""
    page = b"<!DOCTYPE html><title>Access denied</title><p>error code: 1015</p>"
    return Fault(status=429, body=page, headers={"Content-Type": "text/html", "Server": "cloudflare"}, times=times)


class Api:
    """Wraps handlers into routes."""

    def __init__(self, twin: Twin, server: Server) -> None:
        self._twin, self._server = twin, server
        self._exhausted: list[tuple[str, str, float]] = []

    def exhaust(self, method: str, path: str, *, reset_after_s: float) -> None:
        """Let the next answer to `method` and a path ending with `path` say that its bucket is empty for so long."""
        self._exhausted.append((method, path, reset_after_s))

    def route(self, method: str, path: str, handler: Handler, *, anybody: bool = False) -> web.RouteDef:
        """Return the route that answers with `handler`; unless for `anybody` it asks for the bot's token."""

        async def answer(request: web.Request) -> web.Response:
            try:
                if not anybody:
                    self._authorize(request)
                result = handler(await _asked(request))
                response = _json(204 if result is None else 200, result)
            except RefusedError as refusal:
                response = _json(refusal.status, refusal.body)
            except Exception as problem:  # noqa: BLE001  # any other answer would hide it, see below
                # A 500 would be repeated for 25 s by discord.py; the reason must be seen at once.
                response = _json(400, {"code": 50035, "message": f"Invalid Form Body, says the twin: {problem!r}"})
            response.headers.update(self._limits(request, path))
            await self._twin.changed()
            return response

        return web.route(method, PREFIX + path, answer)

    def _authorize(self, request: web.Request) -> None:
        if request.headers.get("Authorization") != f"Bot {self._server.token}":
            raise RefusedError(0)

    def _limits(self, request: web.Request, path: str) -> dict[str, str]:
        """The rate limit headers: generous, unless this bucket was exhausted."""
        remaining, after = 49, 1.0
        for entry in self._exhausted:
            if request.method == entry[0] and request.path.endswith(entry[1]):
                self._exhausted.remove(entry)
                remaining, after = 0, entry[2]
                break
        return {
            "X-RateLimit-Limit": "50",
            "X-RateLimit-Remaining": str(remaining),
            "X-RateLimit-Reset": f"{self._server.now.timestamp() + after:.3f}",
            "X-RateLimit-Reset-After": f"{after:.3f}",
            "X-RateLimit-Bucket": hashlib.sha256(f"{request.method} {path}".encode()).hexdigest()[:32],
        }


def _json(status: int, body: object) -> web.Response:
    """An answer with exactly `application/json`: with a charset discord.py would take it for text."""
    if status == 204:
        return web.Response(status=204)
    return web.Response(status=status, body=json.dumps(body).encode(), headers={"Content-Type": "application/json"})


async def _asked(request: web.Request) -> Asked:
    raw = await request.read()
    uploads: dict[int, Upload] = {}
    body: Any = None
    if request.content_type == "multipart/form-data":
        body = await _form(request, raw, uploads)
    elif raw:
        body = json.loads(raw)
    return Asked(args=request.match_info, query=request.query, body=body, uploads=uploads)


async def _form(request: web.Request, raw: bytes, uploads: dict[int, Upload]) -> Any:
    """Read a multipart form whose bytes the ledger has taken already."""
    stream = StreamReader(request.protocol, len(raw), loop=asyncio.get_running_loop())
    stream.feed_data(raw)
    stream.feed_eof()
    body: Any = {}
    async for part in MultipartReader(request.headers, stream):
        assert isinstance(part, BodyPartReader), "Discord's forms are flat"
        data = bytes(await part.read())
        if part.name == "payload_json":
            body = json.loads(data)
        elif found := re.fullmatch(r"files\[(\d+)\]", part.name or ""):
            uploads[int(found[1])] = Upload(filename=part.filename or "file", data=data)
    return body
