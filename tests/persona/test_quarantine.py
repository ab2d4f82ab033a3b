"""Quarantine: what was refused is counted for the member it was about, for two weeks, and never repeats bad words."""

from datetime import datetime, timedelta
from functools import partial

import pytest

from bot.store.sqlite import SqliteStore
from persona import forgetting, quarantine
from persona.guard import Proposal, Quoted, Refusal
from persona.persona import MemberKey
from persona.refusals import Reason
from tests.clock import NOON
from tests.persona.builders import ANN, BO, NAMESAKE, WORKPLACE, line, operation, proposal, quoted, rows, session


def refused(
    reason: Reason = "too long",
    *,
    value: str = "somewhere nice",
    field: str = "location",
    speaker: MemberKey | None = ANN,
    message: str = "m1",
) -> Refusal:
    """What is left of a proposal that rested on one message."""
    said = session(line("so it is", speaker=speaker, message=message))
    return Refusal(
        proposal=proposal(*quoted(said, "so it is", message=message), value=value, field=field), reason=reason
    )


async def keep(store: SqliteStore, *refusals: Refusal, now: datetime = NOON) -> None:
    await store.write(partial(quarantine.keep, refusals=refusals, now=now))


async def counts(store: SqliteStore, member: MemberKey = ANN) -> dict[Reason, int]:
    return await store.read(partial(quarantine.counts, member=member))


async def test_reasons_are_counted_most_frequent_first(store: SqliteStore) -> None:
    """A member can see how much was refused, and why."""
    await keep(store, refused("link"), refused(value="a"), refused(value="b"), refused("empty", value=""))

    assert await counts(store) == {"too long": 2, "empty": 1, "link": 1}
    assert list(await counts(store)) == ["too long", "empty", "link"]


async def test_nothing_refused_is_nothing_counted(store: SqliteStore) -> None:
    """Of whom nothing was refused there is nothing to count."""
    await keep(store)

    assert await counts(store) == {}


async def test_a_refusal_repeated_is_counted_once(store: SqliteStore) -> None:
    """A call that is repeated after a crash does not count its refusals twice; another message counts again."""
    await keep(store, refused(), refused())
    await keep(store, refused(), now=NOON + timedelta(hours=1))
    await keep(store, refused(message="m2"))

    assert await counts(store) == {"too long": 2}


@pytest.mark.parametrize("other", [BO, NAMESAKE])
async def test_nobody_sees_what_was_refused_of_another(store: SqliteStore, other: MemberKey) -> None:
    """A refusal belongs to the member whose words it rested on, and to nobody of a like id."""
    await keep(store, refused(), refused("link", speaker=other))

    assert (await counts(store), await counts(store, other)) == ({"too long": 1}, {"link": 1})


async def test_what_rests_on_nobody_is_nobodys(store: SqliteStore) -> None:
    """A proposal that cites nobody, several members, or our own reply is not held against anybody."""
    both = session(line("so it is"), line("so it is", speaker=BO, message="m2"))
    several = proposal(*quoted(both, "so it is"), *quoted(both, "so it is", message="m2"))
    nobody = Proposal(op="set", field="location", value="x", quoted=(Quoted(session=None, line=None, words="x"),))
    await keep(
        store,
        Refusal(proposal=several, reason="several authors"),
        Refusal(proposal=nobody, reason="unknown message"),
        refused("not a member", speaker=None),
    )

    assert (await rows(store, "refusal"))["refusal"] == []


@pytest.mark.parametrize("value", ["diagnosed with cancer", "my password is hunter2", "somewhere nice"])
@pytest.mark.parametrize("reason", ["sensitive", "unknown field", "quote not found", "too long", "quota"])
async def test_no_words_are_kept(store: SqliteStore, reason: Reason, value: str) -> None:
    """Of what is refused nothing is kept but the field, if there is such a field, and the reason."""
    await keep(store, refused(reason, value=value, field=value if reason == "unknown field" else "location"))

    assert await counts(store) == {reason: 1}
    assert value not in repr(await rows(store, "refusal"))


async def test_what_a_quota_left_out_is_counted(store: SqliteStore) -> None:
    """What the guard let through and the day had no room for is refused like everything else."""
    surplus = operation("Lisbon")
    for _ in range(2):
        await store.write(partial(quarantine.keep_surplus, operations=[surplus], now=NOON))

    assert await counts(store) == {"quota": 1}


async def test_it_is_erased_after_two_weeks(store: SqliteStore) -> None:
    """Fourteen days after it was refused nothing of it is left, and what is younger stays."""
    await keep(store, refused())
    await keep(store, refused("link"), now=NOON + timedelta(days=1))
    early = await store.write(partial(quarantine.erase_old, now=NOON + timedelta(days=14)))
    erased = await store.write(partial(quarantine.erase_old, now=NOON + timedelta(days=14, seconds=1)))

    assert (early, erased) == (0, 1)
    assert await counts(store) == {"link": 1}


@pytest.mark.parametrize(
    ("field", "left"), [(None, {}), ("location", {"link": 1}), ("tone", {"link": 1, "too long": 1})]
)
async def test_forgetting_takes_it_along(store: SqliteStore, field: str | None, left: dict[Reason, int]) -> None:
    """Who has a field forgotten, or everything, leaves nothing of it here either; other members' stays."""
    await keep(store, refused(), refused("link", field="tools"), refused(speaker=BO))
    await store.write(partial(forgetting.forget, member=ANN, field=field, schema=WORKPLACE, now=NOON))

    assert await counts(store) == left
    assert await counts(store, BO) == {"too long": 1}
