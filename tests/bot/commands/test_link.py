"""Two accounts of one person, linked by a code that one is shown and the other types; only style crosses."""

from __future__ import annotations

import json
import re
import shutil
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.commands.link import ALPHABET, CODE_CHARS, MAX_GUESSES, NOTHING_LINKED, OWN, TOO_MANY, UNLINKED, WRONG
from bot.messages import Member
from bot.store import departures, retention
from bot.store import links as links_store
from bot.store.sqlite import SqliteStore
from persona.audience import RoomKind
from tests.bot.commands.members import ANA, BEN, NAMESAKE, commands, texts, told
from tests.bot.desk import DISCORD_ANA, CountingStore, Desk, room
from tests.clock import StillClock

GUILD = room("77", kind="external", tenant="discord:9")


async def code(desk: Desk, who: Member = ANA) -> str:
    """The code that a member is shown."""
    shown = await desk.commands.run("link", who)
    found = re.search(r"/persona link ([A-Z0-9-]+)`", shown.text)
    assert found is not None
    return found[1]


async def link(desk: Desk, one: Member = ANA, other: Member = DISCORD_ANA) -> None:
    await desk.commands.run(f"link {await code(desk, one)}", other)


async def links(desk: Desk) -> set[tuple[str, str]]:
    return {(one, other) for one, other in await desk.rows("SELECT member, other FROM link")}


async def style(desk: Desk, who: Member = DISCORD_ANA) -> dict[str, Any]:
    """What shapes the next answer to a member."""
    await desk.says(who, "hello", GUILD if who == DISCORD_ANA else room())
    persona = desk.model.prompts[-1].persona
    return {} if persona is None else dict(json.loads(persona)["style"])


# -- codes ------------------------------------------------------------------------------------------------------------


async def test_a_code_links_two_accounts(desk: Desk) -> None:
    """Typed on the other account within its time it links both, and both are told with whom."""
    shown = await desk.commands.run(f"link {await code(desk)}", DISCORD_ANA)

    assert await links(desk) == {("U1", "41"), ("41", "U1")}
    assert "linked with yours on Slack" in shown.text
    assert "linked with yours on Discord" in (await desk.commands.run("link", ANA)).text


@pytest.mark.parametrize("shape", [str.lower, lambda text: text.replace("-", " "), lambda text: text.replace("-", "")])
async def test_a_code_is_read_however_it_is_typed(desk: Desk, shape: Any) -> None:
    """Case, spaces and dashes do not matter."""
    await desk.commands.run(f"link {shape(await code(desk))}", DISCORD_ANA)

    assert await links(desk) != set()


async def test_codes_are_random_and_kept_as_a_hash(desk: Desk) -> None:
    """Sixty random bits, and nobody who reads the database finds a code in it."""
    codes = [(await code(desk)).replace("-", "") for _ in range(50)]
    kept = repr(await desk.rows("SELECT * FROM link_code"))

    assert len(set(codes)) == len(codes)
    assert all(len(one) == CODE_CHARS and set(one) <= set(ALPHABET) for one in codes)
    assert all(one not in kept for one in codes)


async def test_a_code_is_used_once(desk: Desk) -> None:
    """The second who types it is told that it is not known."""
    shown = await code(desk)
    await desk.commands.run(f"link {shown}", DISCORD_ANA)

    assert await desk.commands.run(f"link {shown}", BEN) == WRONG
    assert len(await links(desk)) == 2


@pytest.mark.parametrize("minutes", [10, 11])
async def test_a_code_runs_out(desk: Desk, minutes: float) -> None:
    """After ten minutes it links nobody, and is erased."""
    shown = await code(desk)
    desk.clock.advance(minutes=minutes)

    assert await desk.commands.run(f"link {shown}", DISCORD_ANA) == WRONG
    life = timedelta(hours=72)
    await desk.store.write(partial(retention.erase_old, now=desk.clock.now(), message_life=life))
    assert await desk.rows("SELECT * FROM link_code") == []


async def test_a_code_lasts_ten_minutes(desk: Desk) -> None:
    """Until then there is time to change to the other platform."""
    shown = await code(desk)
    desk.clock.advance(minutes=9.9)

    assert "linked" in (await desk.commands.run(f"link {shown}", DISCORD_ANA)).text


async def test_a_new_code_voids_the_old_one(desk: Desk) -> None:
    """Only the code shown last can be typed."""
    old, new = await code(desk), await code(desk)

    assert await desk.commands.run(f"link {old}", DISCORD_ANA) == WRONG
    assert "linked" in (await desk.commands.run(f"link {new}", DISCORD_ANA)).text


