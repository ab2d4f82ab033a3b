"""The rare sweep that tidies personas: of members who learned something, a week later, if they still agree."""

from datetime import timedelta
from functools import partial

import pytest

from bot.applying import Terms
from bot.store import members, tidying
from bot.store.members import ConsentState
from bot.store.sqlite import SqliteStore
from bot.tidying import Tidying
from persona import store as personas
from persona.operations import Operation, UpdateId
from tests.clock import StillClock
from tests.persona.builders import ANN, BO, DIRECT, TOOLS, WORKPLACE, operation

FIELDS = [field for field in WORKPLACE.fields if field.is_list and not field.choices]


def told() -> list[Operation]:
    """Twenty facts of Ann's, and one of them in two spellings."""
    filler = [
        operation(f"thing {count}", op="add", field=FIELDS[count % len(FIELDS)], said=-100 - count)
        for count in range(20)
    ]
    return [
        operation("VS Code", op="add", field=TOOLS, said=-2),
        operation("vscode", op="add", field=TOOLS, said=-1),
        *filler,
    ]


async def known(store: SqliteStore, clock: StillClock) -> list[str]:
    persona = await store.read(partial(personas.read, member=ANN, at=clock.now()))
    return [fact.value for fact in persona.of("tools")]


@pytest.fixture
async def sweeps(store: SqliteStore, clock: StillClock) -> Tidying:
    """A store in which Ann's persona is due in a week."""
    learn = partial(personas.learn, operations=told(), schema=WORKPLACE, update=UpdateId("u"), now=clock.now())
    await store.write(learn)
    await store.write(partial(tidying.put, member=ANN, due_at=clock.now() + timedelta(days=7)))
    return Tidying(store=store, terms=Terms(schema=WORKPLACE, default="on"), clock=clock)


async def test_a_persona_is_tidied_when_its_time_has_come(
    sweeps: Tidying, store: SqliteStore, clock: StillClock
) -> None:
    """Nothing ends before, the duplicate does then, and the next sweep finds nothing to do."""
    early = await sweeps.sweep()
    clock.advance(days=7)
    due = [await sweeps.sweep(), await sweeps.sweep()]

    assert (early, due) == (0, [1, 0])
    assert "VS Code" not in await known(store, clock)
    assert "vscode" in await known(store, clock)


@pytest.mark.parametrize("state", ["paused", "withdrawn"])
async def test_who_does_not_agree_any_more_is_left_alone(
    sweeps: Tidying, store: SqliteStore, clock: StillClock, state: ConsentState
) -> None:
    """While remembering is off, nothing is written."""
    await store.write(partial(members.set_consent, member=ANN, state=state, now=clock.now()))
    clock.advance(days=8)

    assert await sweeps.sweep() == 0
    assert "VS Code" in await known(store, clock)


async def test_what_was_said_in_private_ends_without_anything_new(store: SqliteStore, clock: StillClock) -> None:
    """A member who teaches nothing more is looked at again when what they said in private has outlived its field."""
    told = [operation("Vim", op="add", field=TOOLS, place=DIRECT)]
    learn = partial(personas.learn, operations=told, schema=WORKPLACE, update=UpdateId("u"), now=clock.now())
    await store.write(learn)
    await store.write(partial(tidying.put, member=ANN, due_at=clock.now() + timedelta(days=7)))
    sweeps = Tidying(store=store, terms=Terms(schema=WORKPLACE, default="on"), clock=clock)
    ended = []
    for days in (8, 357, 8):
        clock.advance(days=days)
        ended.append(await sweeps.sweep())

    assert ended == [0, 0, 1]
    assert await known(store, clock) == []


async def test_being_due_twice_is_being_due_once(store: SqliteStore, clock: StillClock) -> None:
    """The first moment counts, and nobody is taken twice."""
    now = clock.now()
    for days in (2, 1, 3):
        await store.write(partial(tidying.put, member=BO, due_at=now + timedelta(days=days)))
    taken = [await store.write(partial(tidying.take, now=now + timedelta(days=days), most=5)) for days in (0, 2, 4)]

    assert taken == [[], [BO], []]
