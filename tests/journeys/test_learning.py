"""Learning, on both platforms: at once if somebody asks, for a while if they say so, and never lost on the way."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.delivery import WAITS_S
from bot.learning import LEASE
from bot.messages import TenantId
from bot.store import usage
from persona.moments import to_micros
from persona.persona import MemberKey
from tests.journeys.processes import python
from tests.journeys.worlds import World, answers, is_update, learns, taking_turns, updates
from tests.scan import found, key_ids
from tests.twins.anthropic import ApiError, Reply
from tests.twins.server import Fault

MOVED = ("set", "location", "Lisbon", "I moved to Lisbon")


def asked_about(world: World) -> list[str]:
    """Every message the optimizer was asked about, in order, once for each time."""
    requests = [json.loads(str(request.body["messages"][0]["content"])) for request in updates(world.claude)]
    return [
        text
        for data in requests
        for session in data["sessions"]
        for _, speaker, text, *_ in session["messages"]
        if speaker != "bot"
    ]


# -- at once ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["channel", "direct"])
async def test_what_a_member_asks_to_remember_is_learned_at_once(a_world: World, place: str) -> None:
    """“Remember that …” is answered, learned without going idle, told to its author alone, and shown."""
    learns(a_world.claude, MOVED)
    async with a_world.running(persona_consent="on"):
        say = a_world.dms if place == "direct" else a_world.says
        post = await say("Ana", "Remember that I moved to Lisbon")
        await a_world.answered(post)

        assert a_world.replies(post) == ["An answer."]
        assert "private note" in answers(a_world.claude)[0].text
        (note,) = a_world.notices("Ana")
        assert "location: Lisbon" in note
        assert a_world.notices("Bo") == []
        assert not any("Lisbon" in shown for shown in a_world.posted())
        assert "location: Lisbon" in await a_world.command("Ana", "show")
        a_world.pass_time(minutes=31)
        assert (await a_world.core.learning.sweep()).calls == 0


async def test_what_a_member_asks_to_forget_ends_at_once(a_world: World) -> None:
    """“Forget that …” ends a known value without going idle, and its author hears so."""
    learns(a_world.claude, MOVED)
    async with a_world.running(persona_consent="on"):
        await a_world.answered(await a_world.says("Ana", "Remember that I moved to Lisbon"))
        a_world.pass_time(minutes=1)
        learns(a_world.claude, ("remove", "location", "Lisbon", "forget that I live in Lisbon"))
        await a_world.answered(await a_world.says("Ana", "Please forget that I live in Lisbon", place="random"))

        assert "location: Lisbon (no longer)" in a_world.notices("Ana")[-1].replace("\\", "")
        assert "location, earlier: Lisbon" in await a_world.command("Ana", "show")


async def test_that_nothing_was_kept_is_told(a_world: World) -> None:
    """Who asks to have something remembered that is not kept reads that nothing was, not that all is well."""
    async with a_world.running(persona_consent="on"):
        await a_world.answered(await a_world.says("Ana", "Remember that I have a secret"))

        (note,) = a_world.notices("Ana")
        assert "found nothing" in note


async def test_a_wish_without_consent_is_answered_honestly(a_world: World) -> None:
    """Where remembering is off the model is told to say so, and nothing is learned, then or later."""
    learns(a_world.claude, MOVED)
    async with a_world.running():
        await a_world.answered(await a_world.says("Ana", "Remember that I moved to Lisbon"))
        a_world.pass_time(minutes=31)
        await a_world.core.learning.sweep()

        assert "remembering is off" in answers(a_world.claude)[0].text
        assert updates(a_world.claude) == []
        assert len(a_world.notices("Ana")) == 1
        assert "May I remember" in a_world.notices("Ana")[0]


async def test_a_note_that_cannot_be_shown_loses_nothing(a_world: World) -> None:
    """When the platform refuses the note, the answer stands and what was asked for is known."""
    learns(a_world.claude, MOVED)
    refused = Fault.json(403, {"ok": False, "error": "user_not_in_channel", "code": 50007, "message": "no"}, times=-1)
    async with a_world.running(persona_consent="on"):
        for path in ("/api/chat.postEphemeral", "/users/@me/channels"):
            a_world.twin.fault("POST", path, refused)
        post = await a_world.says("Ana", "Remember that I moved to Lisbon")
        await a_world.answered(post)

        assert a_world.replies(post) == ["An answer."]
        assert a_world.notices("Ana") == []
        assert "location: Lisbon" in await a_world.command("Ana", "show")


# -- for a while ------------------------------------------------------------------------------------------------------


async def where_now(world: World) -> tuple[bool, bool]:
    """Whether the prompt of a new question says Lisbon, and whether it says Berlin."""
    await world.answered(await world.dms("Bo", "hello"))  # so that no question stands next to the last one
    await world.answered(await world.says("Ana", "what time is it here?", place="random"))
    text = answers(world.claude)[-1].text
    return "Lisbon" in text, "Berlin" in text


async def test_what_holds_until_friday_ends_by_itself(a_world: World) -> None:
    """“I'm in Berlin until Friday” holds until then in answers and in what is shown; then home is home again."""
    friday = a_world.clock.now() + timedelta(days=4)
    async with a_world.running(persona_consent="on"):
        learns(a_world.claude, MOVED)
        await a_world.answered(await a_world.says("Ana", "I moved to Lisbon"))
        a_world.pass_time(minutes=31)
        await a_world.core.learning.sweep()
        learns(a_world.claude, ("set", "location", "Berlin", "I'm in Berlin"), until=f"{friday:%Y-%m-%d}")
        await a_world.answered(await a_world.says("Ana", "I'm in Berlin until Friday"))
        a_world.pass_time(minutes=31)
        await a_world.core.learning.sweep()

        during, shown = await where_now(a_world), (await a_world.command("Ana", "show")).replace("\\", "")
        assert during == (False, True)
        assert "location: Berlin" in shown
        assert f"until {friday:%Y-%m-%d}" in shown
        assert "location, later: Lisbon" in shown

        a_world.pass_time(minutes=5 * 24 * 60)
        afterwards, shown = await where_now(a_world), (await a_world.command("Ana", "show")).replace("\\", "")
        assert afterwards == (True, False)
        assert "location: Lisbon" in shown
        assert "location, earlier: Berlin" in shown
        assert (await a_world.core.learning.sweep()).operations == 0


