"""Applying an update: who pays for the call, how much a member can teach, and what is kept of what was refused."""

import json
from functools import partial

import pytest

from bot.applying import MAX_PER_DAY
from bot.store import conversations, members, usage
from bot.store.sqlite import SqliteStore
from bot.store.usage import Total
from persona import forgetting, quarantine
from persona.guard import MAX_PER_MESSAGE
from persona.persona import MemberKey
from persona.refusals import Reason
from tests.bot.talk import ANA, BO, LISBON, SCHEMA, TENANT, Interrupted, Talk, proposes, room
from tests.clock import NOON, StillClock
from tests.models import ScriptedModel


async def totals(talk: Talk, member: MemberKey | None = None) -> list[Total]:
    return await talk.store.read(partial(usage.totals, tenant=TENANT, since=NOON, member=member))


async def refused(talk: Talk, member: MemberKey = ANA.key) -> dict[Reason, int]:
    return await talk.store.read(partial(quarantine.counts, member=member))


def learning(calls: int, *, input_tokens: int, output_tokens: int, unpriced: int = 1) -> Total:
    return Total(
        purpose="learn",
        calls=calls,
        input_tokens=input_tokens,
        cached_tokens=0,
        output_tokens=output_tokens,
        cost=0,
        unpriced=unpriced,
    )


# -- who pays ---------------------------------------------------------------------------------------------------------


async def test_a_call_is_charged_to_who_was_learned_from(talk: Talk) -> None:
    """What a call for several members consumed is shared in proportion to how much of it each of them said."""
    await talk.says(ANA, "x" * 30)
    await talk.says(BO, "x" * 10)
    talk.clock.advance(hours=1)
    await talk.learning().sweep()

    assert await totals(talk) == [learning(1, input_tokens=20, output_tokens=5, unpriced=2)]
    assert await totals(talk, ANA.key) == [learning(1, input_tokens=15, output_tokens=3)]
    assert await totals(talk, BO.key) == [learning(1, input_tokens=5, output_tokens=2)]


async def test_sessions_of_one_call_are_charged_together(talk: Talk) -> None:
    """A call about several threads is one call, in the accounts of all who spoke in them."""
    await talk.says(ANA, "x" * 30, room(thread="1"))
    await talk.says(BO, "x" * 5, room(thread="2"))
    await talk.says(BO, "x" * 5, room(thread="3"))
    talk.clock.advance(hours=1)
    await talk.learning().sweep()

    assert [one.calls for one in await totals(talk)] == [1]
    assert [one.input_tokens for one in await totals(talk, ANA.key)] == [15]


async def test_a_useless_answer_is_charged_too(talk: Talk) -> None:
    """What cannot be read was paid for: each try counts."""
    await talk.says(ANA, "I live in Lisbon")
    for _ in range(3):
        talk.clock.advance(hours=1)
        talk.model.updates.append("garbage")
        assert (await talk.learning().sweep()).failures == 1

    assert await totals(talk, ANA.key) == [learning(3, input_tokens=60, output_tokens=15, unpriced=3)]


async def test_what_asks_no_model_costs_nothing(talk: Talk) -> None:
    """A session that teaches nothing is not in the accounts."""
    await talk.says(ANA, "hello")
    talk.clock.advance(hours=1)
    await talk.learning("ask").sweep()

    assert await totals(talk) == []


async def test_a_call_whose_lease_was_lost_is_charged(store: SqliteStore, clock: StillClock) -> None:
    """Two workers that asked about the same session both paid, though only one of them learned."""
    other = Talk(store, clock, ScriptedModel())

    async def happens() -> None:
        clock.advance(minutes=11)
        await other.learning().sweep()

    slow = Talk(store, clock, Interrupted(happens, LISBON))
    await slow.says(ANA, "I live in Lisbon")
    clock.advance(hours=1)
    await slow.learning().sweep()

    assert [one.calls for one in await totals(slow, ANA.key)] == [2]


# -- how much a member can teach --------------------------------------------------------------------------------------


def uses(*tools: tuple[str, int]) -> str:
    """Each tool is proposed from the message of that number."""
    return proposes(*(("add", "tools", tool, f"m{message}", f"I use {tool}") for tool, message in tools))


async def test_one_message_teaches_only_so_much(talk: Talk) -> None:
    """Of a message that lists more than anybody tells of themself the first facts are kept; the rest is counted."""
    tools = [f"Tool{number}" for number in range(MAX_PER_MESSAGE + 3)]
    talk.model.updates.append(uses(*((tool, 1) for tool in tools)))
    await talk.says(ANA, ", ".join(f"I use {tool}" for tool in tools))
    talk.clock.advance(hours=1)

    assert (await talk.learning().sweep()).operations == MAX_PER_MESSAGE
    assert await refused(talk) == {"quota": 3}


async def flood(talk: Talk, *, day: int, of: int) -> int:
    """Let Ana name many tools in a day, one a message; returns how many of them were learned."""
    names = [f"Tool{day}x{number}" for number in range(of)]
    for name in names:
        await talk.says(ANA, f"I use {name}")
    talk.model.updates.append(uses(*((name, number) for number, name in enumerate(names, 1))))
    talk.clock.advance(hours=1)
    return (await talk.learning().sweep()).operations


