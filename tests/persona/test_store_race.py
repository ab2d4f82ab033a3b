"""Many workers learn at once, and some are cancelled: no update is lost, and none is half there (reliability B10)."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from functools import partial
from random import Random
from typing import Any

import pytest

from bot.store.sqlite import SqliteStore
from persona import forgetting, undoing
from persona.moments import to_micros
from persona.operations import Op, Operation, OperationId, UpdateId
from persona.persona import Fact, MemberKey
from persona.projection import project
from tests.persona.builders import (
    LOCATION,
    PLACES,
    TENANT,
    TOOLS,
    WORKPLACE,
    at,
    history,
    learn,
    operation,
    retract,
    rows,
)

MEMBERS = [MemberKey(tenant=TENANT, id=f"U{n}") for n in range(5)]
CANCELLED = 0.2
"""How many of the workers are stopped before they are done."""


def said(random: Random, minute: int) -> Operation:
    """Anything a member may say."""
    of, op = random.choice([(LOCATION, "set"), (TOOLS, "add"), (LOCATION, "remove"), (TOOLS, "confirm")])
    ops: dict[str, Op] = {"set": "set", "add": "add", "remove": "remove", "confirm": "confirm"}
    return operation(
        random.choice("abcde"),
        op=ops[op],
        field=of,
        said=minute,
        member=random.choice(MEMBERS),
        place=random.choice(list(PLACES.values())),
        until=None if op == "remove" else random.choice([None, minute + 30]),
        kind="stated",
    )


async def at_once(work: Sequence[Coroutine[Any, Any, Any]], random: Random) -> list[asyncio.Task[Any]]:
    """Do all of it at the same time, stopping some of it anywhere in between; the rest is done when this returns."""
    async with asyncio.TaskGroup() as workers:
        tasks = []
        for one in work:
            tasks.append(workers.create_task(one))
            if random.random() < CANCELLED:
                random.choice(tasks).cancel()
            if random.random() < CANCELLED:
                await asyncio.sleep(0)
    return tasks


def stored(facts: Sequence[Fact], member: MemberKey) -> set[tuple[object, ...]]:
    return {
        (
            member.id,
            fact.id,
            fact.value,
            fact.audience,
            to_micros(fact.valid_from),
            fact.valid_until and to_micros(fact.valid_until),
        )
        for fact in facts
    }


async def all_facts(store: SqliteStore) -> set[tuple[object, ...]]:
    """The facts that are stored."""
    found = (await rows(store, "fact"))["fact"]
    return {
        (member, name, value, audience, begin, end)
        for _, member, name, _, _, value, _, audience, _, begin, end in found
    }


@pytest.mark.parametrize("seed", range(3))
async def test_no_update_is_lost(store: SqliteStore, seed: int) -> None:
    """Whatever a worker was told is kept is there exactly once, and the facts follow from all that is there."""
    random = Random(seed)  # noqa: S311 - nothing here is secret
    talk = {change.id: change for change in (said(random, minute) for minute in range(240))}
    updates = [random.sample(list(talk.values()), random.randint(1, 6)) for _ in range(120)]

    tasks = await at_once([learn(store, *update, update=f"u{n}") for n, update in enumerate(updates)], random)
    await learn(store)

    done = [(task, update) for task, update in zip(tasks, updates, strict=True) if not task.cancelled()]
    there = {OperationId(row[2]) for row in (await rows(store, "operation"))["operation"]}  # type: ignore[arg-type]  # a text
    times = Counter(row[2] for row in (await rows(store, "evidence"))["evidence"])
    new = Counter(change.id for task, _ in done for change in task.result())
    assert 0 < len(done) < len(tasks)
    assert {change.id for _, update in done for change in update} <= there <= talk.keys()
    assert times == Counter(there)
    assert set(new.values()) == {1}
    assert await all_facts(store) == {
        fact
        for member in MEMBERS
        for of in (LOCATION, TOOLS)
        for fact in stored(
            project(
                [one for one in (talk[name] for name in there) if (one.member, one.field) == (member, of.name)], of
            ),
            member,
        )
    }


@pytest.mark.parametrize("seed", range(3))
async def test_facts_follow_from_what_is_left(store: SqliteStore, seed: int) -> None:
    """While some learn, others undo, forget and delete messages: afterwards the facts are those of the operations."""
    random = Random(seed)  # noqa: S311 - nothing here is secret
    talk = [said(random, minute) for minute in range(120)]
    work: list[Coroutine[Any, Any, Any]] = []
    for number, change in enumerate(talk):
        source, owner = change.evidence[0], change.member
        work.append(learn(store, change, random.choice(talk), update=f"u{number % 30}"))
        undo = partial(
            undoing.undo_update, member=owner, update=UpdateId(f"u{number % 7}"), schema=WORKPLACE, now=at(200)
        )
        forget = partial(forgetting.forget, member=owner, field=change.field, schema=WORKPLACE, now=at(200))
        if number % 3 == 0:
            work.append(retract(store, source.message, room=source.room, tenant=source.tenant))
        if number % 7 == 0:
            work.append(store.write(undo))
        if number % 29 == 0:
            work.append(store.write(forget))

    await at_once(work, random)
    await learn(store)

    expected = [stored((await history(store, member)).facts, member) for member in MEMBERS]
    assert await all_facts(store) == set().union(*expected) != set()
