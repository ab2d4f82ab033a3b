"""Workers: the processes that share a database, each with a name that no other has (decision 0024)."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

LEASE = timedelta(seconds=10)
"""How long something stays a worker's that says nothing any more. It is renewed at a third of this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A process as others on the same database know it."""

    id: str
    lease: timedelta = LEASE
    is_alone: bool = False
    """Whether no other process can use the database, so that nothing ever has to be taken over from one."""

    @classmethod
    def new(cls, *, lease: timedelta = LEASE) -> Self:
        """One among several: a process that starts anew is another worker."""
        return cls(id=uuid.uuid4().hex, lease=lease)

    @property
    def lease_micros(self) -> int:
        """The lease in microseconds."""
        return self.lease // timedelta(microseconds=1)


ALONE = Worker(id="alone", is_alone=True)
"""Whoever has a SQLite file: always of this name, so that what a crash left behind is its own at the next start."""
