"""A property: what is done to Rapport, how big, and what has to hold afterwards."""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Literal, TypeAlias

from tests.reliability import properties

Engine: TypeAlias = Literal["sqlite", "postgres"]
Tier: TypeAlias = Literal["quick", "full"]
Figure: TypeAlias = str | int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One run of a property."""

    seed: int
    """Whatever is left to chance follows from it."""
    tier: Tier
    size: Mapping[str, int]
    """How many of what, by name: the property's `quick` or `full`."""
    engine: Engine
    url: str
    """A database with nothing in it, as DATABASE_URL takes it."""
    folder: Path
    """A place for files; it is gone afterwards."""

    def chance(self, purpose: str = "") -> Random:
        """A source of chance that begins at the seed; another one for each purpose."""
        return Random(f"{self.seed} {purpose}")  # noqa: S311 - the same again


@dataclass(slots=True, kw_only=True)
class Report:
    """What a run showed."""

    figures: dict[str, Figure] = field(default_factory=dict)
    """What was counted and measured, each with its unit in its name: `kills`, `ack_p99_ms`."""
    faults: list[str] = field(default_factory=list)
    """What did not hold, each in a sentence with what it takes to find it. None: it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """What has to hold. The file of its name defines it as `PROPERTY`."""

    name: str
    reference: str
    """Its number in reliability section B, such as B1."""
    promise: str
    """What holds, in a sentence."""
    run: Callable[[Trial], Awaitable[Report]]
    quick: Mapping[str, int]
    full: Mapping[str, int]
    engines: tuple[Engine, ...] = ("sqlite", "postgres")
    """None of them means that it does not touch a database; it then runs once, as if on SQLite."""


def every() -> list[Property]:
    """All properties, by their numbers."""
    names = [f"{properties.__name__}.{one.name}" for one in pkgutil.iter_modules(properties.__path__)]
    found: list[Property] = [importlib.import_module(name).PROPERTY for name in names]
    return sorted(found, key=lambda one: (int(one.reference.removeprefix("B").partition("/")[0]), one.name))
