"""Slack over HTTP (sheet 4.4): signed requests to one address, tried again at once, after one and after five minutes.

Once the app has an address, everything goes there; until then, and again without one, to its sockets.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode

import aiohttp

from tests.twins.slack.blocks import Json
from tests.twins.slack.delivery import Ack, Delivery, EnvelopeKind, Event
from tests.twins.slack.workspace import Workspace

RETRY_AFTER_S = (0.0, 60.0, 300.0)
"""Before each redelivery, from the failure on."""

JSON_TYPE, FORM_TYPE = "application/json", "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestUrl:
    """Where the app wants its deliveries, and what they are signed with."""

    url: str
    signing_secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """One request to the app, in order, and what it answered."""

    kind: EnvelopeKind
    event_id: str | None
    attempt: int
    status: int | None
    """None: no answer, in time or at all."""
    seconds: float
    """Until the answer."""


def signed(body: bytes, *, secret: str, at: float) -> dict[str, str]:
    """The headers with which Slack signs a body at a moment (seconds since 1970)."""
    timestamp = str(int(at))
    digest = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={digest}"}


def encoded(kind: EnvelopeKind, payload: Json) -> tuple[bytes, str]:
    """A payload as the body of a request, with its type."""
    if kind == "events_api":
        return json.dumps(payload).encode(), JSON_TYPE
    form = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return urlencode(form).encode(), FORM_TYPE


class HttpDelivery(Delivery):
    """Delivers over HTTP to an app with an address, by the clock of the workspace."""

    def __init__(self, workspace: Workspace, *, ack_timeout_s: float) -> None:
        super().__init__(workspace, ack_timeout_s=ack_timeout_s)
        self.request_url: RequestUrl | None = None
        self.retry_after_s = RETRY_AFTER_S
        self.deliveries: list[Delivered] = []
        self.signs_at: Callable[[], float] = time.time  # noqa: TID251 - apps look at the same clock
        """What time it is for signatures."""
        self._alarms: list[tuple[float, asyncio.Future[None]]] = []
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        return await super().__aenter__()

    async def __aexit__(self, *exc: object) -> None:
        try:
            await super().__aexit__(*exc)
        finally:
            await self._session.close()

    def delivers_to(self, url: str, *, signing_secret: str) -> None:
        """Let an admin enter an address as *Request URL*, for events, commands and interactivity."""
        self.request_url = RequestUrl(url=url, signing_secret=signing_secret)

    async def verifies_url(self) -> bool:
        """Do what Slack does when the address is entered: whether the app gives back the challenge."""
        assert self.request_url is not None
        challenge = self.workspace.unique()
        body = json.dumps({"type": "url_verification", "token": "v", "challenge": challenge}).encode()
        headers = self._headers(body, JSON_TYPE)
        async with self._session.post(self.request_url.url, data=body, headers=headers) as response:
            return response.status == 200 and challenge in await response.text()

    def reachable(self) -> bool:
        return super().reachable() if self.request_url is None else self.waits

    def rings(self) -> None:
        """Let what waits for this moment go on: the time has moved."""
        due = [alarm for alarm in self._alarms if alarm[0] <= self.workspace.now]
        for alarm in due:
            self._alarms.remove(alarm)
            if not alarm[1].done():
                alarm[1].set_result(None)

    def busy(self) -> bool:
        return len(self._tasks) > len(self._alarms)  # what waits for a minute to pass waits for the test

    async def _deliver(self, event: Event) -> None:
        if self.request_url is None:
            await super()._deliver(event)
            return
        if self.misses:
            self.misses -= 1
            event.offers, event.failure = 1, "http_timeout"
        for wait_s in (0.0, *self.retry_after_s)[event.offers :]:
            await self._passed(wait_s)
            if await self._offer_event(event):
                return
            if event.is_final:
                break
        event.lost = True

    async def _passed(self, seconds: float) -> None:
        if seconds:
            alarm = self.workspace.now + seconds, asyncio.get_running_loop().create_future()
            self._alarms.append(alarm)
            await self.changed()
            await alarm[1]

    async def offer(
        self, kind: EnvelopeKind, frame: Json, *, event: Event | None = None, attempt: int = 0
    ) -> Ack | None:
        if self.request_url is None:
            return await super().offer(kind, frame, event=event, attempt=attempt)
        began = time.monotonic()
        body, content_type = encoded(kind, frame["payload"])
        headers = self._headers(body, content_type)
        if event is not None and attempt:
            headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": event.failure}
        status, answer, failure, is_final = await self._posted(self.request_url.url, body, headers)
        if event is not None:
            event.failure, event.is_final = failure, is_final
        event_id = event.id if event else None
        self.deliveries.append(
            Delivered(kind=kind, event_id=event_id, attempt=attempt, status=status, seconds=time.monotonic() - began)
        )
        if failure:
            await self.changed()
            return None
        ack = Ack(
            envelope_id=self.workspace.unique(),
            kind=kind,
            event_id=event_id,
            attempt=attempt,
            delivered_s=began,
            acked_s=time.monotonic(),
            payload=answer,
            late=False,
        )
        self.acks.append(ack)
        if event is not None:
            event.acks += 1
        await self.changed()
        return ack

    async def _posted(
        self, url: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int | None, Json | None, str, bool]:
        """The status, what the answer carries, Slack's word for why it counts as none, and whether that is final."""
        timeout = aiohttp.ClientTimeout(total=self.ack_timeout_s)
        try:
            async with self._session.post(url, data=body, headers=headers, timeout=timeout) as response:
                text = await response.text()
        except TimeoutError:
            return None, None, "http_timeout", False
        except aiohttp.ClientError:
            return None, None, "connection_failed", False
        if not 200 <= response.status < 300:
            return response.status, None, "http_error", response.headers.get("X-Slack-No-Retry") == "1"
        carried = json.loads(text) if text and response.content_type == JSON_TYPE else {"text": text}
        return response.status, carried if text else None, "", False

    def _headers(self, body: bytes, content_type: str) -> dict[str, str]:
        assert self.request_url is not None
        return {"Content-Type": content_type} | signed(body, secret=self.request_url.signing_secret, at=self.signs_at())
