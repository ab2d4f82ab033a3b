"""Small statistics and the line that says what machine they were taken on."""

import os
import platform
import sqlite3
import statistics
from collections.abc import Sequence


def machine() -> str:
    """One line about where this runs."""
    cores = len(os.sched_getaffinity(0))
    return (
        f"{cores} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()},"
        f" SQLite {sqlite3.sqlite_version}"
    )


def spread(values: Sequence[float], unit: str, digits: int = 2) -> str:
    """Median and range, e.g. `0.43 s (0.42 to 0.45)`."""
    return f"{statistics.median(values):.{digits}f} {unit} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which `percent` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
