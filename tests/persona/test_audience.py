"""Who may know what: the table of the reliability sheet, D.2, and what may replace what."""

from dataclasses import replace
from typing import get_args

import pytest

from persona.audience import FORM, MEMBER, Audience, Place, RoomKind, covers, known_in, learned_in
from tests.persona.builders import PLACES, PUBLIC, READ_IN, TENANT

ELSEWHERE = [
    Place(tenant=tenant, room=room, kind=kind)
    for tenant in (TENANT, "slack:T2", "discord:1")
    for room in ("C1", "P1", "X1")
    for kind in get_args(RoomKind)
]
UNIVERSE = [*PLACES.values(), *ELSEWHERE]
LABELS = sorted({learned_in(place) for place in UNIVERSE} | {FORM})


def may_read(place: Place, audience: Audience) -> bool:
    known = known_in(place)
    return known is None or audience in known


@pytest.mark.parametrize("read", PLACES)
@pytest.mark.parametrize("learned", PLACES)
def test_table(learned: str, read: str) -> None:
    """What was said in one room may be read in another exactly where the table says yes."""
    audience = learned_in(PLACES[learned])

    assert may_read(PLACES[read], audience) == (read in READ_IN[learned])


@pytest.mark.parametrize("read", PLACES)
@pytest.mark.parametrize("learned", PLACES)
def test_style_shapes_answers_everywhere(learned: str, read: str) -> None:
    """A style field learned anywhere may shape answers in every room."""
    audience = learned_in(PLACES[learned], style=True)

    assert audience == FORM
    assert may_read(PLACES[read], audience)


@pytest.mark.parametrize("kind", ["direct", "private", "external"])
def test_another_room_of_the_same_kind_knows_nothing(kind: RoomKind) -> None:
    """What was said in a room that is not public stays in that very room, and with the member."""
    here = Place(tenant=TENANT, room="X1", kind=kind)
    there = replace(here, room="X2")

    assert may_read(here, learned_in(here))
    assert may_read(there, learned_in(here)) == (kind == "direct")


def test_public_rooms_share() -> None:
    """What was said in one public room may be read in every public room of the tenant."""
    assert may_read(replace(PUBLIC, room="C9"), learned_in(PUBLIC))


@pytest.mark.parametrize("kind", ["private", "public", "external"])
def test_no_room_of_another_tenant_may_read(kind: RoomKind) -> None:
    """Nothing crosses to another tenant, although its rooms may have the same ids."""
    here = Place(tenant="slack:T1", room="X1", kind=kind)
    there = replace(here, tenant="slack:T2")

    assert not may_read(there, learned_in(here))


@pytest.mark.parametrize("before", ["private", "public", "external"])
@pytest.mark.parametrize("after", ["private", "public", "external"])
def test_room_that_changes_its_kind_keeps_what_was_said_under_the_old_one(before: RoomKind, after: RoomKind) -> None:
    """A room that is shared or opened later shows nothing that was said while fewer could read it."""
    audience = learned_in(Place(tenant=TENANT, room="X1", kind=before))
    place = Place(tenant=TENANT, room="X1", kind=after)

    assert may_read(place, audience) == (before == after or (before == "public" and after == "private"))


def test_every_room_kind_reads_style_and_its_own() -> None:
    """Each room may use what was learned in it, and style."""
    assert all(may_read(place, learned_in(place)) and may_read(place, FORM) for place in UNIVERSE)


@pytest.mark.parametrize("place", [place for place in UNIVERSE if place.kind != "direct"])
def test_what_was_said_in_private_is_for_the_member_alone(place: Place) -> None:
    """No room that others can read knows what a member said to the bot alone."""
    assert not may_read(place, MEMBER)


@pytest.mark.parametrize("wide", LABELS)
def test_covers_is_readership(wide: Audience) -> None:
    """One audience covers another exactly if every place that knows the other knows the one."""
    heard_by_all = {
        narrow for narrow in LABELS if all(may_read(place, wide) for place in UNIVERSE if may_read(place, narrow))
    }

    assert {narrow for narrow in LABELS if covers(wide, narrow)} == heard_by_all


@pytest.mark.parametrize("tenant", ["slack:T", "slack:T11", "slack:t1", "discord:T1"])
def test_tenants_with_similar_ids_do_not_cover_each_other(tenant: str) -> None:
    """A tenant whose id begins like another's has no say over the rooms of the other."""
    public = learned_in(Place(tenant=tenant, room="C1", kind="public"))

    assert not covers(public, learned_in(Place(tenant="slack:T1", room="C1", kind="private")))
