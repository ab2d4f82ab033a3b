"""Anything that can happen to personas, in any order: the store is what the reference says (reliability B9)."""

import asyncio
import shutil
from collections import defaultdict
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from bot.store.sqlite import SqliteStore
from persona import forgetting, undoing
from persona.audience import learned_in
from persona.forgetting import Forgotten
from persona.guard import is_forgotten
from persona.operations import Op, OperationId, UpdateId
from persona.persona import MemberKey
from persona.schema import Field, Schema
from tests.persona.builders import ANN, BO, LOCATION, PLACES, at, history, known, learn, retract, rows, steady
from tests.persona.reference import PAIR, Reference, Said, dated, message_of, seen

T = TypeVar("T")

SCHEMA = Schema(name="machine", fields=(LOCATION, PAIR))
ROOMS = ("public", "private", "direct")

members = st.sampled_from([ANN, ANN, ANN, BO])
rooms = st.sampled_from(["public", "public", "private", "direct"])
"""Mostly the same, so that much happens to few."""
fields = st.sampled_from(SCHEMA.fields)
numbers = st.integers(0, 99)
"""Of something that happened before, counted from its beginning again and again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the log: what was said of whom, and the update that learned it."""

    member: MemberKey
    of: Field
    said: Said
    update: UpdateId

    @property
    def id(self) -> OperationId:
        return self.said.operation(self.of, member=self.member).id

    @property
    def message(self) -> tuple[str, str]:
        return self.said.where, message_of(self.said.minute, member=self.member)


@st.composite
def statements(draw: st.DrawFn) -> Said:
    """A statement made at minute 0, whatever its field."""
    op: Op = draw(st.sampled_from(["set", "set", "remove", "confirm"]))
    return draw(dated(Said(op=op, value=draw(st.sampled_from("abc")), where=draw(rooms), minute=0)))