async def test_a_day_teaches_only_so_much(talk: Talk) -> None:
    """Beyond the day's quota a member teaches nothing more, which they can see, until a day has gone by."""
    learned = [await flood(talk, day=1, of=MAX_PER_DAY - 2), await flood(talk, day=2, of=5)]
    same_day = await refused(talk)
    talk.clock.advance(hours=24)
    learned.append(await flood(talk, day=3, of=5))

    assert learned == [MAX_PER_DAY - 2, 2, 5]
    assert same_day == {"quota": 3}


async def test_a_quota_is_each_members_own(talk: Talk) -> None:
    """One member's flood leaves room for what another says in the same call."""
    names = [f"Tool{number}" for number in range(MAX_PER_DAY + 1)]
    for name in names:
        await talk.says(ANA, f"I use {name}")
    await talk.says(BO, "I use Vim")
    talk.model.updates.append(uses(*((name, number) for number, name in enumerate(names, 1)), ("Vim", len(names) + 1)))
    talk.clock.advance(hours=1)
    await talk.learning().sweep()

    assert await talk.facts(BO) == ["tools: Vim"]
    assert (await refused(talk), await refused(talk, BO.key)) == ({"quota": 1}, {})


# -- what is kept of what was refused ---------------------------------------------------------------------------------


async def test_what_is_refused_is_counted_for_its_author(talk: Talk) -> None:
    """A proposal that may not be kept is counted under its reason for whoever said it, and the rest is learned."""
    talk.model.updates.append(
        proposes(
            ("set", "location", "Lisbon", "m1", "I live in Lisbon"),
            ("set", "shoe_size", "44", "m1", "I live in Lisbon"),
            ("set", "location", "Oslo", "m2", "I live in Oslo"),
        )
    )
    await talk.says(ANA, "I live in Lisbon")
    await talk.says(BO, "hello")
    talk.clock.advance(hours=1)

    assert (await talk.learning().sweep()).operations == 1
    assert (await refused(talk), await refused(talk, BO.key)) == ({"unknown field": 1}, {"quote not found": 1})


@pytest.mark.parametrize("event", ["forget", "forget all", "pause"])
async def test_refusals_do_not_outlive_a_decision(store: SqliteStore, clock: StillClock, event: str) -> None:
    """Who forgets or pauses while the model is asked is not left with what it proposed in vain."""

    async def happens() -> None:
        clock.advance(seconds=5)
        if event == "pause":
            await store.write(partial(members.set_consent, member=ANA.key, state="paused", now=clock.now()))
        else:
            field = None if event == "forget all" else "location"
            await store.write(partial(forgetting.forget, member=ANA.key, field=field, schema=SCHEMA, now=clock.now()))

    talk = Talk(store, clock, Interrupted(happens, proposes(("set", "location", "Oslo", "m1", "I live in Oslo"))))
    await talk.says(ANA, "I live in Lisbon")
    clock.advance(hours=1)
    await talk.learning().sweep()

    assert await refused(talk) == {}


# -- what was only observed -------------------------------------------------------------------------------------------


def observes(*cited: str) -> str:
    """An answer of the optimizer that has noticed short answers being liked, in these citations."""
    operation = {
        "op": "set",
        "field": "answer_length",
        "value": "short",
        "evidence": list(cited),
        "kind": "observed",
    }
    return json.dumps({"operations": [operation]})


async def notice(talk: Talk) -> None:
    """Two sessions, in which four messages show the same."""
    for _ in range(2):
        await talk.says(ANA, "shorter please")
        await talk.says(ANA, "even shorter")
        talk.model.updates.append(observes("m1 shorter please", "m2 even shorter"))
        talk.clock.advance(hours=1)
        await talk.learning().sweep()


async def test_what_several_sessions_show_is_learned(talk: Talk) -> None:
    """Something seen in enough messages of two sessions is known, and not before."""
    await talk.says(ANA, "shorter please")
    await talk.says(ANA, "even shorter")
    talk.model.updates.append(observes("m1 shorter please", "m2 even shorter"))
    talk.clock.advance(hours=1)
    await talk.learning().sweep()
    early = await talk.facts(ANA)
    await notice(talk)

    assert early == []
    assert await talk.facts(ANA) == ["answer_length: short"]


async def test_who_is_not_observed_is_not_observed(talk: Talk) -> None:
    """Nothing that was only seen is kept of a member who does not want that; what they say of themself is."""
    await talk.store.write(partial(members.set_observed, member=ANA.key, is_on=False, now=NOON))
    await notice(talk)
    talk.model.updates.append(LISBON)
    await talk.says(ANA, "I live in Lisbon")
    talk.clock.advance(hours=1)
    await talk.learning().sweep()

    assert await talk.facts(ANA) == ["location: Lisbon"]
    rows = await talk.store.read(lambda transaction: transaction.fetch("SELECT kind FROM operation"))
    assert [row["kind"] for row in rows] == ["stated"]


async def test_an_edit_while_the_model_is_asked_takes_one_witness(store: SqliteStore, clock: StillClock) -> None:
    """An observation of which one message was edited away meanwhile is not kept."""
    first = "1"

    async def happens() -> None:
        edit = partial(conversations.rewrite, room=room(), text="hello")
        await store.write(partial(edit, message=said.id))

    talk = Talk(store, clock, Interrupted(happens, observes("m1 shorter please", "m2 even shorter")))
    said = await talk.says(ANA, "shorter please")
    await talk.says(ANA, "even shorter")
    clock.advance(hours=1)

    assert said.id == first
    assert (await talk.learning().sweep()).operations == 0
