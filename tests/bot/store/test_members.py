"""Members: what they decided about being remembered is kept, for each of them alone."""

from datetime import timedelta
from functools import partial

import pytest

from bot.store import members
from bot.store.engine import Store
from bot.store.members import Consent, ConsentState
from persona.persona import MemberKey
from tests.clock import NOON, StillClock

ANA = MemberKey(tenant="slack:T1", id="U1")
BO = MemberKey(tenant="slack:T1", id="U2")


async def consent(store: Store, member: MemberKey = ANA) -> Consent:
    return await store.read(partial(members.consent, member=member))


async def decide(store: Store, clock: StillClock, state: ConsentState, member: MemberKey = ANA) -> None:
    await store.write(partial(members.set_consent, member=member, state=state, now=clock.now()))


async def test_a_stranger_decided_nothing(store: Store) -> None:
    """Somebody we never met has given no consent, at no time."""
    assert await consent(store) == Consent(state="off", since=None)


@pytest.mark.parametrize("state", ["off", "asked", "on", "paused", "withdrawn"])
async def test_a_decision_is_kept(store: Store, clock: StillClock, state: ConsentState) -> None:
    """Each decision is read back as it was made, with its moment."""
    await decide(store, clock, state)

    assert await consent(store) == Consent(state=state, since=NOON)


async def test_the_last_decision_counts(store: Store, clock: StillClock) -> None:
    """A newer decision replaces the older one and its moment."""
    await decide(store, clock, "on")
    clock.advance(hours=1)
    await decide(store, clock, "withdrawn")

    assert await consent(store) == Consent(state="withdrawn", since=NOON + timedelta(hours=1))


@pytest.mark.parametrize(
    "other",
    [
        MemberKey(tenant="slack:T2", id="U1"),
        MemberKey(tenant="slack:T1", id="U2"),
        MemberKey(tenant="discord", id="U1"),
    ],
)
async def test_a_decision_is_one_members_alone(store: Store, clock: StillClock, other: MemberKey) -> None:
    """Nobody's decision counts for a member of another id, or of the same id in another scope."""
    await decide(store, clock, "on")
    await decide(store, clock, "withdrawn", other)

    assert (await consent(store)).state == "on"
    assert (await consent(store, other)).state == "withdrawn"


async def test_a_decision_without_a_moment(store: Store) -> None:
    """A member stored without a moment of decision is read as one."""
    sql = "INSERT INTO member (tenant, id, consent, consent_at) VALUES ('slack:T1', 'U1', 'asked', NULL)"
    await store.write(lambda transaction: transaction.execute(sql))

    assert await consent(store) == Consent(state="asked", since=None)


async def test_asking_changes_no_decision(store: Store, clock: StillClock) -> None:
    """Who answered before we noted that we asked has answered; who decided nothing is asked now."""
    await decide(store, clock, "on")
    for member in (ANA, BO):
        await store.write(partial(members.asked, member=member, now=clock.now()))

    assert [(await consent(store, member)).state for member in (ANA, BO)] == ["on", "asked"]


# -- being observed ---------------------------------------------------------------------------------------------------


async def observed(store: Store, member: MemberKey = ANA) -> bool:
    return await store.read(partial(members.is_observed, member=member))


async def observe(store: Store, member: MemberKey = ANA, *, is_on: bool) -> None:
    await store.write(partial(members.set_observed, member=member, is_on=is_on, now=NOON))


async def test_who_said_nothing_may_be_observed(store: Store, clock: StillClock) -> None:
    """Unless a member says no, what several conversations show may be learned, as far as they agreed to learning."""
    stranger = await observed(store)
    await decide(store, clock, "on")

    assert stranger
    assert await observed(store)


async def test_not_to_be_observed_is_one_members_alone(store: Store) -> None:
    """A no holds until it is taken back, for nobody of a like id."""
    others = [BO, MemberKey(tenant="slack:T2", id="U1")]
    await observe(store, is_on=False)
    during = [await observed(store, member) for member in (ANA, *others)]
    await observe(store, is_on=True)

    assert during == [False, True, True]
    assert await observed(store)


async def test_it_is_another_decision_than_consent(store: Store, clock: StillClock) -> None:
    """Neither decision changes the other, whichever comes first."""
    await observe(store, is_on=False)
    undecided = await consent(store)
    await decide(store, clock, "on")
    await decide(store, clock, "paused")

    assert undecided == Consent(state="off", since=None)
    assert not await observed(store)
    await observe(store, is_on=True)
    assert await consent(store) == Consent(state="paused", since=NOON)
