"""Steps: what a message and a session go through, told to whoever watches, such as metrics and traces.

Rooms say what they do, and know nobody who listens. Without a watcher a step is nearly free. No field holds a text, a
name, or what a member is known by.
"""

import functools
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal, ParamSpec, Protocol, TypeAlias, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

Name: TypeAlias = Literal["accept", "turn", "model", "delivery", "learning"]
Event: TypeAlias = Literal["sessions", "postponed", "parked", "silent"]
"""Sessions that were learned, failed or parked · an answer that failed and is tried again · messages that a stop left
to the next start · a connection that carried nothing and was replaced."""
Value: TypeAlias = str | int | float

FIRST: frozenset[Name] = frozenset({"accept", "turn", "learning"})
"""These belong to no other step: a lane runs one message's turn in the task that another one began."""


@dataclass(slots=True, kw_only=True, eq=False)
class Step:
    """One step of something."""

    name: Name
    parent: "Step | None"
    fields: dict[str, Value]
    began: float = field(default_factory=time.perf_counter)
    seconds: float = 0.0
    """How long it took, once it ended."""
    error: str = ""
    """The class of what ended it, if something did."""


class Watcher(Protocol):
    """Somebody who is told; called in the middle of everything, so it neither waits nor raises."""

    def begun(self, step: Step) -> None:
        """A step began."""
        ...

    def ended(self, step: Step) -> None:
        """A step ended; its fields are complete."""
        ...

    def happened(self, event: Event, number: int, labels: dict[str, str]) -> None:
        """Something took place that has no length."""
        ...


_watchers: ContextVar[tuple[Watcher, ...]] = ContextVar("watchers", default=())
_current: ContextVar[Step | None] = ContextVar("step", default=None)


@contextmanager
def watched(*by: Watcher) -> Iterator[None]:
    """Tell `by` of what is done in this context, and in every task that begins in it."""
    token = _watchers.set((*_watchers.get(), *by))
    try:
        yield
    finally:
        _watchers.reset(token)


def is_watched() -> bool:
    """Whether anybody is told."""
    return bool(_watchers.get())


@contextmanager
def step(name: Name, **fields: Value) -> Iterator[None]:
    """Take a step; what is done in the context belongs to it."""
    if not _watchers.get():
        yield
        return
    with beside(name, **fields) as taken:
        token = _current.set(taken)
        try:
            yield
        finally:
            _current.reset(token)


@contextmanager
def beside(name: Name, **fields: Value) -> Iterator[Step]:
    """Take a step to which nothing else belongs, as a generator has to: others run while it waits."""
    watchers = _watchers.get()
    taken = Step(name=name, parent=None if name in FIRST else _current.get(), fields=fields)
    for one in watchers:
        one.begun(taken)
    try:
        yield taken
    except BaseException as error:
        taken.error = type(error).__name__
        raise
    finally:
        taken.seconds = time.perf_counter() - taken.began
        for one in watchers:
            one.ended(taken)


def taking(
    name: Name, told: Callable[[Any], dict[str, Value]] = lambda _result: {}
) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Coroutine[Any, Any, T]]]:
    """Make a step of each call of a function; `told` says what its result adds to the fields."""

    def decorate(function: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
        @functools.wraps(function)
        async def stepped(*args: P.args, **kwargs: P.kwargs) -> T:
            with step(name):
                result = await function(*args, **kwargs)
                note(**told(result))
                return result

        return stepped

    return decorate


def note(**fields: Value) -> None:
    """Add to what is known of the step that is being taken."""
    current = _current.get()
    if current is not None:
        current.fields.update(fields)


def mark(moment: Literal["shown_s", "settled_s"]) -> None:
    """Note when the turn that is being taken first came to this, in seconds since it began."""
    current = _current.get()
    while current is not None and current.name != "turn":
        current = current.parent
    if current is not None:
        current.fields.setdefault(moment, time.perf_counter() - current.began)


def happened(event: Event, number: int = 1, **labels: str) -> None:
    """Tell of something that has no length."""
    for one in _watchers.get():
        one.happened(event, number, labels)
