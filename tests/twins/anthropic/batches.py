"""The Message Batches API (sheet 3.6): a batch runs until the test ends it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from aiohttp import web

from tests.twins.anthropic.reply import ApiError, Body, RefusedError
from tests.twins.anthropic.request import key_of
from tests.twins.anthropic.wire import page

DAY_S = 24 * 3600
Outcome: TypeAlias = str | ApiError
"""`"errored"`, `"expired"`, `"canceled"`, or the error of an errored request."""


@dataclass(slots=True, kw_only=True)
class Batch:
    """One batch, and what has become of it."""

    id: str
    key: str
    """The API key it was made with."""
    params: dict[str, Body]
    """By `custom_id`, in the order in which they were sent."""
    created_at: str
    expires_at: str
    status: str = "in_progress"
    cancel_at: str | None = None
    ended_at: str | None = None
    results: list[Body] = field(default_factory=list)
    """The rows of the results file, in its order."""

    def json(self, host: str) -> Body:
        """The batch as the API shows it to a client that reached the twin at `host`."""
        counts = Counter(row["result"]["type"] for row in self.results)
        kinds = ("succeeded", "errored", "canceled", "expired")
        return {
            "id": self.id,
            "type": "message_batch",
            "processing_status": self.status,
            "request_counts": {
                "processing": len(self.params) - len(self.results),
                **{kind: counts[kind] for kind in kinds},
            },
            "created_at": self.created_at,
            "expires_at": self.expires_at,
            "ended_at": self.ended_at,
            "archived_at": None,
            "cancel_initiated_at": self.cancel_at,
            "results_url": f"{host}/v1/messages/batches/{self.id}/results" if self.status == "ended" else None,
        }


class Batches:
    """Every batch of a twin; `stamp` tells the time in so many seconds, `answer` makes a result for params and key."""

    def __init__(self, *, stamp: Callable[[float], str], answer: Callable[[Body, str], Awaitable[Body]]) -> None:
        self.all: dict[str, Batch] = {}
        """By id, oldest first."""
        self._stamp = stamp
        self._answer = answer

    def routes(self) -> list[web.RouteDef]:
        """The endpoints, below `/v1/messages/batches`."""
        root = "/v1/messages/batches"
        return [
            web.post(root, self._create),
            web.get(root, self._list),
            web.get(root + "/{id}", self._get),
            web.delete(root + "/{id}", self._delete),
            web.post(root + "/{id}/cancel", self._cancel),
            web.get(root + "/{id}/results", self._results),
        ]

    async def finish(self, batch_id: str, *, order: Sequence[str] | None, outcomes: Mapping[str, Outcome]) -> None:
        """End a batch; see `AnthropicTwin.finish_batch`."""
        batch = self.all[batch_id]
        unnamed = "canceled" if batch.status == "canceling" else "succeeded"
        for custom_id in reversed(batch.params) if order is None else order:
            result = await self._result(batch, custom_id, outcomes.get(custom_id, unnamed))
            batch.results.append({"custom_id": custom_id, "result": result})
        assert len(batch.results) == len(batch.params), "the order has to name every request of the batch"
        batch.status, batch.ended_at = "ended", self._stamp(0)

    async def _result(self, batch: Batch, custom_id: str, outcome: Outcome) -> Body:
        if outcome == "succeeded":
            return await self._answer(batch.params[custom_id], batch.key)
        if outcome == "errored":
            outcome = ApiError(status=500)
        return errored(outcome) if isinstance(outcome, ApiError) else {"type": outcome}

    def _find(self, request: web.Request) -> Batch:
        batch = self.all.get(request.match_info["id"])
        if batch is None:
            raise RefusedError(f"batch: {request.match_info['id']}", 404)
        return batch

    async def _create(self, request: web.Request) -> web.Response:
        asked = _asked(await request.json())
        batch = Batch(
            id=f"msgbatch_{len(self.all) + 1:04}",
            key=key_of(request),
            params={row["custom_id"]: row["params"] for row in asked},
            created_at=self._stamp(0),
            expires_at=self._stamp(DAY_S),
        )
        self.all[batch.id] = batch
        return web.json_response(batch.json(_host(request)))

    async def _list(self, request: web.Request) -> web.Response:
        newest_first = [batch.json(_host(request)) for batch in reversed(self.all.values())]
        return web.json_response(page(newest_first, request.query))

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(self._find(request).json(_host(request)))

    async def _cancel(self, request: web.Request) -> web.Response:
        batch = self._find(request)
        if batch.status == "in_progress":
            batch.status, batch.cancel_at = "canceling", self._stamp(0)
        return web.json_response(batch.json(_host(request)))

    async def _delete(self, request: web.Request) -> web.Response:
        batch = self._find(request)
        if batch.status != "ended":
            raise RefusedError(f"batch {batch.id} is still processing")
        del self.all[batch.id]
        return web.json_response({"id": batch.id, "type": "message_batch_deleted"})

    async def _results(self, request: web.Request) -> web.Response:
        batch = self._find(request)
        if batch.status != "ended":
            raise RefusedError(f"batch {batch.id} has no results yet", 404)
        rows = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in batch.results)
        return web.Response(body=rows.encode(), content_type="application/x-jsonl")


def errored(error: ApiError) -> Body:
    """The result of a request that met `error`."""
    return {"type": "errored", "error": error.body(None)}


def _host(request: web.Request) -> str:
    return str(request.url.origin())


def _asked(body: Any) -> list[Body]:
    rows: list[Body] = body.get("requests", [])
    if not rows or not all(set(row) == {"custom_id", "params"} for row in rows):
        raise RefusedError("requests: Input should be a list of custom_id and params")
    ids = [row["custom_id"] for row in rows]
    if len(set(ids)) < len(ids) or not all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", custom_id) for custom_id in ids):
        raise RefusedError("requests: custom_id has to be unique, ^[a-zA-Z0-9_-]{1,64}$")
    return rows
