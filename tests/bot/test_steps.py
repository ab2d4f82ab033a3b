"""Steps: told to whoever watches, each with what it belongs to; nothing where nobody does."""

from __future__ import annotations

import asyncio

import pytest

from bot import steps
from bot.steps import Event, Step


class Seen:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.begun_names: list[str] = []
        self.steps: list[Step] = []
        self.events: list[tuple[str, int, dict[str, str]]] = []

    def begun(self, step: Step) -> None:
        self.begun_names.append(step.name)

    def ended(self, step: Step) -> None:
        self.steps.append(step)

    def happened(self, event: Event, number: int, labels: dict[str, str]) -> None:
        self.events.append((event, number, labels))


@steps.taking("delivery", told=lambda outcome: {"outcome": outcome})
async def deliver(outcome: str) -> str:
    steps.note(parts=2)
    return outcome


async def test_a_step_belongs_to_the_one_around_it() -> None:
    """What is done within a step has it for a parent, and ends before it; fields go to the step that is being taken."""
    seen = Seen()
    with steps.watched(seen), steps.step("turn", reference="ab12"):
        assert await deliver("answered") == "answered"
        steps.note(facts=3)

    delivery, turn = seen.steps
    assert seen.begun_names == ["turn", "delivery"]
    assert (delivery.parent, turn.parent) == (turn, None)
    assert delivery.fields == {"parts": 2, "outcome": "answered"}
    assert turn.fields == {"reference": "ab12", "facts": 3}
    assert turn.seconds >= delivery.seconds > 0


async def test_a_turn_belongs_to_nothing() -> None:
    """A lane answers one message in the task that another one began: its turn is not a part of that one's."""
    seen = Seen()
    with steps.watched(seen), steps.step("accept"):

        async def answer() -> None:
            with steps.step("turn"):
                pass

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(answer())

    turn, _accept = seen.steps
    assert turn.parent is None


async def test_what_is_beside_owns_nothing() -> None:
    """What happens between the pieces of a stream belongs to the turn, and not to the call that streams."""
    seen = Seen()
    with steps.watched(seen), steps.step("turn"), steps.beside("model") as call:
        steps.mark("shown_s")
        await deliver("answered")
        call.fields["output_tokens"] = 5

    delivery, model, turn = seen.steps
    assert (delivery.parent, model.parent) == (turn, turn)
    assert model.fields == {"output_tokens": 5}
    assert 0 <= float(turn.fields["shown_s"]) <= turn.seconds


async def test_a_moment_is_marked_once() -> None:
    """The first text is the first: what is shown later does not move it."""
    seen = Seen()
    with steps.watched(seen), steps.step("turn"):
        steps.mark("shown_s")
        (first,) = [step.fields["shown_s"] for step in [steps._current.get()] if step]
        steps.mark("shown_s")

    assert seen.steps[0].fields["shown_s"] == first


async def test_what_breaks_a_step_is_named() -> None:
    """A step that raises says by the class of error, whose words may hold anything; the error goes on."""
    seen = Seen()
    with steps.watched(seen):
        with pytest.raises(LookupError, match="sesame"), steps.step("learning"):
            raise LookupError("sesame")
        steps.happened("sessions", 2, outcome="failed")

    assert seen.steps[0].error == "LookupError"
    assert seen.events == [("sessions", 2, {"outcome": "failed"})]


async def test_without_a_watcher_nothing_is_kept() -> None:
    """Where nobody watches, steps run what they are around and notes go nowhere; nor do they once a watch is over."""
    seen = Seen()
    with steps.watched(seen):
        assert steps.is_watched()
    with steps.step("turn"):
        steps.note(facts=3)
        steps.mark("settled_s")
        assert await deliver("answered") == "answered"
    steps.happened("parked")

    assert not steps.is_watched()
    assert (seen.steps, seen.events) == ([], [])
