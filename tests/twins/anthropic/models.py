"""The models the twin knows: what each refuses, and how long a prefix must be for the cache."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Quirk = Literal["budget", "disabled", "prefill", "forced"]
"""Thinking budgets, thinking turned off, an assistant prefill, a forced tool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One entry of `GET /v1/models`, with the rules of sheet 1.2, 1.3 and 3.5."""

    id: str
    refuses: frozenset[Quirk] = frozenset()
    cache_min: int = 512
    """Tokens; a shorter prefix is silently not cached."""
    context: int = 1_000_000
    max_tokens: int = 128_000
    retires_at: str | None = None

    def json(self) -> dict[str, Any]:
        """The model as the API lists it; the capabilities are left out and the creation date is invented."""
        _, line, *version = self.id.split("-")
        return {
            "id": self.id,
            "type": "model",
            "display_name": f"Claude {line.capitalize()} {'.'.join(version[:2])}",
            "created_at": "2026-09-01T00:00:00Z",
            "lifecycle": "deprecated" if self.retires_at else "active",
            "line": line,
            "max_input_tokens": self.context,
            "max_tokens": self.max_tokens,
            "retires_at": self.retires_at,
        }


_ALL = (
    Model(id="claude-haiku-5-5"),
    Model(id="claude-sonnet-5-5", refuses=frozenset({"budget", "disabled", "prefill", "forced"})),
    Model(id="claude-opus-5-5", refuses=frozenset({"disabled", "forced"})),
    Model(id="claude-fable-5-1", refuses=frozenset({"disabled"})),
    Model(id="claude-opus-5"),
    Model(id="claude-haiku-4-5", cache_min=4096),
    Model(id="claude-sonnet-4-5", cache_min=1024, retires_at="2026-11-30T00:00:00Z"),
)

MODELS = {model.id: model for model in _ALL}
"""By id, in the order of the list."""
