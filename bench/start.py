"""How long `python -m bot chat` takes to its first prompt, and what memory it holds there.

    python -m bench.start [rounds]

Each round starts the command on a terminal of its own and reads until the prompt appears. The first start makes the
database; the others find it.
"""

import os
import pty
import select
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.figures import machine, spread

PROMPT = "❯".encode()
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One start."""

    seconds: float
    mebibytes: float
    """Resident memory when the prompt appears."""


def start(folder: str) -> Start:
    """Start once, with the database in `folder`."""
    began = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TERM": "xterm"}
        os.execve(sys.executable, [sys.executable, "-m", "bot", "chat"], environment)  # noqa: S606 - our own command
    seen = b""
    while PROMPT not in seen:
        select.select([terminal], [], [], 30)
        piece = os.read(terminal, 65_536)
        seen += piece
        if b"\x1b[6n" in piece:  # prompt_toolkit asks where the cursor is
            os.write(terminal, b"\x1b[1;1R")
    seconds = time.perf_counter() - began
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    kibibytes = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    os.write(terminal, b"/quit\r")
    try:
        while os.read(terminal, 65_536):
            pass
    except OSError:  # the other end is gone
        pass
    os.waitpid(pid, 0)
    return Start(seconds=seconds, mebibytes=kibibytes / 1024)


def main() -> None:
    """Measure and print two lines of a table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    with tempfile.TemporaryDirectory() as folder:
        starts = [start(folder) for _ in range(rounds + 2)]
    first, _warm_up, *others = starts
    print(machine())
    print("| start | time to first prompt | memory there |")
    print("|---|---|---|")
    print(f"| the very first, makes the database | {first.seconds:.2f} s | {first.mebibytes:.0f} MiB |")
    times = spread([one.seconds for one in others], "s")
    print(f"| any other ({rounds} rounds) | {times} | {spread([one.mebibytes for one in others], 'MiB', 1)} |")


if __name__ == "__main__":
    main()