# -- seen, not said ---------------------------------------------------------------------------------------------------


async def test_what_is_only_seen_can_be_switched_off(a_world: World) -> None:
    """What several sessions show is marked as seen; `/persona observe off` forgets it and keeps what was said."""
    learns(a_world.claude, ("set", "answer_length", "short", "shorter"), kind="observed")
    async with a_world.running(persona_consent="on"):
        for _ in range(2):
            first = await a_world.says("Ana", "a bit shorter please")
            await a_world.answered(first)
            await a_world.answered(await a_world.says("Ana", "even shorter", after=first))
            a_world.pass_time(minutes=31)
            await a_world.core.learning.sweep()
        learns(a_world.claude, MOVED)
        await a_world.answered(await a_world.says("Ana", "I moved to Lisbon"))
        a_world.pass_time(minutes=31)
        await a_world.core.learning.sweep()

        shown = await a_world.command("Ana", "show")
        assert "answer length: short" in shown
        assert "seen " in shown
        assert "1 thing" in await a_world.command("Ana", "observe off")
        shown = await a_world.command("Ana", "show")
        assert ("short" in shown, "Lisbon" in shown) == (False, True)


# -- what it costs ----------------------------------------------------------------------------------------------------


async def accounts(world: World) -> dict[str, list[tuple[str, int, bool]]]:
    """For each member of whom something was paid: the purpose, the number of calls, and whether all have a price."""
    fetch = "SELECT DISTINCT tenant, member_tenant, member FROM usage"
    rows = await world.core.store.read(lambda transaction: transaction.fetch(fetch))
    since = datetime.fromtimestamp(0, UTC)
    found: dict[str, list[tuple[str, int, bool]]] = {}
    for row in rows:
        member = MemberKey(tenant=row["member_tenant"], id=row["member"])
        ask = partial(usage.totals, tenant=TenantId(row["tenant"]), since=since, member=member)
        totals = await world.core.store.read(ask)
        found[member.id] = [(one.purpose, one.calls, one.cost > 0 and not one.unpriced) for one in totals]
    return found


