"""The two things this package asks of the outside: a transaction to keep facts in, a model to propose changes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, Protocol

from persona.persona import MemberKey

Value = str | int | float | bytes | None
"""What a column holds. Times are whole microseconds since 1970, UTC; truth is 0 or 1: the same on every engine."""


Cell = tuple[str, ...]
"""A column and the key of its row, where something sealed belongs: ("fact.value", tenant, member, id)."""


class Row(Protocol):
    """One row of a result: its columns by name, and in the order they were asked for, of the migration's types."""

    def __getitem__(self, column: str, /) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...


Destruction = Literal["forgotten", "withdrawn", "left"]
"""Why a key was destroyed: everything was to be forgotten, the member does not want to be remembered at all, or they
are gone, and what they had decided with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroyedKey:
    """What remains of a member's key: enough to tell a restored backup."""

    owner: MemberKey
    at: datetime
    reason: Destruction


class Transaction(Protocol):
    """One unit of work on the store: all of it is kept, or nothing.

    Statements are plain SQL with `:named` parameters. Nothing else may be awaited inside a unit. Whatever a member
    said, or is called, is sealed before it goes into a column, and opened after it came out of one.
    """

    async def execute(self, sql: str, **parameters: Value) -> int:
        """Run a statement and return how many rows it changed."""
        ...

    async def fetch(self, sql: str, **parameters: Value) -> Sequence[Row]:
        """Run a query, or a statement with RETURNING, and return all its rows."""
        ...

    async def fetch_one(self, sql: str, **parameters: Value) -> Row | None:
        """Like `fetch`, for at most one row."""
        ...

    async def seal(self, text: str, *, owner: MemberKey, cell: Cell) -> str:
        """`text` as a column may hold it, sealed with the key of `owner`; their first value makes that key.

        In no other cell can it be opened. Nothing stays nothing.
        """
        ...

    async def unseal(self, sealed: Iterable[tuple[str, Cell]]) -> list[str | None]:
        """What was sealed, in the same order; each as it was stored, with its cell.

        None for what has lost its key, or never belonged there: that is the same as being gone.
        """
        ...

    async def destroy_key(self, owner: MemberKey, *, at: datetime, reason: Destruction) -> None:
        """Make everything that was sealed for `owner` unreadable, wherever there is a copy of it."""
        ...

    async def key_owners(self, tenant: str, *, most: int) -> Sequence[MemberKey]:
        """Members of a tenant who have a key, at most `most` of them."""
        ...

    async def destroyed_keys(self, *, after: datetime) -> Sequence[DestroyedKey]:
        """The keys that were destroyed later than a moment, in that order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StructuredRequest:
    """A question whose answer must be JSON of a given shape."""

    instructions: str
    """Our own words; the same for every request of a kind, so that a prompt cache can keep them."""
    data: str
    """What the instructions speak about: JSON, escaped, of no authority."""
    schema: Mapping[str, object]
    """JSON Schema of the answer, in the subset structured outputs know."""
    max_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a finished call consumed, in tokens, and by which model."""

    model: str = ""
    input_tokens: int
    """All of the prompt: new, written to the cache and read from it."""
    output_tokens: int
    cached_tokens: int = 0
    """How many of the input tokens were read from the cache."""
    written_tokens: int = 0
    """How many of them were written to the cache for five minutes."""
    written_hour_tokens: int = 0
    """How many of them were written to the cache for an hour."""
    is_batch: bool = False
    """Whether the call went through a batch, at half the price."""
    is_cut: bool = False
    """Whether the answer stopped at the token limit."""

    def __add__(self, later: "Usage") -> "Usage":
        """What two tries of one call consumed together; the rest is as the later one says."""
        return replace(
            later,
            model=later.model or self.model,
            **{name: getattr(self, name) + getattr(later, name) for name in _COUNTERS},
        )


_COUNTERS = ("input_tokens", "output_tokens", "cached_tokens", "written_tokens", "written_hour_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class StructuredReply:
    """The model's finished answer; a refused or cut one is an error instead."""

    text: str
    usage: Usage


class StructuredModel(Protocol):
    """A language model that answers in JSON."""

    async def propose(self, request: StructuredRequest) -> StructuredReply:
        """Answer once; raises the model's own errors when there is no finished answer."""
        ...
