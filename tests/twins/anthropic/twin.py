"""The Anthropic Messages API on loopback: speaks its protocol, refuses what it refuses, answers what the test scripts.

Built from the protocol sheet of the platform. It runs no model, and its token counts are an approximation.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import TypeAlias

from aiohttp import web

from tests.twins.anthropic.batches import Batch, Batches, Outcome, errored
from tests.twins.anthropic.cache import Charge, PromptCache, prompt_tokens
from tests.twins.anthropic.checks import CURRENT_VERSION, check_count, check_message
from tests.twins.anthropic.models import MODELS
from tests.twins.anthropic.reply import ApiError, Body, RefusedError, Reply, Scripted, ToolUse, resolve
from tests.twins.anthropic.request import Request, key_of, read_json
from tests.twins.anthropic.wire import PING, Cut, Drip, frame, message, page, steps
from tests.twins.server import Twin

__all__ = ["AnthropicTwin", "ApiError", "Batch", "Reply", "Request", "Scripted", "ToolUse"]

VERSIONS = frozenset({"2023-06-01", CURRENT_VERSION})
LIMITS = {"requests": 4_000, "tokens": 2_400_000, "input-tokens": 2_000_000, "output-tokens": 400_000}
"""The rate limits the headers tell of; the twin never enforces them."""
EPOCH = datetime(2026, 11, 1, tzinfo=UTC)
"""What the twin's clock shows when it starts."""
NEVER_RETRY = {"x-should-retry": "false"}
REQUEST_ID = web.RequestKey("request_id", str)

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


