"""The example of the page about personas is what the code does."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from persona import render
from persona.audience import Place, learned_in
from persona.dates import last_day
from persona.optimizer import Optimizer
from persona.persona import Fact, FactId, MemberKey, Persona
from persona.ports import StructuredReply, Usage
from persona.projection import project
from persona.schema import load
from persona.session import Line, Session
from tests.models import ScriptedModel
from tests.persona.builders import operation

PAGE = (Path(__file__).parents[2] / "docs/personas.md").read_text()
BLOCKS = dict(re.findall(r"^```\w+ (\w+)\n(.*?)\n```$", PAGE, re.MULTILINE | re.DOTALL))
SCHEMA = load()
PLACE = Place(tenant="slack:T1", room="C1", kind="public")
SAID_AT = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
ANA, BO = MemberKey(tenant="slack:T1", id="p1"), MemberKey(tenant="slack:T1", id="p2")


def example() -> Session:
    """The session of the page."""
    (told,) = json.loads(BLOCKS["request"])["sessions"]
    people = {"p1": ANA, "p2": BO, "bot": None}
    lines = [Line(message=id_, speaker=people[who], text=text, said_at=SAID_AT) for id_, who, text in told["messages"]]
    home = Fact(
        id=FactId("home"),
        section="demographics",
        field="location",
        value="Lisbon",
        audience=learned_in(PLACE),
        confirmed_at=SAID_AT - timedelta(days=30),
        valid_from=SAID_AT - timedelta(days=30),
    )
    personas = {
        ANA: Persona(member=ANA, at=SAID_AT, facts=(home,)),
        BO: Persona(member=BO, at=SAID_AT),
    }
    return Session(room="C1", place=PLACE, lines=tuple(lines), personas=personas)


def test_the_request_is_what_is_sent() -> None:
    """The data on the page is the data of the request, byte for byte."""
    request = Optimizer(model=ScriptedModel(), schema=SCHEMA).request([example()])

    assert request.data == BLOCKS["request"]


def test_the_guard_keeps_and_refuses_what_the_page_says() -> None:
    """The reply on the page comes out as the page says."""
    optimizer = Optimizer(model=ScriptedModel(), schema=SCHEMA)
    reply = StructuredReply(text=BLOCKS["reply"], usage=Usage(input_tokens=0, output_tokens=0))
    update = optimizer.update(reply, [example()], fences={})
    kept = [
        f"{one.member.id} {one.field}: {one.value}, from {one.begins_at:%Y-%m-%d}"
        + (f" until {last_day(one.until, UTC)}" if one.until else "")
        for one in update.operations
    ]

    assert "\n".join([*kept, *(f"refused: {one.reason}" for one in update.refusals)]) == BLOCKS["kept"]


def test_the_prompts_are_those_of_the_page() -> None:
    """On Thursday the stay is in the prompt, on Saturday the home again."""
    optimizer = Optimizer(model=ScriptedModel(), schema=SCHEMA)
    reply = StructuredReply(text=BLOCKS["reply"], usage=Usage(input_tokens=0, output_tokens=0))
    stay, *_ = optimizer.update(reply, [example()], fences={}).operations
    home = operation("Lisbon", said=-60 * 24 * 30, member=ANA)
    facts = project([home, stay], SCHEMA.by_name["location"])
    days = [SAID_AT + timedelta(days=1), SAID_AT + timedelta(days=3)]
    prompts = [render.for_prompt(Persona(member=ANA, at=day, facts=facts), SCHEMA).text for day in days]

    assert prompts == BLOCKS["prompts"].split("\n")
