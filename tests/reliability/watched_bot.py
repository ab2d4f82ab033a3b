"""Rapport as `python -m bot` runs it, with an eye on its event loop.

    python -m tests.reliability.watched_bot FILE

Once it is stopped, how late the loop woke up is in FILE, in seconds, as JSON.
"""

import asyncio
import json
import sys
from pathlib import Path

from bot import logs, settings, wiring
from tests.reliability.pacing import lagging


async def main() -> list[float]:
    """Run until SIGTERM; how late the loop woke up."""
    loaded = settings.load()
    logs.configure(loaded.log_level or "info", loaded.log_format)
    async with lagging() as late:
        await wiring.run(loaded)
    return late


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(asyncio.run(main())), "ascii")