class AnthropicTwin(Twin):
    """The Messages API, count_tokens, models and batches, for the given API keys.

    Time stands still unless `advance` moves it; nothing waits for anything but events of the test.
    """

    def __init__(self, *, keys: Collection[str] = frozenset({"test-key"})) -> None:
        super().__init__()
        self.keys = frozenset(keys)
        self.models = dict(MODELS)
        """The models it knows, in the order of the list; a test may add or remove some."""
        self.max_bytes = 32 * 2**20
        """Larger bodies are answered 413, except for batches (256 MB there, which the base class cuts off at 64)."""
        self.default: Scripted | None = None
        """The reply when the queue is empty."""
        self.requests: list[Request] = []
        """Accepted message requests in order of arrival, each attempt of a retried one included; no batches."""
        self.refused: list[ApiError] = []
        """What was refused, whatever the path."""
        self.unscripted: list[Request] = []
        """Requests for which the test had scripted nothing."""
        self.finished: list[Request] = []
        """Requests that were answered to the end as scripted, errors and cuts included."""
        self.disconnects: list[Request] = []
        """Requests whose client went away before the answer was complete."""
        self._queue: deque[Scripted] = deque()
        self._matches: list[tuple[Callable[[Body], bool], Scripted]] = []
        self._now_s = 0.0
        self._cache = PromptCache(lambda: self._now_s)
        self._batches = Batches(stamp=self._stamp, answer=self._batch_result)
        self._ids = count(1)
        self._holds: set[asyncio.Event] = set()
        self._closing = False

    async def __aexit__(self, *exc: object) -> None:
        self._closing = True
        for event in self._holds:
            event.set()
        await super().__aexit__(*exc)

    def routes(self) -> list[web.RouteDef]:
        known = [
            web.post("/v1/messages", self._create),
            web.post("/v1/messages/count_tokens", self._count),
            *self._batches.routes(),
            web.get("/v1/models", self._list_models),
            web.get("/v1/models/{id}", self._get_model),
            web.route("*", "/{path:.*}", _nowhere),
        ]
        return [web.route(route.method, route.path, partial(self._serve, route.handler)) for route in known]

    # -- scripting ------------------------------------------------------------------------------------------------

    def script(self, *replies: Scripted) -> None:
        """Append replies, each for one unanswered request."""
        self._queue.extend(replies)

    def match(self, predicate: Callable[[Body], bool], reply: Scripted) -> None:
        """Give `reply` to every request whose body fits, before the queue is asked; the latest match wins."""
        self._matches.insert(0, (predicate, reply))

    def advance(self, seconds: float) -> None:
        """Let time pass for the prompt cache and every time stamp."""
        self._now_s += seconds

    @property
    def batches(self) -> Mapping[str, Batch]:
        """Every batch by id, oldest first."""
        return self._batches.all

    async def finish_batch(
        self, batch_id: str, *, order: Sequence[str] | None = None, outcomes: Mapping[str, Outcome] | None = None
    ) -> None:
        """End a batch: each request is answered as if it arrived now, save those that `outcomes` names.

        Args:
            batch_id: the batch.
            order: every custom_id in the order of the results file; the reverse of the order sent by default.
            outcomes: by custom_id `"errored"`, `"expired"`, `"canceled"` or an `ApiError`. The rest of a batch that
                is being canceled is canceled; a request the API refuses is errored.
        """
        await self._batches.finish(batch_id, order=order, outcomes=outcomes or {})
        await self.changed()

    async def _reply(self, asked: Request) -> Reply:
        if asked.body["max_tokens"] == 0:  # warms the cache and asks no model (sheet 1.2)
            return Reply(stop_reason="max_tokens")
        try:
            scripted = self._scripted(asked.body)
            if scripted is not None:
                return await resolve(scripted, asked.body)
        except Exception as error:  # noqa: BLE001 - whatever a script raises has to reach the test as an answer
            return _broken(f"the scripted reply raised {error!r}")
        self.unscripted.append(asked)
        return _broken("the test scripted nothing for this request, and no default")

    def _scripted(self, body: Body) -> Scripted | None:
        for predicate, reply in self._matches:
            if predicate(body):
                return reply
        return self._queue.popleft() if self._queue else self.default

    # -- every request --------------------------------------------------------------------------------------------

    async def _serve(self, handler: Handler, request: web.Request) -> web.StreamResponse:
        request[REQUEST_ID] = f"req_{next(self._ids):06}"
        try:
            await self._admit(request)
            response = await handler(request)
        except RefusedError as refusal:
            self.refused.append(refusal.error)
            response = _failed(refusal.error, request)
        if not response.prepared:
            response.headers.update(self._headers(request, response.status))
        return response

    async def _admit(self, request: web.Request) -> None:
        if key_of(request) not in self.keys:
            raise RefusedError("invalid x-api-key", 401)
        if request.headers.get("anthropic-version") not in VERSIONS:
            raise RefusedError("anthropic-version: a known version is required")
        if len(await request.read()) > self.max_bytes and "/batches" not in request.path:
            raise RefusedError("Request exceeds the maximum size", 413)

    def _headers(self, request: web.Request, status: int) -> dict[str, str]:
        headers = {"request-id": request[REQUEST_ID]}
        if status not in {200, 429}:
            return headers
        for kind, limit in LIMITS.items():
            prefix = f"anthropic-ratelimit-{kind}"
            headers[f"{prefix}-limit"] = str(limit)
            headers[f"{prefix}-remaining"] = "0" if status == 429 else str(limit - 1)
            headers[f"{prefix}-reset"] = self._stamp(60)
        return headers

    def _stamp(self, from_now_s: float) -> str:
        moment = EPOCH + timedelta(seconds=self._now_s + from_now_s)
        return moment.isoformat().replace("+00:00", "Z")

    # -- messages -------------------------------------------------------------------------------------------------

    async def _create(self, request: web.Request) -> web.StreamResponse:
        body = await read_json(request)
        model = check_message(body, self.models, version=request.headers["anthropic-version"])
        asked = Request(body=body, raw=await request.read(), headers=request.headers)
        charge = self._cache.look(key_of(request), body, minimum=model.cache_min)
        self.requests.append(asked)
        await self.changed()
        try:
            response = await self._answer(request, asked, charge)
            self.finished.append(asked)
        except (asyncio.CancelledError, ConnectionError):
            self.disconnects.append(asked)
            raise
        finally:
            await self.changed()
        return _hang_up(request) if response is None else response

    async def _answer(self, request: web.Request, asked: Request, charge: Charge) -> web.StreamResponse | None:
        """Answer as scripted; None: the connection is to be cut."""
        reply = await self._reply(asked)
        streams = asked.stream and reply.wire != "json"
        await self._held(reply.hold)
        if reply.error is not None and (reply.error.after is None or not streams):
            return _failed(reply.error, request)
        if reply.cut_after == -1:
            return None
        self._cache.keep(charge)
        whole = self._message(reply, asked.body, charge)
        return await (self._stream(request, reply, whole) if streams else self._whole(request, reply, whole))

    def _message(self, reply: Reply, body: Body, charge: Charge, **usage: str) -> Body:
        counters = charge.usage() | usage
        return message(reply, id=f"msg_{next(self._ids):06}", model=body["model"], usage=counters)

    async def _whole(self, request: web.Request, reply: Reply, whole: Body) -> web.StreamResponse | None:
        await self._held(reply.ping_only)
        await self._held(reply.hold_after and reply.hold_after[1])
        data = b"" if reply.wire == "empty" else json.dumps(whole, ensure_ascii=False).encode()
        if reply.cut_after is None:
            return web.Response(body=data, content_type="application/json")
        headers = {"Content-Type": "application/json", "Content-Length": str(len(data))}
        response = web.StreamResponse(headers=headers | self._headers(request, 200))
        await response.prepare(request)
        await response.write(data[: len(data) // 2])
        return None

    async def _stream(self, request: web.Request, reply: Reply, whole: Body) -> web.StreamResponse | None:
        headers = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
        response = web.StreamResponse(headers=headers | self._headers(request, 200))
        await response.prepare(request)
        await self._ping(response, reply.ping_only)
        for step in steps(reply, whole, request[REQUEST_ID]):
            if isinstance(step, Cut):
                return None
            if isinstance(step, Drip):
                await self._written(response, step.letter, until=step.until)
            else:
                await (self._held(step) if isinstance(step, asyncio.Event) else response.write(step))
        await response.write_eof()
        return response

    async def _held(self, event: asyncio.Event | None) -> None:
        if event is None or self._closing:
            return
        self._holds.add(event)
        await event.wait()

    async def _ping(self, response: web.StreamResponse, until: asyncio.Event | None) -> None:
        if until is not None:
            await self._written(response, frame("ping", PING), until=until)

    async def _written(self, response: web.StreamResponse, data: bytes, *, until: asyncio.Event) -> None:
        """Write the same again and again, as fast as it is read, until an event is set."""
        while not until.is_set() and not self._closing:
            await response.write(data)
            await asyncio.sleep(0)

    async def _batch_result(self, params: Body, key: str) -> Body:
        try:
            model = check_message(params, self.models)
        except RefusedError as refusal:
            return errored(refusal.error)
        reply = await self._reply(Request(body=params, raw=json.dumps(params).encode(), headers={}))
        if reply.error is not None:
            return errored(reply.error)
        charge = self._cache.look(key, params, minimum=model.cache_min)
        self._cache.keep(charge)
        return {"type": "succeeded", "message": self._message(reply, params, charge, service_tier="batch")}

    # -- the rest -------------------------------------------------------------------------------------------------

    async def _count(self, request: web.Request) -> web.Response:
        body = await read_json(request)
        check_count(body, self.models)
        return web.json_response({"input_tokens": prompt_tokens(body)})

    async def _list_models(self, request: web.Request) -> web.Response:
        return web.json_response(page([model.json() for model in self.models.values()], request.query))

    async def _get_model(self, request: web.Request) -> web.Response:
        model = self.models.get(request.match_info["id"])
        if model is None:
            raise RefusedError(f"model: {request.match_info['id']}", 404)
        return web.json_response(model.json())


def _broken(message: str) -> Reply:
    return Reply(error=ApiError(status=500, message=message, headers=NEVER_RETRY))


def _failed(error: ApiError, request: web.Request) -> web.Response:
    if error.raw is not None:
        return web.Response(status=error.status, text=error.raw, content_type="text/html", headers=dict(error.headers))
    return web.json_response(error.body(request[REQUEST_ID]), status=error.status, headers=dict(error.headers))


def _hang_up(request: web.Request) -> web.StreamResponse:
    """Close the connection in the middle of an answer; what was written so far still arrives."""
    if request.transport is not None:
        request.transport.close()
    raise asyncio.CancelledError


async def _nowhere(request: web.Request) -> web.StreamResponse:
    raise RefusedError(f"Not found: {request.method} {request.path}", 404)
