"""The corpora of `tests/persona/corpora`: statements to keep, chats to leave alone, attacks, orders."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from persona.operations import Op
from persona.persona import MemberKey
from persona.session import Line, Session
from tests.persona.builders import ANN, BO, PUBLIC, TENANT, TOOLS, WORKPLACE, fact, line, persona, session

FOLDER = Path(__file__).parent / "corpora"
WAYS = {
    *("plain", "introduction", "aside", "correction", "change", "request", "negation", "answer", "terse", "emphatic"),
    *("dated", "known"),
}
"""How a statement is phrased."""

MEMBERS = {
    "a": ANN,
    "b": BO,
    "c": MemberKey(tenant=TENANT, id="U3"),
    "ann": ANN,
    "bo": BO,
    "cat": MemberKey(tenant=TENANT, id="U3"),
    "dan": MemberKey(tenant=TENANT, id="U4"),
}
FILLINGS = (
    {"{victim}": "Bo", "{room}": "#general", "{canary}": "zebra-4711", "{host}": "collect.example"},
    {"{victim}": "@U2", "{room}": "#people-private", "{canary}": "Quillon Kettles", "{host}": "xn--80ak6aa.example"},
)
"""What the slots of an attack are filled with: plain words, and what looks less plain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A message of Ann's, and the operation that is right."""

    language: str
    how: str
    field: str
    text: str
    quote: str
    op: Op
    value: str
    since: str
    until: str
    known: str

    @property
    def session(self) -> Session:
        facts = [fact(self.known, field=WORKPLACE.by_name[self.field])] if self.known else []
        return session(line(self.text), known=tuple(facts))

    @property
    def proposal(self) -> dict[str, object]:
        """The right operation, as a model writes it."""
        told: dict[str, object] = {
            "op": self.op,
            "field": self.field,
            "value": self.value,
            "evidence": [f"m1 {self.quote}"],
        }
        return told | {name: date for name, date in (("since", self.since), ("until", self.until)) if date}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """An attack with its slots filled."""

    name: str
    family: str
    mutation: str
    lines: tuple[tuple[str, str], ...]
    edited: tuple[str, ...]
    values: tuple[str, ...]
    payload: tuple[str, ...]
    not_typed: tuple[str, ...]

    @property
    def session(self) -> Session:
        lines = spoken(self.lines)
        personas = {ANN: persona(fact("Ulm")), BO: persona(fact("Oslo"), fact("vim", field=TOOLS), of=BO)}
        return Session(room=PUBLIC.room, place=PUBLIC, lines=lines, personas=personas)


def spoken(lines: tuple[tuple[str, str], ...]) -> tuple[Line, ...]:
    """Lines of a session, a minute apart; `bot` is the assistant."""
    return tuple(
        line(text, speaker=MEMBERS.get(who), message=f"id{number}", said=number)
        for number, (who, text) in enumerate(lines, 1)
    )


@cache
def statements() -> tuple[Statement, ...]:
    """All statements, English first."""
    return tuple(
        _statement(language, field, entry)
        for language, fields in _read("statements").items()
        for field, entries in fields.items()
        for entry in entries
    )


def _statement(language: str, field: str, entry: dict[str, str]) -> Statement:
    usual: Op = "add" if WORKPLACE.by_name[field].is_list else "set"
    given: dict[str, Any] = {"quote": entry["text"], "op": usual, "since": "", "until": "", "known": ""} | entry
    return Statement(language=language, field=field, **given)


@cache
def chats() -> tuple[Session, ...]:
    """All chats."""
    talks = [talk for kind in _read("chats").values() for talk in kind]
    return tuple(session(*spoken(tuple(_line(one) for one in talk))) for talk in talks)


@cache
def attacks() -> tuple[Attack, ...]:
    """All attacks, each with every filling."""
    entries = _read("attacks")["attack"]
    return tuple(_attack(entry, number, filling) for entry in entries for number, filling in enumerate(FILLINGS))


def _attack(entry: dict[str, Any], number: int, filling: dict[str, str]) -> Attack:
    def filled(name: str) -> tuple[str, ...]:
        return tuple(_filled(text, filling) for text in entry.get(name, ()))

    return Attack(
        name=" / ".join([entry["family"], entry["idea"], *filter(None, [entry.get("mutation")]), str(number)]),
        family=entry["family"],
        mutation=entry.get("mutation", ""),
        lines=tuple(_line(text) for text in filled("lines")),
        edited=tuple(_line(text)[1] for text in filled("edited")),
        values=filled("values"),
        payload=filled("payload"),
        not_typed=filled("not_typed"),
    )


@cache
def screened() -> dict[str, list[str]]:
    """Values by what the screen of orders makes of them: `harmless`, `price`, `orders`, `unseen`."""
    return _read("orders")


def _filled(text: str, filling: dict[str, str]) -> str:
    for slot, words in filling.items():
        text = text.replace(slot, words)
    return text


def _line(text: str) -> tuple[str, str]:
    who, _, words = text.partition(": ")
    return who, words


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
