"""Usage: what each call consumed and cost, for whom, adds up to the token."""

from datetime import datetime
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.messages import TenantId
from bot.store import retention, usage
from bot.store.engine import Store
from bot.store.usage import Purpose, Total, split
from persona.persona import MemberKey
from persona.ports import Usage
from tests.clock import NOON, StillClock

TENANT = TenantId("slack:T1")
ANA, BO, GUEST = (
    MemberKey(tenant=tenant, id=name) for tenant, name in ((TENANT, "U1"), (TENANT, "U2"), ("slack:T2", "U1"))
)
USED = Usage(model="m", input_tokens=100, output_tokens=10, cached_tokens=60, written_tokens=20, written_hour_tokens=10)

steady = settings(deadline=None, derandomize=True, database=None)


async def record(
    store: Store,
    shares: dict[MemberKey, int],
    *,
    call: str = "c1",
    purpose: Purpose = "answer",
    cost: int | None = 1_000,
    used: Usage = USED,
    at: datetime = NOON,
    tenant: TenantId = TENANT,
) -> None:
    keep = partial(usage.record, tenant=tenant, call=call, usage=used, purpose=purpose, shares=shares, cost=cost)
    await store.write(partial(keep, now=at))


async def totals(store: Store, member: MemberKey | None = None, *, since: datetime = NOON) -> list[Total]:
    return await store.read(partial(usage.totals, tenant=TENANT, since=since, member=member))


def total(
    purpose: Purpose = "answer", *, calls: int = 1, times: int = 1, cost: int = 1_000, unpriced: int = 0
) -> Total:
    return Total(
        purpose=purpose,
        calls=calls,
        input_tokens=100 * times,
        cached_tokens=60 * times,
        output_tokens=10 * times,
        cost=cost,
        unpriced=unpriced,
    )


# -- sharing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("whole", "weights", "parts"),
    [
        (10, [1], [10]),
        (10, [1, 1], [5, 5]),
        (10, [3, 1], [7, 3]),
        (1, [1, 1, 1], [0, 0, 1]),
        (0, [2, 3], [0, 0]),
        (10, [0, 5], [0, 10]),
        (9, [0, 0, 0], [3, 3, 3]),
        (7, [], []),
    ],
)
def test_a_call_is_shared_in_proportion(whole: int, weights: list[int], parts: list[int]) -> None:
    """Each gets the share of their weight, in whole tokens; where nobody weighs anything, all get the same."""
    assert split(whole, weights) == parts


@steady
@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=30))
def test_the_shares_add_up(whole: int, weights: list[int]) -> None:
    """However a call is shared, nothing is lost or added, and nobody is off by as much as one from their share."""
    parts = split(whole, weights)

    fair = weights if sum(weights) else [1] * len(weights)
    assert sum(parts) == whole
    assert all(abs(part - whole * weight / sum(fair)) < 1 for part, weight in zip(parts, fair, strict=True))


@steady
@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=30))
def test_who_said_nothing_pays_nothing(whole: int, weights: list[int]) -> None:
    """A share of nothing is nothing, as long as somebody has one."""
    parts = split(whole, [*weights, 1])

    assert all(part == 0 for part, weight in zip(parts, [*weights, 1], strict=True) if weight == 0)


# -- totals -----------------------------------------------------------------------------------------------------------


async def test_nothing_used_is_no_total(store: Store) -> None:
    """Where no model was asked there is nothing to add up."""
    assert await totals(store) == []


async def test_a_call_is_one_call_however_many_share_it(store: Store) -> None:
    """The rows of a shared call add up to it, and count once."""
    await record(store, {ANA: 3, BO: 2, GUEST: 5}, purpose="learn")

    assert await totals(store) == [total("learn")]


async def test_each_member_is_charged_their_part(store: Store) -> None:
    """A member's total holds their share alone; a member of another workspace with the same id has their own."""
    await record(store, {ANA: 3, BO: 2, GUEST: 5})
    shares = {member: (await totals(store, member))[0] for member in (ANA, BO, GUEST)}

    assert {member: (one.cost, one.input_tokens) for member, one in shares.items()} == {
        ANA: (300, 30),
        BO: (200, 20),
        GUEST: (500, 50),
    }
    assert [one.calls for one in shares.values()] == [1, 1, 1]


async def test_purposes_are_told_apart(store: Store) -> None:
    """What answers cost and what learning cost are two lines."""
    await record(store, {ANA: 1}, call="c1")
    await record(store, {ANA: 1}, call="c2")
    await record(store, {ANA: 1}, call="c3", purpose="learn", cost=7)

    assert await totals(store) == [total(calls=2, times=2, cost=2_000), total("learn", cost=7)]


async def test_a_call_is_recorded_once(store: Store) -> None:
    """Recording the same call again changes nothing."""
    for _ in range(2):
        await record(store, {ANA: 1, BO: 1})

    assert await totals(store) == [total()]


async def test_a_call_of_unknown_price_is_counted(store: Store) -> None:
    """Tokens of a model whose price we do not know are there, and its rows are said to have no price."""
    await record(store, {ANA: 1}, call="c1", cost=None)
    await record(store, {ANA: 1}, call="c2")

    assert await totals(store) == [total(calls=2, times=2, cost=1_000, unpriced=1)]


async def test_another_tenants_calls_are_its_own(store: Store) -> None:
    """What is used in one workspace is not added to another's, even for the same member."""
    await record(store, {ANA: 1})
    await record(store, {ANA: 1}, call="c2", tenant=TenantId("slack:T2"))

    assert await totals(store) == [total()]


async def test_a_total_begins_when_it_is_asked_to(store: Store, clock: StillClock) -> None:
    """Only what was used from that moment on is added up."""
    await record(store, {ANA: 1}, at=NOON)
    clock.advance(days=1)
    await record(store, {ANA: 1}, call="c2", at=clock.now())

    assert await totals(store, since=NOON) == [total(calls=2, times=2, cost=2_000)]
    assert await totals(store, since=clock.now()) == [total()]


async def test_usage_is_kept_for_four_hundred_days(store: Store, clock: StillClock) -> None:
    """A year can be compared with the one before, and then it is gone."""
    await record(store, {ANA: 1})
    clock.advance(days=400)
    erase = partial(retention.erase_old, message_life=retention.REPLY_LIFE)
    early = await store.write(partial(erase, now=clock.now()))
    clock.advance(seconds=1)

    assert (early, await store.write(partial(erase, now=clock.now()))) == (0, 1)
    assert await totals(store) == []
