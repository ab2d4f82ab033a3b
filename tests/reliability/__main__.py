"""python -m tests.reliability [name ...] [--full] [--engine sqlite|postgres] [--seed N]: ends with 1 if one fails."""

import argparse
import asyncio
import secrets
import sys
import time

from tests.reliability import prop, seeds
from tests.reliability.prop import Engine, Property, Report, Tier
from tests.reliability.trials import Bench, bench


def main() -> bool:
    """Run what the command line names, or all; print what each showed; whether all of it holds."""
    known = {one.name: one for one in prop.every()}
    asked = _arguments(known)
    chosen = [known[name] for name in asked.names] or list(known.values())
    tier: Tier = "full" if asked.full else "quick"
    is_well, began = True, time.perf_counter()
    with bench() as place:
        for one in chosen:
            for engine in one.engines or ("sqlite",):
                if asked.engine in {None, engine}:
                    is_well &= _run(place, one, engine, tier=tier, seed=asked.seed)
    _say(f"{'All of it holds' if is_well else 'Not all of it holds'}; it took {time.perf_counter() - began:.0f} s.")
    return is_well


def _arguments(known: dict[str, Property]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.reliability", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", choices=[*known, []], help=", ".join(known))
    parser.add_argument("--full", action="store_true", help="at full size")
    parser.add_argument("--engine", choices=["sqlite", "postgres"])
    parser.add_argument("--seed", type=int, help="with this seed alone, instead of the kept ones and a new one")
    return parser.parse_args()


def _run(place: Bench, one: Property, engine: Engine, *, tier: Tier, seed: int | None) -> bool:
    """Try the seeds that failed before, then a new one; stop at the first that fails."""
    chosen = [*seeds.failed(one.name, engine), secrets.randbelow(2**32)] if seed is None else [seed]
    for number in chosen:
        _say(f"{one.reference} {one.name} on {engine}, seed {number} ...")
        report = asyncio.run(place.tried(one, engine, seed=number, tier=tier))
        _say(described(report))
        if report.faults:
            seeds.keep(one.name, engine, number)
            return False
    return True


def described(report: Report) -> str:
    """What a run showed, for somebody to read."""
    figures = ", ".join(f"{name} {value}" for name, value in report.figures.items())
    return "\n".join(
        [f"   {'FAILED' if report.faults else 'holds'}: {figures}", *(f"   - {fault}" for fault in report.faults)]
    )


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - it is what this is run for


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