async def test_nobody_is_linked_with_themself(desk: Desk) -> None:
    """The account that was shown the code is told to type it on the other one; the code stays good."""
    shown = await code(desk)

    assert await desk.commands.run(f"link {shown}", ANA) == OWN
    assert "linked" in (await desk.commands.run(f"link {shown}", DISCORD_ANA)).text


async def test_there_is_no_third(desk: Desk) -> None:
    """Whoever is linked is shown no code and takes none, until the link is ended."""
    waiting = await code(desk, BEN)
    await link(desk)
    taken = await desk.commands.run(f"link {waiting}", ANA)
    asked = await desk.commands.run("link", DISCORD_ANA)

    assert await links(desk) == {("U1", "41"), ("41", "U1")}
    assert all("is linked with yours" in view.text for view in (taken, asked))


async def test_guessing_is_limited(desk: Desk) -> None:
    """After five wrong codes in an hour not even a right one is taken; other members are not held up by it."""
    shown = await code(desk)
    for number in range(MAX_GUESSES):
        assert await desk.commands.run(f"link WRONG{number}", DISCORD_ANA) == WRONG
    assert await desk.commands.run(f"link {shown}", DISCORD_ANA) == TOO_MANY
    assert await desk.commands.run("link WRONG", BEN) == WRONG
    desk.clock.advance(hours=1)

    assert await desk.commands.run("link WRONG", DISCORD_ANA) == WRONG
    assert "linked" in (await desk.commands.run(f"link {await code(desk)}", DISCORD_ANA)).text


async def test_guesses_are_erased_once_they_do_not_count(desk: Desk) -> None:
    """Nothing is kept of wrong codes for longer than the hour they count."""
    await desk.commands.run("link WRONG", BEN)
    desk.clock.advance(hours=1)
    life = timedelta(hours=72)
    await desk.store.write(partial(retention.erase_old, now=desk.clock.now(), message_life=life))

    assert await desk.rows("SELECT * FROM link_guess") == []


async def test_where_remembering_is_switched_off_there_is_nothing_to_link(
    store: SqliteStore, clock: StillClock
) -> None:
    """Who asks is told why, instead of getting a code of no use."""
    view = await commands(store, clock, default="off").run("link", ANA)

    assert "switched off for everybody" in view.text


# -- what crosses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("one", "other"), [(ANA, DISCORD_ANA), (DISCORD_ANA, ANA)])
async def test_style_crosses_both_ways(desk: Desk, one: Member, other: Member) -> None:
    """What one account was told of how its member likes answers shapes those to the other."""
    await told(desk.store, one, "answer_length", "short")
    assert await style(desk, other) == {}
    await link(desk)

    assert await style(desk, other) == {"answer_length": "short"}


async def test_ones_own_value_wins(desk: Desk) -> None:
    """Where a member said on this account how they like answers, the other account's word does not count."""
    await told(desk.store, ANA, "answer_length", "short")
    await told(desk.store, ANA, "tone", "direct", at=desk.clock.now() + timedelta(seconds=1))
    await told(desk.store, DISCORD_ANA, "answer_length", "detailed")
    await link(desk)

    assert await style(desk) == {"answer_length": "detailed", "tone": "direct"}
    assert await style(desk, ANA) == {"answer_length": "short", "tone": "direct"}


@pytest.mark.parametrize("kind", ["direct", "private", "public", "external"])
async def test_nothing_else_crosses(desk: Desk, kind: RoomKind) -> None:
    """No fact crosses, from whatever room and into whatever room, nor into what the other account can list."""
    await told(desk.store, ANA, "location", "Lisbon", kind=kind, room="77")
    await link(desk)
    for where in (GUILD, room("D9", kind="direct", tenant="discord:direct")):
        await desk.says(DISCORD_ANA, "where do I live?", where)

    assert [prompt.persona for prompt in desk.model.prompts] == [None, None]
    assert desk.discord.slipped == []
    assert "nothing about you" in (await desk.commands.run("show", DISCORD_ANA)).text


async def test_no_account_is_taken_for_another(desk: Desk) -> None:
    """The same id in another workspace is not linked by it."""
    await told(desk.store, ANA, "answer_length", "short")
    await link(desk)

    assert await style(desk, BEN) == {}
    assert await style(desk, NAMESAKE) == {}


