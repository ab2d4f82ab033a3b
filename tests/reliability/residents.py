"""What a process holds, as the system sees it: memory, descriptors, threads; and its tasks, as it says itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SLACK = 5
"""How many more descriptors, threads or tasks than at the beginning are no leak."""
MAX_MIB = 350.0
MIB_PER_THOUSAND = 1.0
NOISE_MIB = 8.0
"""What an allocator keeps or gives back by chance; it does not grow with the messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What one process holds at one moment, while nothing is going on."""

    mebibytes: float
    descriptors: int
    threads: int
    tasks: int


def held(process: int, *, tasks: int) -> Held:
    """What a process of this machine holds."""
    folder = Path(f"/proc/{process}")
    status = dict(line.split(":", 1) for line in (folder / "status").read_text(encoding="utf-8").splitlines())
    return Held(
        mebibytes=int(status["VmRSS"].split()[0]) / 1024,
        descriptors=len(list((folder / "fd").iterdir())),
        threads=int(status["Threads"]),
        tasks=tasks,
    )


def judged(before: Held, after: Held, *, messages: int) -> list[str]:
    """What a process holds too much of after so many messages."""
    allowed = MIB_PER_THOUSAND * messages / 1_000 + NOISE_MIB
    faults = [
        f"{after_n} {name} at the end, {before_n} at the beginning"
        for name, before_n, after_n in (
            ("descriptors", before.descriptors, after.descriptors),
            ("threads", before.threads, after.threads),
            ("tasks", before.tasks, after.tasks),
        )
        if after_n > before_n + SLACK
    ]
    if after.mebibytes - before.mebibytes > allowed:
        faults.append(f"{after.mebibytes - before.mebibytes:.1f} MiB more after {messages} messages")
    if after.mebibytes > MAX_MIB:
        faults.append(f"{after.mebibytes:.0f} MiB")
    return faults
