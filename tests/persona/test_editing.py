"""Changes by hand: pure, the last thing said, and of one persona."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from bot.store.sqlite import SqliteStore
from persona import editing
from persona.audience import FORM, MEMBER, Audience, covers, wider
from persona.editing import Command
from persona.refusals import RefusedError
from tests.persona.builders import (
    ANN,
    BO,
    DIRECT,
    EXTERNAL,
    LOCATION,
    PLACES,
    PRIVATE,
    PUBLIC,
    TENANT,
    TONE,
    TOOLS,
    at,
    current,
    evidence,
    fact,
    history,
    known,
    learn,
    operation,
    persona,
    values,
)

TENANT_WIDE = Audience(f"tenant:{TENANT}")


def command(minute: float, act: editing.Act = "add", said: float | None = None) -> Command:
    return Command(act=act, member=ANN, now=at(minute), said_at=at(minute if said is None else said))


async def begun(store: SqliteStore, *, now: float, after: float | None = None) -> Command:
    moment = at(now if after is None else after)
    return await store.read(partial(editing.command, member=ANN, act="add", now=at(now), after=moment))


# -- who may know -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("audience", "widened"),
    [
        ("member", ["tenant:slack:T1"]),
        ("room:slack:T1:G1", ["tenant:slack:T1"]),
        ("room:slack:T2:G1", ["tenant:slack:T2"]),
        ("tenant:slack:T1", []),
        ("external:slack:T1:E1", []),
        ("form", []),
    ],
)
def test_only_what_makes_sense_can_be_widened(audience: str, widened: list[str]) -> None:
    """The member's own to their tenant, a private room to its tenant; nothing to outsiders, nothing that is wide."""
    assert list(wider(Audience(audience), tenants=["slack:T1"])) == widened


@pytest.mark.parametrize("audience", ["member", "room:slack:T1:G1", "tenant:slack:T1", "external:slack:T1:E1", "form"])
def test_wider_is_wider(audience: str) -> None:
    """Whoever knew before knows afterwards (decision 0005)."""
    assert all(covers(one, Audience(audience)) for one in wider(Audience(audience), tenants=["slack:T1", "slack:T1"]))
    assert wider(MEMBER, tenants=[]) == ()


def test_what_is_entered_is_the_members_alone() -> None:
    """Style shapes answers everywhere, and is never spoken."""
    assert editing.entered_audience(LOCATION) == MEMBER
    assert editing.entered_audience(TONE) == FORM


# -- what counts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["direct", "private", "public", "external"])
async def test_a_change_by_hand_is_the_last_word(store: SqliteStore, place: str) -> None:
    """Whatever was said before, on a clock that was ahead as well, the change holds now and later."""
    await learn(
        store, operation("Oslo", said=30, place=PLACES["direct"]), operation("Oslo", said=5, place=PLACES[place])
    )
    change = await begun(store, now=10)
    await learn(store, editing.added(change, LOCATION, "Lisbon"))

    assert change.said_at > at(30)
    assert values(await known(store, place=DIRECT, when=at(10)))[-1] == "Lisbon"
    assert values(await known(store, place=DIRECT, when=at(60)))[-1] == "Lisbon"


async def test_no_two_changes_are_said_at_once(store: SqliteStore) -> None:
    """Two changes in one moment are two, in their order, so that the second can take back the first."""
    moments = []
    for value in ("Lisbon", "Porto", "Lisbon"):
        change = await begun(store, now=10)
        moments.append(change.said_at)
        await learn(store, editing.added(change, LOCATION, value), update=change.update)

    assert moments == sorted(set(moments))
    assert current((await history(store)).facts) == ["Lisbon"]


async def test_changes_by_hand_are_counted(store: SqliteStore) -> None:
    """A change of two operations is one, and what was said is none."""
    await learn(store, operation("vim", op="add", field=TOOLS, said=1))
    vim = (await history(store)).facts[0]
    await learn(store, *editing.edited(command(5, "edit"), TOOLS, vim, "emacs"))
    await learn(store, editing.added(command(6), LOCATION, "Lisbon"))

    assert [await store.read(partial(editing.done_since, member=ANN, since=at(since))) for since in (0, 6, 7)] == [
        2,
        1,
        0,
    ]
    assert await store.read(partial(editing.done_since, member=BO, since=at(0))) == 0


@pytest.mark.parametrize("place", [DIRECT, PRIVATE, PUBLIC, EXTERNAL])
def test_a_correction_is_known_to_whom_the_fact_was(place: object) -> None:
    """Each operation of it has the audience of the fact, and nothing but the command as evidence."""
    where = next(one for one in PLACES.values() if one == place)
    known_fact = replace(fact("vim", field=TOOLS), audience=operation("x", place=where).audience)
    changes = editing.edited(command(5, "edit"), TOOLS, known_fact, "emacs")

    assert [(one.op, one.value) for one in changes] == [("remove", "vim"), ("add", "emacs")]
    assert {one.audience for one in changes} == {known_fact.audience}
    assert all(editing.is_by_hand(one.evidence[-1]) and len(one.evidence) == 1 for one in changes)


def test_a_widened_fact_still_rests_on_what_was_said() -> None:
    """Its evidence is what it was, and the member's word."""
    change = editing.widened(command(5, "widen"), LOCATION, fact("Berlin"), TENANT_WIDE)

    assert [editing.is_by_hand(one) for one in change.evidence] == [False, True]
    assert editing.act_of(change.evidence[-1]) == "widen"
    assert change.said_at == at(5)


def test_evidence_in_a_message_is_no_command() -> None:
    """No room of a platform is the place of commands: a channel never begins with a slash."""
    assert not editing.is_by_hand(evidence())
    assert editing.BY_HAND.startswith("/")


# -- what may be kept -------------------------------------------------------------------------------------------------


def test_a_sensitive_field_takes_nothing() -> None:
    """What a schema declares only to be complete cannot be entered either."""
    with pytest.raises(RefusedError, match="sensitive"):
        editing.value_for("something", replace(LOCATION, sensitive=True))


@pytest.mark.parametrize(("most", "full"), [(1, True), (2, False)])
def test_a_list_is_full_for_those_who_know_of_it(most: int, *, full: bool) -> None:
    """What other audiences hold takes no room, and a value that is there already needs none."""
    small = replace(TOOLS, max_items=most)
    mine = persona(fact("vim", field=TOOLS, audience=MEMBER), fact("zsh", field=TOOLS), fact("fish", field=TOOLS))

    assert editing.is_full(mine, small, "emacs", MEMBER) == full
    assert not editing.is_full(mine, small, "VIM", MEMBER)
    assert not editing.is_full(mine, LOCATION, "Lisbon", MEMBER)