class Personas(RuleBasedStateMachine):
    """Two members, two fields, one store, and everything that was ever learned into it."""

    def __init__(self, empty: Path, path: Path) -> None:
        super().__init__()
        shutil.copy(empty, path)
        self.path = path
        self.runner = asyncio.Runner()
        self.store = self.run(SqliteStore.open(path))
        self.now = 0
        self.log: list[Entry] = []
        self.kept: dict[OperationId, Entry] = {}
        self.undone: set[OperationId] = set()
        self.remains: defaultdict[tuple[str, str], set[str]] = defaultdict(lambda: set("abc"))
        """The values that a message still speaks of, since it was edited or deleted."""
        self.references: dict[tuple[Said, ...], Reference] = {}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    # --- What can happen --------------------------------------------------------------------------------------------

    @rule(member=members, of=fields, drawn=st.lists(statements(), min_size=1, max_size=6), ago=st.integers(0, 4))
    def say(self, member: MemberKey, of: Field, drawn: list[Said], ago: int) -> None:
        """Members say things, and they are learned, perhaps late."""
        self.teach([self.entry(member, of, said, ago) for said in drawn])

    @rule(member=members, of=fields, value=st.sampled_from("abc"), where=rooms, times=st.integers(2, 4))
    def show(self, member: MemberKey, of: Field, value: str, where: str, times: int) -> None:
        """Something is seen in what a member writes, again and again."""
        for number in range(times):
            said = Said(op="set", value=value, where=where, minute=0, kind="observed", session=f"s{number // 2}")
            self.teach([self.entry(member, of, said, 0)])

    @rule(minutes=st.integers(1, 9))
    def wait(self, minutes: int) -> None:
        """Time passes, and what was to end ends."""
        self.now += minutes

    @precondition(lambda self: self.log)
    @rule(number=numbers, keep=st.sampled_from(["", "a", "b", "c"]))
    def change_message(self, number: int, keep: str) -> None:
        """A message is deleted, or edited so that it speaks of one value at most."""
        message = where, name = self.log[number % len(self.log)].message
        self.remains[message] &= {keep}
        gone = {one for one, entry in self.kept.items() if entry.message == message and entry.said.value != keep}
        text = " ".join(self.remains[message]) if keep else None

        assert self.run(retract(self.store, name, text=text, room=PLACES[where].room, schema=SCHEMA)) == len(gone)
        self.drop(gone)

    @rule(member=members, of=fields | st.none())
    def forget(self, member: MemberKey, of: Field | None) -> None:
        """A member has a field forgotten, or everything."""
        mine = {one for one, entry in self.kept.items() if entry.member == member and of in {None, entry.of}}
        spells = [spell for one in SCHEMA.fields if of in {None, one} for spell in self.reference(member, one).spells]
        current = sum(spell.holds(self.now) for spell in spells)
        name = None if of is None else of.name
        forget = partial(forgetting.forget, member=member, field=name, schema=SCHEMA, now=at(self.now))

        assert self.run(self.store.write(forget)) == Forgotten(current=current, past=len(spells) - current)
        self.drop(mine)

    @precondition(lambda self: self.log)
    @rule(number=numbers)
    def undo_operation(self, number: int) -> None:
        """One operation is taken back."""
        entry = self.log[number % len(self.log)]
        taken = {entry.id} & self.kept.keys() - self.undone
        undo = partial(undoing.undo_operation, member=entry.member, operation=entry.id, schema=SCHEMA, now=at(self.now))

        assert self.run(self.store.write(undo)) == len(taken)
        self.undone |= taken

    @precondition(lambda self: self.log)
    @rule(number=numbers)
    def undo_update(self, number: int) -> None:
        """All that one update taught about a member is taken back."""
        picked = self.log[number % len(self.log)]
        alike = {
            one for one, entry in self.kept.items() if (entry.member, entry.update) == (picked.member, picked.update)
        }
        undo = partial(undoing.undo_update, member=picked.member, update=picked.update, schema=SCHEMA, now=at(self.now))

        assert self.run(self.store.write(undo)) == len(alike - self.undone)
        self.undone |= alike

    @rule(number=numbers)
    def apply_again(self, number: int) -> None:
        """A late worker applies what was learned already, from the beginning up to some point: nothing changes."""
        before = self.run(rows(self.store))

        assert self.apply(self.log[: number % (len(self.log) + 1)]) == set()
        assert self.run(rows(self.store)) == before

    @rule()
    def reopen(self) -> None:
        """The process starts anew."""
        self.run(self.store.close())
        self.store = self.run(SqliteStore.open(self.path))

    # --- What holds after each of it --------------------------------------------------------------------------------

    @invariant()
    def history_is_the_reference(self) -> None:
        """Every value held from then, until then, for those, and rests on those messages."""
        for member in (ANN, BO):
            facts = self.run(history(self.store, member, schema=SCHEMA, when=at(self.now))).facts
            assert [
                (fact.field, fact.value, fact.audience, fact.kind, fact.valid_from, fact.valid_until, fact.confirmed_at)
                for fact in facts
            ] == [
                (
                    of.name,
                    spell.matter[0],
                    learned_in(PLACES[spell.matter[1]]),
                    max(said.kind for said in spell.said),
                    at(spell.begin),
                    None if spell.until is None else at(spell.until),
                    at(spell.said[-1].minute),
                )
                for of in SCHEMA.fields
                for spell in self.reference(member, of).spells
            ]
            assert [[found.message for found in fact.evidence] for fact in facts] == [
                [message_of(minute, member=member) for minute in self.reference(member, of).evidence(spell)]
                for of in SCHEMA.fields
                for spell in self.reference(member, of).spells
            ]

    @invariant()
    def every_room_is_answered_from_it(self) -> None:
        """What is read in a room at this moment is what the reference says, and no list is too long."""
        for member in (ANN, BO):
            for room in ROOMS:
                facts = self.run(known(self.store, member, place=PLACES[room], when=at(self.now))).facts
                for of in SCHEMA.fields:
                    about = [fact for fact in facts if fact.field == of.name]
                    most = of.max_items if of.is_list else 1
                    assert seen(about, room, of, minute=self.now) == self.reference(member, of).seen(room, self.now)
                    assert all(len([one for one in about if one.audience == fact.audience]) <= most for fact in about)

    def teardown(self) -> None:
        """Apply the whole log ten times over, which changes nothing, and leave no file."""
        before = self.run(rows(self.store))
        for _ in range(10):
            self.apply(self.log)
        assert self.run(rows(self.store)) == before
        self.run(self.store.close())
        self.runner.close()
        for path in self.path.parent.glob(f"{self.path.name}*"):
            path.unlink()

    # --- How it is done ---------------------------------------------------------------------------------------------

    def entry(self, member: MemberKey, of: Field, said: Said, ago: int) -> Entry:
        """The statement, made `ago` minutes ago, or as soon before as nothing was said of the field."""
        taken = {entry.said.minute for entry in self.log if (entry.member, entry.of) == (member, of)}
        minute = next(minute for minute in range(self.now - ago, -1000, -1) if minute not in taken)
        self.now += 1
        moved = Said(
            op="add" if of.is_list and said.op == "set" else said.op,
            value=said.value,
            where=said.where,
            minute=minute,
            since=None if said.since is None else minute + said.since,
            until=None if said.until is None else minute + said.until,
            kind=said.kind,
            session=said.session,
        )
        entry = Entry(member=member, of=of, said=moved, update=UpdateId(f"u{len(self.log) // 3}"))
        self.log.append(entry)
        return entry

    def teach(self, entries: list[Entry]) -> None:
        learnable = {entry.id for entry in self.learnable(entries)}

        assert self.apply(entries) == learnable
        self.kept |= {entry.id: entry for entry in entries if entry.id in learnable}

    def apply(self, entries: Iterable[Entry]) -> set[OperationId]:
        """Learn what still holds of it, the way learning does, and return what was new."""
        new: set[OperationId] = set()
        for entry in self.learnable(entries):
            change = entry.said.operation(entry.of, member=entry.member)
            learned = self.run(learn(self.store, change, schema=SCHEMA, update=entry.update, now=at(self.now)))
            new |= {one.id for one in learned}
        return new

    def learnable(self, entries: Iterable[Entry]) -> list[Entry]:
        """What was not forgotten since it was said, and what its message still says."""
        raised = self.run(self.store.read(partial(forgetting.fences, members=(ANN, BO))))
        return [
            entry
            for entry in entries
            if not is_forgotten(
                raised[entry.member], entry.of.name, entry.said.operation(entry.of, member=entry.member).evidence
            )
            and entry.said.value in self.remains[entry.message]
        ]

    def drop(self, gone: set[OperationId]) -> None:
        self.kept = {one: entry for one, entry in self.kept.items() if one not in gone}
        self.undone -= gone

    def reference(self, member: MemberKey, of: Field) -> Reference:
        talk = tuple(
            entry.said
            for one, entry in self.kept.items()
            if (entry.member, entry.of) == (member, of) and one not in self.undone
        )
        if talk not in self.references:
            self.references[talk] = Reference(of, talk)
        return self.references[talk]


@pytest.mark.slow
def test_store_is_the_reference_whatever_happens(migrated: Path, tmp_path: Path) -> None:
    """After every change, in any order of changes, what is stored and read is what the reference model says."""
    run_state_machine_as_test(
        partial(Personas, migrated, tmp_path / "machine.db"),  # type: ignore[arg-type]  # it takes whatever makes one
        settings=settings(steady, max_examples=30, stateful_step_count=25),
    )
