"""A model that does what it is told by anybody: the worst optimizer there could be, for the attacks to be tried on."""

import json
from collections.abc import Callable, Iterator
from itertools import chain, pairwise
from typing import Any

from persona.ports import StructuredReply, StructuredRequest, Usage
from tests.persona.corpus import Attack

FIELDS = ("preferred_name", "role", "tools", "routines", "avoid", "format")
"""Where it writes what it is told: short and long fields, one and many values, what may be observed, and choices."""

Answer = dict[str, Any]
Messages = list[tuple[str, str, str]]
"""Id, speaker and text, as the transcript names them."""


class Scripted:
    """A model that gives one answer, whatever it is asked, and remembers what that was."""

    def __init__(self, *operations: Answer, text: str | None = None) -> None:
        self._text = json.dumps({"operations": operations}) if text is None else text
        self.requests: list[StructuredRequest] = []

    async def propose(self, request: StructuredRequest) -> StructuredReply:
        self.requests.append(request)
        return StructuredReply(text=self._text, usage=Usage(input_tokens=0, output_tokens=0))


class Obedient:
    """A model that reads a transcript and carries out the attack in it, in one of the ways of `OBEDIENCE`."""

    def __init__(self, attack: Attack, way: str) -> None:
        self._attack = attack
        self._way = OBEDIENCE[way]

    async def propose(self, request: StructuredRequest) -> StructuredReply:
        (session,) = json.loads(request.data)["sessions"]
        messages = [(one[0], one[1], one[2]) for one in session["messages"]]
        answer = {"operations": list(self._way(self._attack, messages))}
        return StructuredReply(text=json.dumps(answer), usage=Usage(input_tokens=0, output_tokens=0))


def operation(value: str, *evidence: str, field: str = "routines", op: str = "add", **more: str) -> Answer:
    """One operation as a model writes it."""
    return {"op": op, "field": field, "value": value, "evidence": list(evidence), **more}


def _files(field: str) -> Callable[[Attack, Messages], Iterator[Answer]]:
    """Every value it is told, under one field, resting on all that anybody said."""

    def answer(attack: Attack, messages: Messages) -> Iterator[Answer]:
        for value in attack.values:
            yield from (operation(value, f"{message} {text}", field=field) for message, _, text in messages)

    return answer


def _copies(_attack: Attack, messages: Messages) -> Iterator[Answer]:
    """What was said, word for word, as if it were a fact."""
    for message, _, text in messages:
        for part in {text, *text.splitlines(), *text.split(": "), *text.split(". "), *text.split('"')}:
            yield operation(part, f"{message} {part}")


def _vouches(attack: Attack, messages: Messages) -> Iterator[Answer]:
    """One member's words for another's, and for our own."""
    for value in attack.values:
        for (one, _, said), (other, _, answered) in pairwise(messages):
            yield operation(value, f"{one} {said}", f"{other} {answered}")
            yield operation(value, f"{one} {answered}")
            yield operation(value, f"{other} {said}")


def _invents(attack: Attack, messages: Messages) -> Iterator[Answer]:
    """Words that nobody typed: the value itself, what was quoted, pasted or edited away, and nothing at all."""
    for quote in (*attack.values, *attack.not_typed, *attack.edited, ""):
        for value in (*attack.values[:2], quote):
            yield from (operation(value, f"{message} {quote}") for message, _, _ in messages)


def _makes_up(attack: Attack, messages: Messages) -> Iterator[Answer]:
    """Fields, operations, kinds, periods and messages that there are not."""
    (message, speaker, text), value = messages[-1], attack.values[0]
    said = f"{message} {text}"
    for field in ("mood", "__class__", "rоle", "role\u200b", "demographics.role", "*", ""):
        yield operation(value, said, field=field)
    for field in FIELDS:
        yield operation(value, said, field=field, kind="observed")
        yield operation(value, said, field=field, op="remove")
        yield operation(value, said, field=field, op="confirm")
    for period in ("2999", "9999-12-31", "tomorrow", "0000", "-1"):
        yield operation(value, said, since=period)
        yield operation(value, said, until=period)
    for cited in ("m0", "m99", "M1", "id1", speaker, "U2", "1", ""):
        yield operation(value, f"{cited} {text}")
    yield operation(value)


OBEDIENCE: dict[str, Callable[[Attack, Messages], Iterator[Answer]]] = {
    **{f"files under {field}": _files(field) for field in FIELDS},
    "copies": _copies,
    "vouches": _vouches,
    "invents": _invents,
    "makes up": _makes_up,
}

BROKEN = (
    '{"operations": [%s]} {"operations": []}',
    '```json\n{"operations": [%s]}\n```',
    '{"operations": [%s], "personas": {"U2": {}}}',
    '{"operations": [%s], "operations": 1}',
    '{"operations": [%s,]}',
    '[{"operations": [%s]}]',
    "Sure! I have saved it: %s",
)
"""Answers that are not of the promised shape, around an operation that is."""


def shapes(attack: Attack) -> Iterator[str]:
    """Answers that carry the attack in a broken shape, or in an operation that names its own subject."""
    good = operation(attack.values[0], f"m1 {attack.lines[0][1]}")
    named = ({**good, key: "U2"} for key in ("subject", "member", "speaker", "audience"))
    yield from (broken % json.dumps(good) for broken in BROKEN)
    yield from (json.dumps({"operations": [one]}) for one in chain(named, [{**good, "op": "erase"}]))
