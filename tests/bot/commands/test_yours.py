"""`/persona consent`, `privacy`, `export`: what a member decided, what is kept and how long, and all of it as files."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from bot.commands.command import Context
from bot.commands.registry import Commands
from bot.consent import Default
from bot.messages import Member, Message, MessageId, Room
from bot.settings import Settings
from bot.store import conversations, departures, inbox, links, members, off_record, offers, retention, tidying, usage
from bot.store import used as answers
from bot.store.members import ConsentState
from bot.store.sqlite import SqliteStore
from bot.views import View
from persona import freezing, quarantine, special
from persona.freezing import Origin
from persona.persona import FactId, MemberKey
from persona.ports import Transaction, Usage
from tests.bot.commands.members import ANA, BEN, DAY, NAMESAKE, OFFICE, T1, WORKPLACE, commands, everything, texts, told
from tests.bot.commands.test_show import quarantined
from tests.clock import NOON, StillClock

# -- consent ----------------------------------------------------------------------------------------------------------


async def decided(store: SqliteStore, state: ConsentState, member: Member = ANA) -> None:
    await store.write(partial(members.set_consent, member=member.key, state=state, now=NOON))


def labels(view: View) -> list[str]:
    return [button.label for button in view.buttons]


@pytest.mark.parametrize(
    ("state", "said", "offered"),
    [
        ("asked", "you were asked", ["Remember me", "Stop and forget everything"]),
        ("on", "I learn what you tell me", ["Pause", "Stop and forget everything"]),
        ("paused", "neither learn nor use", ["Remember me", "Stop and forget everything"]),
        ("withdrawn", "what I knew is gone", ["Remember me"]),
    ],
)
async def test_the_decision_is_shown_with_the_others(
    store: SqliteStore, clock: StillClock, state: ConsentState, said: str, offered: list[str]
) -> None:
    """What holds, since when, what it means, and a button for each other decision."""
    await decided(store, state)
    view = await commands(store, clock, default="ask").run("consent", ANA)

    assert said in view.text
    assert "since 2026-11-22" in view.text
    assert labels(view) == offered


@pytest.mark.parametrize(
    ("default", "said"), [("ask", "off"), ("on", "as for everybody here"), ("off", "switched off")]
)
async def test_what_holds_without_a_decision_is_said(
    store: SqliteStore, clock: StillClock, default: Default, said: str
) -> None:
    """Who decided nothing sees what holds for everybody; where it is switched off there is nothing to press."""
    view = await commands(store, clock, default=default).run("consent", ANA)

    assert said in view.text
    assert bool(view.buttons) == (default != "off")


@pytest.mark.parametrize(
    ("words", "state"), [("on", "on"), ("pause", "paused"), ("withdraw", "withdrawn"), ("WITHDRAW", "withdrawn")]
)
async def test_a_decision_can_be_typed(store: SqliteStore, clock: StillClock, words: str, state: str) -> None:
    """Each decision is a word, too."""
    await decided(store, "on" if state == "paused" else "asked")
    await commands(store, clock, default="ask").run(f"consent {words}", ANA)

    assert (await store.read(partial(members.consent, member=ANA.key))).state == state


async def test_every_button_of_a_decision_takes_it(store: SqliteStore, clock: StillClock) -> None:
    """Pausing pauses, agreeing goes on, and stopping forgets everything."""
    await told(store, ANA, "location", "Lisbon")
    await decided(store, "on")
    used = commands(store, clock, default="ask")
    states = []
    for label in ("Pause", "Remember me", "Stop and forget everything", "Remember me"):
        button = next(one for one in (await used.run("consent", ANA)).buttons if one.label == label)
        await used.press(button.action, ANA)
        states.append((await store.read(partial(members.consent, member=ANA.key))).state)

    assert states == ["paused", "on", "withdrawn", "on"]
    assert texts(await used.run("show", ANA)) == []


async def test_a_word_that_is_no_decision_decides_nothing(store: SqliteStore, clock: StillClock) -> None:
    """The words there are, are named."""
    await decided(store, "on")
    view = await commands(store, clock).run("consent maybe", ANA)

    assert "withdraw" in view.text
    assert (await store.read(partial(members.consent, member=ANA.key))).state == "on"


# -- privacy ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("life", [timedelta(hours=72), timedelta(days=7), timedelta(minutes=90), timedelta(seconds=1)])
async def test_privacy_tells_the_numbers_that_hold(store: SqliteStore, clock: StillClock, life: timedelta) -> None:
    """How long things are kept is read from the settings and the limits that erase them."""
    context = Context(store=store, schema=WORKPLACE, default="on", clock=clock, office=OFFICE, message_retention=life)
    shown = everything(await Commands(context).run("privacy", ANA))
    said = {timedelta(hours=72): "3 days", timedelta(days=7): "7 days", timedelta(minutes=90): "90 minutes"}

    assert f"{said.get(life, '1 second')} once learned" in shown
    for span in (retention.REPLY_LIFE, retention.PARKED_LIFE, retention.USAGE_LIFE, quarantine.LIFE):
        assert f"{span.days} day" in shown
    assert str(Settings().message_retention) == "3 days, 0:00:00"


async def test_privacy_tells_when_what_rests_is_erased(store: SqliteStore, clock: StillClock) -> None:
    """How long replies, closed rooms and silent members are kept is what the operator set."""
    context = Context(
        store=store,
        schema=WORKPLACE,
        default="on",
        clock=clock,
        office=OFFICE,
        message_retention=timedelta(hours=72),
        reply_retention=timedelta(hours=7),
        departed_retention=timedelta(days=11),
        silent_after=timedelta(days=222),
    )
    shown = everything(await Commands(context).run("privacy", ANA))

    assert "replies: 7 hours" in shown
    assert "nothing for 222 days: 11 days, unused" in shown
    assert "a private room after 120 days" in shown


async def test_privacy_is_one_screen(store: SqliteStore, clock: StillClock) -> None:
    """What, why, how long, who, and what one can do: on one screen, with every verb it names."""
    view = await commands(store, clock).run("privacy", ANA)
    verbs = re.findall(r"/persona (\w+)", everything(view))

    assert len(texts(view)) <= 16
    assert set(verbs) >= {"export", "forget", "consent", "why"}
    assert (await commands(store, clock).press(view.buttons[0].action, ANA)).text


# -- export -----------------------------------------------------------------------------------------------------------


async def exported(used: Commands, member: Member = ANA) -> tuple[dict[str, Any], str]:
    """Both files."""
    data, readable = (await used.run("export", member)).files
    assert (data.name, readable.name) == ("persona.json", "persona.md")
    return json.loads(data.text), readable.text


async def lived(store: SqliteStore, used: Commands, member: Member) -> None:
    """Let everything have happened to a member that leaves something behind."""
    await told(store, member, "location", "Oslo", at=NOON - DAY)
    await told(store, member, "location", "Lisbon", quote="I live in Lisbon")
    await told(store, member, "tools", "Vim", observed=True)
    await told(store, member, "role", "designer", kind="direct")
    await told(store, member, "skills", "forgotten one")
    await used.press((await used.run("why skills", member)).buttons[-1].action, member)
    await used.run("add tools Emacs", member)
    await used.run("undo", member)
    await used.run("forget interests", member)
    await quarantined(store, member, "too long", "sensitive")
    await store.write(partial(departures.leave, member=member.key, now=NOON))
    await decided(store, "on", member)
    await store.write(partial(tidying.put, member=member.key, due_at=NOON + DAY))
    room = Room(tenant=T1, channel="C9", kind="public")
    message = Message(id=MessageId(f"m-{member.tenant}-{member.id}"), room=room, author=member, text="hi", said_at=NOON)
    await store.write(partial(inbox.accept, message=message, now=NOON))
    await store.write(partial(inbox.claim, accepted=message, now=NOON))
    await store.write(partial(answers.record, accepted=message, author=member.key, facts=[FactId("f1")]))
    await store.write(partial(off_record.begin, room=room, member=member.key, since=NOON))
    other = MemberKey(tenant="discord:accounts", id=f"{member.tenant}-{member.id}")
    await store.write(partial(links.join, one=member.key, other=other, now=NOON))
    await store.write(partial(links.put_code, member=member.key, digest="d", now=NOON))
    await store.write(partial(links.guessed, member=member.key, now=NOON))
    await store.write(partial(special.agree, member=member.key, category="health", since=NOON, now=NOON))
    used_up = Usage(model="claude", input_tokens=10, output_tokens=5)
    shares = {member.key: 1}
    for call in ("one", "two"):
        name = f"{call}-{member.tenant}-{member.id}"
        record = partial(usage.record, tenant=T1, call=name, usage=used_up, purpose="learn", shares=shares)
        await store.write(partial(record, cost=7, now=NOON))


async def rows_of(store: SqliteStore, member: MemberKey) -> dict[str, int]:
    """How many rows each table holds of a member, whatever tables there are."""

    async def count(transaction: Transaction) -> dict[str, int]:
        tables = await transaction.fetch("SELECT name FROM sqlite_master WHERE type = 'table'")
        found = {}
        for table in (row["name"] for row in tables):
            columns = {row["name"] for row in await transaction.fetch(f"PRAGMA table_info({table})")}
            pairs = [("tenant", "member"), ("member_tenant", "member"), ("author_tenant", "author")]
            pairs += [("tenant", "id")] * (table == "member")
            owner = next((pair for pair in pairs[::-1] if set(pair) <= columns), None)
            if owner is not None:
                sql = f"SELECT count(*) AS number FROM {table} WHERE {owner[0]} = :tenant AND {owner[1]} = :id"  # noqa: S608 - our names
                row = await transaction.fetch_one(sql, tenant=member.tenant, id=member.id)
                assert row is not None
                found[table] = row["number"]
        return found

    return await store.read(count)


async def test_every_row_of_a_member_is_exported(store: SqliteStore, clock: StillClock) -> None:
    """Each table that holds something of the member is in the file, row for row; a new table fails this test."""
    used = commands(store, clock)
    for member in (ANA, BEN, NAMESAKE):
        await lived(store, used, member)
    data, _ = await exported(used)
    rows = await rows_of(store, ANA.key)

    assert all(rows.values())
    assert rows == {
        "member": len([data["consent"]]),
        "operation": len(data["operations"]),
        "evidence": sum(len(one["evidence"]) for one in data["operations"]),
        "fact": len(data["facts"]),
        "fence": len(data["forgotten"]["fields"]),
        "fingerprint": len(data["forgotten"]["marks"]),
        "refusal": len(data["refused"]),
        "message": len(data["messages"]),
        "usage": sum(one["calls"] for one in data["usage"]),
        "tidying": 1 if data["tidied_at"] else 0,
        "departure": 1 if data["left_at"] else 0,
        "audit_salt": len(data["audit"]["salts"]),
        "inbox": len(data["answers"]),
        "off_record": len(data["off_record"]),
        "link": 1 if data["link"] else 0,
        "link_code": 1 if data["link_code_expires_at"] else 0,
        "link_guess": len(data["wrong_codes"]),
        "agreement": len(data["agreements"]),
    }


async def test_what_is_kept_beside_the_rows_of_a_member_is_exported(store: SqliteStore, clock: StillClock) -> None:
    """Our replies, what is off the record, and every moment that is kept of a member are in the file."""
    used, room = commands(store, clock), Room(tenant=T1, channel="C9", kind="public")
    await lived(store, used, ANA)
    asked = MessageId(f"m-{T1}-{ANA.id}")
    append = partial(conversations.append, room=room, message=MessageId("r1"), author=None, reply_to=asked)
    await store.write(partial(append, text="You live in Lisbon.", said_at=NOON))
    await store.write(partial(off_record.mark, room=room, message=asked))
    await store.write(partial(departures.seen, member=ANA.key, now=NOON, is_asked=False))
    await store.write(partial(offers.take, member=ANA.key, now=NOON))
    data, readable = await exported(used)
    others, _ = await exported(used, BEN)

    noon = "2026-11-22T12:00:00+00:00"
    reply = {"tenant": T1, "room": "C9", "id": "r1", "text": "You live in Lisbon.", "said_at": noon, "reply_to": asked}
    assert (data["replies"], others["replies"]) == ([reply], [])
    assert [one["off_record"] for one in data["messages"]] == [True]
    assert (data["seen_at"], data["offered_at"], data["link"]["linked_at"]) == (noon, noon, noon)
    assert (others["seen_at"], others["offered_at"]) == (None, None)
    assert "still stored: 1; replies to them: 1." in readable


async def test_the_exports_shape_is_stable(store: SqliteStore, clock: StillClock) -> None:
    """Who wrote a program for the file finds the keys it was written for."""
    used = commands(store, clock)
    await lived(store, used, ANA)
    data, _ = await exported(used)

    assert data["format"] == "rapport-persona-1"
    assert set(data) == {
        *("format", "exported_at", "member", "consent", "facts", "operations", "forgotten", "refused"),
        *("messages", "usage", "tidied_at", "left_at", "audit", "answers", "off_record", "offers"),
        *("link", "link_code_expires_at", "wrong_codes", "agreements", "replies", "seen_at", "offered_at"),
    }
    assert data["member"] == {"tenant": "slack:T1", "id": "U1", "name": "Ana"}
    assert data["consent"] == {"state": "on", "since": "2026-11-22T12:00:00+00:00", "observed": True}
    lisbon = next(fact for fact in data["facts"] if fact["value"] == "Lisbon")
    assert lisbon | {"id": "", "evidence": []} == {
        "id": "",
        "section": "demographics",
        "field": "location",
        "value": "Lisbon",
        "kind": "stated",
        "audience": "tenant:slack:T1",
        "confirmed_at": "2026-11-22T12:00:00+00:00",
        "valid_from": "2026-11-22T12:00:00+00:00",
        "valid_until": None,
        "evidence": [],
    }
    assert lisbon["evidence"][0]["quote"] == "I live in Lisbon"
    assert [one["value"] for one in data["operations"] if one["undone_at"]] == ["Emacs"]
    assert data["usage"][0]["cost_micro_dollars"] == 14
    assert [row["action"] for row in data["audit"]["rows"][-2:]] == ["consent:on", "link"]
    assert set(data["audit"]["rows"][-1]) == {
        *("at", "actor", "action", "field", "operation", "audience", "evidence", "old", "new", "reason"),
    }


async def test_what_rests_is_exported(store: SqliteStore, clock: StillClock) -> None:
    """What is kept unused, since the room it was said in is closed, is in both files: nothing is kept unseen."""
    await told(store, ANA, "location", "Lisbon")
    await told(store, ANA, "tools", "Vim", kind="private", room="P1")
    freeze = partial(freezing.freeze, origin=Origin(tenant=T1, room="P1"), schema=WORKPLACE, most=5, now=NOON)
    await store.write(freeze)
    data, readable = await exported(commands(store, clock))

    assert [fact["value"] for fact in data["facts"]] == ["Lisbon"]
    assert {one["value"]: one["frozen"] for one in data["operations"]} == {"Lisbon": False, "Vim": True}
    assert "Resting unused, since the room or server they are from is gone: 1." in readable


async def test_the_readable_file_holds_every_fact(store: SqliteStore, clock: StillClock) -> None:
    """Whoever reads instead of parsing finds each value with its words."""
    used = commands(store, clock)
    await lived(store, used, ANA)
    data, readable = await exported(used)

    assert all(fact["value"] in readable for fact in data["facts"])
    assert "“I live in Lisbon”" in readable
    assert "What Rapport remembers about Ana" in readable


@pytest.mark.parametrize("other", [BEN, NAMESAKE])
async def test_nothing_of_another_member_is_exported(store: SqliteStore, clock: StillClock, other: Member) -> None:
    """A file holds its member's own, however alike the ids are."""
    used = commands(store, clock)
    await lived(store, used, ANA)
    data, readable = await exported(used, other)

    assert [data[key] for key in ("facts", "operations", "refused", "messages", "usage")] == [[]] * 5
    assert "Lisbon" not in readable


async def test_what_was_forgotten_is_in_no_file(store: SqliteStore, clock: StillClock) -> None:
    """An export holds what is kept, and what was forgotten is not."""
    used = commands(store, clock)
    await lived(store, used, ANA)
    files = (await used.run("export", ANA)).files

    assert all("forgotten one" not in file.text for file in files)