async def test_every_call_is_in_the_accounts(a_world: World) -> None:
    """Answers are paid for by who asked, updates by who was learned from, at the prices of the models we use."""
    learns(a_world.claude, MOVED)
    async with a_world.running(persona_consent="on"):
        first = await a_world.says("Ana", "I moved to Lisbon")
        await a_world.answered(first)
        await a_world.answered(await a_world.says("Ana", "and hello", after=first))
        await a_world.answered(await a_world.says("Bo", "hello", after=first))
        a_world.pass_time(minutes=31)
        await a_world.core.learning.sweep()

        charged = sorted((await accounts(a_world)).values())
        assert charged == [
            [("answer", 1, True), ("learn", 1, True)],
            [("answer", 2, True), ("learn", 1, True)],
        ]


async def test_an_answer_that_is_shown_late_is_paid_for_once(a_world: World) -> None:
    """What the model wrote is in the accounts before it is shown, and is not charged again when it is."""
    async with a_world.running(persona_consent="off"):
        a_world.core.adapters[a_world.platform].grow_every_s = None
        down = Fault(reset_before=True, times=1 + len(WAITS_S))
        a_world.twin.fault("POST", a_world.post_path, down)
        post = await a_world.says("Ana", "hello")
        await a_world.twin.wait_for(lambda: down.times == 0)
        await a_world.quiet()
        before = await accounts(a_world)
        await a_world.core.intake.recover()
        await a_world.answered(post)

        assert list(before.values()) == [[("answer", 1, True)]]
        assert await accounts(a_world) == before


# -- nothing is lost --------------------------------------------------------------------------------------------------

TROUBLES = {
    "a wrong key": Reply(error=ApiError(status=401)),
    "a spent budget": Reply(error=ApiError(status=429, error_code="enforced_spend_limit_reached")),
    "a rate limit": Reply(error=ApiError(status=429)),
    "a failing server": Reply(error=ApiError(status=500)),
    "an overloaded server": Reply(error=ApiError(status=529)),
    "a cut answer": Reply(text="{}", cut_after=0),
    "no answer": Reply(cut_after=-1),
}
USELESS: dict[str, str | Reply] = {
    "a refusal": Reply(stop_reason="refusal"),
    "an answer at its limit": Reply(text='{"operations": [', stop_reason="max_tokens"),
    "no JSON": "I would rather not.",
    "nothing": Reply(text=""),
    "another shape": '{"operations": [{"op": "explode"}]}',
}


async def learned_in_the_end(world: World, *, tries: int) -> None:
    """Let the sweeps fail this often, then let the model be well again; a session is learned once."""
    await world.answered(await world.says("Ana", "I moved to Lisbon"))
    for _ in range(tries):
        world.pass_time(minutes=31)
        assert (await world.core.learning.sweep()).failures == 1
    assert "nothing about you" in await world.command("Ana", "show")
    learns(world.claude, MOVED)
    world.pass_time(minutes=31)

    assert (await world.core.learning.sweep()).operations == 1
    assert "location: Lisbon" in await world.command("Ana", "show")
    assert (await world.core.learning.sweep()).sessions == 0


@taking_turns("trouble", TROUBLES)
async def test_an_outage_of_the_model_loses_no_conversation(a_world: World, trouble: str) -> None:
    """However long the model is away, and whatever it answers then, the conversation is learned once it is back."""
    a_world.claude.match(is_update, TROUBLES[trouble])
    async with a_world.running(persona_consent="on"):
        await learned_in_the_end(a_world, tries=8)


