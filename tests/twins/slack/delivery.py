"""Socket Mode, the traffic (sheet 4.2): envelopes, acks, redelivery. Knows nothing of what is in them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tests.twins.server import WAIT_S
from tests.twins.slack.blocks import Json
from tests.twins.slack.socket import Socket, Sockets
from tests.twins.slack.workspace import Workspace

EnvelopeKind: TypeAlias = Literal["events_api", "slash_commands", "interactive"]
REDELIVERIES_MAX = 3


@dataclass(slots=True, kw_only=True, eq=False)
class Event:
    """One event and how far its delivery got."""

    id: str
    payload: Json
    offers: int = 0
    """Deliveries so far, the first one included."""
    acks: int = 0
    lost: bool = False
    """Given up: no ack after the last redelivery."""
    failure: str = ""
    """Why the last delivery over HTTP counts as none, in Slack's words."""
    is_final: bool = False
    """Whether the app asked for no more."""

    @property
    def inner(self) -> Json:
        """What happened, without the outer fields."""
        inner: Json = self.payload["event"]
        return inner


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """An envelope that came back. Times are `time.monotonic` seconds."""

    envelope_id: str
    kind: EnvelopeKind
    event_id: str | None
    attempt: int
    """0 for the first delivery."""
    delivered_s: float
    acked_s: float
    payload: Json | None
    late: bool
    """The envelope had been given up, or acked, before: it changed nothing."""

    @property
    def latency_s(self) -> float:
        """Seconds from delivery to ack."""
        return self.acked_s - self.delivered_s


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Envelope:
    id: str
    kind: EnvelopeKind
    event: Event | None
    attempt: int
    delivered_s: float
    answer: asyncio.Future[Ack]


class Delivery(Sockets):
    """Hands each payload to one open socket and waits for its envelope to come back."""

    def __init__(self, workspace: Workspace, *, ack_timeout_s: float) -> None:
        super().__init__(workspace)
        self.ack_timeout_s = ack_timeout_s
        """Stands for Slack's three seconds; redeliveries follow one another without further pause."""
        self.redeliveries = REDELIVERIES_MAX
        self.misses = 0
        """How many of the next events get lost on their first way: of those, only the retry comes."""
        self.waits = True
        """Whether an event waits while no socket is open; Slack gives it up after some minutes."""
        self.acks: list[Ack] = []
        self.events: list[Event] = []
        self.strays: list[Json] = []
        """Frames from the app that answer no envelope."""
        self._envelopes: dict[str, _Envelope] = {}

    def dispatch(self, payload: Json) -> Event:
        """Deliver an event until it is acked or given up, in the background; while no socket is open it `waits`."""
        event = Event(id=payload["event_id"], payload=payload)
        self.events.append(event)
        if not self.waits and not self.reachable():
            event.lost = True
            return event
        self.spawn(self._deliver, event)
        return event

    def reachable(self) -> bool:
        """Whether something can be delivered now."""
        return bool(self.ready())

    def busy(self) -> bool:
        """Whether a delivery is under way."""
        return bool(self._tasks)

    async def _deliver(self, event: Event) -> None:
        if self.misses:
            self.misses -= 1
            event.offers = 1
        for _ in range(self.redeliveries + 1 - event.offers):
            if await self._offer_event(event):
                return
        event.lost = True

    async def _offer_event(self, event: Event) -> Ack | None:
        attempt = event.offers
        event.offers += 1
        retry = {"retry_attempt": attempt, "retry_reason": "timeout" if attempt else ""}
        frame = {"type": "events_api", "accepts_response_payload": False, "payload": event.payload}
        return await self.offer("events_api", frame | retry, event=event, attempt=attempt)

    async def offer(
        self, kind: EnvelopeKind, frame: Json, *, event: Event | None = None, attempt: int = 0
    ) -> Ack | None:
        """Give one envelope to one socket, in turn; None when it does not come back within `ack_timeout_s`."""
        socket = await self._next_socket()
        envelope = _Envelope(
            id=self.workspace.unique(),
            kind=kind,
            event=event,
            attempt=attempt,
            delivered_s=time.monotonic(),
            answer=asyncio.get_running_loop().create_future(),
        )
        self._envelopes[envelope.id] = envelope
        with contextlib.suppress(ConnectionError):  # the service notices a dead socket by the missing ack
            if not socket.deaf:
                await socket.ws.send_json({"envelope_id": envelope.id, **frame})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.ack_timeout_s):
                return await envelope.answer
        return None

    async def _next_socket(self) -> Socket:
        async with self._changed:
            await self._changed.wait_for(self.ready)
        ready = self.ready()
        return ready[len(self._envelopes) % len(ready)]

    async def heard(self, frame: Json) -> None:
        envelope = self._envelopes.get(str(frame.get("envelope_id")))
        if envelope is None:
            self.strays.append(frame)
            return
        ack = Ack(
            envelope_id=envelope.id,
            kind=envelope.kind,
            event_id=envelope.event.id if envelope.event else None,
            attempt=envelope.attempt,
            delivered_s=envelope.delivered_s,
            acked_s=time.monotonic(),
            payload=frame.get("payload") or None,
            late=envelope.answer.done(),
        )
        self.acks.append(ack)
        if not ack.late:
            envelope.answer.set_result(ack)
            if envelope.event:
                envelope.event.acks += 1
        await self.changed()

    def event(self, event_id: str | None = None) -> Event:
        """The event of this id, or the newest one."""
        return self.events[-1] if event_id is None else next(e for e in self.events if e.id == event_id)

    async def redelivers(self, event_id: str | None = None) -> Event:
        """Send an event once more, whatever became of it: a new envelope, the same event id, the attempt raised."""
        event = self.event(event_id)
        self.spawn(self._offer_event, event)
        return event

    async def acked(self, event_id: str | None = None, *, times: int = 1, timeout_s: float = WAIT_S) -> Event:
        """Wait until the event (by default the newest) was acked that often; late acks do not count."""
        event = self.event(event_id)
        await self.wait_for(lambda: event.acks >= times, timeout_s=timeout_s)
        return event

    async def settled(self, *, timeout_s: float = WAIT_S) -> None:
        """Wait until no delivery is under way: every event was acked or lost."""
        await self.wait_for(lambda: not self.busy(), timeout_s=timeout_s)

    @property
    def lost(self) -> list[Event]:
        """The events that were given up."""
        return [event for event in self.events if event.lost]
