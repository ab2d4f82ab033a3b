"""Stopping: the first signal lets what runs finish, a second one ends at once, and so does the end of our patience."""

import asyncio
import os
import signal
import threading

import structlog

LIMIT_S = 20.0
"""How long a stop may take in all; platforms kill a process after 30 seconds."""

EXIT_FORCED = 1
_SIGNALS = (signal.SIGTERM, signal.SIGINT)

_log = structlog.get_logger(__name__)


async def asked() -> None:
    """Wait until the process is told to stop. From then on the next signal ends it at once, and so does `LIMIT_S`.

    Nothing is lost by that: whatever counts is in the database before anybody is told of it.
    """
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, told.set)
    await told.wait()
    for number in _SIGNALS:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)
    limit(LIMIT_S)


def limit(seconds: float) -> None:
    """End the process after so long, whatever it does by then."""
    timer = threading.Timer(seconds, _end)
    timer.daemon = True  # or it would keep alive what it is to end
    timer.start()


def _end() -> None:
    _log.error("bot.stop_forced")
    os._exit(EXIT_FORCED)
