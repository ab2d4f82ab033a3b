"""Properties hold, in their quick size and on every engine they concern."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.reliability import prop, seeds
from tests.reliability.prop import Engine, Property
from tests.reliability.trials import Bench, bench

SEED = 1
"""The same in every run, so that a change is judged by what it changes; `make soak` takes new ones."""

BY_HAND = {"B4", "B5", "B12", "B13", "B25"}
"""Load, long gaps, backups, disks and long lives: `make relcheck` tries them; here they would take too long."""

CASES = [
    (one, engine, seed)
    for one in prop.every()
    if one.reference not in BY_HAND
    for engine in one.engines or ("sqlite",)
    for seed in (*seeds.failed(one.name, engine), SEED)
]


@pytest.fixture(scope="module")
def place() -> Iterator[Bench]:
    """Where trials run."""
    with bench() as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("one", "engine", "seed"), [pytest.param(*case, id="-".join([case[0].name, *map(str, case[1:])])) for case in CASES]
)
async def test_it_holds(place: Bench, one: Property, engine: Engine, seed: int) -> None:
    """What it promises holds whatever the seed makes of its faults."""
    report = await place.tried(one, engine, seed=seed, tier="quick")

    assert report.faults == [], (one.promise, report.figures)
