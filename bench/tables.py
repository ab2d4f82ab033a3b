"""What `bench.cost` found, as Markdown for docs/benchmarks.md: the costs, the aims, the prices."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.conversation import tokens
from bench.endpoint import Tally
from bench.figures import spread
from bot import prices
from persona.ports import Usage

WARM_UP = 3
"""Rounds that pay for what is built on first use: LangMem's second one is the first that has something to patch."""

UPDATES = 1_000
"""How many updates a price is told for: one costs too little to be read."""

_HEADS = (
    "who, and how",
    "calls",
    "prompt tokens, first → last",
    "of them schema",
    "completion tokens",
    "embedding calls",
    "CPU per update",
    "CPU of the first",
    "wall time",
    "memory, start → end",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One update."""

    cpu_ms: float
    wall_ms: float
    mebibytes: float
    """Resident memory after it."""
    tally: Tally

    @property
    def prompt_tokens(self) -> int:
        """All that the model reads, the shape of the answer included."""
        return tokens(self.tally.prompt_chars + self.tally.schema_chars)

    @property
    def completion_tokens(self) -> int:
        """All that the model writes."""
        return tokens(self.tally.completion_chars)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one way to make the update costs, round by round."""

    title: str
    start_mebibytes: float
    rounds: tuple[Round, ...]

    @property
    def first(self) -> Round:
        """The round before which nothing is known."""
        return self.rounds[0]

    @property
    def last(self) -> Round:
        """The round that knows most: prompts grow with what is known."""
        return self.rounds[-1]

    @property
    def cpu_ms(self) -> list[float]:
        """CPU of every round after the warm-up."""
        return [one.cpu_ms for one in self.rounds[WARM_UP:]]

    @property
    def median_cpu_ms(self) -> float:
        """The middle one of those."""
        return statistics.median(self.cpu_ms)


def costs(every: Sequence[Cost]) -> Iterator[str]:
    """One line per way."""
    yield f"| {' | '.join(_HEADS)} |"
    yield "|---" * len(_HEADS) + "|"
    for cost in every:
        last = cost.last
        cells = (
            cost.title,
            str(last.tally.calls),
            f"{cost.first.prompt_tokens:,} → {last.prompt_tokens:,}",
            f"{tokens(last.tally.schema_chars):,}",
            f"{last.completion_tokens:,}",
            str(last.tally.embedding_calls),
            spread(cost.cpu_ms, "ms", 1),
            f"{cost.first.cpu_ms:.0f} ms",
            f"{statistics.median(one.wall_ms for one in cost.rounds[WARM_UP:]):.0f} ms",
            f"{cost.start_mebibytes:.0f} → {last.mebibytes:.0f} MiB",
        )
        yield f"| {' | '.join(cells)} |"


# -- aims -------------------------------------------------------------------------------------------------------------


def aims(ours: Cost, peers: Sequence[Cost]) -> Iterator[str]:
    """What was aimed at, and whether it is reached."""
    yield "| aim | Rapport | |"
    yield "|---|---|---|"
    yield _aim("calls of the model", max(one.tally.calls for one in ours.rounds), 1)
    yield _aim("prompt tokens, schema included", max(one.prompt_tokens for one in ours.rounds), 1_600)
    yield _aim("completion tokens", max(one.completion_tokens for one in ours.rounds), 300)
    yield _aim("embedding calls", max(one.tally.embedding_calls for one in ours.rounds), 0)
    if peers:
        cheapest = min(peers, key=lambda cost: cost.median_cpu_ms)
        smallest = min(peers, key=lambda cost: cost.last.mebibytes)
        yield _aim(f"CPU / {cheapest.title}", ours.median_cpu_ms / cheapest.median_cpu_ms, 0.2)
        yield _aim(f"memory at the end / {smallest.title}", ours.last.mebibytes / smallest.last.mebibytes, 0.5)


def _aim(what: str, figure: float, most: float) -> str:
    shown = f"{figure:,}" if isinstance(figure, int) else f"{figure:.2f}"
    return f"| {what} ≤ {most:,} | {shown} | {'pass' if figure <= most else 'short'} |"


# -- prices -----------------------------------------------------------------------------------------------------------


def prices_of(ours: Cost, instructions_chars: int, peers: Sequence[Cost], model: str) -> Iterator[str]:
    """What the last round costs at list prices, embeddings aside."""
    last = ours.last
    read = tokens(instructions_chars)
    yield f"| on `{model}` | USD for {UPDATES:,} updates |"
    yield "|---|---|"
    yield _price("Rapport, without a cache", last, model)
    yield _price("Rapport, its instructions read from the cache", last, model, cached=read)
    yield _price("Rapport, in a batch, without a cache", last, model, is_batch=True)
    for cost in peers:
        yield _price(cost.title, cost.last, model)


def _price(title: str, one: Round, model: str, *, cached: int = 0, is_batch: bool = False) -> str:
    used = Usage(
        model=model,
        input_tokens=one.prompt_tokens,
        output_tokens=one.completion_tokens,
        cached_tokens=cached,
        is_batch=is_batch,
    )
    micro_dollars = prices.cost(used)
    assert micro_dollars is not None, f"bot/prices.py knows no price of {model}"
    return f"| {title} | {micro_dollars * UPDATES / 1_000_000:.2f} |"