@pytest.mark.parametrize("who", [ANA, DISCORD_ANA])
@pytest.mark.parametrize("how", ["pause", "unlink", "no"])
async def test_either_side_ends_it_at_once(desk: Desk, who: Member, how: str) -> None:
    """After an unlink, a pause or a no on either account the next answer on the other knows nothing of it."""
    await told(desk.store, ANA, "answer_length", "short")
    await link(desk)
    await (desk.commands.press("consent:withdrawn", who) if how == "no" else desk.commands.run(how, who))

    assert await style(desk) == {}
    assert (await links(desk) == set()) == (how != "pause")


@pytest.mark.parametrize("who", [ANA, DISCORD_ANA])
async def test_nothing_is_left_of_who_is_gone(desk: Desk, who: Member) -> None:
    """Erasing either account ends the link, and takes its codes, guesses, answers and what was off the record along."""
    where = room("D9", kind="direct", tenant="slack:T1" if who == ANA else "discord:direct")
    await desk.commands.run("link WRONG", who)
    await link(desk)
    await desk.says(who, "off the record", where)
    await desk.store.write(partial(links_store.put_code, member=who.key, digest="d", now=desk.clock.now()))
    await desk.store.write(partial(departures.erase, member=who.key))

    assert await links(desk) == set()
    for table in ("link_code", "link_guess", "off_record"):
        assert await desk.rows(f"SELECT * FROM {table}") == []  # noqa: S608 - our own names
    assert await desk.rows("SELECT key FROM inbox WHERE author IS NOT NULL") == []


async def test_unlinking_is_confirmed_and_can_be_repeated(desk: Desk) -> None:
    """Who ends it is told so, the second time that there is nothing to end; linking again needs a new code."""
    await link(desk)

    assert await desk.commands.run("unlink", DISCORD_ANA) == UNLINKED
    assert await desk.commands.run("unlink", ANA) == NOTHING_LINKED
    await link(desk, DISCORD_ANA, ANA)
    assert len(await links(desk)) == 2


async def test_both_accounts_have_a_row_of_it(desk: Desk) -> None:
    """The audit log of either account tells when it was linked and when that ended, and not with whom."""
    await link(desk)
    await desk.commands.run("unlink", DISCORD_ANA)
    await desk.commands.run("unlink", DISCORD_ANA)
    columns = "tenant, actor, action, field, operation, evidence, old, new, reason"

    assert await desk.rows(f"SELECT {columns} FROM audit ORDER BY number, tenant DESC") == [  # noqa: S608 - our own names
        (who.tenant, "member", act, "", "", "", "", "", "") for act in ("link", "unlink") for who in (ANA, DISCORD_ANA)
    ]


async def test_unlinking_voids_a_code_that_waits(desk: Desk) -> None:
    """Who thinks better of it before the code was typed takes it back the same way."""
    shown = await code(desk)
    await desk.commands.run("unlink", ANA)

    assert await desk.commands.run(f"link {shown}", DISCORD_ANA) == WRONG


async def test_what_crossed_is_shown_as_such(desk: Desk) -> None:
    """Who asks what an answer was built on sees that its form came from the linked account, until that is ended."""
    await told(desk.store, ANA, "answer_length", "short")
    await link(desk)
    await desk.says(DISCORD_ANA, "hello", GUILD)
    view = await desk.commands.run("used", DISCORD_ANA)
    await desk.commands.run("unlink", ANA)
    later = await desk.commands.run("used", DISCORD_ANA)

    (line,) = view.sections[0].lines
    assert (line.text, line.action) == ("answer length: short", "")
    assert "linked account" in line.note
    assert texts(later) == ["1 thing I no longer have"]


async def test_a_hidden_fact_of_the_other_account_changes_nothing(migrated: Path, tmp_path: Path) -> None:
    """What the other account knows beyond style changes no byte of a prompt, no statement, nor what may be listed."""
    seen = []
    for name, hidden in (("with", ["Lisbon", "Porto"]), ("without", [])):
        shutil.copy(migrated, tmp_path / name)
        store = await SqliteStore.open(tmp_path / name)
        counting = CountingStore(store)
        async with Desk.opened(store, StillClock(), turns=counting) as desk:
            await told(store, ANA, "answer_length", "short")
            for number, city in enumerate(hidden):
                await told(store, ANA, "location", city, at=desk.clock.now() + timedelta(seconds=number))
            await link(desk)
            await desk.says(DISCORD_ANA, "where do I live?", GUILD)
            shown = await desk.commands.run("used", DISCORD_ANA)
            seen.append((desk.model.prompts, desk.discord.posted, counting.statements, shown))
        await store.close()

    assert seen[0] == seen[1]
