"""The child's half of `bench.cost`: do something once for each line that comes in, and say what each time cost.

Figures go out as one line of JSON each: once after the start, then once a round. Standard library only.
"""

import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_figures = sys.stdout


def wanted() -> Iterator[int]:
    """Say that the start is over, then yield the number of each round as it is asked for, from 1.

    What a library prints meanwhile goes to the standard error.
    """
    sys.stdout = sys.stderr
    _tell(mebibytes=_resident())
    for number, _line in enumerate(sys.stdin, 1):
        yield number


@contextmanager
def measured() -> Iterator[None]:
    """Say what is used inside: CPU of this process with all its threads, wall time, and the memory held after it."""
    cpu, wall = time.process_time(), time.perf_counter()
    yield
    used, took = time.process_time() - cpu, time.perf_counter() - wall
    _tell(cpu_ms=used * 1000, wall_ms=took * 1000, mebibytes=_resident())


def _tell(**figures: float) -> None:
    print(json.dumps(figures), file=_figures, flush=True)


def _resident() -> float:
    """Resident memory of this process, in MiB."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found[1]) / 1024
