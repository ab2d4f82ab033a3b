"""Traces: each step of a message and a session is a span at the operator's collector, without a word that was said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.journeys.processes import python
from tests.journeys.worlds import World, is_update, learns
from tests.twins.anthropic import ApiError, Reply
from tests.twins.collector import CollectorTwin, fields

CANARY = "zqcanary"

pytestmark = pytest.mark.slow


@pytest.fixture
async def collector() -> AsyncIterator[CollectorTwin]:
    """An operator's collector."""
    async with CollectorTwin() as twin:
        yield twin


async def test_steps_are_spans(slack_world: World, collector: CollectorTwin, tmp_path: Path) -> None:
    """Accepting, the turn with its model call and its delivery, and learning arrive with ids, tokens and times.

    A call that failed says how; nothing of it all holds a text or a name.
    """
    environment = {
        **slack_world.environment(),
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "PERSONA_CONSENT": "on",
        "IDLE_AFTER": "1s",
        "SWEEP_EVERY": "1s",
    }
    learns(slack_world.claude, ("set", "location", CANARY, f"I live in {CANARY}"))
    async with python("-m", "bot", folder=tmp_path, environment=environment) as process:
        await process.logged("bot.ready")
        post = await slack_world.says("Ana", f"I live in {CANARY}")
        await slack_world.twin.wait_for(lambda: slack_world.replies(post), timeout_s=30)
        await process.logged("session.learned")
        slack_world.claude.match(lambda body: not is_update(body), Reply(error=ApiError(status=400)))
        failed = await slack_world.says("Bo", CANARY)
        await slack_world.twin.wait_for(lambda: slack_world.replies(failed), timeout_s=30)
        process.stop()
        assert await process.ended() == 0

    turn, unlucky = collector.named("turn")
    model, *_ = [span for span in collector.named("model") if span.parent_span_id == turn.span_id]
    delivery, *_ = [span for span in collector.named("delivery") if span.parent_span_id == turn.span_id]
    (learning, *_) = collector.named("learning")
    assert collector.services == {"rapport"}
    assert fields(turn)["rapport.reference"] in {
        fields(span)["rapport.reference"] for span in collector.named("accept")
    }
    assert turn.parent_span_id == b""
    assert fields(model)["rapport.purpose"] == "answer"
    assert fields(model)["rapport.input_tokens"] > 0  # type: ignore[operator]  # it is a number
    assert fields(delivery)["rapport.outcome"] == "answered"
    assert fields(learning)["rapport.operations"] == 1
    assert turn.start_time_unix_nano <= model.start_time_unix_nano < model.end_time_unix_nano
    (broken,) = [span for span in collector.named("model") if span.parent_span_id == unlucky.span_id]
    assert broken.status.message == "ModelRequestError"
    sent = b"".join(call.raw for call in collector.ledger)
    assert CANARY not in str(collector.spans)
    assert [word for word in (CANARY, "Ana", "Bo", "An answer") if word.encode() in sent] == []


async def test_a_collector_that_is_gone_changes_nothing(slack_world: World, tmp_path: Path) -> None:
    """Where no collector listens, messages are answered and the process ends as it should, in time."""
    environment = {**slack_world.environment(), "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    async with python("-m", "bot", folder=tmp_path, environment=environment) as process:
        await process.logged("bot.ready")
        post = await slack_world.says("Ana", "hello")
        await slack_world.twin.wait_for(lambda: slack_world.replies(post), timeout_s=30)
        process.stop()

        assert await process.ended() == 0


async def test_without_an_endpoint_nothing_of_it_is_loaded(slack_world: World, tmp_path: Path) -> None:
    """Who asks for no traces pays nothing: nothing that would send them is imported, nor what counts without a port."""
    async with python(
        "-X", "importtime", "-m", "bot", folder=tmp_path, environment=slack_world.environment()
    ) as process:
        await process.logged("bot.ready")
        await slack_world.says("Ana", "hello")
        await process.logged("message.settled")
        process.stop()

        assert await process.ended() == 0
        loaded = {line.rpartition("|")[2].strip() for line in process.log.splitlines() if "|" in line}
        assert "slack_bolt" in loaded
        assert loaded & {"opentelemetry.sdk", "bot.traces", "prometheus_client", "bot.metrics"} == set()