@taking_turns("answer", USELESS)
async def test_a_useless_answer_is_not_filed_as_learned(a_world: World, answer: str) -> None:
    """A refusal, a cut answer or garbage leaves the session to be learned by a later sweep."""
    a_world.claude.match(is_update, USELESS[answer])
    async with a_world.running(persona_consent="on"):
        await learned_in_the_end(a_world, tries=4)

        (charged,) = (await accounts(a_world)).values()
        assert charged == [("answer", 1, True), ("learn", 5, True)]


async def test_an_answer_that_failed_is_in_the_accounts(a_world: World) -> None:
    """What the model declined to answer was read by it, and is paid for by who asked."""
    a_world.claude.default = Reply(stop_reason="refusal")
    async with a_world.running(persona_consent="off"):
        await a_world.answered(await a_world.says("Ana", "hello"))

        assert list((await accounts(a_world)).values()) == [[("answer", 1, True)]]


async def test_an_outage_over_a_restart_loses_no_conversation(a_world: World) -> None:
    """What could not be learned before a restart is learned after it, parked or not."""
    a_world.claude.match(is_update, "garbage")
    async with a_world.running(persona_consent="on"):
        await a_world.answered(await a_world.says("Ana", "I moved to Lisbon"))
        for _ in range(6):
            a_world.pass_time(minutes=31)
            await a_world.core.learning.sweep()
    learns(a_world.claude, MOVED)
    async with a_world.running(persona_consent="on"):
        assert (await a_world.core.learning.sweep()).operations == 1


async def asking(world: World) -> tuple[asyncio.Task[Any], asyncio.Event]:
    """A sweep that waits for the model's answer, and what lets it come."""
    go_on = asyncio.Event()
    before = len(updates(world.claude))
    world.claude.match(is_update, Reply(text='{"operations": []}', hold=go_on))
    sweeping = asyncio.ensure_future(world.core.learning.sweep())
    await world.claude.wait_for(lambda: len(updates(world.claude)) > before)
    return sweeping, go_on


async def test_overlapping_sweeps_learn_once(a_world: World) -> None:
    """Sweeps that begin while another one waits for the model ask nothing and add nothing."""
    async with a_world.running(persona_consent="on"):
        await a_world.answered(await a_world.says("Ana", "I moved to Lisbon"))
        a_world.pass_time(minutes=31)
        sweeping, go_on = await asking(a_world)
        learns(a_world.claude, MOVED)
        others = await asyncio.gather(*(a_world.core.learning.sweep() for _ in range(3)))
        go_on.set()
        await sweeping

        assert [one.sessions for one in others] == [0, 0, 0]
        assert len(updates(a_world.claude)) == 1
        assert (await a_world.core.learning.sweep()).sessions == 0


async def test_a_worker_that_is_gone_holds_a_session_no_longer_than_its_lease(a_world: World) -> None:
    """A session whose worker ended while it asked is learned, once, by the next one when the lease is over."""
    async with a_world.running(persona_consent="on"):
        await a_world.answered(await a_world.says("Ana", "I moved to Lisbon"))
        a_world.pass_time(minutes=31)
        sweeping, _ = await asking(a_world)
        sweeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sweeping
    learns(a_world.claude, MOVED)
    async with a_world.running(persona_consent="on"):
        a_world.pass_time(minutes=LEASE / timedelta(minutes=1) - 1)
        early = await a_world.core.learning.sweep()
        a_world.pass_time(minutes=1)

        assert (early.sessions, (await a_world.core.learning.sweep()).operations) == (0, 1)
        assert (await a_world.core.learning.sweep()).sessions == 0


