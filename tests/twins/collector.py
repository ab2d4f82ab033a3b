"""A twin of an OpenTelemetry collector: takes OTLP over HTTP, as protobuf, and nothing else."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from aiohttp import web
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.twins.server import Twin

if TYPE_CHECKING:
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

PROTOBUF = "application/x-protobuf"


class CollectorTwin(Twin):
    """What was sent stands in `spans`, in order of arrival."""

    def __init__(self) -> None:
        super().__init__()
        self.spans: list[Span] = []
        self.services: set[str] = set()
        """The names services gave themselves."""

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/v1/traces", self._take)]

    async def _take(self, request: web.Request) -> web.Response:
        if request.content_type != PROTOBUF:
            return web.Response(status=415)
        raw = await request.read()
        try:
            sent = ExportTraceServiceRequest.FromString(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)
        except DecodeError:
            return web.Response(status=400)
        for resource in sent.resource_spans:
            self.services |= {
                one.value.string_value for one in resource.resource.attributes if one.key == "service.name"
            }
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        await self.changed()
        return web.Response(body=ExportTraceServiceResponse().SerializeToString(), content_type=PROTOBUF)

    def named(self, name: str) -> list[Span]:
        """The spans of one name."""
        return [span for span in self.spans if span.name == name]


def fields(span: Span) -> dict[str, str | int | float]:
    """What a span says besides its name and times."""
    found: dict[str, str | int | float] = {}
    for one in span.attributes:
        kind = one.value.WhichOneof("value")
        assert kind is not None
        found[one.key] = getattr(one.value, kind)
    return found
