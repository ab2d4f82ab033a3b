"""Logging: one structured line for each thing that happened, and never the text of a message, a persona or a secret.

Everything goes through the standard library, so that a host that runs us as a plugin keeps its own set-up.
"""

import logging
import sys
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_OURS = ("bot", "adapters", "persona")
_FIRST = ["timestamp", "level", "logger", "event"]


def use_standard_library() -> None:
    """Send our log lines through `logging`; does nothing if the host has set structlog up already."""
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_stamps(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def configure(level: str, form: Literal["text", "json"]) -> None:
    """Set up the log of our own process, on standard error."""
    use_standard_library()
    logging.raiseExceptions = False  # or a library's badly formatted record is printed with all its words
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.processors.KeyValueRenderer(key_order=_FIRST, drop_missing=True)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=[*_stamps(), _without_text],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in _OURS:
        logging.getLogger(name).setLevel(level.upper())


def _stamps() -> list[Processor]:
    return [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _without_text(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A library's record without what it speaks about: Bolt, for one, logs whole requests with the words in them."""
    record: logging.LogRecord = event["_record"]
    kept = {
        name: event[name] for name in ("logger", "level", "timestamp", "_record", "_from_structlog") if name in event
    }
    kept["event"] = "library.logged"
    kept["where"] = f"{record.module}:{record.lineno}"
    if record.exc_info and record.exc_info[0]:
        kept["error"] = record.exc_info[0].__name__
    return kept
