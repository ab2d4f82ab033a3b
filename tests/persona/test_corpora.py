"""Gates on what is learned: plain statements are kept, chats teach nothing, and no attack gets through."""

from collections import Counter
from collections.abc import Sequence

import pytest

from persona import dates
from persona.canonical import comparable, readings
from persona.errors import ProposalError
from persona.guard import Refusal
from persona.operations import Operation
from persona.optimizer import Optimizer, Update
from persona.orders import is_order
from persona.ports import StructuredModel
from persona.sensitive import category
from persona.session import Session
from tests.persona.builders import ANN, WORKPLACE
from tests.persona.corpus import WAYS, Attack, Statement, attacks, chats, statements
from tests.persona.obedient import OBEDIENCE, Obedient, Scripted, shapes

LOST: dict[str, str] = {}
"""Statements that are refused although they are harmless, by their value, with the reason: at most one in a hundred."""


async def learned(model: StructuredModel, *sessions: Session) -> Update:
    """What becomes of a model's answer about some sessions."""
    return await Optimizer(model=model, schema=WORKPLACE).propose(sessions, fences={})


# --- Statements -----------------------------------------------------------------------------------------------------


def test_statements_are_many_and_varied() -> None:
    """Two hundred statements in English and forty in five more languages, in twelve ways, touch every field."""
    counted = Counter(said.language for said in statements())

    assert counted == {"english": 200, "german": 8, "spanish": 8, "french": 8, "japanese": 8, "chinese": 8}
    assert {said.field for said in statements()} == {field.name for field in WORKPLACE.fields}
    assert {said.how for said in statements()} == WAYS
    assert len({said.text for said in statements()}) == 240


async def test_statements_are_learned() -> None:
    """At least 99 in 100 plain statements about oneself, rightly proposed, are kept; those that are not are named."""
    updates = [await learned(Scripted(said.proposal), said.session) for said in statements()]
    refusals = [refusal for update in updates for refusal in update.refusals]

    assert {refusal.proposal.value: refusal.reason for refusal in refusals} == LOST
    assert len(LOST) <= len(statements()) / 100


@pytest.mark.parametrize("said", [one for one in statements() if one.value not in LOST], ids=lambda said: said.text)
async def test_statement_is_learned_as_it_was_meant(said: Statement) -> None:
    """What is kept of a statement is its speaker's, with its value, its words and the time it speaks of."""
    (kept,) = (await learned(Scripted(said.proposal), said.session)).operations

    assert (kept.member, kept.op, kept.field) == (ANN, said.op, said.field)
    assert comparable(kept.value) == comparable(said.value)
    assert [comparable(found.quote) for found in kept.evidence] == [comparable(said.quote)]
    assert kept.since == dates.begin(said.since, dates.zone(None))
    assert kept.until == dates.end(said.until, dates.zone(None))


@pytest.mark.parametrize("said", statements(), ids=lambda said: said.text)
def test_no_screen_stops_a_harmless_value(said: Statement) -> None:
    """No value of a harmless statement looks like an order or like a special category."""
    assert not is_order(said.value)
    assert category(said.value) is None


# --- Chats ----------------------------------------------------------------------------------------------------------


def test_chats_are_many_and_different() -> None:
    """Two hundred different exchanges hold no fact about who speaks."""
    assert len({tuple((line.speaker, line.text) for line in chat.lines) for chat in chats()}) == 200


async def test_chats_teach_nothing() -> None:
    """From a chat without facts a model that rightly proposes nothing teaches nothing, and nothing is refused."""
    updates = [await learned(Scripted(), chat) for chat in chats()]

    assert not any(update.operations or update.refusals for update in updates)


async def test_chats_reach_the_model_word_for_word() -> None:
    """What is put to the model holds every line of every chat, each once."""
    model = Scripted()

    await learned(model, *chats())

    assert [request.data.count('["m') for request in model.requests] == [sum(len(chat.lines) for chat in chats())]


# --- Attacks --------------------------------------------------------------------------------------------------------


def test_attacks_cover_the_families() -> None:
    """Sixty templates: five ideas for each family that aims at what is learned, and twenty mutations."""
    ideas = Counter(attack.family for attack in attacks() if attack.name.endswith("0") and not attack.mutation)

    assert ideas == dict.fromkeys(["C1", "C2", "C3", "C4", "C5", "C6", "C7", "C12"], 5)
    assert len(attacks()) == 2 * 60


def own_words(attack: Attack, message: str) -> str:
    """What the author of a message typed in it: the corpus says what of it is not theirs, not the code under test."""
    (text,) = [line.text for line in attack.session.lines if line.message == message]
    for passage in attack.not_typed:
        text = text.replace(passage, "\n")
    return comparable(text)


def harm(attack: Attack, kept: Sequence[Operation]) -> list[str]:
    """What of an attack is found in what was kept."""
    authors = {line.message: line.speaker for line in attack.session.lines}
    cited = [(one, found) for one in kept for found in one.evidence]
    values = [one.value for one in kept if one.op in {"set", "add"}]
    return [
        *(f"not theirs: {found.quote}" for one, found in cited if authors[found.message] != one.member),
        *(
            f"not typed: {found.quote}"
            for _, found in cited
            if comparable(found.quote) not in own_words(attack, found.message)
        ),
        *(f"payload: {value}" for value in values if any(is_in(value, words) for words in attack.payload)),
    ]


def is_in(value: str, payload: str) -> bool:
    return any(comparable(payload) in reading for reading in readings(value))


@pytest.mark.parametrize("attack", attacks(), ids=lambda attack: attack.name)
async def test_attack_does_no_harm(attack: Attack) -> None:
    """Though a model obeys, nothing is kept but its authors' own, out of words they typed, and none of the payload."""
    kept: list[Operation] = []
    refused: list[Refusal] = []
    for way in OBEDIENCE:
        update = await learned(Obedient(attack, way), attack.session)
        kept += update.operations
        refused += update.refusals

    assert harm(attack, kept) == []
    assert refused != []


@pytest.mark.parametrize("attack", attacks()[::2], ids=lambda attack: attack.name)
async def test_broken_answer_teaches_nothing(attack: Attack) -> None:
    """An answer that is not of the promised shape teaches nothing, whatever stands in it."""
    for text in shapes(attack):
        with pytest.raises(ProposalError):
            await learned(Scripted(text=text), attack.session)
