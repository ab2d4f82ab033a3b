"""The offline model: the whole loop without a key, a network or any intelligence."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.models.offline import FIRST_LINE, OfflineModel
from bot.prompt import INSTRUCTIONS, Prompt, Turn
from persona.audience import Place
from persona.optimizer import Optimizer
from persona.persona import MemberKey
from persona.ports import StructuredRequest, Usage
from persona.schema import load
from persona.session import Line, Session
from tests.clock import NOON

ADA = MemberKey(tenant="terminal:local", id="ada")
BO = MemberKey(tenant="terminal:local", id="bo")
FREE = Usage(model="offline", input_tokens=0, output_tokens=0)
"""What the offline model uses: nothing, under its name, so that its calls can be counted."""

quick = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Enough to find what breaks, and no clock: the machine may be busy."""


def prompt(text: str, *, style: dict[str, object] | None = None, facts: dict[str, object] | None = None) -> Prompt:
    known = {"style": style or {}, "facts": facts or {}}
    return Prompt(
        instructions=INSTRUCTIONS,
        persona=json.dumps(known) if style or facts else None,
        history=(),
        question=Turn(name="Ada", text=text),
        asked_at=NOON,
        is_direct=True,
    )


async def answered(asked: Prompt) -> str:
    """The text of an answer, without the line that every answer begins with."""
    text, usage = [piece async for piece in OfflineModel().answer(asked)]
    assert isinstance(text, str)
    assert usage == FREE
    first, _, rest = text.partition("\n\n")
    assert first == FIRST_LINE
    return rest


def session(*said: tuple[MemberKey | None, str]) -> Session:
    """What was said in a direct room, a minute apart; the messages are m1, m2, … as the optimizer numbers them."""
    lines = [
        Line(message=f"id-{number}", speaker=speaker, text=text, said_at=NOON + timedelta(minutes=number))
        for number, (speaker, text) in enumerate(said, 1)
    ]
    place = Place(tenant="terminal:local", room="r1", kind="direct")
    return Session(room="r1", place=place, lines=tuple(lines), personas={})


async def learned(*sessions: Session) -> list[tuple[str, str, str, str, list[str]]]:
    """Whose, op, field, value and messages of what the optimizer keeps with the offline model behind it."""
    update = await Optimizer(model=OfflineModel(), schema=load()).propose(sessions, fences={})
    assert update.refusals == ()
    return [
        (kept.member.id, kept.op, kept.field, kept.value, [evidence.message for evidence in kept.evidence])
        for kept in update.operations
    ]


# -- answers ----------------------------------------------------------------------------------------------------------


async def test_it_says_what_it_is() -> None:
    """The first line of every answer says that this is no AI, and how to get one."""
    text, _usage = [piece async for piece in OfflineModel().answer(prompt("Hello"))]

    assert isinstance(text, str)
    assert "not an AI" in text.splitlines()[0]
    assert "ANTHROPIC_API_KEY" in text.splitlines()[0]


async def test_it_repeats_the_question_and_admits_its_limits() -> None:
    """A question without a template is repeated, so that the newcomer sees it arrived, and nothing is made up."""
    text = await answered(prompt("What is\n  the capital of France?"))

    assert "“What is the capital of France?”" in text
    assert "no template" in text


@pytest.mark.parametrize(("length", "shown"), [(79, 79), (80, 80), (81, 80), (24_000, 80)])
async def test_a_long_question_is_shortened(length: int, shown: int) -> None:
    """At most eighty characters of the question are repeated, and a cut shows as one."""
    text = await answered(prompt("x" * length))

    repeated = text.partition("“")[2].partition("”")[0]
    assert len(repeated) == shown
    assert repeated.endswith("…") == (length > 80)


async def test_it_greets_by_the_name_it_knows() -> None:
    """A member who said what to be called is called so."""
    assert (await answered(prompt("Hm.", facts={"preferred_name": "Zoë"}))).startswith("Hello Zoë! ")


async def test_a_stranger_gets_no_greeting() -> None:
    """Without a name there is none to greet."""
    assert not (await answered(prompt("Hm."))).startswith("Hello")


async def test_it_shows_what_a_real_model_would_know() -> None:
    """The facts and style that reached the prompt are listed, one value or several, so that a newcomer sees them."""
    facts: dict[str, object] = {"location": "Lisbon", "tools": ["Vim", "Go"]}

    text = await answered(prompt("Hm.", style={"tone": "direct", "format": ["bullets"]}, facts=facts))

    assert "location: Lisbon; tools: Vim, Go; tone: direct; format: bullets" in text


async def test_short_answers_are_short() -> None:
    """The style shapes even a template: who wants short answers gets one line."""
    text = await answered(prompt("Hm.", style={"answer_length": "short"}, facts={"location": "Lisbon"}))

    assert len(text.splitlines()) == 1
    assert "location: Lisbon" in text


@pytest.mark.parametrize(("style", "fences"), [({"format": ["code"]}, 2), ({"format": ["tables"]}, 0), ({}, 0)])
async def test_code_is_shown_to_who_wants_code(style: dict[str, object], fences: int) -> None:
    """The style shapes even a template: who wants code gets a block of it."""
    text = await answered(prompt("Hm.", style=style, facts={"location": "Lisbon"}))

    assert text.count("```") == fences


