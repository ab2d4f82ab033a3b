"""The subset of JSON schema that structured outputs take.

Source: the platform page on structured outputs ("JSON Schema limitations") and `transform_schema` of the SDK.
Recursion is not looked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.twins.anthropic.reply import Body, RefusedError

KEYWORDS = (
    {"type", "enum", "const", "title", "description", "default", "format", "pattern", "items", "minItems"}
    | {"properties", "required", "additionalProperties", "anyOf", "allOf", "$ref", "$defs", "definitions"}
)  # fmt: skip
STRING_FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}


def check_schema(schema: Body, path: str) -> None:
    """Refuse a schema that goes beyond the subset, in the words of the API; `path` is where it stands in the body."""
    kinds = schema.get("type", "any")
    kind = kinds if isinstance(kinds, str) else "/".join(kinds)
    for keyword in schema:
        if keyword not in KEYWORDS:
            raise RefusedError(f"{path}: For '{kind}' type, property '{keyword}' is not supported")
    if "object" in kind and schema.get("additionalProperties") is not False:
        raise RefusedError(f"{path}: For 'object' type, 'additionalProperties' must be explicitly set to false")
    if schema.get("minItems", 0) not in {0, 1}:
        raise RefusedError(f"{path}: For 'array' type, 'minItems' values other than 0 or 1 are not supported")
    if schema.get("format", "date") not in STRING_FORMATS:
        raise RefusedError(f"{path}: For '{kind}' type, format '{schema['format']}' is not supported")
    for part in _inside(schema):
        check_schema(part, path)


def _inside(schema: Body) -> Iterator[Any]:
    for group in ("properties", "$defs", "definitions"):
        yield from schema.get(group, {}).values()
    for group in ("anyOf", "allOf"):
        yield from schema.get(group, [])
    if "items" in schema:
        yield schema["items"]
