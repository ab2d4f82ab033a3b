"""Metrics: what an operator watches, in Prometheus' words. Labels are closed lists, and name no member, room or tenant.

Imported where HTTP is served: the terminal does without.
"""

import asyncio
import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from bot import VERSION
from bot.ports import Clock
from bot.steps import Event, Step
from bot.store.backlog import Backlog

TICK_S = 0.5
"""How often the event loop is asked whether it turns."""

_TALK_S = (0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 40.0, 60.0, 120.0, 600.0)
_UNIT_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
_LAG_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)
_MICROS = 1_000_000


class Metrics:
    """See `bot.steps.Watcher`. Each has a registry of its own, so that a host's metrics stay the host's."""

    def __init__(self, *, clock: Clock, engine: Literal["sqlite", "postgres"]) -> None:
        self._clock = clock
        self._registry = at = CollectorRegistry()
        ProcessCollector(registry=at)
        build = Gauge("rapport_build_info", "What runs; always 1", ["version", "engine"], registry=at)
        build.labels(VERSION, engine).set(1)

        self._accepted = Counter(
            "rapport_accepts", "Posts handed in: stored, repeated, or the class of error", ["outcome"], registry=at
        )
        self._answers = Counter("rapport_answers", "Messages by how they ended", ["outcome"], registry=at)
        self._first_text = _histogram("rapport_first_text_seconds", "From a message to the first text shown", at)
        self._settled = _histogram("rapport_settled_seconds", "From a message to its whole answer shown", at)
        self._postponed = Counter("rapport_postponed", "Answers that failed and are tried again", registry=at)
        self._parked_messages = Counter(
            "rapport_parked_messages", "Messages a stop left to the next start", registry=at
        )

        by = ["purpose", "outcome"]
        self._calls = Counter("rapport_model_calls", "Calls of a model: ok, or the class of error", by, registry=at)
        self._call_s = _histogram("rapport_model_seconds", "How long a call took", at, ["purpose"])
        self._tokens = Counter("rapport_model_tokens", "Tokens consumed", ["purpose", "kind"], registry=at)
        self._cost = Counter(
            "rapport_model_cost_dollars", "What calls cost, where prices are known", by[:1], registry=at
        )

        self._sessions = Counter("rapport_sessions", "Sessions learned, failed or parked", ["outcome"], registry=at)
        self._last_session = Gauge(
            "rapport_last_session_timestamp_seconds", "When a session last ended so", ["outcome"], registry=at
        )
        self._unanswered = Gauge("rapport_inbox_messages", "Messages without an outcome", registry=at)
        self._unanswered_s = Gauge("rapport_inbox_oldest_seconds", "Age of the oldest of them; 0 for none", registry=at)
        self._unlearned = Gauge("rapport_unlearned_sessions", "Conversations not learned to their end", registry=at)
        self._unlearned_s = Gauge("rapport_unlearned_oldest_seconds", "Silence of the longest silent one", registry=at)
        self._parked = Gauge("rapport_parked_sessions", "Those of them that failed for good", registry=at)

        self._connected = Gauge("rapport_connected", "1 while it is there", ["connection"], registry=at)
        self._silent = Counter("rapport_silent_connections", "Connections replaced as mute", ["platform"], registry=at)
        self._tasks = Gauge("rapport_tasks", "Tasks of the event loop", registry=at)
        self._unit_s = _histogram("rapport_unit_seconds", "How long a unit of work took", at, ["kind"], _UNIT_S)
        self._lag = _histogram("rapport_loop_lag_seconds", "How late the event loop was", at, (), _LAG_S)
        self.lag_s = 0.0
        """How late the event loop was when it was last asked."""

    # -- what is told -------------------------------------------------------------------------------------------------

    def begun(self, step: Step) -> None:
        """See `bot.steps.Watcher.begun`."""

    def ended(self, step: Step) -> None:
        """See `bot.steps.Watcher.ended`."""
        match step.name:
            case "accept":
                self._accepted.labels(step.error or str(step.fields["outcome"])).inc()
            case "delivery":
                self._answers.labels(str(step.fields.get("outcome", step.error))).inc()
            case "turn":
                self._turned(step)
            case "model":
                self._called(step)
            case "learning":
                pass

    def happened(self, event: Event, number: int, labels: Mapping[str, str]) -> None:
        """See `bot.steps.Watcher.happened`."""
        match event:
            case "sessions":
                self._sessions.labels(labels["outcome"]).inc(number)
                self._last_session.labels(labels["outcome"]).set(self._clock.now().timestamp())
            case "silent":
                self._silent.labels(labels["platform"]).inc(number)
            case "parked":
                self._parked_messages.inc(number)
            case "postponed":
                self._postponed.inc(number)

    def took(self, kind: Literal["read", "write"], seconds: float) -> None:
        """A unit of work ended."""
        self._unit_s.labels(kind).observe(seconds)

    async def watch_loop(self) -> None:
        """Ask the event loop again and again how late it is."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + TICK_S
            await asyncio.sleep(TICK_S)
            self.lag_s = max(0.0, loop.time() - due)
            self._lag.observe(self.lag_s)

    def _turned(self, step: Step) -> None:
        if "settled_s" not in step.fields:
            return
        settled, shown = float(step.fields["settled_s"]), float(step.fields.get("shown_s", step.fields["settled_s"]))
        waited = max(0.0, float(step.fields["age_s"]))  # a platform's clock may be ahead of ours
        self._settled.observe(waited)
        self._first_text.observe(max(0.0, waited - (settled - shown)))

    def _called(self, step: Step) -> None:
        purpose = str(step.fields["purpose"])
        self._calls.labels(purpose, step.error or "ok").inc()
        self._call_s.labels(purpose).observe(step.seconds)
        for kind in ("input", "cached", "output"):
            self._tokens.labels(purpose, kind).inc(float(step.fields.get(f"{kind}_tokens", 0)))
        self._cost.labels(purpose).inc(float(step.fields.get("cost", 0)) / _MICROS)

    # -- what is asked ------------------------------------------------------------------------------------------------

    def text(self, backlog: Backlog | None, *, connected: Mapping[str, bool]) -> bytes:
        """Everything, in Prometheus' text format, with what waits at this moment: not a number if nobody could say."""
        now = self._clock.now()
        self._unanswered.set(backlog.unanswered if backlog else math.nan)
        self._unanswered_s.set(_age_s(backlog.oldest_message, now) if backlog else math.nan)
        self._unlearned.set(backlog.unlearned if backlog else math.nan)
        self._unlearned_s.set(_age_s(backlog.oldest_session, now) if backlog else math.nan)
        self._parked.set(backlog.parked if backlog else math.nan)
        self._tasks.set(len(asyncio.all_tasks()))
        for name, is_up in connected.items():
            self._connected.labels(name).set(is_up)
        return generate_latest(self._registry)


def _age_s(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())


def _histogram(
    name: str,
    words: str,
    registry: CollectorRegistry,
    labels: Iterable[str] = (),
    buckets: tuple[float, ...] = _TALK_S,
) -> Histogram:
    return Histogram(name, words, labels, buckets=buckets, registry=registry)