async def test_it_says_what_it_heard() -> None:
    """A self-statement is named field by field, with the condition under which it is learned."""
    text = await answered(prompt("I live in Lisbon. I prefer short answers.", facts={"preferred_name": "Zoë"}))

    assert text.startswith("Hello Zoë! I noticed (location: Lisbon, answer length: short).")
    assert "If you let me" in text


@pytest.mark.parametrize(
    ("wish", "promise"), [(None, "once this conversation is idle"), (True, "right away"), (False, "/persona resume")]
)
async def test_it_promises_what_will_be(wish: bool | None, promise: str) -> None:  # noqa: FBT001 - a parameter
    """Who asks to be remembered is told when that happens, or how to switch it on."""
    asked = replace(prompt("I live in Lisbon."), wish=wish)

    assert promise in await answered(asked)


async def test_it_promises_nothing_of_what_is_off_the_record() -> None:
    """Whatever is said off the record, the answer says that nothing of it is learned."""
    text = await answered(replace(prompt("Off the record: I live in Lisbon."), off_record=True))

    assert "nothing of it is learned" in text
    assert "I learn it" not in text


async def test_who_asks_why_is_told_where_to_look() -> None:
    """The reply, which everybody reads, names the command that shows it to them alone."""
    text = await answered(replace(prompt("Why did you say that?", facts={"location": "Lisbon"}), asks_why=True))

    assert "/persona used" in text
    assert "Lisbon" not in text


async def test_what_ended_is_not_told_as_true() -> None:
    """A member who says they no longer live in a city is not told that the city was noted."""
    assert "location: Berlin" not in await answered(prompt("I no longer live in Berlin."))


@quick
@given(text=st.text(), facts=st.dictionaries(st.text(), st.text() | st.lists(st.text()), max_size=3))
async def test_any_question_is_answered(text: str, facts: dict[str, object]) -> None:
    """Whatever is asked, and whatever is known, there is an answer with words in it."""
    assert (await answered(prompt(text, style={"tone": "direct"}, facts=facts))).strip()


# -- updates ----------------------------------------------------------------------------------------------------------


async def test_what_a_member_says_of_themself_is_learned() -> None:
    """Plain self-statements become operations that pass the guard, with the message they rest on."""
    said = session((ADA, "Hi!"), (None, "Hello."), (ADA, "I live in Lisbon. I use Vim and Go."))

    assert await learned(said) == [
        ("ada", "set", "location", "Lisbon", ["id-3"]),
        ("ada", "add", "tools", "Vim", ["id-3"]),
        ("ada", "add", "tools", "Go", ["id-3"]),
    ]


async def test_our_own_words_teach_nothing() -> None:
    """What the assistant said is never evidence."""
    assert await learned(session((None, "I live in Lisbon."), (ADA, "Thanks."))) == []


async def test_each_speaker_is_learned_about_apart() -> None:
    """Several speakers, in one session or several, each keep what they said."""
    first = session((ADA, "I live in Lisbon."), (BO, "I live in Oslo."))
    second = session((BO, "I use Emacs."))

    assert await learned(first, second) == [
        ("ada", "set", "location", "Lisbon", ["id-1"]),
        ("bo", "set", "location", "Oslo", ["id-2"]),
        ("bo", "add", "tools", "Emacs", ["id-1"]),
    ]


@pytest.mark.parametrize("sessions", [[], [session()], [session((ADA, "Hello."), (None, "Hi."))]])
async def test_nothing_said_is_nothing_learned(sessions: list[Session]) -> None:
    """Sessions without a self-statement give an empty update."""
    assert await learned(*sessions) == []


async def test_an_update_costs_nothing() -> None:
    """No tokens are counted, as none were bought, and the model is named, so that its price is known to be nothing."""
    request = Optimizer(model=OfflineModel(), schema=load()).request([session((ADA, "I live in Lisbon."))])

    reply = await OfflineModel().propose(request)

    assert reply.usage == FREE


@quick
@given(texts=st.lists(st.tuples(st.sampled_from([ADA, BO, None]), st.text()), max_size=5))
async def test_any_session_can_be_read(texts: list[tuple[MemberKey | None, str]]) -> None:
    """No text breaks the shape of an update."""
    await Optimizer(model=OfflineModel(), schema=load()).propose([session(*texts)], fences={})


async def test_an_update_is_of_the_shape_that_was_asked_for() -> None:
    """The answer is the JSON of the schema: operations with op, field, value and evidence, and nothing else."""
    data = json.dumps({"sessions": [{"speakers": {}, "messages": [["m7", "p1", "I live in Lisbon."]]}]})

    reply = await OfflineModel().propose(StructuredRequest(instructions="", data=data, schema={}, max_tokens=1))

    assert json.loads(reply.text) == {
        "operations": [
            {
                "op": "set",
                "field": "location",
                "value": "Lisbon",
                "evidence": ["m7 I live in Lisbon"],
            }
        ]
    }


async def test_there_is_nothing_to_open_or_close() -> None:
    """Warming and closing do nothing, in any order and number, and an answer comes all the same."""
    model = OfflineModel()

    for step in (model.close, model.warm, model.close, model.close):
        await step()

    assert model.name == "offline"
    assert [piece async for piece in model.answer(prompt("Hello"))]