@pytest.mark.slow
async def test_a_killed_process_loses_no_session(slack_world: World, tmp_path: Path) -> None:
    """A process that is killed while it learns leaves its session to the next one, which learns it once."""
    environment = {**slack_world.environment(), "PERSONA_CONSENT": "on", "IDLE_AFTER": "1s", "SWEEP_EVERY": "1s"}
    slack_world.claude.match(is_update, Reply(text="{}", hold=asyncio.Event()))
    async with python("-m", "bot", folder=tmp_path, environment=environment) as process:
        await process.logged("bot.ready")
        await slack_world.says("Ana", "I moved to Lisbon")
        await slack_world.claude.wait_for(lambda: updates(slack_world.claude), timeout_s=30)
        await process.kill()
    with closing(sqlite3.connect(slack_world.database)) as database:
        ((until,),) = database.execute("SELECT lease_until FROM conversation WHERE lease_owner IS NOT NULL")
    learns(slack_world.claude, MOVED)
    async with slack_world.running(persona_consent="on", idle_after="1s"):
        slack_world.clock.advance(microseconds=until - 1 - to_micros(slack_world.clock.now()))
        early = await slack_world.core.learning.sweep()
        slack_world.clock.advance(seconds=1)

        assert (early.sessions, (await slack_world.core.learning.sweep()).operations) == (0, 1)
        assert "location: Lisbon" in await slack_world.command("Ana", "show")


async def test_everything_said_before_it_goes_idle_is_learned(a_world: World) -> None:
    """Three messages of one room within the idle time are learned together, the first as well as the last."""
    said = {"Vim": "I use Vim", "Git": "I use Git", "Zsh": "I use Zsh"}
    learns(a_world.claude, *(("add", "tools", tool, text) for tool, text in said.items()))
    async with a_world.running(persona_consent="on"):
        first = None
        for text in said.values():
            first = await a_world.says("Ana", text, after=first)
            await a_world.answered(first)
            a_world.pass_time(minutes=10)
            assert (await a_world.core.learning.sweep()).sessions == 0
        a_world.pass_time(minutes=31)
        swept = await a_world.core.learning.sweep()

        assert (swept.calls, swept.operations) == (1, 3)
        assert asked_about(a_world) == list(said.values())


async def test_a_long_backlog_is_learned_in_pieces(a_world: World) -> None:
    """What one call cannot read is learned by the next ones: every message once, none skipped."""
    said = [f"I use Tool{number} " + "and so on " * 180 for number in range(15)]
    learns(a_world.claude, *(("add", "tools", f"Tool{number}", f"I use Tool{number} ") for number in range(15)))
    async with a_world.running(persona_consent="on"):
        first = None
        for text in said:
            first = await a_world.says("Ana", text.strip(), after=first)
            await a_world.answered(first)
        a_world.pass_time(minutes=31)
        swept = [await a_world.core.learning.sweep() for _ in range(3)]

        assert [one.calls for one in swept] == [1, 1, 0]
        assert sum(one.operations for one in swept) == 15
        assert asked_about(a_world) == [text.strip() for text in said]


# -- nothing is left --------------------------------------------------------------------------------------------------


async def test_forgetting_leaves_no_trace_in_the_file(a_world: World) -> None:
    """Nothing a member had forgotten is left in the database, its log or its rests: no word, and nothing sealed.

    That holds for the value, for the words it rested on, for what was refused, and for our own answers to them.
    """

    def left(*words: str) -> dict[str, list[str]]:
        return found(a_world.database.parent, words)

    learns(
        a_world.claude,
        ("set", "location", "Xanadu", "I moved to Xanadu"),
        ("set", "shoe_size", "Xanadu size", "I moved to Xanadu"),
    )
    a_world.claude.default = "Xanadu is far away."
    async with a_world.running(persona_consent="on"):
        await a_world.answered(await a_world.says("Ana", "I moved to Xanadu, remember"))
        await a_world.answered(await a_world.says("Ana", "Remember that I moved to Xanadu", place="random"))
        a_world.pass_time(minutes=31)
        await a_world.core.learning.sweep()
        assert "Xanadu" in await a_world.command("Ana", "show")
        (known,) = await a_world.core.store.read(lambda one: one.fetch("SELECT DISTINCT tenant, member FROM fact"))
        key = key_ids(a_world.database)[MemberKey(tenant=known["tenant"], id=known["member"])]
        assert left("Xanadu", "far away") == {}
        assert a_world.database.name in {name.removesuffix("-wal") for name in left(key)[key]}
        await a_world.command("Ana", "forget all")
        await a_world.core._erase_old()

        assert left("Xanadu", "far away", key) == {}
