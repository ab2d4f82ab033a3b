"""What a call of a model costs: list prices of the models we know, in USD per million tokens (anthropic sheet 1.3).

Micro-dollars for a token are dollars for a million, so costs are kept as whole micro-dollars.
"""

import math
from dataclasses import dataclass, replace

from persona.ports import Usage

BATCH_SHARE = 0.5
"""What a call costs in a batch, of its price outside of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """USD for a million tokens."""

    fresh: float
    output: float
    read: float
    written: float
    written_hour: float


_HAIKU = Price(fresh=0.10, output=0.50, read=0.01, written=0.125, written_hour=0.20)
_LONG_HAIKU = Price(fresh=0.50, output=2.50, read=0.05, written=0.625, written_hour=1.00)
PRICES = {
    "claude-haiku-5-5": _HAIKU,
    "claude-sonnet-5-5": Price(fresh=2, output=10, read=0.10, written=2.50, written_hour=4),
    "claude-opus-5-5": Price(fresh=4, output=20, read=0.20, written=5, written_hour=8),
    "claude-fable-5-1": Price(fresh=10, output=50, read=0.25, written=12.50, written_hour=20),
    "claude-haiku-4-5": Price(fresh=1, output=5, read=0.10, written=1.25, written_hour=2),
    "offline": Price(fresh=0, output=0, read=0, written=0, written_hour=0),
}
LONG_PROMPT_TOKENS = 100_000
"""Beyond this `claude-haiku-5-5` costs five times as much, on the whole request."""


def most(model: str, *, max_bytes: int, max_tokens: int, is_batch: bool = False) -> int:
    """The most one call can cost, in whole micro-dollars: each byte a token that goes into the cache for an hour.

    0 for a model whose price we do not know.
    """
    usage = Usage(model=model, input_tokens=max_bytes, output_tokens=max_tokens, written_hour_tokens=max_bytes)
    return cost(replace(usage, is_batch=is_batch)) or 0


def cost(usage: Usage) -> int | None:
    """What a call cost, in whole micro-dollars, rounded up; None for a model whose price we do not know."""
    price = next((price for name, price in PRICES.items() if usage.model.startswith(name)), None)
    if price is None:
        return None
    if price is _HAIKU and usage.input_tokens > LONG_PROMPT_TOKENS:
        price = _LONG_HAIKU
    fresh = usage.input_tokens - usage.cached_tokens - usage.written_tokens - usage.written_hour_tokens
    exact = (
        fresh * price.fresh
        + usage.output_tokens * price.output
        + usage.cached_tokens * price.read
        + usage.written_tokens * price.written
        + usage.written_hour_tokens * price.written_hour
    ) * (BATCH_SHARE if usage.is_batch else 1)
    return math.ceil(round(exact, 6))  # what a float is off by is no micro-dollar
