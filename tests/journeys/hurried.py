"""python -m tests.journeys.hurried: Rapport as `python -m bot` runs it, with an event loop in a hurry.

What it waits for takes a part of the time; only the computer's clock goes on as it is.
"""

import asyncio

from bot import logs, settings, wiring
from tests.reliability.hurry import HurriedLoop

RATE = 4.0
"""How many of its seconds pass in one of ours."""


def main() -> None:
    """Run until told to stop."""
    loaded = settings.load()
    logs.configure(loaded.log_level or "info", loaded.log_format)
    with asyncio.Runner(loop_factory=lambda: HurriedLoop(rate=RATE)) as runner:
        runner.run(wiring.run(loaded))


if __name__ == "__main__":
    main()
