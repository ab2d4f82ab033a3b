"""Traces: each step as a span of OpenTelemetry, for whoever runs a collector. Ids, tokens and times; never a text.

Imported only where OTEL_EXPORTER_OTLP_ENDPOINT is set. How spans are batched, and with which headers they are sent,
the exporter reads from the other OTEL_ variables.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, Status, StatusCode

from bot import VERSION, steps
from bot.steps import Event, Step

PATH = "v1/traces"
FLUSH_S = 5.0
"""How long a stop waits for the collector to take the last spans."""


class Traces:
    """See `bot.steps.Watcher`. Has a provider of its own: a host's traces stay the host's."""

    def __init__(self, endpoint: str) -> None:
        resource = Resource.create({"service.name": "rapport", "service.version": VERSION})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/{PATH}", timeout=FLUSH_S)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("rapport", VERSION)
        self._open: dict[Step, Span] = {}

    def begun(self, step: Step) -> None:
        """See `bot.steps.Watcher.begun`."""
        parent = None if step.parent is None else self._open.get(step.parent)
        context = trace.set_span_in_context(parent or trace.INVALID_SPAN)
        self._open[step] = self._tracer.start_span(step.name, context=context)

    def ended(self, step: Step) -> None:
        """See `bot.steps.Watcher.ended`."""
        span = self._open.pop(step)
        span.set_attributes({f"rapport.{name}": value for name, value in step.fields.items()})
        if step.error:
            span.set_status(Status(StatusCode.ERROR, step.error))
        span.end()

    def happened(self, event: Event, number: int, labels: Mapping[str, str]) -> None:
        """See `bot.steps.Watcher.happened`: what has no length is no span."""

    def close(self) -> None:
        """Send what was not sent yet."""
        self._provider.shutdown()


@contextmanager
def traced(endpoint: str) -> Iterator[None]:
    """Send every step of this context, and of the tasks that begin in it, to a collector that speaks OTLP over HTTP."""
    traces = Traces(endpoint)
    try:
        with steps.watched(traces):
            yield
    finally:
        traces.close()
